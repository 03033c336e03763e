"""Notices child processes: recording can't see what they run."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass

from aftershock_agent import processes
from aftershock_agent.source_watch import SourceWatch

_PROGRAMS = frozenset(("subprocess.Popen", "os.system", "os.posix_spawn"))
"""Events of the start of another program, which has nothing of the project but what it opens."""
_STARTS = frozenset((*_PROGRAMS, "os.exec", "os.fork", "os.forkpty", "os.spawn"))
_LINK = "os.link"
"""The event of a file's getting another name, under which nobody notices that it is opened."""
_HEARD = frozenset((*_STARTS, _LINK))
_BYTECODE_ELSEWHERE = "PYTHONPYCACHEPREFIX"
"""The variable that has Python open no source, nor anything beside it, to import that."""
_SOURCE = re.compile(r"\.py\b")


@dataclass(frozen=True)
class Heard:
    """What a wider fixture did: the event of a child process, if any, and whether sources were looked at meanwhile."""

    started: str
    noticed: bool


class ChildProcesses:
    """Hears of every child process from the interpreter's audit events (PEP 578)."""

    def __init__(self) -> None:
        """Nothing is heard yet; ``sources`` tells what programs may have looked at, once it is opened."""
        self.sources = SourceWatch()
        self._seen = ""
        self._program = ""
        self._noticed = False
        self._count = "None"
        self.started = 0
        """How many child processes have been started, as far as was heard."""
        sys.addaudithook(self._listener())
        if hasattr(os, "register_at_fork"):
            # With preexec_fn subprocess forks code of the project, and says nothing else of it.
            os.register_at_fork(before=lambda: self.note("os.fork"))

    def take(self) -> str:
        """The event of the first child process since the last call, or an empty string; begin anew.

        A program that has ended, and while it ran nobody had looked at a source since the last call, doesn't count.
        """
        program, self._program = self._program, ""
        # Asked first: what has ended by now opens nothing more.
        ended = program == "" or self._seen != "" or _surely(lambda: not processes.may_have_left_some())
        heard = self._take()
        blind = ended and not heard.noticed and (program == "" or _surely(self.sources.sees))
        return heard.started or ("" if blind else program)

    @property
    def suspect(self) -> bool:
        """Whether there was anything since the last :meth:`take` that may be a program's start, whatever that saw."""
        return bool(self._program or self._seen)

    def set_apart(self) -> Heard:
        """Take what was heard until a wider fixture begins, or during its setup, to :meth:`join` it later.

        A program counts whatever was looked at: it may go on to serve others.
        """
        heard, program = self._take(), self._program
        self._program = ""
        return Heard(heard.started or program, heard.noticed)

    def join(self, heard: Heard) -> None:
        """What was heard then counts here too."""
        self._noticed |= heard.noticed
        self.note(heard.started)

    def note(self, event: str) -> None:
        """A child process counts here too."""
        self._seen = self._seen or event

    def _take(self) -> Heard:
        self.note(self._multiprocessing())
        heard = Heard(self._seen, self._noticed or not _surely(lambda: not self.sources.noticed()))
        self._seen, self._noticed = "", False
        return heard

    def _multiprocessing(self) -> str:
        """Whether multiprocessing has counted a new process: its way of spawning raises no audit event."""
        module = sys.modules.get("multiprocessing.process")
        count = repr(getattr(module, "_process_counter", None))
        before, self._count = self._count, count
        return "multiprocessing" if count not in (before, "count(1)", "None") else ""

    def _note_program(self, event: str, arguments: tuple[object, ...]) -> None:
        """A program is about to start; one that is told of sources may ask of what age they are and open nothing."""
        command, environment = (arguments, None) if event == "os.system" else (arguments[:-1], arguments[-1])
        hidden = _BYTECODE_ELSEWHERE in os.environ or _BYTECODE_ELSEWHERE in repr(environment)
        if hidden or not self.sources.watching or _SOURCE.search(repr(command)):
            self._seen = event
        self._program = self._program or event

    def _listener(self) -> Callable[[str, tuple[object, ...]], None]:
        """A plain function: a method would cost the project three times as much, at each import, open and ``id()``.

        The interpreter asks a hook for an attribute at each event, which methods raise an AttributeError for.
        """

        def hear(event: str, arguments: tuple[object, ...]) -> None:
            if event not in _HEARD:
                return
            self.started += event in _STARTS
            if self._seen:
                return
            if event == _LINK:
                self._noticed = True
            elif event in _PROGRAMS:
                try:
                    self._note_program(event, arguments)
                except Exception:  # from an argument's own repr, or from what a test has put in the place of a function
                    self._seen = event
            else:
                self._seen = event

        return hear


def _surely(true: Callable[[], bool]) -> bool:
    """Whether something is known to be true: not if no descriptor is free, or a test has replaced what we ask with."""
    try:
        return true()
    except Exception:
        return False
