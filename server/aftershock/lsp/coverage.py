"""Runs under coverage.py, as an editor asks for them and shows them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from aftershock.engine import events
from aftershock.engine.configuration import Configuration
from aftershock.engine.coverage_result import Measured
from aftershock.engine.coverage_runs import CoverageRuns, Said, Told
from aftershock.engine.debugging import chosen
from aftershock.lsp import protocol
from aftershock.lsp.client import Client
from aftershock.lsp.places import Places
from aftershock.lsp.runs import Runs


class Coverage:
    """Tells the steps of runs under coverage.py, their totals, and lines when it is asked for them."""

    def __init__(
        self,
        client: Client,
        configuration: Configuration,
        places: Places,
        runs: Runs,
        tests: Callable[[], Mapping[str, events.TestNode]],
        numbers: Iterator[int],
    ) -> None:
        """``runs`` tells steps, of such runs alone; ``numbers`` are those of the runs to come."""
        self._client = client
        self._places = places
        self._runs = runs
        self._tests = tests
        self._numbers = numbers
        self._processes = CoverageRuns(configuration, self._hear)

    async def start(self, wanted: Sequence[str] | None) -> int | None:
        """Begin to run tests, or those that ids stand for, or all; returns the run's number, None without any test.

        Raises CannotMeasure.
        """
        known = self._tests()
        tests = None if wanted is None else dict.fromkeys(test for one in wanted for test in chosen(known, one))
        if tests is not None and not tests:
            return None
        run = next(self._numbers)
        await self._processes.start(run, None if tests is None else [known[test] for test in tests])
        return run

    def cancel(self, run: int) -> None:
        """End a run of ours, if it is one."""
        self._processes.cancel(run)

    def details(self, asked: protocol.CoverageDetailsParams) -> protocol.CoverageDetails:
        """The lines of a file; none where the run is long ago."""
        path, result = self._places.path(asked.uri), self._processes.result(asked.run)
        if path is None or result is None:
            return protocol.CoverageDetails([], [])
        covered, missing = result.lines(path) if asked.test is None else (result.lines_of(path, asked.test), [])
        return protocol.CoverageDetails([line - 1 for line in covered], [line - 1 for line in missing])

    def tests_of_line(self, path: str, text: str, line: int) -> list[str] | None:
        """The tests that execute a line (one-based), in the last run that has seen the file with this text."""
        for result in self._processes.results():
            if result.has(path, text):
                return result.tests_of_line(path, line)
        return None

    async def close(self) -> None:
        """End what runs."""
        await self._processes.close()

    def _hear(self, told: Told) -> None:
        if isinstance(told, events.RunStarted):
            self._runs.started(told)
        elif isinstance(told, events.TestStarted):
            self._runs.test_started(told)
        elif isinstance(told, events.TestFinished):
            self._runs.test_finished(told, self._tests().get(told.verdict.test))
        elif isinstance(told, events.RunFinished):
            self._runs.finished(told)
        elif isinstance(told, Said):
            self._runs.said(told.run, told.text)
        else:
            self._measured(told)

    def _measured(self, told: Measured) -> None:
        files = [
            protocol.CoveredFile(self._places.uri(file.path), file.covered, file.total, file.tests)
            for file in told.files
        ]
        self._client.notify(protocol.COVERAGE, protocol.Coverage(told.run, told.tests, files))
