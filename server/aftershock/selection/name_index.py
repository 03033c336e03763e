"""Who mentions what, in all files of a project: kept from one state of it to the next, at the cost of what differs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set as AbstractSet

from aftershock.selection.details import DEFINITIONS, IMPORTED, LOADED, STRINGS, Details
from aftershock.selection.keys import Key, KeyKind
from aftershock.selection.snapshot import Snapshot

_HARMLESS = frozenset({"pytest", "_pytest", "typing_extensions"})
"""Packages from elsewhere whose functions that take names are known, or that have none."""
_RESOLVING = ("logging.config", "pkgutil", "pydoc", "timeit", "runpy", "xmlrpc")
"""Modules of the standard library that make something of names which they are given."""

Places = Mapping[str, Sequence[str]]
"""The functions, as :class:`~aftershock.selection.details.Details` names them, of each of some files."""
_Table = dict[str, dict[str, Sequence[str]]]


def body_key(path: str, function: str) -> Key:
    """The key of a function, as :class:`~aftershock.selection.details.Details` names it."""
    return Key(KeyKind.BODY, path, "" if function == DEFINITIONS else function)


class NameIndex:
    """An index of the details of all files; :meth:`follow` brings it up to a snapshot."""

    def __init__(self) -> None:
        """Nothing is mentioned."""
        self._snapshot: Snapshot | None = None
        self._files: dict[str, Details] = {}
        self._names: _Table = {}
        self._attributes: _Table = {}
        self._handed: _Table = {}
        self._strings: _Table = {}
        self._fragments: _Table = {}
        self._methods: _Table = {}
        self._hinted: _Table = {}
        self._kept: _Table = {}
        self._aliases: dict[str, dict[str, set[str]]] = {}
        self._mentioning: dict[str, frozenset[Key]] = {}
        self._asking: dict[str, frozenset[Key]] = {}
        self.listers: dict[str, Mapping[str, frozenset[str]]] = {}
        """The functions that list members, by file, with the classes whose families they list."""
        self.stars: set[str] = set()
        """The files with ``import *``."""
        self.foreign: set[str] = set()
        """The files that import what may do as it likes with what it is handed: strings, functions, classes."""

    def follow(self, snapshot: Snapshot) -> None:
        """Tell of this snapshot from now on."""
        last, self._snapshot = self._snapshot, snapshot
        if last is snapshot:
            return
        now, before = snapshot.details, self._files
        moved = [path for path in before.keys() | now.keys() if path not in now or now[path] is not before.get(path)]
        if moved:
            self._mentioning, self._asking = {}, {}
        for path in moved:
            self._leave(path)
            if path in now:
                self._enter(path, now[path])
        if last is None or not last.is_in_same_world(snapshot):
            self.foreign.clear()
            moved = list(now)
        self.foreign.difference_update(moved)
        self.foreign.update(path for path in moved if path in now and _is_foreign(path, snapshot))

    def _enter(self, path: str, details: Details) -> None:
        self._files[path] = details
        for table, places in self._tables(details):
            for name, functions in places.items():
                table.setdefault(name, {})[path] = functions
        for name, other in details.aliases:
            self._aliases.setdefault(name, {}).setdefault(path, set()).add(other)
        if details.listers:
            self.listers[path] = details.listers
        if details.star:
            self.stars.add(path)

    def _leave(self, path: str) -> None:
        details = self._files.pop(path, None)
        if details is None:
            return
        for table, places in self._tables(details):
            for name in places:
                del table[name][path]
                if not table[name]:
                    del table[name]
        for name in {name for name, _ in details.aliases}:
            del self._aliases[name][path]
            if not self._aliases[name]:
                del self._aliases[name]
        self.listers.pop(path, None)
        self.stars.discard(path)

    def _tables(self, details: Details) -> Iterator[tuple[_Table, Places]]:
        yield self._names, details.by_name
        yield self._attributes, details.by_attribute
        yield self._handed, details.by_handed
        yield self._strings, details.by_string
        yield self._fragments, details.by_fragment
        yield self._methods, details.by_class
        yield self._kept, details.by_kept
        yield self._hinted, dict.fromkeys(details.hinted, ())  # where it stands doesn't matter

    def mentioning(self, name: str) -> AbstractSet[Key]:
        """The code that mentions something under this name."""
        if name not in self._mentioning:
            self._mentioning[name] = self.asking_for(name).union(_keys(self._names.get(name, {})))
        return self._mentioning[name]

    def asking_for(self, attribute: str) -> frozenset[Key]:
        """The code that may ask something for an attribute of this name."""
        if attribute not in self._asking:
            made_up = (places for part, places in self._fragments.items() if _is_made_of(attribute, part))
            found = (self._attributes.get(attribute, {}), *made_up)
            self._asking[attribute] = frozenset(key for places in found for key in _keys(places))
        return self._asking[attribute]

    def asking_for_all(self) -> Iterator[Key]:
        """The code that mentions ``__all__``, by which it may get at every name of a module; nobody makes that up."""
        return _keys(self.places_of(("__all__",)))

    def methods_of(self, cls: str) -> Iterator[Key]:
        """The methods of all classes of this plain name, and what is defined in them."""
        yield from _keys(self._methods.get(cls, {}))

    def places_of(self, names: Iterable[str]) -> dict[str, set[str]]:
        """The functions that mention one of some names, by file."""
        found: dict[str, set[str]] = {}
        for name in names:
            for table in (self._names, self._attributes):
                for path, functions in table.get(name, {}).items():
                    found.setdefault(path, set()).update(functions)
        return found

    def naming(self, name: str) -> Places:
        """The functions that mention a name of their module, or a builtin."""
        return self._names.get(name, {})

    def handing(self, name: str) -> Places:
        """The functions that hand on what a name stands for."""
        return self._handed.get(name, {})

    def having(self, string: str) -> Places:
        """The functions that have this string."""
        return self._strings.get(string, {})

    def is_hinted(self, name: str) -> bool:
        """Whether code that evaluates annotations may look up a name."""
        return name in self._hinted

    def calling_packages(self) -> Iterator[Key]:
        """The functions that mention something from a package from elsewhere."""
        names, snapshot = set[str](), self._snapshot
        if snapshot is None:
            return
        for path in self.foreign:
            packages = snapshot.third_party(path) - _HARMLESS
            dotted = [name for name in snapshot.imports[path].absolute if name.partition(".")[0] in packages]
            names.update(part for name in dotted for part in (name.partition(".")[0], name.rpartition(".")[2]))
        for path, functions in self.places_of(self.with_aliases(names)).items():
            if path in self.foreign:
                yield from (body_key(path, each) for each in functions if each and not each.endswith((LOADED, STRINGS)))

    def importing_below(self, package: str) -> Iterator[Key]:
        """Whoever has imported a file in the folder of a package, of which this is the ``__init__.py``."""
        if f"/{package}".endswith("/__init__.py"):
            below = (path for path in self._files if path.startswith(package.removesuffix("__init__.py")))
            yield from (body_key(path, IMPORTED) for path in below)

    def everything(self) -> Iterator[Key]:
        """All code there is."""
        for path, details in self._files.items():
            yield from (body_key(path, function) for function in details.mentions)

    def with_aliases(self, names: AbstractSet[str]) -> AbstractSet[str]:
        """Names, and all others that statements anywhere give to what they stand for."""
        found, pending = set(names), set(names)
        while pending:
            others = (each for name in pending for each in self._aliases.get(name, {}).values())
            pending = set().union(*others) - found
            found |= pending
        return found

    def containers_of(self, names: AbstractSet[str]) -> set[tuple[str, str]]:
        """The containers in which what some names stand for is kept, or in which those are: files, and their names."""
        found, pending = set[tuple[str, str]](), names
        while pending:
            places = [self._kept.get(name, {}) for name in self.with_aliases(pending)]
            new = {
                (path, each) for place in places for path, containers in place.items() for each in containers
            } - found
            found |= new
            pending = {container for _, container in new}
        return found


def _is_made_of(name: str, fragment: str) -> bool:
    return name.startswith(fragment) or name.endswith(fragment)


def _keys(places: Mapping[str, Iterable[str]]) -> Iterator[Key]:
    return (body_key(path, function) for path, functions in places.items() for function in functions)


def _is_foreign(path: str, snapshot: Snapshot) -> bool:
    names = snapshot.imports[path].absolute
    resolves = any(name == each or name.startswith(f"{each}.") for name in names for each in _RESOLVING)
    return resolves or not _HARMLESS.issuperset(snapshot.third_party(path))
