"""How code gets at what has changed: which code mentions it, and what has its module or class at hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set as AbstractSet
from functools import cached_property
from itertools import chain

from aftershock.selection.computed_names import LOADING
from aftershock.selection.concern import HANDED, Hand
from aftershock.selection.details import DEFINITIONS, IMPORTED, LOADED, STRINGS
from aftershock.selection.keys import Key
from aftershock.selection.listing import CLASSES, LAMBDAS, MEMBERS, NAMESPACE, OWN, SIGNATURES
from aftershock.selection.name_index import NameIndex, body_key
from aftershock.selection.relations import Relations, last_of, written_place
from aftershock.selection.snapshot import Snapshot
from aftershock_agent.modules_got import GOT
from aftershock_agent.tables import MODULE, WRITTEN

LOOKED_AT = "looked at:"
"""Begins the name, among what one must have at hand, of what is looked at, not called."""
_HANDING = frozenset({*LOADING, "module", "__globals__", "f_globals"})
"""Names of what has modules at hand that no code need have handed on; ``request.module`` of pytest's."""
SUBCLASSES = frozenset({"__subclasses__"})
"""What a class tells of those that are derived from it."""


_Asked = tuple[str, frozenset[tuple[Key, str]], str, bool]


class AtHand:
    """Tells which code can get at something of one file."""

    def __init__(
        self,
        path: str,
        relations: Relations,
        snapshot: Snapshot,
        index: NameIndex,
        imported: AbstractSet[Key],
    ) -> None:
        """What :func:`~aftershock.selection.concern_search.concern_of` is given."""
        self._path, self._relations, self._snapshot, self._index = path, relations, snapshot, index
        self._imported = imported
        self._listers: dict[_Asked, tuple[frozenset[Key], frozenset[Key]]] = {}

    def needed(self, owner: str) -> frozenset[str]:
        """What one must have at hand to see a member of a class, or a name of the module (no owner)."""
        if owner.startswith(HANDED):
            return frozenset({owner if owner != HANDED else HANDED + MODULE + module_name(self._path)})
        if owner.startswith(LOOKED_AT):
            return frozenset({owner if owner != LOOKED_AT else MODULE + module_name(self._path)})
        return frozenset(self._relations.derived(last_of(owner)) if owner else {MODULE + module_name(self._path)})

    def hands(self, pairs: Iterable[tuple[object, frozenset[str]]]) -> dict[str, Hand]:
        """How one gets at all that is needed in some pairs, and at that through which one does."""
        found: dict[str, Hand] = {}
        pending = [name for _, needed in pairs for name in needed]
        while pending:
            name = pending.pop()
            if name not in found:
                found[name] = self.hand(name)
                pending += [owner for _, owner in found[name].through]
        return found

    def hand(self, name: str) -> Hand:
        """How one gets at a class or module: by its names, from values, and in the class's own methods."""
        hand = Hand()
        if name.startswith(LOOKED_AT):
            # A function or class: who mentions it has it, and who lists what it is in.
            owner, _, last = name.removeprefix(LOOKED_AT).rpartition(".")
            hand.functions.update(self.reaching({last}), self._listing_homes({last}))
            at_once, listers = self.listers(owner)
            hand.functions.update(at_once)
            if not owner:
                hand.functions.update(self._index.asking_for_all())
            hand.through.extend((listers, needed) for needed in self.needed(owner or HANDED))
            return hand
        if name.startswith(HANDED):
            return self._handed_on(name.removeprefix(HANDED))
        plain = name.removeprefix(MODULE)
        names = {plain}
        if name.startswith(MODULE) and self._path.endswith("__init__.py"):
            names.add("")  # from . import x
        if plain != name:
            hand.functions.update(self._getting(LOADING))
        hand.functions.update(*map(self._index.mentioning, self._index.with_aliases(names)))
        if plain == name:
            hand.functions.update(self._index.methods_of(name), self.reaching(SUBCLASSES))
        for path, holder in self._relations.holders.get(name, ()):
            if holder.startswith(WRITTEN):
                hand.functions.update(self.having(holder))
                home, _ = written_place(holder)
                at_once, listers = self.listers("", home=home)
                hand.functions.update(at_once)
                hand.through.append((listers, HANDED + MODULE + module_name(home)))
                continue
            owner, _, last = holder.rpartition(".")
            hand.functions.update(self.within(path, holder))
            at_once, listers = self.listers(owner, home=path)
            hand.functions.update(at_once)
            if owner:
                hand.through.append((frozenset(self.asking(last)) | listers, last_of(owner)))
            else:
                hand.functions.update(self.naming(path, last))
                hand.through.append((frozenset(self._index.asking_for(last)), MODULE + module_name(path)))
                hand.through.append((listers, HANDED + MODULE + module_name(path)))
        return hand

    def _handed_on(self, what: str) -> Hand:
        """How one gets at a module, class or function as a value: from code that hands it on, or what has modules."""
        hand, plain = Hand(), what.removeprefix(MODULE)
        holders = self._relations.holders.get(what, ()) if what != plain else ()
        homes = self._files_named.get(plain, ()) if what != plain else ()
        around = {part for path in homes for part in path.split("/")[:-1]} | {module_name(path) for path, _ in holders}
        names = set(self._index.with_aliases({plain, *self._relations.derived(plain), *around}))
        if what != plain:
            hand.functions.update(self._getting(_HANDING))
            for _, holder in holders:
                if holder.startswith(WRITTEN):
                    hand.functions.update(self.having(holder))
                elif last_of(holder) not in names:
                    hand.functions.update(self._index.mentioning(last_of(holder)))
        for path, functions in chain.from_iterable(self._index.handing(name).items() for name in names):
            # What the top of a file hands to code of the project, that keeps in values, which are compared.
            for_all = {DEFINITIONS, LAMBDAS} if what != plain or path in self._index.foreign else set()
            hand.functions.update(body_key(path, IMPORTED if each in for_all else each) for each in functions)
        self._kept(names, what != plain, hand)
        return hand

    def _getting(self, names: AbstractSet[str]) -> Iterator[Key]:
        """The code that gets at any module by one of these names."""
        return chain.from_iterable(map(self._index.mentioning, self._index.with_aliases(names)))

    def _listing_homes(self, names: AbstractSet[str]) -> Iterator[Key]:
        """That somebody has got at the module of a file that may have something: it mentions that, or has a star."""
        homes = {*self._index.places_of(self._index.with_aliases(names)), *self._index.stars}
        return (body_key(path, GOT) for path in homes)

    def _kept(self, names: AbstractSet[str], for_all: bool, hand: Hand) -> None:
        """Who gets at a container has what is kept in there: by its name, or by way of its file's module.

        ``for_all``: what the top of any file does with it counts for all that import it; else that of those that use
        packages.
        """
        kept = self._index.containers_of(names)
        containers = {container for _, container in kept}
        hand.functions.update(self.reaching(containers))
        hand.functions.update(key for key in self.loading(containers) if for_all or key in self.foreign)
        for home in {path for path, _ in kept}:
            at_once, listers = self.listers("", home=home)
            hand.functions.update(at_once)
            hand.through.append((listers | self.foreign, HANDED + MODULE + module_name(home)))

    @cached_property
    def foreign(self) -> frozenset[Key]:
        """Whoever has imported a file that uses packages from elsewhere."""
        return frozenset(body_key(path, IMPORTED) for path in self._index.foreign)

    def loading(self, names: AbstractSet[str]) -> Iterator[Key]:
        """Whoever has imported a file at whose top one of some things is used, under whatever name, but not called."""
        for name in self._index.with_aliases(names):
            for path, functions in self._index.naming(name).items():
                if LOADED in functions:
                    yield body_key(path, IMPORTED)

    @cached_property
    def _files_named(self) -> dict[str, list[str]]:
        """The files, by the plain names of their modules."""
        found: dict[str, list[str]] = {}
        for path in self._snapshot.symbols:
            found.setdefault(module_name(path), []).append(path)
        return found

    def listers(
        self, owner: str, calm: frozenset[tuple[Key, str]] = frozenset(), home: str = "", signed: bool = True
    ) -> tuple[frozenset[Key], frozenset[Key]]:
        """The code that lists the members of a class, or the names of the module: at once, and if it has that.

        ``home`` is the file that is meant, if not the changed one; ``signed``: a class's signature may tell of it.
        """
        asked = owner, calm, home or self._path, signed
        if asked not in self._listers:
            self._listers[asked] = self._found_listers(*asked)
        return self._listers[asked]

    def _found_listers(
        self, owner: str, calm: frozenset[tuple[Key, str]], home: str, signed: bool
    ) -> tuple[frozenset[Key], frozenset[Key]]:
        at_once, listers = set[Key]() if owner else {body_key(home, GOT)}, set[Key]()
        derived = self._relations.derived(last_of(owner)) if owner else set()
        related = derived | self._relations.families.get(last_of(owner), set()) if owner else set()
        kinds = {MEMBERS, NAMESPACE, *([CLASSES] if owner else []), *([SIGNATURES] if owner and signed else [])}
        for path, found in self._index.listers.items():
            for function, subjects in found.items():
                lister = body_key(path, function)
                if any((lister, cls) in calm for cls in derived):
                    continue
                if not subjects.isdisjoint(kinds):
                    listers.add(lister)
                own = not owner and path == home and OWN in subjects
                if own or any(last_of(subject) in related for subject in subjects):
                    at_once.add(lister)
        return frozenset(at_once), frozenset(listers)

    @cached_property
    def _calling_packages(self) -> frozenset[Key]:
        return frozenset(self._index.calling_packages())

    def handing_to_packages(self, cls: str) -> frozenset[Key]:
        """The functions that hand a class on, or what it is kept in, and mention a package, which may list it."""
        names = self._index.with_aliases(self._relations.derived(cls))
        kept = {container for _, container in self._index.containers_of(names)}
        handing = chain.from_iterable(self._index.handing(name).items() for name in {*names, *kept})
        found = {body_key(path, each) for path, functions in handing for each in functions}
        return self._calling_packages & found

    def having(self, row: str) -> Iterator[Key]:
        """The code that has what a row of something written stands for: that mentions it, under whatever name."""
        yield from self.reaching({last_of(written_place(row)[1])})

    def reaching(self, names: AbstractSet[str]) -> Iterator[Key]:
        """The code that mentions one of some things, under whatever name, or has its name as a string."""
        for name in self._index.with_aliases(names):
            yield from self._index.mentioning(name)
            yield from self.strings(name)

    def asking(self, attribute: str) -> Iterator[Key]:
        """The code that may ask an object for an attribute of this name, or tell other code to."""
        yield from self._index.asking_for(attribute)
        yield from self.strings(attribute)

    def strings(self, name: str, within: str | None = None) -> Iterator[Key]:
        """The strings of functions, of one file or any, that are this name; those outside of functions are names."""
        for path, functions in self._index.having(name).items():
            for function in functions if within in (None, path) else ():
                if function == DEFINITIONS:
                    continue
                yield body_key(path, function + STRINGS)
                if body_key(path, function) in self._imported:
                    yield body_key(path, STRINGS)  # it may have left them in a value

    def naming(self, path: str, name: str) -> Iterator[Key]:
        """The code of a file that mentions a name of its module, or a builtin."""
        yield from (body_key(path, function) for function in self._index.naming(name).get(path, ()))

    def within(self, path: str, name: str) -> Iterator[Key]:
        """The functions of a name, or of the class of that name."""
        symbols = self._snapshot.symbols.get(path)
        for function in symbols.bodies if symbols is not None else ():
            if function == name or function.startswith(f"{name}."):
                yield body_key(path, function)


def module_name(path: str) -> str:
    """The plain name of a file's module."""
    return last_of(path.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
