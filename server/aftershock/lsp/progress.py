"""Work-done progress of builds: a real total, and a button that cancels."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Coroutine
from typing import Any

from lsprotocol.types import WorkDoneProgressBegin, WorkDoneProgressEnd, WorkDoneProgressReport
from pygls.exceptions import JsonRpcException
from pygls.progress import Progress

from aftershock.engine import events

_PAUSE = 0.1  # seconds between two reports: people read no faster
_numbers = itertools.count(1)
PREFIX = "aftershock-"
"""All our tokens begin with it."""


class BuildProgress:
    """Follows the engine's events; opens a progress for each build, in a client that shows them."""

    def __init__(self, client: Progress | None, spawn: Callable[[Coroutine[Any, Any, object]], None]) -> None:
        """``client`` is None where it has no progress; ``spawn`` lets a coroutine go on by itself."""
        self._client = client
        self._spawn = spawn
        self._current: _Progress | None = None

    def started(self, event: events.RunStarted) -> None:
        """A run begins: only a build is long enough to be waited for."""
        if self._client is not None and event.kind is events.RunKind.BUILD:
            self._current = _Progress(self._client, f"Aftershock: {len(event.tests)} tests", len(event.tests))
            self._spawn(self._current.begin())

    def advanced(self, _: events.TestFinished) -> None:
        """A test has ended."""
        if self._current is not None:
            self._current.advance()

    def finished(self, event: events.RunFinished) -> None:
        """The run is over."""
        if self._current is not None:
            self._current.end("cancelled" if event.cancelled else "done")
            self._current = None


class _Progress:
    """The progress of one run; the client's consent comes at any time between."""

    def __init__(self, client: Progress, title: str, total: int) -> None:
        self._client = client
        self._title = title
        self._total = total
        self._done = 0
        self._open = False
        self._ended = False
        self._reported = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._token = f"{PREFIX}{next(_numbers)}"

    async def begin(self) -> None:
        """Open it in the client; a client that refuses gets none."""
        try:
            await self._client.create_async(self._token)
        except JsonRpcException:
            return
        first = WorkDoneProgressBegin(self._title, cancellable=True, message=self._message, percentage=self._percentage)
        self._client.begin(self._token, first)
        self._open = True
        if self._ended:
            self.end("done")

    def advance(self) -> None:
        """A test has ended."""
        self._done += 1
        if self._open and self._timer is None:
            wait = max(0.0, self._reported + _PAUSE - time.monotonic())
            self._timer = asyncio.get_running_loop().call_later(wait, self._report)

    def _report(self) -> None:
        self._timer = None
        if self._open:
            self._reported = time.monotonic()
            report = WorkDoneProgressReport(cancellable=True, message=self._message, percentage=self._percentage)
            self._client.report(self._token, report)

    def end(self, message: str) -> None:
        """The run is over."""
        self._ended = True
        if self._open:
            self._open = False
            self._client.end(self._token, WorkDoneProgressEnd(message=message))

    @property
    def _message(self) -> str:
        return f"{self._done} of {self._total}"

    @property
    def _percentage(self) -> int:
        return 100 * self._done // max(self._total, 1)
