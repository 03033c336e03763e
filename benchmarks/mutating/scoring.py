"""One mutant's score: what was selected beside what changed, with every miss looked at again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.mutating.judging import Judged
from benchmarks.mutating.selecting import Selected
from benchmarks.mutating.trials import CACHE, Trials

_EXPLAINED = 3  # tests selected beyond need, whose reasons are kept


@dataclass(frozen=True)
class Record:
    """How many tests of ``suite`` changed, were selected, were told as affected at first, and of testmon's the same.

    ``found`` are selected ones that changed.  ``missed`` changed and weren't selected.  Left out of all that are
    ``flaky`` tests, which a second cold run says otherwise, and ``order_dependent`` ones, which end as ever when run
    alone: the tests before them left something behind.
    """

    project: str
    kind: str
    path: str
    line: int
    diff: str
    suite: int
    truth: int
    new: int
    ours: int
    told: int
    found: int
    testmon: int | None
    testmon_found: int
    reverts_ran: int
    problem: str
    missed: list[str] = field(default_factory=list)
    flaky: list[str] = field(default_factory=list)
    order_dependent: list[str] = field(default_factory=list)
    beyond: int = 0
    beyond_why: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __str__(self) -> str:
        misses = f", MISSED {len(self.missed)}" if self.missed else ""
        others = [f"{len(tests)} {what}" for what, tests in self._doubtful.items() if tests]
        reverts = [f"{self.reverts_ran} on the way back"] if self.reverts_ran else []
        told = f"truth {self.truth}, ours {self.ours}, testmon {self.testmon}{misses}"
        return ", ".join([f"{self.kind} in {self.path}:{self.line}: {told}", *others, *reverts, *self._problem])

    @property
    def _doubtful(self) -> Mapping[str, list[str]]:
        return {"flaky": self.flaky, "order-dependent": self.order_dependent}

    @property
    def _problem(self) -> list[str]:
        return self.problem.splitlines()[:1]


async def score(name: str, one: Judged, selected: Selected, trials: Trials) -> Record:
    """Compare; misses are looked at again by cold runs."""
    mutant, base = one.mutant, trials.baseline
    unsteady = set(base.unsteady)
    ours = (selected.tests | (set(base.outcomes) if selected.everything else set())) - unsteady
    missed = one.truth.tests - ours
    flaky, dependent = await asyncio.to_thread(_doubtful, one, missed, trials) if missed else (set(), set())
    truth = one.truth.tests - flaky - dependent
    testmon = None if one.testmon is None else one.testmon - unsteady
    beyond = sorted(ours - truth)
    return Record(
        name,
        mutant.kind,
        mutant.path,
        mutant.line,
        mutant.diff,
        len(base.outcomes),
        len(truth),
        len(one.truth.new),
        len(ours),
        selected.told,
        len(truth & ours),
        None if testmon is None else len(testmon),
        len(truth & (testmon or set())),
        selected.reverts_ran,
        selected.problem,
        sorted(missed - flaky - dependent),
        sorted(flaky),
        sorted(dependent),
        len(beyond),
        {test: selected.reasons.get(test, ()) for test in beyond[:: max(len(beyond) // _EXPLAINED, 1)][:_EXPLAINED]},
    )


def _doubtful(one: Judged, missed: set[str], trials: Trials) -> tuple[set[str], set[str]]:
    """Those of the missed tests that are flaky, and those that depend on the tests before them."""
    again = trials.truth_again(one.mutant)
    steady = set() if again is None else missed & again.tests
    steady = {test for test in steady if again is not None and again.outcome(test) == one.truth.outcome(test)}
    changed = steady & one.truth.changed.keys()
    return missed - steady, set(trials.unchanged_alone(one.mutant, changed)) if changed else set()


def write(name: str, records: Sequence[Record]) -> Path:
    """Keep a project's records, a JSON object a line; returns the file."""
    target = CACHE / f"last-{name}.jsonl"
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.with_suffix(".tmp")
    scratch.write_text("".join(json.dumps(asdict(record)) + "\n" for record in records), encoding="utf-8")
    scratch.replace(target)
    return target
