"""Recording by coverage.py's C tracer, for Python before 3.12."""

from __future__ import annotations

from types import CodeType
from typing import Any

from aftershock_agent.code_lines import learn, qualified_names
from aftershock_agent.recording import Functions, Project
from aftershock_agent.trace_watch import TraceWatch


class CoverageRecorder:
    """Lines from coverage.py's collector, turned into the functions that they lie in."""

    def __init__(self, project: Project) -> None:
        """``project`` tells which files count."""
        import coverage

        self._project = project
        self._coverage: Any = coverage.Coverage(
            data_file=None, config_file=False, source=[project.root], messages=False, check_preimported=False
        )
        self.functions = Functions()
        self._data: dict[str, Any] = {}

    def start(self) -> None:
        """Trace this thread and all later ones."""
        self._coverage.start()
        self._watch = TraceWatch()
        # The public way to the lines of one test goes through an SQLite query per file; the collector's own
        # dictionary (file -> set of lines) has been the same since coverage 5.
        self._data = self._coverage._collector.data

    def settle(self) -> None:
        """Read the line tables of all traced files now, while disk and memory agree."""
        for path in list(self._data):
            qualified_names(path)

    def take(self) -> list[int]:
        """The functions with lines that ran since the last call."""
        executed: list[int] = []
        for filename, lines in list(self._data.items()):
            path = self._project.path_of(filename)
            if lines and path:
                executed += [self.functions.number(path, name) for name in qualified_names(path).on(list(lines))]
            lines.clear()
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
