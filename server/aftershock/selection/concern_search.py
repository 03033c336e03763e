"""Finds whom it concerns that a name has another value: who can ask for it, by the rules of docs/selection.md."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Set as AbstractSet
from dataclasses import replace
from functools import cached_property
from itertools import chain

from aftershock.selection.computed_names import LOADING, ByString, body_key, is_foreign, with_aliases
from aftershock.selection.concern import HANDED, KEEPING, Concern, Hand
from aftershock.selection.details import DEFINITIONS, IMPORTED, LOADED, STRINGS
from aftershock.selection.keys import Key
from aftershock.selection.listing import CLASSES, LAMBDAS, MEMBERS, NAMESPACE, OWN
from aftershock.selection.mentions import DISPATCHING, INSPECTING, INSPECTING_KIND, MOCKING, READING
from aftershock.selection.relations import BESIDE, OF_FUNCTIONS, Delta, Relations, last_of
from aftershock.selection.snapshot import Snapshot
from aftershock.selection.special_methods import callers_of
from aftershock_agent.tables import ANNOTATED, DOCSTRING, FAMILY, KIND, MODULE, REACHES, UNBOUND, UNREADABLE, WRITTEN

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
_LOOKED_AT = "looked at:"
"""Begins the name, among what one must have at hand, of what is looked at, not called."""
_HANDING = frozenset({*LOADING, "module", "__globals__", "f_globals"})
"""Names of what has modules at hand that no code need have handed on; ``request.module`` of pytest's."""
_LINEAGE = (
    *("__mro__", "mro", "__bases__", "__base__", "getmro", "getclasstree", "getdoc", "help", "signature"),
    *("isinstance", "issubclass", "warn", "warn_explicit", "simplefilter", "filterwarnings"),
)
"""Names of what tells the bases of a class, looks through them for what is no member, or asks for one of its bases."""
_EVALUATING_HINTS = ("get_type_hints", "get_annotations")
"""Names of what looks up the names in annotations that are strings."""
_ORIGINAL_BASES = "__orig_bases__"
"""What looks like a special method's name, but is only asked for by name."""
_HELP = "help"
"""The builtin that reads docstrings; an attribute of that name is something else."""


def concern_of(
    path: str,
    delta: Delta,
    relations: Relations,
    snapshot: Snapshot,
    calm: AbstractSet[tuple[Key, str]],
    imported: AbstractSet[Key],
    by_string: Callable[[], ByString],
) -> Concern:
    """Whom a change of names of ``path`` concerns; ``relations`` are those of all that is known.

    ``calm`` is code that lists members and came to the same before and after the change, with a class that it had
    listed.  ``imported`` are the functions that ran in imports.  ``by_string`` is called only where strings matter.
    """
    last = {last_of(name) for name in delta.names}
    if not _FOR_ALL.isdisjoint(last) or any(name.startswith(_HOOKS) for name in last):
        return Concern(True)
    concern = _Search(path, relations, snapshot, calm, imported).concern(delta)
    return replace(concern, by_string=by_string()) if concern.asks_by_string else concern


class _Search:
    """Looks for the code that a change of one file's names concerns."""

    def __init__(
        self,
        path: str,
        relations: Relations,
        snapshot: Snapshot,
        calm: AbstractSet[tuple[Key, str]],
        imported: AbstractSet[Key],
    ) -> None:
        self._path, self._relations, self._snapshot, self._calm = path, relations, snapshot, calm
        self._imported = imported
        self._functions: set[Key] = set()
        self._users: dict[AbstractSet[str], frozenset[Key]] = {}

    def concern(self, delta: Delta) -> Concern:
        """Whom the change concerns."""
        asking: dict[str, set[Key]] = {}
        for name in delta.names:
            owner, _, last = name.rpartition(".")
            if name == UNBOUND:
                asking.setdefault("", set()).update(self._anything())  # who has the module, or would import it
            elif name.startswith(WRITTEN) and last != REACHES:
                self._functions.update(self._having(name))
            elif last in OF_FUNCTIONS:
                if owner not in delta.listed:  # else its owner is told of, which came or went
                    self._beside(owner, last, asking)
            elif last not in BESIDE:
                self._name(owner, last, name, asking)
        if any(last_of(name) == FAMILY for name in delta.names):
            self._functions.update(self._asking("__subclasses__"))  # a class came, went, or has other bases
        for cls, other in delta.moved:
            self._moved(cls, last_of(other), asking)
        for owner in {name.rpartition(".")[0] for name in delta.listed if not name.startswith(WRITTEN)}:
            self._listed(owner, asking)
        pairs = [(frozenset(who), self._needed(owner)) for owner, who in asking.items() if who]
        hands = self._hands(pairs)
        return Concern(False, frozenset(self._functions), tuple(pairs), hands)

    def _having(self, row: str) -> Iterator[Key]:
        """The code that has what a row of something written stands for: that mentions it, under whatever name."""
        yield from self._reaching({last_of(row.partition("::")[2])})

    def _reaching(self, names: AbstractSet[str]) -> Iterator[Key]:
        """The code that mentions one of some things, under whatever name, or has its name as a string."""
        for name in with_aliases(names, self._snapshot):
            yield from self._asking(name)
            for path in self._snapshot.details:
                yield from self._naming(path, name)

    def _beside(self, function: str, row: str, asking: dict[str, set[Key]]) -> None:
        """Something has changed that stands beside a function, or the docstring of a class or the module."""
        if row == DOCSTRING:
            readers = self._readers()
            asking.setdefault(_LOOKED_AT + function, set()).update(readers)
            if last_of(function) in self._relations.families:
                asking.setdefault(function, set()).update(readers)
            return
        self._inspected(function, asking, INSPECTING_KIND if row == KIND else INSPECTING)
        if row != ANNOTATED:
            self._functions.update(self._within(self._path, function))

    def _inspected(self, function: str, asking: dict[str, set[Key]], names: AbstractSet[str]) -> None:
        """What those see of a function who inspect it by one of these names, or packages that are handed it."""
        owner, _, last = function.rpartition(".")
        inspecting = self._using(names)
        asking.setdefault(_LOOKED_AT + function, set()).update(inspecting)
        of_class = owner and last.startswith("__")
        if of_class:
            asking.setdefault(owner, set()).update(inspecting)  # the signature of a class is its __init__'s
        elif owner:
            asking.setdefault(owner, set()).update(self._using(MOCKING))
        handed = HANDED + (last_of(owner) if of_class else last)
        asking.setdefault(handed, set()).update(self._foreign)
        # What an import keeps of the function has changed with it.
        keeping = chain.from_iterable(map(self._mentioning, with_aliases({last}, self._snapshot)))
        self._functions.update(key._replace(name=key.name + KEEPING) for key in keeping)

    def _using(self, names: AbstractSet[str]) -> frozenset[Key]:
        """The code that uses one of some functions, under whatever name, or imports a file that hands one on."""
        if names not in self._users:
            self._users[names] = frozenset(self._found_using(names))
        return self._users[names]

    def _found_using(self, names: AbstractSet[str]) -> Iterator[Key]:
        yield from self._reaching(names)
        for name in with_aliases(names, self._snapshot):
            for path, details in self._snapshot.details.items():
                if LOADED in details.by_name.get(name, ()) and name not in DISPATCHING:
                    yield body_key(path, IMPORTED)

    @cached_property
    def _foreign(self) -> frozenset[Key]:
        """Whoever has imported a file that uses packages from elsewhere."""
        return frozenset(
            body_key(path, IMPORTED) for path in self._snapshot.details if is_foreign(path, self._snapshot)
        )

    def _readers(self) -> set[Key]:
        """The code that reads docstrings."""
        builtin = chain.from_iterable(self._naming(path, _HELP) for path in self._snapshot.details)
        return set(chain(builtin, *map(self._mentioning, READING)))

    def _needed(self, owner: str) -> frozenset[str]:
        """What one must have at hand to see a member of a class, or a name of the module (no owner)."""
        if owner.startswith(HANDED):
            return frozenset({owner if owner != HANDED else HANDED + MODULE + _module_name(self._path)})
        if owner.startswith(_LOOKED_AT):
            return frozenset({owner if owner != _LOOKED_AT else MODULE + _module_name(self._path)})
        return frozenset(self._relations.derived(last_of(owner)) if owner else {MODULE + _module_name(self._path)})

    def _hands(self, pairs: Iterable[tuple[object, frozenset[str]]]) -> dict[str, Hand]:
        found: dict[str, Hand] = {}
        pending = [name for _, needed in pairs for name in needed]
        while pending:
            name = pending.pop()
            if name not in found:
                found[name] = self._hand(name)
                pending += [owner for _, owner in found[name].through]
        return found

    def _hand(self, name: str) -> Hand:
        """How one gets at a class or module: by its names, from values, and in the class's own methods."""
        hand = Hand()
        if name.startswith(_LOOKED_AT):
            # A function or class: who mentions it has it, and who lists what it is in.
            owner, _, last = name.removeprefix(_LOOKED_AT).rpartition(".")
            hand.functions.update(self._reaching({last}))
            at_once, listers = self._listers(owner, frozenset())
            hand.functions.update(at_once)
            if not owner:
                hand.functions.update(self._mentioning("__all__"))
            hand.through.extend((listers, needed) for needed in self._needed(owner or HANDED))
            return hand
        if name.startswith(HANDED):
            return self._handed_on(name.removeprefix(HANDED))
        plain = name.removeprefix(MODULE)
        names = {plain} if plain == name else {plain, *LOADING}
        if name.startswith(MODULE) and self._path.endswith("__init__.py"):
            names.add("")  # from . import x
        hand.functions.update(*map(self._mentioning, with_aliases(names, self._snapshot)))
        if plain == name:
            hand.functions.update(self._bodies({name}), self._mentioning("__subclasses__"))
        for path, holder in self._relations.holders.get(name, ()):
            if holder.startswith(WRITTEN):
                hand.functions.update(self._having(holder))
                continue
            owner, _, last = holder.rpartition(".")
            hand.functions.update(self._within(path, holder))
            if owner:
                hand.through.append((frozenset(self._asking(last)), last_of(owner)))
            else:
                hand.functions.update(self._naming(path, last))
                hand.through.append((frozenset(self._asking_modules(last)), MODULE + _module_name(path)))
        return hand

    def _handed_on(self, what: str) -> Hand:
        """How one gets at a module, class or function as a value: from code that hands it on, or what has modules."""
        hand, plain = Hand(), what.removeprefix(MODULE)
        holders = self._relations.holders.get(what, ()) if what != plain else ()
        around = {*(self._path.split("/")[:-1] if what != plain else ()), *(_module_name(path) for path, _ in holders)}
        names = set(with_aliases({plain, *self._relations.derived(plain), *around}, self._snapshot))
        if what != plain:
            hand.functions.update(*map(self._mentioning, with_aliases(_HANDING, self._snapshot)))
            for _, holder in holders:
                if holder.startswith(WRITTEN):
                    hand.functions.update(self._having(holder))
                elif last_of(holder) not in names:
                    hand.functions.update(self._mentioning(last_of(holder)))
        for path, details in self._snapshot.details.items():
            # What the top of a file hands to code of the project, that keeps in values, which are compared.
            for_all = {DEFINITIONS, LAMBDAS} if what != plain or body_key(path, IMPORTED) in self._foreign else set()
            for function in chain.from_iterable(details.by_handed[name] for name in names & details.by_handed.keys()):
                hand.functions.add(body_key(path, IMPORTED if function in for_all else function))
        return hand

    def _moved(self, cls: str, other: str, asking: dict[str, set[Key]]) -> None:
        """A class has another one among its bases, or no longer: its members may come from there."""
        members = self._relations.members.get(other)
        if not members:  # in another order; or nothing is known of it
            self._name(*cls.rpartition(".")[::2], cls, asking)
            asking.setdefault(cls, set()).update(self._anything())
            return
        for member in members:
            self._name(cls, member, f"{cls}.{member}", asking)
        self._listed(cls, asking)
        # Who has both at hand may ask whether the one is of the other's kind.
        hand = self._hand(other)
        asking.setdefault(cls, set()).update(hand.functions, *(functions for functions, _ in hand.through))
        for name in _LINEAGE:
            asking[cls].update(self._mentioning(name))

    def _name(self, owner: str, last: str, name: str, asking: dict[str, set[Key]]) -> None:
        """A name of the module, or a member of a class, is bound to something else; or came, or went."""
        self._functions.update(self._within(self._path, name))
        if not owner:
            self._functions.update(self._naming(self._path, name))
            self._functions.update(self._importing_all(name))
            asking.setdefault("", set()).update(self._asking(last), *map(self._mentioning, _EVALUATING_HINTS))
            if last in ("__getattr__", "__dir__"):
                asking[""].update(self._anything())
        elif self._relations.is_seen(last_of(owner), last):
            asking.setdefault(owner, set()).update(self._anything())
        elif last.startswith("__") and last.endswith("__") and last != _ORIGINAL_BASES:
            # Python asks for it, whatever the code that has one at hand does.
            calling = callers_of(last, self._snapshot)
            asking.setdefault(owner, set()).update(self._anything() if calling is None else calling, self._asking(last))
        else:
            asking.setdefault(owner, set()).update(self._asking(last))
            if last == _ORIGINAL_BASES:
                asking[owner].update(self._asking("get_original_bases"))

    def _importing_all(self, name: str) -> Iterator[Key]:
        """The code of files with ``import *``, which may have the name too; and who asks for it as a string."""
        for path, details in self._snapshot.details.items():
            if details.star:
                yield body_key(path, DEFINITIONS)
                yield from self._naming(path, name)
        yield from self._strings(self._path, name)
        details = self._snapshot.details.get(self._path)
        if details is not None and STRINGS in details.by_attribute.get(name, ()):
            yield body_key(self._path, STRINGS)  # globals()[NAME], request.getfixturevalue(NAME)

    def _listed(self, owner: str, asking: dict[str, set[Key]]) -> None:
        """Who lists the members of a class, or the names of the module, sees something else."""
        if not owner:
            asking.setdefault(owner, set()).update(self._mentioning("__all__"))
        at_once, listers = self._listers(owner, self._calm)
        self._functions.update(at_once)
        asking.setdefault(owner or HANDED, set()).update(listers)

    def _listers(self, owner: str, calm: AbstractSet[tuple[Key, str]]) -> tuple[frozenset[Key], frozenset[Key]]:
        """The code that lists the members of a class, or the names of the module: at once, and if it has that."""
        at_once, listers = set[Key](), set[Key]()
        derived = self._relations.derived(last_of(owner)) if owner else set()
        related = derived | self._relations.families.get(last_of(owner), set()) if owner else set()
        kinds = {MEMBERS, NAMESPACE, CLASSES} if owner else {MEMBERS, NAMESPACE}
        for path, details in self._snapshot.details.items():
            for function, subjects in details.listers.items():
                lister = body_key(path, function)
                if any((lister, cls) in calm for cls in derived):
                    continue
                if not subjects.isdisjoint(kinds):
                    listers.add(lister)
                own = not owner and path == self._path and OWN in subjects
                if own or any(last_of(subject) in related for subject in subjects):
                    at_once.add(lister)
        return frozenset(at_once), frozenset(listers)

    def _anything(self) -> Iterator[Key]:
        """All code there is."""
        for path, details in self._snapshot.details.items():
            yield from (body_key(path, function) for function in details.mentions)

    def _bodies(self, classes: AbstractSet[str]) -> Iterator[Key]:
        """The methods of all classes of these names."""
        for path, symbols in self._snapshot.symbols.items():
            for function in symbols.bodies:
                if not classes.isdisjoint(function.split(".")[:-1]):
                    yield body_key(path, function)

    def _asking(self, attribute: str) -> Iterator[Key]:
        """The code that may ask an object for an attribute of this name, or tell other code to."""
        yield from self._asking_modules(attribute)
        for path in self._snapshot.details:
            yield from self._strings(path, attribute)

    def _strings(self, path: str, name: str) -> Iterator[Key]:
        """The strings of functions of a file that are this name; those outside of functions count as attributes."""
        details = self._snapshot.details.get(path)
        for function in details.by_string.get(name, ()) if details is not None else ():
            if function == DEFINITIONS:
                continue
            yield body_key(path, function + STRINGS)
            if body_key(path, function) in self._imported:
                yield body_key(path, STRINGS)  # it may have left them in a value

    def _asking_modules(self, attribute: str) -> Iterator[Key]:
        """The code that asks for an attribute of this name."""
        for path, details in self._snapshot.details.items():
            yield from (body_key(path, function) for function in details.asking_for(attribute))

    def _mentioning(self, name: str) -> Iterator[Key]:
        """The code that mentions something under this name."""
        yield from self._asking_modules(name)
        for path in self._snapshot.details:
            yield from self._naming(path, name)

    def _naming(self, path: str, name: str) -> Iterator[Key]:
        """The code of a file that mentions a name of its module, or a builtin."""
        details = self._snapshot.details.get(path)
        yield from (
            body_key(path, function) for function in (details.by_name.get(name, ()) if details is not None else ())
        )

    def _within(self, path: str, name: str) -> Iterator[Key]:
        """The functions of a name, or of the class of that name."""
        symbols = self._snapshot.symbols.get(path)
        for function in symbols.bodies if symbols is not None else ():
            if function == name or function.startswith(f"{name}."):
                yield body_key(path, function)


def _module_name(path: str) -> str:
    return last_of(path.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
