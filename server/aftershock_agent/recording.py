"""Records which project functions run and which project files get loaded.

Three recorders, best first: ``sys.monitoring`` (3.12+), coverage.py's C tracer, a plain ``settrace``.  All see
every thread, and all answer in the same terms: numbers of functions.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterable
from types import CodeType
from typing import Protocol

from aftershock_agent import messages

_FOREIGN = ("site-packages", "dist-packages", "node_modules", ".tox", ".nox")


class Functions:
    """Numbers for functions, which make what a test executed quick to gather and to send; forks inherit them."""

    def __init__(self) -> None:
        """No function has a number yet."""
        self._numbers: dict[tuple[str, str], int] = {}
        self._names: dict[int, tuple[str, str]] = {}
        self._count = itertools.count()

    def number(self, path: str, qualname: str) -> int:
        """The number of a function; a new one for a new function, whichever thread asks."""
        found = self._numbers.get((path, qualname))
        if found is None:
            new = next(self._count)  # another thread can't get the same one
            self._names[new] = (path, qualname)
            found = self._numbers.setdefault((path, qualname), new)
        return found

    def listed(self, numbers: Iterable[int]) -> messages.Functions:
        """The functions that have these numbers."""
        return [(number, *self._names[number]) for number in numbers]

    def by_file(self, numbers: Iterable[int]) -> messages.Executed:
        """The qualified names of the functions that have these numbers, by file."""
        found: messages.Executed = {}
        for _, path, qualname in self.listed(numbers):
            found.setdefault(path, []).append(qualname)
        return found


class Recorder(Protocol):
    """What a session and its runs ask of a recorder."""

    functions: Functions

    def start(self) -> None:
        """Begin to record, before any project code is imported."""

    def settle(self) -> None:
        """Imports are over for now: prepare for cheap recording in runs."""

    def take(self) -> list[int]:
        """The functions that ran since the last call, and begin anew."""

    def mend(self) -> str:
        """What of recording a test has taken away since the last call, which is put back, or an empty string."""

    def learn(self, code: CodeType) -> None:
        """Record the functions of a module's new code too (it was compiled, not imported)."""

    def importer_of(self, path: str) -> str | None:
        """The project file whose code first imported ``path``, where the recorder can tell."""

    def take_started(self) -> list[str]:
        """Files whose module body began to run since the last call, failed imports included, where it can tell."""


class Project:
    """Tells the project's own files from all others, by the names that code objects give."""

    def __init__(self, root: str) -> None:
        """``root`` is the project's folder, resolved."""
        self.root = root
        self._prefix = root.rstrip(os.sep) + os.sep
        self._environment = os.path.realpath(sys.prefix) + os.sep
        self._known: dict[str, str | None] = {}

    def path_of(self, filename: str) -> str | None:
        """The resolved path of a project file, None for any other; remembers its answers."""
        try:
            return self._known[filename]
        except KeyError:
            answer = self._known[filename] = self._decide(filename)
            return answer

    def _decide(self, filename: str) -> str | None:
        if filename.startswith("<") or not filename.endswith(".py"):
            return None
        path = os.path.realpath(filename)
        if not path.startswith(self._prefix) or path.startswith(self._environment):
            return None
        return None if is_installed(path[len(self._prefix) :]) else path


def is_installed(path: str) -> bool:
    """Whether a path leads through a folder of installed packages."""
    return any(part in _FOREIGN for part in path.split(os.sep))


class LoadedFiles:
    """Notices project files that were imported: what the recorder saw start, and what is new in ``sys.modules``."""

    def __init__(self, project: Project) -> None:
        """Everything imported before counts as known."""
        self._project = project
        self._seen = set(sys.modules)
        self._mark = (len(sys.modules), next(reversed(sys.modules)))
        self._told: set[str] = set()

    def take(self, recorder: Recorder) -> list[messages.LoadedFile]:
        """The project files loaded since the last call, with their state on disk now."""
        paths = dict.fromkeys([*recorder.take_started(), *self._new_in_modules()])
        fresh = [path for path in paths if path not in self._told]
        self._told.update(fresh)
        return [state_of(path, recorder.importer_of(path)) for path in fresh]

    def _new_in_modules(self) -> list[str]:
        # A new module goes to the end; comparing all names took more time than most tests do.
        mark = (len(sys.modules), next(reversed(sys.modules)))
        if mark == self._mark:
            return []
        self._mark = mark
        found = []
        for name, module in list(sys.modules.items()):
            if name not in self._seen:
                self._seen.add(name)
                path = self._project.path_of(getattr(module, "__file__", None) or "")
                found += [path] if path else []
        self._seen &= sys.modules.keys()
        return found


def state_of(path: str, importer: str | None = None) -> messages.LoadedFile:
    """A file's state on disk; time and size 0 if it isn't there, or can't be seen."""
    try:
        status = os.stat(path)
    except OSError:
        return messages.LoadedFile(path, 0, 0, importer)
    return messages.LoadedFile(path, status.st_mtime_ns, status.st_size, importer)


def method() -> str:
    """The name of the recording method that this interpreter offers."""
    if sys.version_info >= (3, 12):
        return "monitoring"
    try:
        import coverage.tracer  # noqa: F401
    except ImportError:
        return "settrace"
    return "coverage"


def make(project: Project) -> Recorder:
    """The best recorder that this interpreter offers."""
    name = method()
    if name == "monitoring":
        from aftershock_agent.recording_monitoring import MonitoringRecorder

        return MonitoringRecorder(project)
    if name == "coverage":
        from aftershock_agent.recording_coverage import CoverageRecorder

        return CoverageRecorder(project)
    from aftershock_agent.recording_settrace import SettraceRecorder

    return SettraceRecorder(project)
