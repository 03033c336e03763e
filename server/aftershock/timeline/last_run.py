"""A run as its timeline shows it, and as it is remembered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aftershock.selection.facts import Outcome

PHASES = ("setup", "call", "teardown")

_ROUNDED = 6
"""Digits after the point of a time in seconds: finer than any clock that a test is timed by."""
_LATEST = 1e11
"""Seconds since the epoch that a calendar still has a date for."""


@dataclass(frozen=True)
class TimedTest:
    """A test that ran in the fork at the place ``worker``.

    ``start`` and ``end`` are seconds after the run's start, ``phases`` the seconds of each of ``PHASES``.  What they
    leave of the time between is pytest's own work and recording.
    """

    __test__ = False
    test: str
    worker: int
    start: float
    end: float
    phases: tuple[float, ...]
    outcome: Outcome

    @property
    def seconds(self) -> float:
        """What the test took, all of its phases."""
        return sum(self.phases)

    @property
    def failed(self) -> bool:
        """Whether it, or a fixture of it, failed."""
        return self.outcome in (Outcome.FAILED, Outcome.ERRORED)


@dataclass(frozen=True)
class LastRun:
    """A run that is over.

    ``kind`` is that of the engine's events, ``began_at`` in seconds since the epoch, ``seconds`` what it took.
    ``counts`` are of all verdicts, ``tests`` those that ran; ``unfinished`` is the number of tests without a verdict.
    """

    kind: str
    began_at: float
    seconds: float
    counts: Mapping[Outcome, int]
    unfinished: int
    tests: tuple[TimedTest, ...]

    def dumped(self) -> str:
        """As JSON, which :func:`loaded` reads."""
        rows = [
            [test.test, test.worker, test.outcome.value, *(round(time, _ROUNDED) for time in _times(test))]
            for test in self.tests
        ]
        counts = {outcome.value: count for outcome, count in self.counts.items()}
        values = [self.kind, self.began_at, self.seconds, counts, self.unfinished, rows]
        return json.dumps(values, separators=(",", ":"))


def loaded(text: str | None) -> LastRun | None:
    """The run that was remembered; None where there is none, or none that this version can read."""
    try:
        kind, began_at, seconds, counts, unfinished, rows = json.loads(text or "")
        return LastRun(
            str(kind),
            _time(began_at),
            _time(seconds),
            {Outcome(outcome): int(count) for outcome, count in counts.items()},
            int(unfinished),
            tuple(_test(*row) for row in rows),
        )
    except (ValueError, TypeError, AttributeError):
        return None


def _times(test: TimedTest) -> tuple[float, ...]:
    return (test.start, test.end, *test.phases)


def _test(test: Any, worker: Any, outcome: Any, start: Any, end: Any, *phases: Any) -> TimedTest:
    if len(phases) != len(PHASES):
        raise ValueError(f"not the phases of a test: {phases!r}")
    return TimedTest(str(test), int(worker), _time(start), _time(end), tuple(map(_time, phases)), Outcome(outcome))


def _time(value: Any) -> float:
    if not isinstance(value, (int, float)) or not 0 <= value < _LATEST:
        raise ValueError(f"not a time: {value!r}")
    return float(value)
