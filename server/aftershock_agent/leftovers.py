"""What tests leave behind in the process that they share with the next run: taken back where that is sound.

Sound for what is a plain value that can be set again: the environment, the working directory, ``sys.path``, hooks of
the interpreter, signal handlers, limits.  Not for threads (they can't be ended) and processes (somebody may wait for
them), logging and warnings (others hold them by now), modules and what they hold (who has seen the new value can't be
told): then the session is unfit for more.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aftershock_agent import processes
from aftershock_agent.module_state import ModuleState
from aftershock_agent.recording import Project

_OURS = "PYTEST_CURRENT_TEST"
_FEW = 20
"""Tests of a run after each of which the modules are looked at: it takes milliseconds, and tells which test it was."""
_GRACE = 0.1  # seconds for threads that are about to end


@dataclass(frozen=True)
class Probe:
    """One kind of thing: how to look at it, what to say, how to take it back (None: that can't be done)."""

    look: Callable[[], Any]
    tell: Callable[[Any, Any], str]
    restore: Callable[[Any], None] | None = None


class Leftovers:
    """A pytest plugin for one run: looks before it, after each test, and when everything has been torn down."""

    def __init__(self, project: Project) -> None:
        """Look now."""
        self._project = project
        self._before = {name: probe.look() for name, probe in _PROBES.items()}
        self._modules = ModuleState(project)
        self._tests = 0
        self._culprits: dict[str, str] = {}
        self._last = "a test"

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Note who is to blame for what is there now; whether it stays is known at the end."""
        self._last = nodeid
        for name in self._differing():
            self._culprits.setdefault(name, nodeid)
        self._tests += 1
        if self._tests <= _FEW and "modules" not in self._culprits and self._changed_modules():
            self._culprits["modules"] = nodeid

    def end(self) -> tuple[list[str], list[str]]:
        """Take back what can be; returns what was, and what remains, each as a sentence without its full stop."""
        _wait_for_threads(self._before["threads"])
        taken_back: list[str] = []
        remaining: list[str] = []
        for name in self._differing():
            probe, before = _PROBES[name], self._before[name]
            sentence = f"{self._culprits.get(name, self._last)} left {probe.tell(before, probe.look())}"
            if probe.restore is not None:
                probe.restore(before)
            done = probe.restore is not None and probe.look() == before
            (taken_back if done else remaining).append(sentence)
        changed = self._changed_modules()
        if changed:
            remaining.append(f"{self._culprits.get('modules', self._last)} left {changed}")
        return taken_back, remaining

    def _differing(self) -> list[str]:
        return [name for name, probe in _PROBES.items() if probe.look() != self._before[name]]

    def _changed_modules(self) -> str:
        return ModuleState(self._project).changed_since(self._modules)


def _wait_for_threads(before: frozenset[threading.Thread]) -> None:
    until = time.monotonic() + _GRACE
    for thread in _threads() - before:
        thread.join(max(until - time.monotonic(), 0))


def _threads() -> frozenset[threading.Thread]:
    return frozenset(threading.enumerate())


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != _OURS}


def _set_environment(before: dict[str, str]) -> None:
    for name in _environment().keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


def _cwd() -> str | None:
    try:
        return os.getcwd()
    except FileNotFoundError:
        return None


def _set_cwd(before: str | None) -> None:
    if before is not None:
        os.chdir(before)


def _path() -> tuple[object, list[str]]:
    return id(sys.path), list(sys.path)


_PATH = sys.path


def _set_path(before: tuple[object, list[str]]) -> None:
    if id(sys.path) != before[0]:
        sys.path = _PATH
    sys.path[:] = before[1]


def _handlers() -> dict[int, object]:
    return {number: signal.getsignal(number) for number in signal.valid_signals()}


def _set_handlers(before: dict[int, Any]) -> None:
    for number, handler in before.items():
        if signal.getsignal(number) is not handler and handler is not None:
            signal.signal(number, handler)


def _hooks() -> tuple[object, ...]:
    return sys.excepthook, sys.displayhook, sys.unraisablehook, threading.excepthook


def _set_hooks(before: tuple[Any, ...]) -> None:
    sys.excepthook, sys.displayhook, sys.unraisablehook, threading.excepthook = before


def _limits() -> tuple[int, bool, int, str | None]:
    mask = os.umask(0)
    os.umask(mask)
    return sys.getrecursionlimit(), gc.isenabled(), mask, tempfile.tempdir


def _set_limits(before: tuple[int, bool, int, str | None]) -> None:
    sys.setrecursionlimit(before[0])
    (gc.enable if before[1] else gc.disable)()
    os.umask(before[2])
    tempfile.tempdir = before[3]


def _logging() -> dict[str, tuple[object, ...]]:
    """The loggers that aren't as they are made."""
    loggers = {name: logger for name, logger in logging.root.manager.loggerDict.items() if _is_set(logger)}
    found = {name: _settings(logger) for name, logger in {**loggers, "": logging.root}.items()}
    return {**found, "disable": (logging.root.manager.disable,)}


def _is_set(logger: Any) -> bool:
    return isinstance(logger, logging.Logger) and _settings(logger) != (0, (), (), True, False)


def _settings(logger: Any) -> tuple[object, ...]:
    return logger.level, tuple(logger.handlers), tuple(logger.filters), logger.propagate, logger.disabled


def _names_of(kind: str) -> Callable[[Any, Any], str]:
    """Words for two mappings that differ."""

    def tell(before: dict[Any, object], after: dict[Any, object]) -> str:
        names = sorted(str(key) for key in before.keys() | after.keys() if before.get(key) != after.get(key))
        return f"{kind} changed ({', '.join(names)})"

    return tell


def _saying(words: str) -> Callable[[Any, Any], str]:
    return lambda before, after: words


def _tell_threads(before: frozenset[threading.Thread], after: frozenset[threading.Thread]) -> str:
    names = ", ".join(sorted(thread.name for thread in after - before))
    return f"a thread alive ({names})" if names else "a thread of the project's ended"


_PROBES = {
    "environment": Probe(_environment, _names_of("environment variables"), _set_environment),
    "cwd": Probe(_cwd, lambda before, after: f"the working directory at {after}", _set_cwd),
    "path": Probe(_path, _saying("sys.path changed"), _set_path),
    "handlers": Probe(_handlers, _names_of("signal handlers"), _set_handlers),
    "hooks": Probe(_hooks, _saying("a hook of the interpreter's changed (sys.excepthook or the like)"), _set_hooks),
    "limits": Probe(_limits, _saying("the recursion limit, gc, umask or tempfile.tempdir changed"), _set_limits),
    "threads": Probe(_threads, _tell_threads),
    "processes": Probe(processes.living_children, _saying("a child process alive")),
    "logging": Probe(_logging, _names_of("loggers")),
    "warnings": Probe(lambda: list(warnings.filters), _saying("warnings.filters changed")),
}
"""In the order in which they are told."""
