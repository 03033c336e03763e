"""What is drawn where: a lane for each worker, its tests side by side, those too short to be seen drawn as one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from aftershock.timeline.last_run import TimedTest

_NARROW = 1 / 500
"""The share of a lane, about two pixels, below which a test is drawn together with its neighbours."""
_MERGED = 1 / 100
"""The share of a lane that tests drawn together may take: enough for a mouse to meet, little enough to tell when."""
_TICKS = 6
"""The most steps of an axis."""
_SLACK = 1e-9
"""What a quotient of two floats may be off by."""


@dataclass(frozen=True)
class Span:
    """The time that is drawn, seconds after the run's start: from the first test's start to the last one's end."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """Its length, never 0."""
        return max(self.end - self.start, 1e-6)

    def share(self, time: float) -> float:
        """Where a time is: 0 at the start, 1 at the end."""
        return (time - self.start) / self.seconds

    def ticks(self) -> list[float]:
        """Round times after the start, in seconds, evenly spaced: for an axis that begins at 0."""
        step = 1e-6
        for factor in _factors():
            if self.seconds / step <= _TICKS + _SLACK:
                break
            step *= factor
        return [step * number for number in range(int(self.seconds / step + _SLACK) + 1)]


@dataclass(frozen=True)
class Mark:
    """What is drawn at one place of a lane: a test, or several that are too short to be told apart."""

    tests: tuple[TimedTest, ...]

    @property
    def start(self) -> float:
        """Seconds after the run's start."""
        return self.tests[0].start

    @property
    def end(self) -> float:
        """Seconds after the run's start."""
        return self.tests[-1].end

    @property
    def first(self) -> TimedTest:
        """The test to look at first: one that failed, else the slowest."""
        return min(self.tests, key=lambda test: (not test.failed, -test.seconds))

    @property
    def failed(self) -> int:
        """How many of the tests failed."""
        return sum(test.failed for test in self.tests)


@dataclass(frozen=True)
class Lane:
    """One worker: its tests in the order in which they ran, and the seconds that it was ``busy`` with them."""

    worker: int
    tests: tuple[TimedTest, ...]
    marks: tuple[Mark, ...]
    busy: float


def span_of(tests: Sequence[TimedTest]) -> Span:
    """The time that some tests take, of which there is at least one."""
    return Span(min(test.start for test in tests), max(test.end for test in tests))


def lanes_of(tests: Iterable[TimedTest], span: Span) -> list[Lane]:
    """The lanes of a run, by worker."""
    found: dict[int, list[TimedTest]] = {}
    for test in sorted(tests, key=lambda test: (test.worker, test.start)):
        found.setdefault(test.worker, []).append(test)
    return [
        Lane(worker, tuple(own), tuple(_marks(own, span)), sum(test.end - test.start for test in own))
        for worker, own in found.items()
    ]


def _marks(tests: Iterable[TimedTest], span: Span) -> Iterator[Mark]:
    """One for each test that is wide enough, one for each stretch of tests that aren't."""
    narrow, widest = span.seconds * _NARROW, span.seconds * _MERGED
    together: list[TimedTest] = []
    for test in tests:
        wide = test.end - test.start >= narrow
        if together and (wide or test.end - together[0].start > widest or test.start - together[-1].end > narrow):
            yield Mark(tuple(together))
            together = []
        if wide:
            yield Mark((test,))
        else:
            together.append(test)
    if together:
        yield Mark(tuple(together))


def _factors() -> Iterator[float]:
    """What leads from 1 to 2 to 5 to 10 and on."""
    while True:
        yield from (2, 2.5, 2)
