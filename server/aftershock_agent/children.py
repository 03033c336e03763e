"""Notices child processes: recording can't see what they run."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from aftershock_agent.source_watch import SourceWatch

_PROGRAMS = frozenset(("subprocess.Popen", "os.system", "os.posix_spawn"))
"""Events of the start of another program, which has nothing of the project but what it opens."""
_STARTS = frozenset((*_PROGRAMS, "os.exec", "os.fork", "os.forkpty", "os.spawn"))


class ChildProcesses:
    """Hears of every child process from the interpreter's audit events (PEP 578)."""

    def __init__(self) -> None:
        self.sources = SourceWatch()
        self._seen = ""
        self._program = ""
        self._count = "None"
        sys.addaudithook(self._listener())
        if hasattr(os, "register_at_fork"):
            # With preexec_fn subprocess forks code of the project, and says nothing else of it.
            os.register_at_fork(before=lambda: self.note("os.fork"))

    def take(self, lasting: bool = False) -> str:
        """The event of the first child process since the last call, or an empty string.

        A program that ran while nobody opened a source of the project doesn't count, unless what it does is
        ``lasting``: it may go on to serve others.
        """
        self.note(self._multiprocessing())
        program, self._program = self._program, ""
        if program and (lasting or not self.sources.was_quiet()):
            self.note(program)
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
            if event in _STARTS and not (self._seen or self._program):
                if event in _PROGRAMS and self.sources.begin():
                    self._program = event
                else:
                    self._seen = event
            elif event in _STARTS and event not in _PROGRAMS:
                self.note(event)

        return hear
