"""Finds whom it concerns that a name has another value: who can ask for it, by the rules of docs/selection.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set as AbstractSet
from dataclasses import replace
from itertools import chain

from aftershock.selection.at_hand import LOOKED_AT, SUBCLASSES, AtHand, module_name
from aftershock.selection.computed_names import ByString
from aftershock.selection.concern import HANDED, KEEPING, Concern
from aftershock.selection.details import DEFINITIONS, STRINGS
from aftershock.selection.keys import Key
from aftershock.selection.mentions import (
    DISPATCHING,
    INSPECTING_ANNOTATIONS,
    INSPECTING_DEFAULTS,
    INSPECTING_KIND,
    INSPECTING_NAMES,
    MOCKING,
    READING,
)
from aftershock.selection.name_index import NameIndex, body_key
from aftershock.selection.relations import BESIDE, OF_FUNCTIONS, Delta, Relations, last_of, written_place
from aftershock.selection.snapshot import Snapshot
from aftershock.selection.special_methods import callers_of
from aftershock_agent.tables import (
    ANNOTATED,
    DOCSTRING,
    FAMILY,
    GIVEN,
    INSPECTED,
    KIND,
    MODULE,
    REACHES,
    UNBOUND,
    UNREADABLE,
    WRITTEN,
)

EFFECTS = "<effects>"
"""The name in a table under which stands what an import does that can't be compared."""
_FOR_ALL = frozenset(
    {
        *(
            EFFECTS,
            UNREADABLE,
            "pytestmark",
            "pytest_plugins",
            "collect_ignore",
            "collect_ignore_glob",
            "load_tests",
            "__test__",
        ),
        *("setup_module", "teardown_module", "setUpModule", "tearDownModule", "setup_function", "teardown_function"),
        *("setup_class", "teardown_class", "setup_method", "teardown_method", "setup", "teardown"),
    }
)
"""Names that pytest asks for by itself, whoever mentions them."""
_HOOKS = "pytest_"
_LINEAGE = (
    *("__mro__", "mro", "__bases__", "__base__", "getmro", "getclasstree", "getdoc", "help", "signature"),
    *("isinstance", "issubclass", "warn", "warn_explicit", "simplefilter", "filterwarnings"),
)
"""Names of what tells the bases of a class, looks through them for what is no member, or asks for one of its bases."""
_INSPECTED_BY = {
    INSPECTED: INSPECTING_DEFAULTS,
    ANNOTATED: INSPECTING_ANNOTATIONS,
    KIND: INSPECTING_KIND,
    GIVEN: INSPECTING_NAMES,
}
"""Names of what looks at each thing that stands beside a function."""
_EVALUATING_HINTS = (
    *("get_type_hints", "get_annotations", "evaluate_forward_ref"),
    *("__value__", "__bound__", "__constraints__", "__default__"),
)
"""Names of what looks up the names in annotations that are strings, and in types that are evaluated late."""
_ORIGINAL_BASES = "__orig_bases__"
"""What looks like a special method's name, but is only asked for by name."""
_HELP = "help"
"""The builtin that reads docstrings; an attribute of that name is something else."""


def concern_of(
    path: str,
    delta: Delta,
    relations: Relations,
    snapshot: Snapshot,
    index: NameIndex,
    calm: frozenset[tuple[Key, str]],
    imported: AbstractSet[Key],
    by_string: Callable[[], ByString],
) -> Concern:
    """Whom a change of names of ``path`` concerns; ``relations`` are those of all that is known.

    ``index`` tells of the files of ``snapshot``.  ``calm`` is code that lists members and came to the same before and
    after the change, with a class that it had listed.  ``imported`` are the functions that ran in imports.
    ``by_string`` is called only where strings matter.
    """
    last = {last_of(name) for name in delta.names}
    if not _FOR_ALL.isdisjoint(last) or any(name.startswith(_HOOKS) for name in last):
        return Concern(True)
    concern = _Search(path, relations, snapshot, index, calm, imported).concern(delta)
    return replace(concern, by_string=by_string()) if concern.asks_by_string else concern


class _Search:
    """Looks for the code that a change of one file's names concerns."""

    def __init__(
        self,
        path: str,
        relations: Relations,
        snapshot: Snapshot,
        index: NameIndex,
        calm: frozenset[tuple[Key, str]],
        imported: AbstractSet[Key],
    ) -> None:
        self._path, self._relations, self._snapshot, self._index = path, relations, snapshot, index
        self._at_hand = AtHand(path, relations, snapshot, index, imported)
        self._calm = calm
        self._functions: set[Key] = set()
        self._users: dict[AbstractSet[str], frozenset[Key]] = {}

    def concern(self, delta: Delta) -> Concern:
        """Whom the change concerns."""
        asking: dict[str, set[Key]] = {}
        for name in delta.names:
            owner, _, last = name.rpartition(".")
            if name == UNBOUND:
                asking.setdefault("", set()).update(self._index.everything())  # who has the module, or would import it
                self._functions.update(self._index.importing_below(self._path))
            elif name.startswith(WRITTEN) and last != REACHES:
                self._written(name, asking)
            elif last in OF_FUNCTIONS:
                if owner not in delta.listed:  # else its owner is told of, which came or went
                    self._beside(owner, last, asking)
            elif last not in BESIDE:
                self._name(owner, last, name, asking)
        if any(last_of(name) == FAMILY for name in delta.names):
            self._functions.update(self._at_hand.reaching(SUBCLASSES))  # a class came, went, or has other bases
        # Who calls them without running them has them from wherever: what others hold of them looks the same as before.
        self._functions.update(self._at_hand.reaching({*map(last_of, delta.made)}))
        for cls, other in delta.moved:
            self._moved(cls, last_of(other), asking)
        self._all_listed(delta, asking)
        pairs = [(frozenset(who), self._at_hand.needed(owner)) for owner, who in asking.items() if who]
        hands = self._at_hand.hands(pairs)
        return Concern(False, frozenset(self._functions), tuple(pairs), hands)

    def _beside(self, function: str, row: str, asking: dict[str, set[Key]]) -> None:
        """Something has changed that stands beside a function, or the docstring of a class or the module."""
        if row == DOCSTRING:
            readers = self._readers()
            asking.setdefault(LOOKED_AT + function, set()).update(readers)
            if last_of(function) in self._relations.families:
                asking.setdefault(function, set()).update(readers)
            return
        self._inspected(function, asking, _INSPECTED_BY[row])
        if row not in (ANNOTATED, GIVEN):
            self._functions.update(self._at_hand.within(self._path, function))

    def _written(self, row: str, asking: dict[str, set[Key]]) -> None:
        """Something has been put into what another module holds; or a function there has been given other names."""
        path, what = written_place(row)
        if last_of(what) != GIVEN:
            self._functions.update(self._at_hand.having(row))
            return
        function = what.removesuffix(f".{GIVEN}")
        telling = self._using(INSPECTING_NAMES)
        asking.setdefault(LOOKED_AT + function, set()).update(telling)
        asking.setdefault(HANDED + MODULE + module_name(path), set()).update(telling)

    def _inspected(self, function: str, asking: dict[str, set[Key]], names: AbstractSet[str]) -> None:
        """What those see of a function who inspect it by one of these names, or packages that are handed it."""
        owner, _, last = function.rpartition(".")
        inspecting = self._using(names)
        asking.setdefault(LOOKED_AT + function, set()).update(inspecting)
        of_class = owner and last.startswith("__")
        if of_class:
            asking.setdefault(owner, set()).update(inspecting)  # the signature of a class is its __init__'s
        elif owner:
            asking.setdefault(owner, set()).update(self._using(MOCKING))
        handed = HANDED + (last_of(owner) if of_class else last)
        asking.setdefault(handed, set()).update(self._at_hand.foreign)
        # What an import keeps of the function has changed with it.
        keeping = chain.from_iterable(map(self._index.mentioning, self._index.with_aliases({last})))
        self._functions.update(key._replace(name=key.name + KEEPING) for key in keeping)

    def _using(self, names: AbstractSet[str]) -> frozenset[Key]:
        """The code that uses one of some functions, under whatever name, or imports a file that hands one on."""
        if names not in self._users:
            self._users[names] = frozenset(self._found_using(names))
        return self._users[names]

    def _found_using(self, names: AbstractSet[str]) -> Iterator[Key]:
        yield from self._at_hand.reaching(names)
        yield from self._at_hand.loading(names - DISPATCHING)

    def _readers(self) -> set[Key]:
        """The code that reads docstrings."""
        builtin = chain.from_iterable(self._at_hand.naming(path, _HELP) for path in self._index.naming(_HELP))
        return set(chain(builtin, *map(self._index.mentioning, READING)))

    def _moved(self, cls: str, other: str, asking: dict[str, set[Key]]) -> None:
        """A class has another one among its bases, or no longer: its members may come from there."""
        members = self._relations.members.get(other)
        if not members:  # in another order; or nothing is known of it
            self._name(*cls.rpartition(".")[::2], cls, asking)
            asking.setdefault(cls, set()).update(self._index.everything())
            return
        for member in members:
            self._name(cls, member, f"{cls}.{member}", asking)
        self._listed(cls, asking, True)
        self._functions.update(self._at_hand.handing_to_packages(last_of(cls)))
        # Who has both at hand may ask whether the one is of the other's kind.
        hand = self._at_hand.hand(other)
        asking.setdefault(cls, set()).update(hand.functions, *(functions for functions, _ in hand.through))
        for name in _LINEAGE:
            asking[cls].update(self._index.mentioning(name))

    def _name(self, owner: str, last: str, name: str, asking: dict[str, set[Key]]) -> None:
        """A name of the module, or a member of a class, is bound to something else; or came, or went."""
        self._functions.update(self._at_hand.within(self._path, name))
        if not owner:
            self._functions.update(self._at_hand.naming(self._path, name))
            self._functions.update(self._importing_all(name))
            evaluating = _EVALUATING_HINTS if self._index.is_hinted(last) else ()
            asking.setdefault("", set()).update(self._at_hand.asking(last), *map(self._index.mentioning, evaluating))
            if last in ("__getattr__", "__dir__"):
                asking[""].update(self._index.everything())
        elif self._relations.is_seen(last_of(owner), last):
            asking.setdefault(owner, set()).update(self._index.everything())
        elif last.startswith("__") and last.endswith("__") and last != _ORIGINAL_BASES:
            # Python asks for it, whatever the code that has one at hand does.
            calling = callers_of(last, self._snapshot, self._index)
            callers = self._index.everything() if calling is None else calling
            asking.setdefault(owner, set()).update(callers, self._at_hand.asking(last))
        else:
            asking.setdefault(owner, set()).update(self._at_hand.asking(last))
            if last == _ORIGINAL_BASES:
                asking[owner].update(self._at_hand.asking("get_original_bases"))

    def _importing_all(self, name: str) -> Iterator[Key]:
        """The code of files with ``import *``, which may have the name too; and who asks for it as a string."""
        for path in self._index.stars:
            yield body_key(path, DEFINITIONS)
            yield from self._at_hand.naming(path, name)
        yield from self._at_hand.strings(name, self._path)
        details = self._snapshot.details.get(self._path)
        if details is not None and STRINGS in details.by_attribute.get(name, ()):
            yield body_key(self._path, STRINGS)  # globals()[NAME], request.getfixturevalue(NAME)

    def _all_listed(self, delta: Delta, asking: dict[str, set[Key]]) -> None:
        """Who lists what is in the module or a class sees something else."""
        listed: dict[str, set[str]] = {}
        for name in delta.listed:
            if not name.startswith(WRITTEN):
                listed.setdefault(name.rpartition(".")[0], set()).add(name)
        for owner, names in listed.items():
            self._listed(owner, asking, any(self._is_signed(last_of(name)) for name in names))
            if owner and not delta.came.isdisjoint(names):
                self._functions.update(self._at_hand.handing_to_packages(last_of(owner)))

    def _is_signed(self, member: str) -> bool:
        """Whether a class's signature may tell of a member: Python asks for it, or annotations may have its name."""
        return member.startswith("_") or self._index.is_hinted(member)

    def _listed(self, owner: str, asking: dict[str, set[Key]], signed: bool) -> None:
        """Who lists the members of a class, or the names of the module, sees something else."""
        if not owner:
            asking.setdefault(owner, set()).update(self._index.asking_for_all())
        at_once, listers = self._at_hand.listers(owner, self._calm, signed=signed)
        self._functions.update(at_once)
        asking.setdefault(owner or HANDED, set()).update(listers)
