"""Runs tests through the agent: spread over forks, crashes and hangs told as what they are, the rest run on.

A fork that has run its tests asks for more and is kept, so that what a session sets up is set up once in each.
"""

from __future__ import annotations

import asyncio
import os
import signal
import uuid
from collections.abc import Callable, Mapping, Sequence

from aftershock.engine.agent import Agent
from aftershock.engine.schedule import Schedule
from aftershock_agent import messages

TestEvent = messages.TestStarted | messages.TestFinished | messages.TeardownExecuted


class Runner:
    """One set of tests being run; a new Runner for each set."""

    def __init__(
        self, agent: Agent, tests: Sequence[str], timeout: float, report: Callable[[TestEvent, bool], None]
    ) -> None:
        """``timeout`` is in seconds, for each test; ``report`` gets each event, and whether its test ran alone.

        Afterwards ``unfinished`` holds the tests without a verdict, and ``lost`` tells that the session went away.
        """
        self._agent = agent
        self._tests = list(tests)
        self._timeout = timeout
        self._report = report
        self._active: set[int] = set()
        self._uid = uuid.uuid4().hex
        self._schedule = Schedule([], {}, {}, 1)
        self._cancelled = False
        self.lost = False
        self.unfinished: set[str] = set(tests)

    async def run(
        self, processes: int, durations: Mapping[str, float], together: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        """Run until every test has its verdict or the set is cancelled; raises AgentDied.

        ``durations`` (seconds, by test) balance the forks, of which there are at most ``processes``; ``together``
        names what tests share beyond their file: tests that share anything run in one fork.
        """
        self._schedule = Schedule(self._tests, together or {}, durations, processes)
        tasks = [asyncio.ensure_future(self._work(worker)) for worker in range(self._schedule.workers)]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()

    def cancel(self, kill: bool) -> None:
        """Stop after the tests in flight, or at once."""
        self._cancelled = True
        for run in self._active:
            self._agent.cancel(run, kill)

    async def _work(self, worker: int) -> None:
        """Keep one fork at work, a new one after each crash."""
        tests = self._schedule.take(worker)
        while tests and not self._cancelled:
            tests = await self._run_fork(tests, worker) or self._schedule.take(worker)

    async def _run_fork(self, tests: list[str], worker: int) -> list[str]:
        """Run tests in one fork, and more as long as there are any; returns those that a crash or a hang left."""
        alone = len(tests) == 1
        place = messages.Worker(worker, self._schedule.workers, self._uid)
        run = self._agent.begin_run(tests, place, more=not self._schedule.empty)
        self._active.add(run)
        left = list(tests)
        flight: str | None = None
        ended = False
        watch = _Watch(self._timeout, lambda: self._agent.cancel(run, True))
        try:
            async for event in self._agent.events_of(run):
                if isinstance(event, messages.TestStarted):
                    flight = event.test
                    watch.restart()
                elif isinstance(event, messages.TestFinished):
                    flight = None
                    self.unfinished.discard(event.test)
                    if event.test in left:  # else a late teardown of what it had used failed
                        left.remove(event.test)
                elif isinstance(event, messages.RunIdle):
                    left = [] if self._cancelled else self._schedule.take(worker)
                    alone = False
                    self._agent.more(run, left, more=bool(left) and not self._schedule.empty)
                elif isinstance(event, messages.RunEnded):
                    ended = True
                    return self._after(event, left, flight, watch.expired)
                if isinstance(event, (messages.TestStarted, messages.TestFinished, messages.TeardownExecuted)):
                    self._report(event, alone)
        finally:
            watch.stop()
            self._active.discard(run)
            if not ended:
                self._agent.cancel(run, kill=True)
        return []

    def _after(self, ended: messages.RunEnded, left: list[str], flight: str | None, expired: bool) -> list[str]:
        if self._cancelled or not left:
            return []
        self.lost = ended.exit is None and ended.signal is None
        if flight is None and (self.lost or ended.exit == 0):
            return []  # the session went away, or doesn't know what is left
        culprit = flight or left[0]
        text = _timed_out(self._timeout) if expired else _crashed(ended)
        self.unfinished.discard(culprit)
        self._report(_failed(ended, culprit, text), False)
        return [] if self.lost else [test for test in left if test != culprit]


class _Watch:
    """A time limit that starts anew with each test."""

    def __init__(self, seconds: float, expire: Callable[[], None]) -> None:
        self._seconds = seconds
        self._expire = expire
        self._timer: asyncio.TimerHandle | None = None
        self.expired = False

    def restart(self) -> None:
        self.stop()
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._ring)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _ring(self) -> None:
        self.expired = True
        self._expire()


def _timed_out(seconds: float) -> str:
    return f"The test was stopped: it ran longer than {seconds:g} s (setting aftershock.testTimeout)."


def _crashed(ended: messages.RunEnded) -> str:
    if ended.signal is not None:
        try:
            name = signal.Signals(ended.signal).name
        except ValueError:
            name = f"signal {ended.signal}"
        return f"The test crashed the interpreter ({name})."
    if ended.exit is None:
        return "The interpreter went away while the test ran."
    return f"The test ended the interpreter with exit status {ended.exit}."


def _failed(ended: messages.RunEnded, test: str, text: str) -> messages.TestFinished:
    """The report of a test that couldn't report itself; what it ran is unknown, so it counts as opaque."""
    failure = messages.Failure("Crash", text, text)
    return messages.TestFinished(
        ended.session, ended.run, test, "failed", {"call": 0.0}, failure=failure, opaque="crash"
    )


def processes_for(setting: str | int) -> int:
    """The number of forks that the setting ``parallel`` allows: as many as this process may use cores."""
    if isinstance(setting, int):
        return setting
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed is not None else max(os.cpu_count() or 1, 1)
