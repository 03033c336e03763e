"""Recording by ``sys.monitoring`` (PEP 669): close to no cost once a function has been seen.

Two tools.  *discover* listens to PY_START everywhere and switches each place off at its first hit; it sees code
objects that are new: imported modules, whose functions it registers.  *record* listens on the registered code
objects alone, and is switched off and on again for just those that ran, so no other tool's events are touched
(``restart_events`` would re-arm everybody's).
"""

from __future__ import annotations

import contextlib
import sys
import weakref
from collections.abc import Callable, Sequence
from types import CodeType, FrameType
from typing import Any

from aftershock_agent.modules_got import GOT, UNTOLD, files_got, may_get, parameters_of
from aftershock_agent.recording import Functions, Project

_NAME = "aftershock"

_frame: Callable[[int], FrameType] = sys._getframe
"""As it was before any test could replace it."""
_identity: Callable[[object], int] = object.__hash__
"""What ``id`` is, except that calling ``id`` raises an audit event, and we hear those."""


class _Known(weakref.ref[CodeType]):
    """A code object that has a number, as long as anybody else has it: each patch makes new ones of a whole file."""

    __slots__ = ("key",)
    key: int


class MonitoringRecorder:
    """The recorder for Python 3.12 and later."""

    def __init__(self, project: Project) -> None:
        """``project`` tells which code is worth recording."""
        self._project = project
        self._monitoring: Any = sys.monitoring  # type: ignore[attr-defined, unused-ignore]
        self._discover, self._record = self._free_tools()
        events = self._monitoring.events
        self._armed: int = events.PY_START | events.PY_RESUME
        self._callbacks: tuple[tuple[int, int, object], ...] = ()
        self._fired: list[CodeType] = []
        self.functions = Functions()
        self._numbers: dict[int, int] = {}
        self._known: dict[int, _Known] = {}
        self._getting: dict[int, tuple[Sequence[str], int]] = {}
        self._got: set[int] = set()
        self._importers: dict[str, str | None] = {}
        self._started: list[str] = []

    def _free_tools(self) -> tuple[int, int]:
        """Two tool ids, ours or nobody's; 0 and 1 are left to debuggers and coverage, whose they are by custom."""
        free = [tool for tool in (4, 5, 2, 3) if self._monitoring.get_tool(tool) in (None, _NAME)]
        if len(free) < 2:
            raise RuntimeError("all sys.monitoring tool ids are taken, Aftershock needs two")
        for tool in free[:2]:
            if self._monitoring.get_tool(tool) is None:
                self._monitoring.use_tool_id(tool, _NAME)
        return free[0], free[1]

    def start(self) -> None:
        """Listen from now on."""
        start, resume = self._monitoring.events.PY_START, self._monitoring.events.PY_RESUME
        ran = self._listener()
        self._callbacks = (
            (self._discover, start, self._discovered),
            (self._record, start, ran),
            (self._record, resume, ran),
        )
        self._register()
        self._monitoring.set_events(self._discover, start)

    def _register(self) -> bool:
        """Register all callbacks; whether they were registered already."""
        known = [self._monitoring.register_callback(*entry) == entry[2] for entry in self._callbacks]
        return all(known)

    def mend(self) -> str:
        """Whether a test has freed our tools, switched them off or replaced their callbacks; all is put back."""
        monitoring = self._monitoring
        whole = (
            monitoring.get_tool(self._discover) == _NAME == monitoring.get_tool(self._record)
            and monitoring.get_events(self._discover) == monitoring.events.PY_START
        )
        if whole and self._register():
            return ""
        try:
            self._discover, self._record = self._free_tools()
        except RuntimeError:
            return "sys.monitoring"  # kept by a test: nothing is recorded from now on, which each test is told
        self.start()
        for known in list(self._known.values()):
            code = known()
            if code is not None:
                monitoring.set_local_events(self._record, code, self._armed)
        return "sys.monitoring"

    def settle(self) -> None:
        """Nothing to prepare: discovered places stay switched off in forks too."""

    def take(self) -> list[int]:
        """The functions that ran since the last call; what fired is armed again."""
        executed: list[int] = []
        numbers, arm, tool, armed = self._numbers, self._monitoring.set_local_events, self._record, self._armed
        fired = self._fired
        while fired:
            code = fired.pop()  # one at a time: another thread's may come in between
            executed.append(numbers[_identity(code)])
            try:
                arm(tool, code, armed)
            except ValueError:
                continue  # a test has freed the tool, which mend() will see, and arm everything
        while self._got:
            executed.append(self._got.pop())
        return executed

    def learn(self, code: CodeType) -> None:
        """Register all code objects inside ``code``, a project file's."""
        path = self._project.path_of(code.co_filename)
        if path is not None:
            self._learn(code, path)

    def importer_of(self, path: str) -> str | None:
        """The project file that was executing when ``path`` was first imported."""
        return self._importers.get(path)

    def take_started(self) -> list[str]:
        """Files whose module body began to run since the last call."""
        started, self._started = self._started, []
        return started

    def _learn(self, code: CodeType, path: str) -> None:
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                if _identity(constant) not in self._numbers:
                    self._note(constant, path)
                    with contextlib.suppress(ValueError):  # as in take()
                        self._monitoring.set_local_events(self._record, constant, self._armed)
                self._learn(constant, path)

    def _note(self, code: CodeType, path: str) -> None:
        name: str = code.co_qualname  # type: ignore[attr-defined, unused-ignore]
        self._numbers[_identity(code)] = self.functions.number(path, name)
        known = self._known[_identity(code)] = _Known(code, self._forget)
        known.key = _identity(code)
        if may_get(code):
            self._getting[_identity(code)] = parameters_of(code), self.functions.number(path, name + UNTOLD)

    def _forget(self, known: _Known) -> None:
        """A code object is gone, and its id may be another's from now on."""
        del self._known[known.key], self._numbers[known.key]
        self._getting.pop(known.key, None)

    def _look(self, code: CodeType, parameters: Sequence[str], untold: int) -> None:
        """A function has begun that gets at modules by its parameters: note it, and which ones these are."""
        self._got.add(self._numbers[_identity(code)])
        try:
            frame = _frame(2)
            if frame.f_code is not code:
                raise LookupError("another frame")
            paths = [self._project.path_of(file) for file in files_got(frame, parameters)]
            if None in paths:
                raise LookupError("a module from elsewhere, which may hold anything of the project")
            self._got.update(self.functions.number(path, GOT) for path in paths if path is not None)
        except Exception:  # whatever it is, it must not reach the user's code; and that it isn't told is told
            self._got.add(untold)

    def _discovered(self, code: CodeType, offset: int) -> object:
        path = self._project.path_of(code.co_filename)
        if path is not None and _identity(code) not in self._numbers:
            if code.co_name == "<module>":
                self._started.append(path)
                self._importers.setdefault(path, self._importer(_frame(1), path))
            else:
                # Made at run time (exec, code.replace): no module's constants led to it.
                self._note(code, path)
                self._fired.append(code)
                if _identity(code) in self._getting:
                    self._got.add(self._getting[_identity(code)][1])
            self._learn(code, path)
        return self._monitoring.DISABLE

    def _importer(self, frame: FrameType | None, path: str) -> str | None:
        """The nearest project file on the stack other than ``path`` itself."""
        while frame is not None:
            found = self._project.path_of(frame.f_code.co_filename)
            if found is not None and found != path:
                return found
            frame = frame.f_back
        return None

    def _listener(self) -> Callable[[CodeType, int], None]:
        """What is called when registered code runs: a function with all it needs at hand, for it costs every test."""
        switch, tool, note = self._monitoring.set_local_events, self._record, self._fired.append
        getting, look = self._getting, self._look

        def ran(code: CodeType, offset: int) -> None:
            if getting and _identity(code) in getting:
                look(code, *getting[_identity(code)])
                return  # each time anew: it may be given something else
            try:
                switch(tool, code, 0)
            except ValueError:
                return  # as in take(); what is raised here would be raised in the user's code
            note(code)

        return ran
