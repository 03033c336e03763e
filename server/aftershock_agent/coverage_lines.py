"""coverage.py, set up to tell which tests execute which lines of a project."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

from aftershock_agent.coverage_messages import CoveredFile, Ranges, as_ranges

_OLDEST = 7
_INSTALL = "Install it there (pip install 'coverage>=7'), then run with coverage again."
_CHOICES = ("run:source", "run:source_pkgs", "run:source_dirs", "run:include")
"""With any of these the project itself says what is to be measured."""
_SETTINGS: dict[str, Any] = {
    # Only tracers know contexts: https://coverage.readthedocs.io/en/latest/config.html#run-core
    "run:core": "ctrace",
    # Contexts are ours here.
    "run:context": None,
    "run:dynamic_context": None,
    # A test may change the working directory.
    "run:relative_files": False,
    # These have child processes write data files, which nobody would read.
    "run:patch": [],
}


class CannotMeasure(Exception):
    """There is no coverage.py that can be used; the message says what to do."""


class LineCoverage:
    """One measurement; a *context* is a name for whatever executes lines at a time, the empty one for no test."""

    def __init__(self, root: str) -> None:
        """Read the project's configuration of coverage.py; raises CannotMeasure."""
        self._library = _library()
        os.environ.pop("COVERAGE_CORE", None)  # before coverage 7.9 it went before all else
        try:
            # In memory, lines alone, and without a word on the terminal.
            self._coverage = self._library.Coverage(data_file=None, branch=False, check_preimported=False)
            self._set_up(root)
            self._coverage.start()
        except Exception as error:  # a plugin may be missing, or raise what it likes
            raise CannotMeasure(f"coverage.py can't start: {error}") from error

    def _set_up(self, root: str) -> None:
        if not any(self._option(name) for name in _CHOICES):
            self._coverage.set_option("run:source", [root])
        concurrency: Any = self._option("run:concurrency") or ()
        # Its children would write data files, too.
        self._set("run:concurrency", [name for name in concurrency if name != "multiprocessing"] or ["thread"])
        for name, value in _SETTINGS.items():
            self._set(name, value)

    def _option(self, name: str) -> object:
        with contextlib.suppress(self._library.exceptions.ConfigError):  # this release hasn't got it
            return self._coverage.get_option(name)
        return None

    def _set(self, name: str, value: Any) -> None:
        with contextlib.suppress(self._library.exceptions.ConfigError):
            self._coverage.set_option(name, value)

    def switch(self, context: str) -> None:
        """What is executed from now on, another context executes."""
        self._coverage.switch_context(context)

    def stop(self) -> None:
        """Measure no more."""
        self._coverage.stop()

    def files(self, tests_of: Callable[[set[str]], set[int]]) -> Iterator[CoveredFile]:
        """Tell of each measured file; ``tests_of`` some contexts are the tests (numbers) that those stand for."""
        data = self._coverage.get_data()
        inside: Any = self._coverage._inorout
        # get_data does this too, but only if something was executed since the last switch.
        unexecuted = [path for path, plugin in inside.find_possibly_unexecuted_files() if plugin is None]
        for path in sorted({*data.measured_files(), *unexecuted}):
            # A file that is gone (it was generated), or is no Python.
            with contextlib.suppress(self._library.CoverageException):
                yield self._file(path, data.contexts_by_lineno(path), tests_of)

    def _file(self, path: str, contexts: dict[int, list[str]], tests_of: Callable[[set[str]], set[int]]) -> CoveredFile:
        # The public ways give lines or contexts, never both for statements that span lines; this one, and what it
        # returns (coverage.FileReporter), have been the same since coverage 5.
        reporter: Any = self._coverage._get_file_reporter(path)
        executed: dict[int, set[str]] = {}
        for line, names in contexts.items():
            for first in reporter.translate_lines([line]):
                executed.setdefault(first, set()).update(names)
        statements: set[int] = reporter.lines()
        groups: dict[frozenset[str], list[int]] = {}
        for line in sorted(statements & executed.keys()):
            groups.setdefault(frozenset(executed[line]), []).append(line)
        tests = {names: tests_of(set(names)) for names in groups}
        covered: list[tuple[list[int], Ranges]] = [(lines, as_ranges(tests[names])) for names, lines in groups.items()]
        return CoveredFile(path, sorted(statements - executed.keys()), covered, as_ranges(set().union(*tests.values())))


def _library() -> Any:
    try:
        import coverage
    except ImportError:
        raise CannotMeasure(f"coverage.py is not installed for {sys.executable}. {_INSTALL}") from None
    if coverage.version_info[0] < _OLDEST:
        raise CannotMeasure(f"{sys.executable} has coverage.py {coverage.__version__}, which is too old. {_INSTALL}")
    return coverage
