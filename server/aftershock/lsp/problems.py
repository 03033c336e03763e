"""Decides, event by event, what each test has to show among the problems."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from lsprotocol.types import Range

from aftershock.engine import events
from aftershock.engine.engine import TestState
from aftershock.lsp.diagnostics import MarkKind, Severities, failed, failure_marks, order_mark, pending_mark
from aftershock.lsp.lenses import plain_chain
from aftershock.lsp.outlines import Outlines
from aftershock.lsp.places import Places
from aftershock.lsp.publishing import Publisher
from aftershock.selection.facts import Verdict


class Problems:
    """Failures stay until the test passes, is gone, or runs again; affected tests are marked until they have run."""

    def __init__(
        self,
        severities: Severities,
        places: Places,
        outlines: Outlines,
        publisher: Publisher,
        tests: Callable[[], Mapping[str, events.TestNode]],
        state_of: Callable[[str], TestState],
        order_dependent: Callable[[Verdict], events.OrderDependent | None],
    ) -> None:
        """``tests``, ``state_of`` and ``order_dependent`` are the engine's."""
        self._wanted = severities.keys()
        self._places = places
        self._outlines = outlines
        self._publisher = publisher
        self._tests = tests
        self._state_of = state_of
        self._order_dependent = order_dependent
        self._affected: set[str] = set()

    def settle(self, tests: Iterable[str]) -> None:
        """Show these tests as the engine has them now, outside of any run."""
        for test in tests:
            if test not in self._tests():
                self._publisher.mark(test, ())
                continue
            state = self._state_of(test)
            if not state.affected and state.verdict is not None:
                self._show(state.verdict)
            elif state.verdict is not None and not self._shows_failure(test):
                self._mark_pending(test, state.running)

    def drop(self, tests: Iterable[str]) -> None:
        """These tests exist no more."""
        for test in tests:
            self._publisher.mark(test, ())

    def affected_changed(self, event: events.AffectedChanged) -> None:
        """Some tests became affected, others fresh."""
        now = set(event.affected)
        changed = (now ^ self._affected) | set(event.restored)
        self._affected = now
        self.settle(changed)

    def run_started(self, event: events.RunStarted) -> None:
        """Old failures of what runs again go."""
        for test in event.tests:
            self._mark_pending(test, running=True)

    def test_finished(self, event: events.TestFinished) -> None:
        """A verdict."""
        self._affected.discard(event.verdict.test)
        self._show(event.verdict)

    def run_finished(self, event: events.RunFinished) -> None:
        """What got no verdict stands as it stood before."""
        for test in event.unfinished:
            if test in self._tests():
                verdict = self._state_of(test).verdict
                if verdict is not None and failed(verdict):
                    self._show(verdict)
                else:
                    self._mark_pending(test, running=False)

    def order_dependent(self, event: events.OrderDependent) -> None:
        """It was found out that a test depends on another one."""
        self.settle([event.test])

    def problems_changed(self, event: events.ProblemsChanged) -> None:
        """A file can't be parsed or imported, or can again."""
        self._publisher.problems(event.path, event.problems)

    def _show(self, verdict: Verdict) -> None:
        node = self._tests().get(verdict.test)
        marks = failure_marks(node, verdict, self._places) if node and MarkKind.FAILURE in self._wanted else ()
        depends = self._order_dependent(verdict) if MarkKind.ORDER_DEPENDENT in self._wanted else None
        if node is not None and depends is not None:
            on = self._tests().get(depends.on or "")
            marks += (order_mark(node, depends, on, self._place(node), self._places),)
        self._publisher.mark(verdict.test, marks)

    def _shows_failure(self, test: str) -> bool:
        return any(mark.kind is MarkKind.FAILURE for mark in self._publisher.marks_of(test))

    def _mark_pending(self, test: str, running: bool) -> None:
        node = self._tests().get(test)
        wanted = MarkKind.PENDING in self._wanted
        self._publisher.mark(test, (pending_mark(node, running, self._place(node)),) if node and wanted else ())

    def _place(self, node: events.TestNode) -> Range:
        """The line of the test's definition, below its decorators."""
        qualname = ".".join(plain_chain(node))
        outline = self._outlines.known(node.path, lambda: self._places.text(node.path))
        lines = [definition.line for definition in outline if definition.qualname == qualname]
        return self._places.line(node.path, lines[-1] if lines else node.line)
