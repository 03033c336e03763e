"""A project in memory for tests of selection: sources, a snapshot of them, and facts about its tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from textwrap import dedent

from aftershock.selection.affected import FactIndex
from aftershock.selection.concern_search import EFFECTS
from aftershock.selection.definitions import Definitions, ImportFact, import_inputs
from aftershock.selection.details import Details, parse_details
from aftershock.selection.facts import Fact, Outcome, Verdict
from aftershock.selection.imports import ImportGraph, Imports, parse_imports
from aftershock.selection.inputs import Imported, inputs_for
from aftershock.selection.relations import table_digest
from aftershock.selection.snapshot import Snapshot
from aftershock.selection.symbols import Symbols, parse_symbols


def parsed(path: str, text: str) -> tuple[Symbols, Imports, Details]:
    """What the engine knows of one file."""
    source = dedent(text).encode()
    return parse_symbols(source, path), parse_imports(source, path), parse_details(source, path)


def snapshot_of(files: Mapping[str, str], config: str = "ini", distributions: str = "pip") -> Snapshot:
    """The snapshot of these sources."""
    known = {path: parsed(path, text) for path, text in files.items()}
    symbols, imports, details = ({path: parts[i] for path, parts in known.items()} for i in range(3))
    return Snapshot(symbols, imports, details, config, distributions)  # type: ignore[arg-type]


@dataclass
class Stage:
    """A project whose tests "run" by telling what they executed."""

    files: dict[str, str]
    clock: float = 0.0

    def __post_init__(self) -> None:
        self.definitions = Definitions()
        self.index = FactIndex(definitions=self.definitions)
        self.show(snapshot_of(self.files))

    def run(
        self,
        test: str,
        executed: Mapping[str, Iterable[str]],
        outcome: Outcome = Outcome.PASSED,
        opaque: bool = False,
        import_executed: Mapping[str, list[str]] | None = None,
        variant: str = "",
        exact: bool = True,
    ) -> Fact:
        """Record a fact of a test that executed this."""
        path, _, name = test.partition("::")
        graph = ImportGraph(self.snapshot.imports)
        everything = {path: [name], **executed}
        imported = Imported(self.snapshot.definitions, import_executed or {})
        inputs = inputs_for(path, everything, [], imported, graph, self.snapshot, opaque)
        self.clock += 1
        fact = Fact(Verdict(test, outcome, {"call": 0.1}, None, self.clock), variant, inputs, exact)
        self.index.add(self.index.completed(fact, self.snapshot))
        return fact

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace the one place where `old` stands in a file."""
        assert self.files[path].count(old) == 1
        self.write(path, self.files[path].replace(old, new))

    def write(self, path: str, text: str | None) -> None:
        """Give a file this text, or (None) remove it."""
        if text is None:
            del self.files[path]
        else:
            self.files[path] = text
        self.show(self.snapshot.with_files({path: None if text is None else parsed(path, text)}))

    def show(self, snapshot: Snapshot) -> None:
        """Make this the present; all files are imported, and what each defines concerns whoever imports it."""
        for path, symbols in snapshot.symbols.items():
            table = {EFFECTS: symbols.definition}
            inputs = import_inputs(path, (), (), snapshot)
            self.definitions.add(ImportFact(path, "", inputs, frozenset(), {}, table_digest(table)), table)
        self.snapshot = snapshot.with_imports(self.definitions.present(snapshot), {})
        self.index.update(self.snapshot)

    def affected(self) -> dict[str, list[str]]:
        """The affected tests, with the texts of their reasons."""
        affected = [test for test in self.index.tests() if self.index.matching(test) is None]
        return {test: [reason.text for reason in self.index.reasons(test)] for test in affected}
