"""Remembers of the last run what its timeline shows."""

from __future__ import annotations

import time
from collections.abc import Callable

from aftershock.engine import events
from aftershock.engine.background import Background
from aftershock.store import Store
from aftershock.timeline.last_run import PHASES, LastRun, TimedTest, loaded

_NAME = "last run"  # in the store's memory


class RunRecorder:
    """Hears what a run tells, after those who wait for it; between two tests that is worth next to nothing."""

    def __init__(self, store: Store, background: Background, tell: Callable[[events.Event], None]) -> None:
        """``tell`` is passed every event on."""
        self._store, self._background = store, background
        self._own: LastRun | None = None
        self._tell = tell
        self._began, self._began_at = 0.0, 0.0
        self._started: dict[str, events.TestStarted] = {}
        self._timed: dict[str, TimedTest] = {}

    @property
    def last(self) -> LastRun | None:
        """The last run, of whatever process; None where nothing ran yet."""
        found = [run for run in (remembered_run(self._store), self._own) if run is not None]
        return max(found, key=lambda run: run.began_at, default=None)

    def hear(self, event: events.Event) -> None:
        """Pass an event on, and note it if it is of a run."""
        self._tell(event)
        if isinstance(event, events.TestStarted):
            self._started[event.test] = event
        elif isinstance(event, events.TestFinished):
            self._finish(event)
        elif isinstance(event, events.RunStarted):
            self._began, self._began_at = time.perf_counter(), time.time()
        elif isinstance(event, events.RunFinished):
            self._remember(event)

    def _finish(self, event: events.TestFinished) -> None:
        """A test without a start has its verdict from the collection of its file, and took no worker's time."""
        verdict = event.verdict
        started = self._started.get(verdict.test)
        if started is None:
            return
        start, end = started.at - self._began, (event.at or time.perf_counter()) - self._began
        durations = verdict.durations if event.at else {"call": end - start}
        phases = tuple(durations.get(phase, 0.0) for phase in PHASES)
        self._timed[verdict.test] = TimedTest(verdict.test, started.worker, start, end, phases, verdict.outcome)

    def _remember(self, event: events.RunFinished) -> None:
        tests = tuple(sorted(self._timed.values(), key=lambda test: (test.worker, test.start)))
        self._started, self._timed = {}, {}
        run = self._own = LastRun(
            event.kind.value, self._began_at, event.seconds, event.counts, len(event.unfinished), tests
        )
        # To dump 10,000 tests takes a tenth of a second.
        self._background.do(lambda: self._store.set_meta(_NAME, run.dumped()))


def remembered_run(store: Store) -> LastRun | None:
    """The last run of anyone on this project; None where nothing ran yet."""
    return loaded(store.get_meta(_NAME))
