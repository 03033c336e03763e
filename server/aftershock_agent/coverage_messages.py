"""The messages between the server and a process that runs tests under coverage.py, beside those of tests themselves.

Code names them by :mod:`~aftershock_agent.messages`, which has their encoding.  Lines are one-based.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Ranges = list[int]
"""Ascending numbers, as the first and the last of each unbroken row: 1, 2, 3, 7 is ``[1, 3, 7, 7]``."""


@dataclass(frozen=True)
class MeasureCoverage:
    """Command: run tests under coverage.py, once, in a pytest that is configured with ``args``.

    ``tests`` are ids, ``files`` (absolute paths) hold them; both are None for all that pytest would run by itself.
    ``root`` is the project's folder.
    """

    root: str
    args: list[str]
    tests: list[str] | None
    files: list[str] | None


@dataclass(frozen=True)
class CoverageBegun:
    """Lines are measured from now on; or they can't be, and ``problem`` is a sentence that says what to do."""

    problem: str = ""


@dataclass(frozen=True)
class TestsChosen:
    """All is collected: these tests run, in this order."""

    __test__ = False
    tests: list[str]


@dataclass(frozen=True)
class CoveredFile:
    """Which statements of a file (absolute path) were executed, each named by its first line.

    ``missing`` never were.  ``covered`` holds lines that the same tests executed together with these tests, as places
    in :class:`TestsChosen`; none where only imports did.  ``tests`` are all that executed anything in the file.
    """

    path: str
    missing: list[int]
    covered: list[tuple[list[int], Ranges]]
    tests: Ranges


@dataclass(frozen=True)
class CoverageEnded:
    """pytest has ended with ``exit``, and every file is told."""

    exit: int


CoverageMessage = MeasureCoverage | CoverageBegun | TestsChosen | CoveredFile | CoverageEnded


def as_ranges(numbers: set[int]) -> Ranges:
    """Pack numbers."""
    ranges: Ranges = []
    for number in sorted(numbers):
        if ranges and ranges[-1] == number - 1:
            ranges[-1] = number
        else:
            ranges += [number, number]
    return ranges


def holds(ranges: Sequence[int], number: int) -> bool:
    """Whether a number is among those packed."""
    return any(first <= number <= last for first, last in zip(ranges[::2], ranges[1::2], strict=True))
