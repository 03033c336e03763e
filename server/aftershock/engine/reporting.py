"""What becomes of the reports of running tests: verdicts, told at once, and facts, worked out a moment later."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Set as AbstractSet
from pathlib import Path

from aftershock.engine import events
from aftershock.engine.ledger import Ledger, verdict_of
from aftershock.engine.runner import TestEvent
from aftershock.engine.standing import Standing
from aftershock.engine.tests_known import KnownTests
from aftershock.engine.warm import Outdated, WarmSession
from aftershock.selection.facts import Outcome, Verdict
from aftershock_agent import messages

log = logging.getLogger(__name__)

_GATHER = 0.02  # seconds without a verdict until facts are worked out, which takes as long as small tests
_AT_MOST = 0.2  # seconds for which facts wait, and would be lost in a crash


class Reporting:
    """The reports of one run at a time; ``running`` are its tests without a verdict, ``counts`` the verdicts so far."""

    def __init__(
        self,
        known: KnownTests,
        ledger: Ledger,
        standing: Standing,
        tell: Callable[[events.Event], None],
        look: Callable[[Iterable[Path]], None],
    ) -> None:
        """``look`` hears of files that changed while a test ran."""
        self._known, self._ledger, self._standing = known, ledger, standing
        self._tell, self._look = tell, look
        self._unrecorded: list[tuple[TestEvent, WarmSession, bool]] = []
        self._gathering_since = self._reported_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._run = 0
        self.counts: Counter[Outcome] = Counter()
        self.running: set[str] = set()

    def begin(self, run: int, tests: Iterable[str]) -> None:
        """Another run begins."""
        self._run = run
        self.counts, self.running = Counter(), set(tests)

    def leave_out(self, tests: AbstractSet[str]) -> None:
        """These get no verdict from this run: the one that they have holds after all."""
        self.running -= tests

    def end(self) -> tuple[str, ...]:
        """The run is over; returns the tests that got no verdict."""
        self.record()
        left, self.running = tuple(sorted(self.running)), set()
        return left

    def report(self, session: WarmSession, event: TestEvent, alone: bool) -> None:
        """Tell a verdict at once; facts are worked out a moment later, many in one transaction."""
        if isinstance(event, messages.TestStarted):
            self._tell(events.TestStarted(self._run, event.test, event.worker, event.at))
            return
        if isinstance(event, messages.TestFinished):
            self._tell_verdict(verdict_of(event), event.output, event.at)
        self._reported_at = time.monotonic()
        if self._timer is None:
            self._gathering_since = self._reported_at
            self._timer = asyncio.get_running_loop().call_later(_GATHER, self._gathered)
        # What earlier tests have left in the session's own process, even in other runs, may hide what this one needs.
        self._unrecorded.append((event, session, alone and not session.agent.in_process))

    def _gathered(self) -> None:
        now = time.monotonic()
        if now - self._reported_at < _GATHER and now - self._gathering_since < _AT_MOST:
            self._timer = asyncio.get_running_loop().call_later(_GATHER, self._gathered)
        else:
            self.record()

    def record(self) -> None:
        """Work out and commit the facts of the reports so far."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        reports, self._unrecorded = self._unrecorded, []
        for event, session, alone in reports:
            if isinstance(event, messages.TeardownExecuted):
                self._ledger.extend(event, session)
            elif isinstance(event, messages.TestFinished):
                self._record_one(event, session, alone)
        self._ledger.commit()

    def _record_one(self, event: messages.TestFinished, session: WarmSession, alone: bool) -> None:
        try:
            self._ledger.record(event, session, alone)
        except Outdated as outdated:
            log.info("no fact of %s: %s changed meanwhile", event.test, outdated)
            paths = [session.root / path for path in outdated.paths]
            asyncio.get_running_loop().call_soon(self._look, paths)
        else:
            self._standing.note(event.test)

    def collectable(self, test: str, session: WarmSession) -> bool:
        """Whether the test's file was collected; if not, the test gets its verdict from that."""
        problem = self._known.failure_of(self._known.nodes[test].path)
        if problem is None:
            return True
        failure = messages.Failure("CollectError", problem.message, problem.message)
        verdict = Verdict(test, Outcome.ERRORED, {}, failure, time.time())
        self._tell_verdict(verdict)
        self._ledger.record_uncollectable(verdict, session)
        self._ledger.commit()
        self._standing.note(test)
        return False

    def _tell_verdict(self, verdict: Verdict, output: str = "", at: float = 0.0) -> None:
        self.running.discard(verdict.test)
        self.counts[verdict.outcome] += 1
        self._tell(events.TestFinished(self._run, verdict, output, at))
