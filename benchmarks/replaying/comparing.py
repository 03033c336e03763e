"""Follows a history with all three sides, and compares what they say at each commit."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.measuring import figures
from benchmarks.mutating.cold_runs import Said
from benchmarks.mutating.selecting import Selected, warm_engine
from benchmarks.replaying.history import Step, Tree
from benchmarks.replaying.sides import ColdSide, Sides, TestmonSide

_SHOWN = 5  # missed tests of a commit
_REASONS = 3  # kept of a commit, the most frequent ones
_ALONE = 10  # tests that are run in a process each


@dataclass(frozen=True)
class Record:
    """What one commit changed, and who selected what.

    ``truth`` counts the tests that end otherwise, are new, or can't be collected any more; ``missed`` are those of
    them that weren't selected.  Left out of both are ``doubtful`` ones, which other cold runs say otherwise: flaky, or
    changed only by what tests before them left behind.  ``beyond_why``: for how many of the selected tests that did not
    change each reason was given.
    """

    commit: str
    subject: str
    suite: int
    truth: int
    ours: int
    found: int
    testmon: int
    testmon_found: int
    missed: Sequence[str]
    doubtful: int
    beyond_why: Mapping[str, int]
    problem: str

    def __str__(self) -> str:
        misses = f", MISSED {len(self.missed)}: {self.missed[:_SHOWN]}" if self.missed else ""
        doubtful = f", {self.doubtful} doubtful" if self.doubtful else ""
        problem = f", {self.problem.splitlines()[0]}" if self.problem else ""
        told = f"truth {self.truth}, ours {self.ours}, testmon {self.testmon} of {self.suite}"
        return f"{self.commit} {self.subject[:50]!r}: {told}{misses}{doubtful}{problem}"


class Replay:
    """One project's steps, oldest first."""

    def __init__(self, name: str, steps: Sequence[Step], arguments: Sequence[str], sides: Sides) -> None:
        """``sides`` are the copies of the cold pytest, of testmon and of the engine, in the first step's state."""
        cold, testmon, self._warm = sides
        self._name, self._steps, self._arguments = name, steps, arguments
        self._cold, self._testmon = ColdSide(cold, arguments), TestmonSide(testmon, arguments)

    async def records(self) -> AsyncIterator[Record]:
        """Follow the history; TimeoutError where somebody hangs."""
        state = self._steps[0].before
        self._testmon.learn(state)
        before = self._cold.outcomes(state)
        async with warm_engine(self._warm.project, self._arguments) as engine:
            for number, step in enumerate(self._steps, 1):
                if step.before != state:
                    # What tests read besides code may have changed: all learn it anew.
                    await engine.saved(self._warm.move(step.before))
                    await engine.rebuild()
                    await asyncio.to_thread(self._testmon.learn, step.before)
                    before = await asyncio.to_thread(self._cold.outcomes, step.before)
                selected = await engine.saved(self._warm.move(step.after))
                after = await asyncio.to_thread(self._cold.outcomes, step.after)
                testmon = await asyncio.to_thread(self._testmon.selected, step.after, before.outcomes)
                record = await asyncio.to_thread(self._compared, step, (before, after), selected, testmon)
                figures.say(f"{self._name} {number}/{len(self._steps)}: {record}\n    {dict(record.beyond_why)}")
                yield record
                await engine.refined()
                before, state = after, step.after

    def _compared(self, step: Step, told: tuple[Said, Said], selected: Selected, testmon: set[str]) -> Record:
        before, after = told
        truth = differing(before, after)
        ours = {*after.outcomes, *truth} if selected.everything else selected.tests
        missed = truth - ours
        doubtful = self._doubtful(step, missed) if missed else set()
        truth -= doubtful
        reasons = Counter(reason for test in ours - truth for reason in selected.reasons.get(test, ()))
        return Record(
            step.commit,
            step.subject,
            len(after.outcomes),
            len(truth),
            len(ours),
            len(truth & ours),
            len(testmon),
            len(truth & testmon),
            sorted(missed - doubtful),
            len(doubtful),
            dict(reasons.most_common(_REASONS)),
            selected.problem,
        )

    def _doubtful(self, step: Step, missed: set[str]) -> set[str]:
        """Those of the missed tests that don't differ in a second pair of runs, or in one of them alone."""
        steady = missed & differing(self._cold.outcomes(step.before), self._cold.outcomes(step.after))
        groups = [[test] for test in sorted(steady)] if len(steady) <= _ALONE else [sorted(steady)]
        for group in groups:
            alone = differing(self._alone(step.before, group), self._alone(step.after, group))
            steady -= set(group) - alone
        return missed - steady

    def _alone(self, tree: Tree, tests: Sequence[str]) -> Said:
        return self._cold.outcomes(tree, tests)


def differing(before: Said, after: Said) -> set[str]:
    """The tests that end otherwise, are new, or can't be collected any more."""
    gone = after.uncollected(before.outcomes)
    return {*gone, *(test for test, outcome in after.outcomes.items() if before.outcomes.get(test) != outcome)}
