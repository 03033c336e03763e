"""Recording by ``sys.monitoring`` (PEP 669): close to no cost once a function has been seen.

Two tools.  *discover* listens to PY_START everywhere and switches each place off at its first hit; it sees code
objects that are new: imported modules, whose functions it registers.  *record* listens on the registered code
objects alone, and is switched off and on again for just those that ran, so no other tool's events are touched
(``restart_events`` would re-arm everybody's).
"""

from __future__ import annotations

import sys
from types import CodeType, FrameType
from typing import Any

from aftershock_agent import messages
from aftershock_agent.recording import Project


class MonitoringRecorder:
    """The recorder for Python 3.12 and later."""

    def __init__(self, project: Project) -> None:
        """``project`` tells which code is worth recording."""
        self._project = project
        self._monitoring: Any = sys.monitoring  # type: ignore[attr-defined, unused-ignore]
        self._discover, self._record = self._free_tools()
        events = self._monitoring.events
        self._armed: int = events.PY_START | events.PY_RESUME
        self._fired: list[CodeType] = []
        self._registered: set[int] = set()
        self._kept: list[CodeType] = []
        self._importers: dict[str, str | None] = {}
        self._started: list[str] = []

    def _free_tools(self) -> tuple[int, int]:
        """Two tool ids that nobody uses; 0 and 1 are left to debuggers and coverage, whose they are by custom."""
        free = [tool for tool in (3, 4, 5, 2) if self._monitoring.get_tool(tool) is None]
        if len(free) < 2:
            raise RuntimeError("all sys.monitoring tool ids are taken, Aftershock needs two")
        for tool in free[:2]:
            self._monitoring.use_tool_id(tool, "aftershock")
        return free[0], free[1]

    def start(self) -> None:
        """Listen from now on."""
        events = self._monitoring.events
        self._monitoring.register_callback(self._discover, events.PY_START, self._discovered)
        self._monitoring.register_callback(self._record, events.PY_START, self._ran)
        self._monitoring.register_callback(self._record, events.PY_RESUME, self._ran)
        self._monitoring.set_events(self._discover, events.PY_START)

    def settle(self) -> None:
        """Nothing to prepare: discovered places stay switched off in forks too."""

    def take(self) -> messages.Executed:
        """Qualified names by file since the last call; what fired is armed again."""
        fired, self._fired = self._fired, []
        executed: messages.Executed = {}
        for code in fired:
            path = self._project.path_of(code.co_filename)
            if path is not None:
                executed.setdefault(path, []).append(code.co_qualname)  # type: ignore[attr-defined, unused-ignore]
            self._monitoring.set_local_events(self._record, code, self._armed)
        return executed

    def learn(self, code: CodeType) -> None:
        """Register all code objects inside ``code``."""
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                self._register(constant)
                self.learn(constant)

    def importer_of(self, path: str) -> str | None:
        """The project file that was executing when ``path`` was first imported."""
        return self._importers.get(path)

    def take_started(self) -> list[str]:
        """Files whose module body began to run since the last call."""
        started, self._started = self._started, []
        return started

    def _register(self, code: CodeType) -> None:
        if id(code) not in self._registered:
            self._registered.add(id(code))
            self._kept.append(code)  # keeps the id from being used again
            self._monitoring.set_local_events(self._record, code, self._armed)

    def _discovered(self, code: CodeType, offset: int) -> object:
        path = self._project.path_of(code.co_filename)
        if path is not None and id(code) not in self._registered:
            if code.co_name == "<module>":
                self._started.append(path)
                self._importers.setdefault(path, self._importer(sys._getframe(1), path))
                self.learn(code)
            else:
                # Made at run time (exec, code.replace): no module's constants led to it.
                self._registered.add(id(code))
                self._kept.append(code)
                self._fired.append(code)
                self.learn(code)
        return self._monitoring.DISABLE

    def _importer(self, frame: FrameType | None, path: str) -> str | None:
        """The nearest project file on the stack other than ``path`` itself."""
        while frame is not None:
            found = self._project.path_of(frame.f_code.co_filename)
            if found is not None and found != path:
                return found
            frame = frame.f_back
        return None

    def _ran(self, code: CodeType, offset: int) -> None:
        self._monitoring.set_local_events(self._record, code, 0)
        self._fired.append(code)
