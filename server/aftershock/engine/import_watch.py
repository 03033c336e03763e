"""A time limit for imports: a module that never ends must not keep the interpreter from everybody."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

from aftershock_agent import messages

_FRAME = re.compile(r'  File "(.+)", line (\d+) in (.+)')
_ABORTED = "Fatal Python error: Aborted"
LEAST = 10.0
"""Seconds that an import may take at least."""
_GRACE = 2.0  # seconds for the session to write where it was
_LOG_END = 100_000  # bytes of the log that may hold its last traceback


TIMEOUT = "ImportTimeout"
"""What a failure has for its exception where the time ran out."""


class ImportWatch:
    """Runs out when no file has begun to be imported for some time; the session is then ended."""

    def __init__(self, limit: float, end: Callable[[bool], None]) -> None:
        """``limit`` is in seconds, and ten at least: imports take longer than tests.

        ``end`` ends the session, by SIGABRT where it gets True: that leaves a traceback.
        """
        self._limit = max(limit, LEAST)
        self._end = end
        self._timer: asyncio.TimerHandle | None = None
        self._path = ""
        self.expired = False

    def begin(self) -> None:
        """A session starts, or a collection does."""
        self.expired = False
        self.note("")

    def note(self, path: str) -> None:
        """A file (absolute path) begins to be imported and collected."""
        if self.expired:
            return
        self.stop()
        self._path = path
        self._timer = asyncio.get_running_loop().call_later(self._limit, self._ring)

    def stop(self) -> None:
        """It is over."""
        if self._timer is not None:
            self._timer.cancel()

    def _ring(self) -> None:
        self.expired = True
        self._end(True)
        self._timer = asyncio.get_running_loop().call_later(_GRACE, self._end, False)

    def failure(self, output: Path) -> messages.Failure:
        """What to tell people, with the place where the import was: ``output`` has the session's last words."""
        frames = _last_frames(output)
        if not frames and self._path:
            frames = [messages.Frame(self._path, 1, "<module>")]
        text = (
            f"The import was stopped: it took longer than {self._limit:g} s (setting aftershock.testTimeout, "
            "which holds for the import of each test file too, or 10 s where it is less)."
        )
        return messages.Failure(TIMEOUT, text, text, frames)


def _last_frames(output: Path) -> list[messages.Frame]:
    """The traceback that an aborted session wrote, outermost frame first."""
    try:
        log = output.read_bytes()[-_LOG_END:].decode("utf-8", "replace")
    except FileNotFoundError:
        return []
    _, _, end = log.rpartition(_ABORTED)
    current = end.partition("Current thread")[2].partition("\n\n")[0]
    found = [messages.Frame(path, int(line), name) for path, line, name in _FRAME.findall(current)]
    return found[::-1]
