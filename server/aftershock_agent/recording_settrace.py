"""Recording by ``sys.settrace``, call events only: the last resort before 3.12, where coverage.py is not installed."""

from __future__ import annotations

import sys
import threading
from types import CodeType, FrameType

from aftershock_agent.code_lines import learn, qualified_names
from aftershock_agent.recording import Functions, Project
from aftershock_agent.trace_watch import TraceWatch


class SettraceRecorder:
    """Notes the code object of every call; costs a Python call for each."""

    def __init__(self, project: Project) -> None:
        """``project`` tells which code is worth recording."""
        self._project = project
        self.functions = Functions()
        self._called: set[CodeType] = set()

    def start(self) -> None:
        """Trace this thread and all later ones."""
        sys.settrace(self._trace)
        threading.settrace(self._trace)
        self._watch = TraceWatch()

    def settle(self) -> None:
        """Nothing to prepare."""

    def take(self) -> list[int]:
        """The functions called since the last call."""
        called, self._called = self._called, set()
        executed: list[int] = []
        for code in called:
            path = self._project.path_of(code.co_filename)
            if path is not None:
                names = qualified_names(path).at(code.co_firstlineno, code.co_name)
                executed += [self.functions.number(path, name) for name in names]
        return executed

    def mend(self) -> str:
        """Whether a test has touched ``sys.settrace``."""
        return self._watch.mend()

    def learn(self, code: CodeType) -> None:
        """New bodies lie on new lines."""
        learn(code)

    def importer_of(self, path: str) -> str | None:
        """Not known here."""
        return None

    def take_started(self) -> list[str]:
        """Not known here."""
        return []

    def _trace(self, frame: FrameType, event: str, argument: object) -> None:
        self._called.add(frame.f_code)
