"""What a test depended on, from what it executed and what that imports."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from aftershock.selection.facts import InputSet
from aftershock.selection.imports import ImportGraph
from aftershock.selection.keys import TEXT, Key, KeyKind
from aftershock.selection.snapshot import Snapshot
from aftershock.selection.symbols import symbol_of


class EmptyFact(Exception):
    """Nothing was recorded of a test that ran: a fact of it would look fresh for ever."""


def inputs_for(
    test_path: str,
    executed: Mapping[str, Iterable[str]],
    loaded: Iterable[str],
    import_executed: Mapping[str, Collection[str]],
    graph: ImportGraph,
    snapshot: Snapshot,
    opaque: bool,
    ran: bool = True,
) -> tuple[InputSet, InputSet]:
    """The inputs of one test: what it executed, and what it shares with every test of the same imports.

    All paths are relative to the project; those that the snapshot doesn't hold don't count.  ``executed`` has
    the qualified names of the code that the test ran, ``loaded`` the files imported meanwhile,
    ``import_executed`` what ran while files were imported.  ``opaque``: it did what recording can't see, so
    it depends on all sources. ``ran`` is False for a test that was skipped or whose fixture failed.

    Raises EmptyFact when a test of a Python file ran and nothing was recorded.
    """
    own = {path: names for path, names in executed.items() if path in snapshot.symbols}
    keys = {key for path, names in own.items() for key in _executed_keys(path, names, snapshot)}
    if ran and test_path.endswith(".py") and not any(own.values()):
        raise EmptyFact(f"{test_path}: nothing was recorded of a test that ran")
    if test_path not in snapshot.symbols:
        keys.add(Key(KeyKind.FILE, test_path))
    if opaque:
        keys.add(Key(KeyKind.PROJECT))
    roots = frozenset((test_path, *own, *(path for path in loaded if path in snapshot.symbols)))
    shared = _shared(test_path, roots, import_executed, graph, snapshot)
    return frozenset(map(snapshot.pair, keys)), shared


def bodies_of(executed: Mapping[str, Iterable[str]], snapshot: Snapshot) -> InputSet:
    """What executed code alone adds to facts: the teardown of a wider fixture, to those of its users."""
    own = {path: names for path, names in executed.items() if path in snapshot.symbols}
    keys = {key for path, names in own.items() for key in _executed_keys(path, names, snapshot)}
    return frozenset(map(snapshot.pair, keys | {Key(KeyKind.DEF, path) for path in own}))


def quoted(paths: Iterable[str], snapshot: Snapshot) -> InputSet:
    """What a failure depends on besides: its report tells lines of these sources, comments included."""
    found = {path for path in paths if path in snapshot.symbols}
    return frozenset(snapshot.pair(Key(KeyKind.FILE, path, TEXT)) for path in found)


def _executed_keys(path: str, names: Iterable[str], snapshot: Snapshot) -> Iterator[Key]:
    """The keys of executed code; code outside functions has none, since definitions are inputs anyway."""
    symbols = snapshot.symbols[path]
    for qualname in names:
        function = symbol_of(qualname, symbols.bodies)
        if function is not None:
            yield Key(KeyKind.BODY, path, function)
        elif not symbols.knows(qualname):
            # Code under a name that the text doesn't explain (a function declared global, before 3.11).
            yield Key(KeyKind.FILE, path)


def _shared(
    test_path: str,
    roots: frozenset[str],
    import_executed: Mapping[str, Collection[str]],
    graph: ImportGraph,
    snapshot: Snapshot,
) -> InputSet:
    """The input set of an import closure, worked out once for all tests with the same roots or the same closure."""
    recorded = sum(map(len, import_executed.values()))
    stamp = (graph, test_path, len(import_executed), recorded)
    known = snapshot.closures.get(roots)
    if known is not None and known[0] == stamp:
        return known[1]
    files = graph.closure(test_path) | graph.closure_of(roots)
    place = files | {test_path}
    known = snapshot.closures.get(place)
    if known is None or known[0] != stamp:
        keys = _closure_keys(test_path, files, import_executed, graph, snapshot)
        known = stamp, frozenset(map(snapshot.pair, keys))
    snapshot.closures[roots] = snapshot.closures[place] = known
    return known[1]


def _closure_keys(
    test_path: str,
    files: frozenset[str],
    import_executed: Mapping[str, Collection[str]],
    graph: ImportGraph,
    snapshot: Snapshot,
) -> set[Key]:
    keys = {Key(KeyKind.DEF, path) for path in files}
    keys |= graph.absent(test_path)
    keys |= {Key(KeyKind.CONFIG), Key(KeyKind.DIST)}
    if graph.is_dynamic(files):
        keys.add(Key(KeyKind.DIR))
    for path in files:
        keys |= graph.names(path)
        if path in import_executed and path in snapshot.symbols:
            keys.update(_executed_keys(path, import_executed[path], snapshot))
    return keys
