"""Notices child processes: recording can't see what they run."""

from __future__ import annotations

import sys
from collections.abc import Callable

_STARTS = frozenset(("subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn"))


class ChildProcesses:
    """Hears of every child process from the interpreter's audit events (PEP 578)."""

    def __init__(self) -> None:
        self._seen = ""
        self._count = "None"
        sys.addaudithook(self._listener())

    def take(self) -> str:
        """The event of the first child process since the last call, or an empty string."""
        self.note(self._multiprocessing())
        seen, self._seen = self._seen, ""
        return seen

    def note(self, event: str) -> None:
        """A child process counts here too: one of a wider fixture, say."""
        self._seen = self._seen or event

    def _multiprocessing(self) -> str:
        """Whether multiprocessing has counted a new process: its way of spawning raises no audit event."""
        module = sys.modules.get("multiprocessing.process")
        count = repr(getattr(module, "_process_counter", None))
        before, self._count = self._count, count
        return "multiprocessing" if count not in (before, "count(1)", "None") else ""

    def _listener(self) -> Callable[[str, object], None]:
        """A plain function: a method would cost the project three times as much, at each import, open and ``id()``.

        The interpreter asks a hook for an attribute at each event, which methods raise an AttributeError for.
        """

        def hear(event: str, arguments: object) -> None:
            if event in _STARTS and not self._seen:
                self._seen = event

        return hear
