"""Facts: this test, with these inputs, had this outcome.  A fact never goes stale, only the present moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from aftershock.selection.keys import Key, KeyKind
from aftershock_agent.messages import Failure

InputSet = frozenset[tuple[Key, str]]
"""Keys with their digests.  Equal sets are one object: the tests of a file share their import closure's."""


class Outcome(str, Enum):
    """How a test ended: errored means that a fixture failed, not the test."""

    PASSED = "passed"
    FAILED = "failed"
    ERRORED = "errored"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Verdict:
    """What one run of a test said.

    ``test`` is pytest's node id, ``durations`` seconds by phase (setup, call, teardown), ``recorded_at``
    seconds since the epoch, ``reason`` why it was skipped or expected to fail.
    """

    test: str
    outcome: Outcome
    durations: Mapping[str, float]
    failure: Failure | None
    recorded_at: float
    reason: str = ""

    @property
    def seconds(self) -> float:
        """What the test took, all of its phases."""
        return sum(self.durations.values())


@dataclass(frozen=True)
class Fact:
    """A verdict with all that it depended on.

    ``variant`` tells Python version, platform and the user's own expression.  ``exact``: the test ran
    alone in a fresh process, so nothing memoised by another test hid a dependency.
    """

    verdict: Verdict
    variant: str
    inputs: tuple[InputSet, ...]
    exact: bool

    @property
    def test(self) -> str:
        """The node id."""
        return self.verdict.test

    @property
    def is_opaque(self) -> bool:
        """Whether it depends on all sources, since the test did what recording can't see into."""
        return any(key.kind is KeyKind.PROJECT for key, _ in self.inputs[0])
