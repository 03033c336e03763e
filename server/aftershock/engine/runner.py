"""Runs tests through the agent: spread over forks, crashes and hangs told as what they are, the rest run on."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Mapping, Sequence

from aftershock.engine.agent import Agent
from aftershock_agent import messages

TestEvent = messages.TestStarted | messages.TestFinished | messages.TeardownExecuted

_WORTH_SPREADING = 0.25
"""Seconds of estimated work above which a second fork pays for itself."""
_UNKNOWN = 0.01
"""Seconds that a test without a recorded duration is assumed to take."""


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
        self._cancelled = False
        self.lost = False
        self.unfinished: set[str] = set(tests)

    async def run(self, processes: int, durations: Mapping[str, float]) -> None:
        """Run until every test has its verdict or the set is cancelled; raises AgentDied.

        ``durations`` (seconds, by test) balance the forks, of which there are at most ``processes``.
        """
        groups = spread(self._tests, processes, durations)
        tasks = [asyncio.ensure_future(self._run_group(group)) for group in groups]
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

    async def _run_group(self, tests: list[str]) -> None:
        while tests and not self._cancelled:
            tests = await self._run_fork(tests)

    async def _run_fork(self, tests: list[str]) -> list[str]:
        """Run tests in one fork; returns those that a crash or a hang kept from running."""
        run = self._agent.begin_run(tests)
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
                    left.remove(event.test)
                    self.unfinished.discard(event.test)
                if isinstance(event, messages.RunEnded):
                    ended = True
                    return self._after(event, left, flight, watch.expired)
                if isinstance(event, (messages.TestStarted, messages.TestFinished, messages.TeardownExecuted)):
                    self._report(event, len(tests) == 1)
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
    """The number of forks that the setting ``parallel`` allows."""
    return setting if isinstance(setting, int) else max(os.cpu_count() or 1, 1)


def spread(tests: Sequence[str], processes: int, durations: Mapping[str, float]) -> list[list[str]]:
    """Split tests over forks: a file's tests stay together (they share fixtures), longest file first.

    One group when there is too little work for more to pay; the order within a group is the given one.
    """
    work = {test: durations.get(test, _UNKNOWN) for test in tests}
    if processes < 2 or sum(work.values()) < _WORTH_SPREADING:
        return [list(tests)]
    files: dict[str, list[str]] = {}
    for test in tests:
        files.setdefault(test.split("::", 1)[0], []).append(test)
    cost = {path: sum(work[test] for test in members) for path, members in files.items()}
    groups: list[list[str]] = [[] for _ in range(min(processes, len(files)))]
    loads = [0.0] * len(groups)
    for path in sorted(files, key=lambda path: -cost[path]):
        lightest = loads.index(min(loads))
        groups[lightest] += files[path]
        loads[lightest] += cost[path]
    return groups
