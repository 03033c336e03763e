"""Tests under coverage.py: an ordinary pytest in a fresh process of the project's interpreter.

A cold start is right here: lines that run at import are executed too.  The verdicts are for the eye alone; facts come
from the warm interpreter.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from aftershock.engine import events
from aftershock.engine.agent_process import BOOTSTRAP, LINE_LIMIT, agent_environment, spawn
from aftershock.engine.configuration import Configuration
from aftershock.engine.coverage_result import CoverageResult, Measured
from aftershock.engine.debugging import folder_for
from aftershock.engine.interpreter import find_interpreter, not_started
from aftershock.engine.ledger import verdict_of
from aftershock.selection.facts import Outcome
from aftershock_agent import codec, messages, processes

log = logging.getLogger(__name__)

_KEPT = 3  # results that can be asked for; each may have the lines of thousands of tests
_LAST_WORDS = 1.0  # seconds that are left to read what a dead process has said
_GRACE = 5.0  # seconds that the interpreter may take to end once all is told
_LOG = ".aftershock/coverage.log tells more."
_CRASHED = f"The test ended the interpreter, and the coverage run with it. {_LOG}"
_USUAL = (0, 1)  # pytest's exit codes: https://docs.pytest.org/en/stable/reference/exit-codes.html


class CannotMeasure(Exception):
    """No coverage can be had; the message says why and what to do."""


@dataclass(frozen=True)
class Said:
    """Something that people should know of a run, and that belongs to no test."""

    run: int
    text: str


Told = events.RunStarted | events.TestStarted | events.TestFinished | events.RunFinished | Measured | Said


class CoverageRuns:
    """The processes that measure, and what they have found; they end with their tests, or with the server."""

    def __init__(self, configuration: Configuration, tell: Callable[[Told], None]) -> None:
        """``tell`` hears each step; :class:`Measured` comes right before the end of its run."""
        self._configuration = configuration
        self._tell = tell
        self._watches: dict[int, _Watch] = {}
        self._results: dict[int, CoverageResult] = {}

    async def start(self, run: int, nodes: Sequence[events.TestNode] | None) -> None:
        """Begin to run tests, None for all that pytest finds; raises CannotMeasure."""
        configuration = self._configuration
        here, there = socket.socketpair()
        command = [*find_interpreter(configuration), str(BOOTSTRAP), "coverage", str(there.fileno())]
        environment, output = agent_environment(configuration.env), configuration.root / ".aftershock" / "coverage.log"
        try:
            process = await spawn(command, there.fileno(), folder_for(configuration), environment, output)
        except OSError as error:
            here.close()
            raise CannotMeasure(not_started(command, error)) from error
        finally:
            there.close()
        watch = self._watches[run] = _Watch(run, process, CoverageResult(configuration.root), self._tell, self._keep)
        watch.follow(here, self._order(nodes))
        watch.task.add_done_callback(lambda _: self._watches.pop(run))
        try:
            await watch.begun
        except asyncio.CancelledError:
            self.cancel(run)
            raise

    def _order(self, nodes: Sequence[events.TestNode] | None) -> messages.MeasureCoverage:
        root, arguments = self._configuration.root, list(self._configuration.pytest_args)
        if nodes is None:
            return messages.MeasureCoverage(str(root), arguments, None, None)
        files = dict.fromkeys(str(root / node.path) for node in nodes)
        return messages.MeasureCoverage(str(root), arguments, [node.id for node in nodes], list(files))

    def _keep(self, run: int, result: CoverageResult) -> None:
        self._results[run] = result
        while len(self._results) > _KEPT:
            del self._results[next(iter(self._results))]

    def cancel(self, run: int) -> None:
        """End a run, if it is under way: it has no result then."""
        if run in self._watches:
            self._watches[run].task.cancel()

    def result(self, run: int) -> CoverageResult | None:
        """What a run has found; None for one that found nothing, or is long ago."""
        return self._results.get(run)

    def results(self) -> Iterator[CoverageResult]:
        """All that can be asked for, the last one first."""
        return reversed(self._results.values())

    async def close(self) -> None:
        """End every process."""
        tasks = [watch.task for watch in self._watches.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


class _Watch:
    """Hears what one process says until it ends; ends it when the watch is cancelled."""

    task: asyncio.Task[None]

    def __init__(
        self,
        run: int,
        process: asyncio.subprocess.Process,
        result: CoverageResult,
        tell: Callable[[Told], None],
        keep: Callable[[int, CoverageResult], None],
    ) -> None:
        self._run = run
        self._process = process
        self._result = result
        self._tell = tell
        self._keep = keep
        self._since = time.perf_counter()
        self._counts = Counter[Outcome]()
        self._flight: str | None = None
        self._exit: int | None = None
        self._explained = self._over = False
        self.begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def follow(self, channel: socket.socket, order: messages.MeasureCoverage) -> None:
        """Give the order; ``begun`` is done when lines are measured, or raises CannotMeasure."""
        self.task = asyncio.create_task(self._follow(channel, order))

    async def _follow(self, channel: socket.socket, order: messages.MeasureCoverage) -> None:
        reader, writer = await asyncio.open_connection(sock=channel, limit=LINE_LIMIT)
        writer.write(codec.encode(order))
        reading = asyncio.ensure_future(self._read(reader))
        ending = asyncio.ensure_future(self._process.wait())
        try:
            # What a test has forked may hold the channel open when the process is gone.
            await asyncio.wait([reading, ending], return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait([reading], timeout=_LAST_WORDS)
            self._conclude()
            await asyncio.wait([ending], timeout=_GRACE)
        finally:
            self._conclude(cancelled=True)
            reading.cancel()
            writer.close()
            if self._process.returncode is None:
                processes.kill(self._process.pid)
            await ending

    async def _read(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(ConnectionError):
            while self._exit is None and (line := await reader.readline()):
                try:
                    self._hear(codec.decode(line), line)
                except Exception:
                    log.exception("a message of a coverage run can't be taken in")

    def _hear(self, message: messages.Message, line: bytes) -> None:
        run = self._run
        if isinstance(message, messages.CoverageBegun):
            self._begin(message.problem)
        elif isinstance(message, messages.TestsChosen):
            self._result.tests = message.tests
            self._tell(events.RunStarted(run, events.RunKind.REQUEST, tuple(message.tests)))
        elif isinstance(message, messages.TestStarted):
            self._flight = message.test
            self._tell(events.TestStarted(run, message.test, message.worker, message.at))
        elif isinstance(message, messages.TestFinished):
            self._finish(message)
        elif isinstance(message, messages.CollectFailed):
            self._explain(f"{message.path} can't be collected.\n{message.failure.text}")
        elif isinstance(message, messages.CoveredFile):
            self._result.add(message, line)
        elif isinstance(message, messages.CoverageEnded):
            self._exit = message.exit

    def _begin(self, problem: str) -> None:
        if self.begun.done():
            return
        if problem:
            self.begun.set_exception(CannotMeasure(problem))
        else:
            self.begun.set_result(None)

    def _finish(self, message: messages.TestFinished) -> None:
        self._flight = None
        verdict = verdict_of(message)
        self._counts[verdict.outcome] += 1
        self._tell(events.TestFinished(self._run, verdict, message.output))

    def _explain(self, text: str) -> None:
        self._explained = True
        self._tell(Said(self._run, text))

    def _conclude(self, cancelled: bool = False) -> None:
        """Tell how the run has ended, if anybody has heard of it, once."""
        self._begin(f"The interpreter ended before coverage.py could start. {_LOG}")
        if self._over or self.begun.cancelled() or self.begun.exception() is not None:
            return
        self._over = True
        if self._exit is not None:
            if self._exit not in _USUAL and not self._explained:
                self._explain(f"pytest ended with exit status {self._exit}. {_LOG}")
            self._keep(self._run, self._result)
            self._tell(Measured(self._run, self._result.tests, self._result.totals))
        elif self._flight is not None and not cancelled:
            failure = messages.Failure("Crash", _CRASHED, _CRASHED)
            self._finish(messages.TestFinished(0, 0, self._flight, "failed", {}, failure=failure))
        elif not cancelled:
            self._explain(f"The interpreter ended before all was measured. {_LOG}")
        seconds = time.perf_counter() - self._since
        self._tell(events.RunFinished(self._run, events.RunKind.REQUEST, self._counts, seconds, cancelled))
