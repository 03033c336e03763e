"""Choosing a project's mutants, and asking the cold ways about each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from benchmarks.measuring import figures
from benchmarks.mutating.mutants import Mutant, Nursery, files_of
from benchmarks.mutating.trials import Trials, Truth


@dataclass(frozen=True)
class Judged:
    """A mutant, the tests that it changes, and those that testmon selects, None if that wasn't asked or hung."""

    mutant: Mutant
    truth: Truth
    testmon: frozenset[str] | None


def judged(
    name: str, trials: Trials, kinds: Sequence[str], count: int, seed: int, jobs: int, testmon: bool
) -> Iterator[Judged]:
    """So many mutants, spread evenly over the kinds that have a place; one that hangs gives way to the next."""
    nursery = Nursery(trials.pristine.root, files_of(trials.pristine, list(trials.baseline.outcomes)), f"{name} {seed}")
    kinds = [kind for kind in kinds if next(nursery.row(kind), None) is not None]
    suite = len(trials.baseline.outcomes)
    figures.say(f"{name}: {suite} tests in {trials.baseline.seconds:.1f} s, unsteady: {trials.baseline.unsteady}")
    rows = [(nursery.row(kind), _part(count, index, len(kinds))) for index, kind in enumerate(kinds)]
    number = 0
    with ThreadPoolExecutor(jobs) as pool:
        for row, wanted in rows:
            got = 0
            while got < wanted and (mutant := next(row, None)) is not None:
                selecting = pool.submit(trials.testmon, mutant) if testmon and jobs > 1 else None
                truth = trials.truth(mutant)
                selected = selecting.result() if selecting else None
                if truth is None:
                    figures.say(f"{name}: {mutant}: hangs or crashes, another one is taken")
                    continue
                if testmon and not selecting:
                    selected = trials.testmon(mutant)
                got, number = got + 1, number + 1
                told = "?" if selected is None else len(selected)
                figures.say(f"{name} {number}/{count}: {mutant}: truth {len(truth.tests)} of {suite}, testmon {told}")
                yield Judged(mutant, truth, None if selected is None else frozenset(selected))


def _part(count: int, index: int, parts: int) -> int:
    return count // parts + (index < count % parts)
