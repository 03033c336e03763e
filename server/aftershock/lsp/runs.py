"""Tells a test explorer each step of every run, and pairs its requests with the runs that they start."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from aftershock.engine import events
from aftershock.lsp.diagnostics import failed, locations
from aftershock.lsp.places import Places
from aftershock.lsp.protocol import TestFailure, TestFrame, TestRunProgress
from aftershock.lsp.timing import BLINK
from aftershock.selection.facts import Verdict
from aftershock_agent.messages import Failure


class Runs:
    """The steps of runs, as :class:`TestRunProgress`."""

    def __init__(self, places: Places, send: Callable[[TestRunProgress], None]) -> None:
        """``send`` notifies the client."""
        self._places = places
        self._send = send
        self._waiting: list[asyncio.Future[int | None]] = []
        self._empty = 0
        self._begun: dict[str, asyncio.TimerHandle] = {}
        self.active: int | None = None

    async def ask(self, run: Coroutine[Any, Any, events.RunFinished | None]) -> int:
        """Start a run and return its number, as soon as it has begun.

        A run that has nothing to do gets a number of its own, below zero, and ends at once.
        """
        begun: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(begun)
        task = asyncio.ensure_future(run)
        task.add_done_callback(lambda _: self._wake(begun))
        number = await begun
        if number is not None:
            return number
        task.result()
        self._empty -= 1
        number = self._empty
        asyncio.get_running_loop().call_soon(self._send, TestRunProgress(number, "end"))
        return number

    def _wake(self, begun: asyncio.Future[int | None]) -> None:
        """The run is over: one that never began is waited for no more."""
        if not begun.done():
            self._waiting.remove(begun)
            begun.set_result(None)

    def started(self, event: events.RunStarted) -> None:
        """A run begins."""
        self.active = event.run
        if event.kind is events.RunKind.REQUEST and self._waiting:
            self._waiting.pop(0).set_result(event.run)
        self._send(TestRunProgress(event.run, "enqueued", tests=list(event.tests)))

    def test_started(self, event: events.TestStarted) -> None:
        """A test begins; told if it takes a blink or more."""
        step = TestRunProgress(event.run, "started", test=event.test)
        self._begun[event.test] = asyncio.get_running_loop().call_later(BLINK, self._send, step)

    def test_finished(self, event: events.TestFinished, node: events.TestNode | None) -> None:
        """A test has its verdict; ``node`` is None for one that exists no more."""
        verdict = event.verdict
        if verdict.test in self._begun:
            self._begun.pop(verdict.test).cancel()
        if event.output:
            self._send(TestRunProgress(event.run, "output", test=verdict.test, output=event.output))
        self._send(self._verdict(event.run, verdict, node))

    def said(self, run: int, text: str) -> None:
        """Something that belongs to no test of a run."""
        self._send(TestRunProgress(run, "output", output=text))

    def restored(self, verdicts: Iterable[tuple[Verdict, events.TestNode]]) -> None:
        """Tests got their verdicts back from memory: told as a run of its own, below zero, that ends at once."""
        known = list(verdicts)
        if not known:
            return
        self._empty -= 1
        for verdict, node in known:
            self._send(self._verdict(self._empty, verdict, node))
        self._send(TestRunProgress(self._empty, "end"))

    def finished(self, event: events.RunFinished) -> None:
        """A run is over."""
        self.active = None
        for timer in self._begun.values():
            timer.cancel()
        self._begun.clear()
        self._send(TestRunProgress(event.run, "end"))

    def _verdict(self, run: int, verdict: Verdict, node: events.TestNode | None) -> TestRunProgress:
        return TestRunProgress(
            run,
            verdict.outcome.value,
            test=verdict.test,
            duration=verdict.seconds,
            failure=self._failure(verdict, node),
        )

    def _failure(self, verdict: Verdict, node: events.TestNode | None) -> TestFailure | None:
        failure = verdict.failure
        if failure is None or not failed(verdict):
            return None
        frames = [TestFrame(name, place) for name, place in locations(failure, self._places)]
        own = [frame.location for frame in frames if node and frame.location.uri == self._places.uri(node.path)]
        place = own[0] if own else self._places.location(node.path, node.line) if node else None
        return TestFailure(_message(failure), frames, failure.expected, failure.actual, place)


def _message(failure: Failure) -> str:
    """What a test explorer shows: the short form first, since editors put the first line beside the code."""
    short = failure.message or failure.exception
    return f"{short}\n\n{failure.text}" if failure.text and failure.text != short else short
