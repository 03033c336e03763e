"""Runs tests through the agent: spread over forks, crashes and hangs told as what they are, the rest run on.

A fork that has run its tests asks for more and is kept, so that what a session sets up is set up once in each.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from aftershock.engine.agent import Agent
from aftershock.engine.endings import report_of
from aftershock.engine.schedule import Schedule
from aftershock_agent import messages

TestEvent = messages.TestStarted | messages.TestFinished | messages.TeardownExecuted


class Runner:
    """One set of tests being run; a new Runner for each set."""

    def __init__(
        self,
        agent: Agent,
        tests: Sequence[str],
        timeout: float,
        report: Callable[[TestEvent, bool], None],
        programs: bool = False,
        idle: bool = False,
    ) -> None:
        """``timeout`` is in seconds, for each test; ``report`` gets each event, and whether its test ran alone.

        ``programs``: some of the tests start other programs; ``idle``: nobody waits for them.

        Afterwards ``unfinished`` holds the tests without a verdict, and ``lost`` tells that the session went away,
        ``crashed`` that a test ended it, in whose process it ran, and has its verdict.
        """
        self._agent = agent
        self._tests = list(tests)
        self._timeout = timeout
        self._report = report
        self._programs, self._idle = programs, idle
        self._active: dict[int, _Fork] = {}
        self._dropped: set[str] = set()
        self._uid = uuid.uuid4().hex
        self._schedule = Schedule([], {}, {}, 1)
        self._cancelled = False
        self.lost = self.crashed = False
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

    def drop(self, tests: Collection[str]) -> None:
        """Leave out tests that are out of date, those in flight too; they stay unfinished, and the others go on."""
        self._dropped.update(tests)
        for run, fork in self._active.items():
            if fork.flight in self._dropped:
                self._abandon(fork)
            elif not self._dropped.isdisjoint(fork.left):
                self._agent.drop(run, [test for test in fork.left if test in self._dropped])

    async def _work(self, worker: int) -> None:
        """Keep one fork at work, a new one after each crash."""
        tests = self._take(worker)
        while tests and not self._cancelled:
            tests = await self._run_fork(tests, worker) or self._take(worker)

    def _take(self, worker: int) -> list[str]:
        """The next tests of the schedule, but for those that were dropped."""
        while tests := self._schedule.take(worker):
            valid = self._valid(tests)
            if valid:
                return valid
        return []

    def _valid(self, tests: Sequence[str]) -> list[str]:
        return [test for test in tests if test not in self._dropped]

    async def _run_fork(self, tests: list[str], worker: int) -> list[str]:
        """Run tests in one fork, and more as long as there are any; returns those that a crash or a hang left."""
        place = messages.Worker(worker, self._schedule.workers, self._uid)
        run = self._agent.begin_run(tests, place, not self._schedule.empty, self._programs, self._idle)
        watch = _Watch(self._timeout, lambda: self._agent.cancel(run, True))
        self._active[run] = fork = _Fork(run, worker, list(tests), watch, alone=len(tests) == 1)
        watch.restart()  # it might hang before its first test
        ended = False
        try:
            async for event in self._agent.events_of(run):
                if isinstance(event, messages.RunEnded):
                    ended = True
                    return self._after(event, fork)
                self._take_in(event, fork)
        finally:
            watch.stop()
            del self._active[run]
            if not ended:
                self._agent.cancel(run, kill=True)
        return []

    def _abandon(self, fork: _Fork) -> None:
        fork.abandoned = True
        self._agent.cancel(fork.run, kill=True)

    def _take_in(self, event: messages.Event, fork: _Fork) -> None:
        if isinstance(event, messages.TestStarted):
            fork.flight = event.test
            fork.watch.restart()
            if event.test in self._dropped:
                self._abandon(fork)  # it had begun when the order to leave it out came
                return
        elif isinstance(event, messages.TestFinished):
            fork.flight = None
            if event.test in fork.left:  # else a late teardown of what it had used failed
                fork.left.remove(event.test)
            if event.test in self._dropped:
                return  # and ended when it was out of date already
            self.unfinished.discard(event.test)
        elif isinstance(event, messages.RunIdle):
            fork.watch.restart()
            fork.left = [] if self._cancelled else self._take(fork.worker)
            fork.alone = False
            self._agent.more(fork.run, fork.left, more=bool(fork.left) and not self._schedule.empty)
        if isinstance(event, (messages.TestStarted, messages.TestFinished, messages.TeardownExecuted)):
            self._report(event, fork.alone)

    def _after(self, ended: messages.RunEnded, fork: _Fork) -> list[str]:
        """What is left of a fork's tests now that it has ended; a verdict for the one that ended it."""
        left = self._valid(fork.left)
        if self._cancelled or not left:
            return []
        self.lost |= ended.lost
        if fork.abandoned:
            return [] if self.lost else left  # whatever was in flight by then did nothing wrong
        ended_itself = ended.signal is not None or ended.exit is not None
        if fork.flight is None and (not ended_itself or (ended.exit == 0 and not ended.lost)):
            return []  # the session went away, or doesn't know what is left
        culprit = fork.flight or left[0]
        self.unfinished.discard(culprit)
        self.crashed |= ended_itself and ended.lost
        self._report(report_of(ended, culprit, self._timeout if fork.watch.expired else None), False)
        return [] if self.lost else [test for test in left if test != culprit]


@dataclass
class _Fork:
    """A fork at work: the tests that it has yet to finish, and the one that it has begun."""

    run: int
    worker: int
    left: list[str]
    watch: _Watch
    alone: bool
    flight: str | None = None
    abandoned: bool = False


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


def processes_for(setting: str | int) -> int:
    """The number of forks that the setting ``parallel`` allows: as many as this process may use cores."""
    if isinstance(setting, int):
        return setting
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed is not None else max(os.cpu_count() or 1, 1)
