"""What a test depended on, from what it executed and what that imports."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from aftershock.selection.facts import InputSet
from aftershock.selection.imports import ImportGraph
from aftershock.selection.keys import TEXT, Key, KeyKind
from aftershock.selection.listing import LAMBDAS
from aftershock.selection.snapshot import Snapshot
from aftershock.selection.symbols import symbol_of
from aftershock_agent.modules_got import GOT, UNTOLD


class EmptyFact(Exception):
    """Nothing was recorded of a test that ran: a fact of it would look fresh for ever."""


@dataclass(frozen=True, eq=False)
class Imported:
    """What a session has imported, and what it ran besides tests.

    ``tables`` are the digests of what the names of each file were bound to, for ``ran_outside`` the qualified names of
    code that ran while pytest collected, but in no import that came to its end.  ``unbound`` are the files of which
    the import has failed, whose tables tell that.
    """

    tables: Mapping[str, str]
    ran_outside: Mapping[str, Collection[str]]
    unbound: Collection[str] = frozenset()

    def has(self, path: str) -> bool:
        """Whether a file was imported."""
        return path in self.tables and path not in self.unbound

    @property
    def stamp(self) -> tuple[int, int, int]:
        """Moves with what there is."""
        return len(self.tables), len(self.unbound), sum(map(len, self.ran_outside.values()))


def inputs_for(
    test_path: str,
    executed: Mapping[str, Iterable[str]],
    loaded: Iterable[str],
    imported: Imported,
    graph: ImportGraph,
    snapshot: Snapshot,
    opaque: bool,
    ran: bool = True,
) -> tuple[InputSet, InputSet]:
    """The inputs of one test: what it executed, and what it shares with every test of the same imports.

    All paths are relative to the project; those that the snapshot doesn't hold don't count.  ``executed`` has
    the qualified names of the code that the test ran, ``loaded`` the files imported meanwhile.  ``opaque``: it did what
    recording can't see, so it depends on all sources. ``ran`` is False for a test that was skipped or whose fixture
    failed.

    Raises EmptyFact when a test of a Python file ran and nothing was recorded.
    """
    own = {path: names for path, names in executed.items() if path in snapshot.symbols}
    keys = {key for path, names in own.items() for key in executed_keys(path, names, snapshot)}
    if ran and test_path.endswith(".py") and not any(own.values()):
        raise EmptyFact(f"{test_path}: nothing was recorded of a test that ran")
    if test_path not in snapshot.symbols:
        keys.add(Key(KeyKind.FILE, test_path))
    if opaque:
        keys.add(Key(KeyKind.PROJECT))
    late = frozenset(path for path in (*own, *loaded) if path in snapshot.symbols and not imported.has(path))
    shared = _shared(test_path, frozenset((test_path, *own, *late)), late, imported, graph, snapshot)
    return frozenset(map(snapshot.pair, keys)), shared


def bodies_of(executed: Mapping[str, Iterable[str]], imported: Imported, snapshot: Snapshot) -> InputSet:
    """What executed code alone adds to facts: the teardown of a wider fixture, to those of its users."""
    own = {path: names for path, names in executed.items() if path in snapshot.symbols}
    keys = {key for path, names in own.items() for key in executed_keys(path, names, snapshot)}
    return frozenset((*map(snapshot.pair, keys), *(_definitions(path, imported, snapshot) for path in own)))


def quoted(paths: Iterable[str], snapshot: Snapshot) -> InputSet:
    """What a failure depends on besides: its report tells lines of these sources, comments included."""
    found = {path for path in paths if path in snapshot.symbols}
    return frozenset(snapshot.pair(Key(KeyKind.FILE, path, TEXT)) for path in found)


def _definitions(path: str, imported: Imported, snapshot: Snapshot) -> tuple[Key, str]:
    """What a file defines: by value where its import was followed, else by its text."""
    table = imported.tables.get(path)
    return snapshot.pair(Key(KeyKind.IMPORT, path)) if table is None else (Key(KeyKind.DEF, path), table)


def executed_keys(path: str, names: Iterable[str], snapshot: Snapshot) -> Iterator[Key]:
    """The keys of executed code; code outside functions has none, since definitions are inputs anyway."""
    symbols = snapshot.symbols[path]
    for qualname in names:
        function = symbol_of(qualname.removesuffix(UNTOLD), symbols.bodies)
        if qualname == GOT:
            yield Key(KeyKind.BODY, path, GOT)
        elif function is not None and qualname.endswith(UNTOLD):
            yield Key(KeyKind.BODY, path, function + UNTOLD)
        elif function is not None:
            yield Key(KeyKind.BODY, path, function)
        elif qualname.endswith((LAMBDAS, "<genexpr>")):
            yield Key(KeyKind.BODY, path, LAMBDAS)  # its code counts by value; that it ran tells what it mentions
        elif not symbols.knows(qualname):
            # Code under a name that the text doesn't explain (a function declared global, before 3.11).
            yield Key(KeyKind.FILE, path)


def _shared(
    test_path: str,
    roots: frozenset[str],
    late: frozenset[str],
    imported: Imported,
    graph: ImportGraph,
    snapshot: Snapshot,
) -> InputSet:
    """The input set of an import closure, worked out once for all tests with the same roots or the same closure.

    A file that nobody has imported has done nothing: only those in ``imported`` count, and what ``late`` ones reach.
    """
    stamp = (graph, test_path, imported, imported.stamp)
    known = snapshot.closures.get(roots)
    if known is not None and known[0] == stamp:
        return known[1]
    closure = graph.closure(test_path) | graph.closure_of(roots)
    files = frozenset(path for path in closure if path in imported.tables) | graph.closure_of(late) | {test_path}
    known = snapshot.closures.get(files) if not late else None
    if known is None or known[0] != stamp:
        pairs = [_definitions(path, imported, snapshot) for path in files]
        pairs += [snapshot.pair(Key(KeyKind.IMPORT, path)) for path in late]
        pairs += map(snapshot.pair, _closure_keys(test_path, files, imported, graph, snapshot))
        known = stamp, frozenset(pairs)
    snapshot.closures[roots] = known
    if not late:
        snapshot.closures[files] = known
    return known[1]


def _closure_keys(
    test_path: str, files: frozenset[str], imported: Imported, graph: ImportGraph, snapshot: Snapshot
) -> set[Key]:
    keys = set(graph.absent(test_path))
    keys |= {Key(KeyKind.CONFIG), Key(KeyKind.DIST)}
    if graph.is_dynamic(files):
        keys.add(Key(KeyKind.DIR))
    for path in files:
        keys |= graph.names(path)
        if path in imported.ran_outside and path in snapshot.symbols:
            keys.update(executed_keys(path, imported.ran_outside[path], snapshot))
    return keys
