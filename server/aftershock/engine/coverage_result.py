"""What a run under coverage.py has found: which tests execute which lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aftershock.engine import sources
from aftershock_agent import codec, messages
from aftershock_agent.coverage_messages import Ranges, holds


@dataclass(frozen=True)
class FileTotals:
    """How many of a file's statements were executed; ``tests``: by these, as places in :class:`Measured`."""

    path: str
    covered: int
    total: int
    tests: Ranges


@dataclass(frozen=True)
class Measured:
    """The totals of a run that has ended by itself."""

    run: int
    tests: Sequence[str]
    files: Sequence[FileTotals]


@dataclass
class CoverageResult:
    """All of one run's; files are kept as they came, for few of them will be asked for."""

    root: Path
    tests: Sequence[str] = ()
    totals: list[FileTotals] = field(default_factory=list)
    _files: dict[str, bytes] = field(default_factory=dict)
    _digests: dict[str, str] = field(default_factory=dict)

    def add(self, file: messages.CoveredFile, line: bytes) -> None:
        """Take in a file, which came in this line, if it has statements and is a source of the project's."""
        path = sources.relative(self.root, file.path)
        covered = sum(len(lines) for lines, _ in file.covered)
        total = covered + len(file.missing)
        if total and path is not None and sources.is_source(path):
            self.totals.append(FileTotals(path, covered, total, file.tests))
            self._files[path] = line
            source = sources.read(self.root, path)
            self._digests[path] = source.digest if source is not None else ""

    def lines(self, path: str) -> tuple[list[int], list[int]]:
        """The one-based lines of a file's statements that were executed, and those that never were."""
        file = self._file(path)
        return ([], []) if file is None else (sorted(line for lines, _ in file.covered for line in lines), file.missing)

    def lines_of(self, path: str, test: str) -> list[int]:
        """The one-based lines of a file's statements that a test executed."""
        file = self._file(path)
        if file is None or test not in self.tests:
            return []
        number = self.tests.index(test)
        return sorted(line for lines, tests in file.covered if holds(tests, number) for line in lines)

    def has(self, path: str, text: str) -> bool:
        """Whether a file's lines are known, and lie where they do in this text."""
        return path in self._digests and self._digests[path] == sources.digest_of(text.encode("utf-8", "replace"))

    def tests_of_line(self, path: str, line: int) -> list[str]:
        """The tests that executed the statement at a line (one-based) of a file, or else the one above."""
        file = self._file(path)
        if file is None:
            return []
        found = {first: tests for lines, tests in file.covered for first in lines}
        known = {**dict.fromkeys(file.missing, ()), **found}
        # A statement may span lines, and is told by its first.
        first = max((each for each in known if each <= line), default=0)
        return [test for number, test in enumerate(self.tests) if holds(known.get(first, ()), number)]

    def _file(self, path: str) -> messages.CoveredFile | None:
        file = codec.decode(self._files[path]) if path in self._files else None
        return file if isinstance(file, messages.CoveredFile) else None
