"""Which tests reach what and how they stand, remembered: one file's lenses would ask the engine 20,000 times."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Set as AbstractSet
from dataclasses import dataclass

from aftershock.engine import events
from aftershock.engine.engine import Engine
from aftershock.selection.facts import Outcome

_SETTLE = 0.3  # seconds after a run until what reaches what is asked anew: the next save comes first
_RENEW = 2.0  # seconds between two times during a long run


@dataclass(frozen=True)
class Summary:
    """How some tests stand together: counts, and the ``seconds`` that their last runs took."""

    tests: int
    affected: int
    running: int
    unknown: int
    failed: int
    skipped: int
    seconds: float


class Reach:
    """A memory before the engine, which forgets as the engine's events come."""

    def __init__(self, engine: Engine, renewed: Callable[[], None]) -> None:
        """``renewed`` hears that what reaches what may have changed."""
        self._engine = engine
        self._renewed = renewed
        self._tests: dict[str, Mapping[str, AbstractSet[str]]] = {}
        self._states: dict[str, tuple[bool, bool, Outcome | None, float]] = {}
        self._renewed_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def tests(self, path: str, qualname: str) -> AbstractSet[str]:
        """The tests that reach a function or class."""
        if path not in self._tests:
            self._tests[path] = self._engine.tests_reaching(path)
        return self._tests[path].get(qualname, frozenset())

    def summary(self, tests: Collection[str]) -> Summary:
        """How these tests stand together."""
        affected = running = unknown = bad = skipped = 0
        seconds = 0.0
        for test in tests:
            is_affected, is_running, outcome, took = self._states.get(test) or self._state(test)
            affected += is_affected or is_running
            running += is_running
            unknown += outcome is None
            bad += outcome is Outcome.FAILED or outcome is Outcome.ERRORED
            skipped += outcome is Outcome.SKIPPED
            seconds += took
        return Summary(len(tests), affected, running, unknown, bad, skipped, seconds)

    def close(self) -> None:
        """Renew nothing any more."""
        if self._timer is not None:
            self._timer.cancel()

    # --- what the engine tells ------------------------------------------------------------------

    def affected_changed(self, _: events.AffectedChanged) -> None:
        """Any test may stand otherwise."""
        self._states.clear()

    def tests_changed(self, _: events.ModuleDiscovered | events.ModuleRemoved) -> None:
        """Tests came or went."""
        self._states.clear()
        self._tests.clear()

    def run_started(self, event: events.RunStarted) -> None:
        """These tests run now."""
        self._renewed_at = time.monotonic()
        self._forget(event.tests)

    def test_finished(self, event: events.TestFinished) -> None:
        """A test has a new fact."""
        self._forget([event.verdict.test])
        if time.monotonic() - self._renewed_at > _RENEW:
            self._renew()

    def run_finished(self, _: events.RunFinished) -> None:
        """Facts are new, and so may be what they reach."""
        self._states.clear()
        self.close()
        self._timer = asyncio.get_running_loop().call_later(_SETTLE, self._renew)

    def _forget(self, tests: Iterable[str]) -> None:
        for test in tests:
            self._states.pop(test, None)

    def _renew(self) -> None:
        self._renewed_at = time.monotonic()
        self._tests.clear()
        self._renewed()

    def _state(self, test: str) -> tuple[bool, bool, Outcome | None, float]:
        state = self._engine.state_of(test)
        verdict = state.verdict
        outcome = verdict.outcome if verdict else None
        known = (state.affected, state.running, outcome, verdict.seconds if verdict else 0.0)
        self._states[test] = known
        return known
