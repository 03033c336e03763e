"""The ledger: turns reports of the agent into facts, kept in memory for selection and on disk for tomorrow."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterable, Mapping

from aftershock.engine.import_ledger import ImportLedger
from aftershock.engine.sources import inside
from aftershock.engine.warm import Outdated, WarmSession
from aftershock.selection.affected import FactIndex
from aftershock.selection.definitions import Definitions
from aftershock.selection.facts import Fact, InputSet, Outcome, Verdict
from aftershock.selection.imports import ImportGraph
from aftershock.selection.inputs import EmptyFact, bodies_of, inputs_for, quoted
from aftershock.selection.keys import Key, KeyKind
from aftershock.selection.snapshot import Snapshot
from aftershock.store import Store
from aftershock_agent import messages

_ATTEMPTS = 3
"""How often in a row the failure of a test may show files that have changed meanwhile, until it is taken as it is."""

log = logging.getLogger(__name__)


def verdict_of(event: messages.TestFinished) -> Verdict:
    """The verdict in a report of the agent."""
    outcome = Outcome(event.outcome)
    return Verdict(event.test, outcome, event.durations, event.failure, time.time(), event.reason)


class Ledger:
    """All facts of one project."""

    def __init__(self, store: Store, variant: str, snapshot: Snapshot) -> None:
        """Reads the facts of ``variant`` (Python version, platform) from ``store``."""
        self._store = store
        self._variant = variant
        self._uncommitted: list[tuple[Fact, Fact | None]] = []
        self._graph: tuple[object, frozenset[str], Mapping[str, frozenset[str]], ImportGraph] | None = None
        self._definitions = Definitions()
        self._definitions.variant = variant
        self._imports = ImportLedger(store, self._definitions)
        self.index = FactIndex(variant, self._definitions)
        self.follow(snapshot, {})
        self._misquoted = Counter[str]()
        self.programs: set[str] = set()
        """The tests that may start other programs: known to, or to have done something that can't be seen into."""
        for fact in store.facts():
            self.index.add(fact)
            if fact.is_opaque:
                self.programs.add(fact.test)

    def set_variant(self, variant: str) -> None:
        """The interpreter is known (anew)."""
        self._variant = self.index.variant = self._definitions.variant = variant

    def follow(self, snapshot: Snapshot, collected: Mapping[str, Mapping[str, str]]) -> None:
        """Compare all facts with another present; ``collected`` are the digests of tests, by file."""
        self.index.update(snapshot.with_imports(self._definitions.present(snapshot), collected))

    def learn(self, session: WarmSession, result: messages.Collected) -> None:
        """Take in what ``session`` has imported, for the next :meth:`commit`, and which tests it has collected."""
        self._imports.take(session, result.imports, self._graph_of(session))
        if session.complete:
            self._imports.note_not_imported(session)
        session.items.update({test.id: test.digest for test in result.tests})

    def learn_patched(self, session: WarmSession) -> bool:
        """Take in that ``session`` was made equal to its present in place; returns whether that tells more."""
        return self._imports.note_patched(session)

    def record(self, event: messages.TestFinished, session: WarmSession, alone: bool) -> None:
        """Take in the fact of a test that has ended, for the next :meth:`commit`.  ``alone``: it had its own fork.

        Raises Outdated when a file that the test loaded, or its failure shows, had changed meanwhile: nothing is
        recorded then.
        """
        if event.program or event.opaque:
            self.programs.add(event.test)
        loaded = session.note_loaded(event.loaded)
        executed = self._relative(session, event.executed)
        self._keep(verdict_of(event), session, executed, loaded, event.opaque != "", alone)

    def record_uncollectable(self, verdict: Verdict, session: WarmSession) -> None:
        """Take in the fact that a test's file can't be collected, for the next :meth:`commit`."""
        self._keep(verdict, session, {}, sorted(session.loaded), True, False)

    def commit(self) -> None:
        """Write what was taken in to the disk, in one transaction."""
        self._imports.commit()
        facts, self._uncommitted = self._uncommitted, []
        if facts:
            self._store.record_all(facts)

    def extend(self, event: messages.TeardownExecuted, session: WarmSession) -> None:
        """Add what the teardown of a wider fixture ran to the facts of its users."""
        self.commit()
        executed = self._relative(session, event.executed)
        snapshot = session.present.snapshot
        extra = bodies_of(executed, session.imported, snapshot)
        if event.opaque:
            extra |= {snapshot.pair(Key(KeyKind.PROJECT))}
        for test in event.tests:
            self.index.extend(test, extra)
            self._store.extend(test, extra)

    def is_open(self, test: str) -> bool:
        """Whether an affected test may turn out unaffected, once it is known what imports come to."""
        return self.index.is_open(test)

    def seconds(self, test: str) -> float | None:
        """How long a test took last time, if it ever ran."""
        fact = self.index.latest(test)
        return None if fact is None else fact.verdict.seconds

    def forget(self) -> None:
        """Forget all facts."""
        self.commit()
        self._store.forget_facts()
        for test in list(self.index.tests()):
            self.index.forget(test)
        self._definitions.forget()

    def _keep(
        self,
        verdict: Verdict,
        session: WarmSession,
        executed: Mapping[str, list[str]],
        loaded: Iterable[str],
        opaque: bool,
        alone: bool,
    ) -> None:
        ran = not opaque and verdict.outcome not in (Outcome.SKIPPED, Outcome.ERRORED)
        snapshot = session.present.snapshot
        graph = self._graph_of(session)
        path = verdict.test.split("::", 1)[0]
        keys: tuple[InputSet, ...]
        try:
            keys = inputs_for(path, executed, loaded, session.imported, graph, snapshot, opaque=opaque, ran=ran)
        except EmptyFact as error:
            # A coroutine that nobody awaits runs nothing, and ends all the same. With an empty fact the test would
            # never be affected again, so it depends on all sources.
            log.warning("%s depends on every source: %s", verdict.test, error)
            keys = inputs_for(path, executed, loaded, session.imported, graph, snapshot, opaque=True, ran=False)
        digest = session.items.get(verdict.test, "")
        if digest:
            keys += (frozenset({(Key(KeyKind.COLLECT, path, verdict.test[len(path) + 2 :]), digest)}),)
        if verdict.failure is not None:
            # A line that moves in one of them makes the failing line, and the source that pytest shows, another.
            frames = (inside(session.root, frame.path) for frame in verdict.failure.frames)
            sources = {*executed, *(found for found in frames if found)}
            self._check_quoted(verdict.test, sources, session)
            keys += (quoted(sources, snapshot),)
        fact = self.index.completed(Fact(verdict, self._variant, keys, exact=alone), snapshot)
        self._uncommitted.append((fact, self.index.compared(fact.test)))
        self.index.add(fact)

    def _check_quoted(self, test: str, sources: Iterable[str], session: WarmSession) -> None:
        try:
            session.check_quoted(sources)
        except Outdated:
            self._misquoted[test] += 1
            if self._misquoted[test] < _ATTEMPTS:
                raise
            # A test that writes such a file itself would be run again for ever.
        self._misquoted.pop(test, None)

    def _graph_of(self, session: WarmSession) -> ImportGraph:
        """The import graph of the session's files; the last one as long as nothing about it changed."""
        imports, edges = session.present.snapshot.imports, dict(session.edges)
        known = self._graph
        if known is not None and known[0] is imports and known[1:3] == (session.search_path, edges):
            return known[3]
        if known is not None and known[1] == session.search_path:
            graph = known[3].updated(imports, edges)
        else:
            graph = ImportGraph(imports, session.search_path, edges)
        self._graph = (imports, session.search_path, edges, graph)
        return graph

    def _relative(self, session: WarmSession, executed: messages.Executed) -> dict[str, list[str]]:
        found = ((inside(session.root, path), names) for path, names in executed.items())
        return {path: names for path, names in found if path is not None}
