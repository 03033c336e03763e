"""Notices child processes: recording can't see what they run."""

from __future__ import annotations

import sys

_STARTS = frozenset(("subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn"))


class ChildProcesses:
    """Hears of every child process from the interpreter's audit events (PEP 578)."""

    def __init__(self) -> None:
        self._seen = ""
        sys.addaudithook(self._hear)

    def take(self) -> str:
        """The event of the first child process since the last call, or an empty string."""
        seen, self._seen = self._seen, ""
        return seen

    def _hear(self, event: str, arguments: tuple[object, ...]) -> None:
        if event in _STARTS and not self._seen:
            self._seen = event
