"""From a save to the affected set, by the number of tests: what the server works out before anything can run.

    python benchmarks/selecting.py [--rounds N] [--tests N ...]

The projects are generated, and none of their tests runs. Needs this repository's development environment. See
docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.extend(str(Path(__file__).resolve().parents[1] / folder) for folder in ("", "server", "tests"))

from aftershock.engine.events import AffectedChanged
from benchmarks.generating.server import Server
from benchmarks.generating.sources import EDITED, FEW, generate
from benchmarks.measuring import figures

SIZES = (1250, 2500, 5000, 10000)
"""Tests of the projects."""

FEW_RUN, MANY_RUN, ASKED, KNOWN, COMMENT = (
    "body that few run",
    "body that many run",
    "constant, values unknown",
    "constant, values known",
    "comment",
)
MOST = {FEW_RUN: 30.0, KNOWN: 30.0, COMMENT: 30.0}
"""Milliseconds at BOUNDED tests."""
BOUNDED = 5000
GROWTH = 1.5
"""How many times the time of 2,500 tests 10,000 may take, for a body that few run."""
_LONGEST = 7  # rounds: eight imports of a file are remembered, and the first one is to be found again


@dataclass
class Steps:
    """Seconds of one kind of step in each round, and the tests that were affected, which must always be as many."""

    affected: int = 0
    seconds: list[float] = field(default_factory=list)

    @property
    def milliseconds(self) -> float:
        """The median."""
        return figures.milliseconds(statistics.median(self.seconds))


class Saves:
    """Saves on one generated project; ``steps`` is by kind."""

    def __init__(self, server: Server, text: str) -> None:
        """``text`` is that of the file that is edited."""
        self._server, self._text = server, text
        self.steps: dict[str, Steps] = {}

    def round(self, number: int) -> None:
        """Save each kind of edit once, with texts that no other round has, and take each back."""
        self._edited(FEW_RUN, "value + FEW_USE", f"value + FEW_USE + {number}")
        self._edited(MANY_RUN, "value * 2", f"value * 2 + {number}")
        self._edited(COMMENT, "def work_0", f"# edition {number}\ndef work_0")
        self._constant("FEW_USE = 1", f"FEW_USE = 1 + {number}")
        self._look(self._text)

    def _edited(self, kind: str, old: str, new: str) -> None:
        assert self._text.count(old) == 1
        self._note(kind, *self._look(self._text.replace(old, new)))
        self._look(self._text)

    def _constant(self, old: str, new: str) -> None:
        self._note(ASKED, *self._look(self._text.replace(old, new)))
        collected = self._server.collected()
        gc.collect()
        started = time.perf_counter()
        answer = self._server.learn(collected)
        self._note(KNOWN, time.perf_counter() - started, answer)

    def _look(self, text: str) -> tuple[float, AffectedChanged]:
        self._server.save(EDITED, text)
        gc.collect()
        started = time.perf_counter()
        answer = self._server.look(EDITED)
        return time.perf_counter() - started, answer

    def _note(self, kind: str, seconds: float, answer: AffectedChanged) -> None:
        steps = self.steps.setdefault(kind, Steps(len(answer.affected)))
        assert steps.affected == len(answer.affected), f"{kind}: {steps.affected} tests, then {len(answer.affected)}"
        steps.seconds.append(seconds)


async def measure(tests: int, rounds: int) -> dict[str, Steps]:
    """The steps of a project with so many tests."""
    generated = generate(tests)
    with tempfile.TemporaryDirectory(prefix="aftershock-benchmark-") as folder:
        server = Server(Path(folder).resolve(), generated)
        try:
            await server.open()
            saves = Saves(server, generated.files[EDITED])
            for number in range(1, rounds + 1):
                saves.round(number)
        finally:
            server.close()
    figures.say(f"{tests} tests: " + ", ".join(f"{kind} {each.milliseconds} ms" for kind, each in saves.steps.items()))
    return saves.steps


def missed_bounds(found: Mapping[int, Mapping[str, Steps]]) -> list[str]:
    """A sentence for each bound that was missed, of those that the sizes tell of."""
    missed = []
    for kind, most in MOST.items() if BOUNDED in found else ():
        if (took := found[BOUNDED][kind].milliseconds) > most:
            missed.append(f"{kind}: {took} ms at {BOUNDED} tests, {most} allowed")
    if (growth := _growth(found)) is not None and growth > GROWTH:
        missed.append(f"{FEW_RUN}: {growth:.2f} times the time with 10000 tests instead of 2500, {GROWTH} allowed")
    expected = {FEW_RUN: FEW, KNOWN: FEW, COMMENT: 0}
    for tests, steps in found.items():
        for kind, few in expected.items():
            if (count := steps[kind].affected) != few:
                missed.append(f"{kind}: {count} of {tests} tests are affected, not {few}")
    return missed


def _growth(found: Mapping[int, Mapping[str, Steps]]) -> float | None:
    if not {2500, 10000} <= found.keys():
        return None
    return found[10000][FEW_RUN].milliseconds / found[2500][FEW_RUN].milliseconds


def main() -> int:
    """Measure, print, and exit with 1 where a bound was missed."""
    options = _options()
    facts = figures.machine()
    sys.dont_write_bytecode = True  # the file is edited more than once a second
    found = {tests: asyncio.run(measure(tests, options.rounds)) for tests in sorted(options.tests or SIZES)}
    print(figures.describe(facts))
    kinds = list(next(iter(found.values())))
    head = ["", *(f"{tests} tests, ms" for tests in found), *(f"affected of {tests}" for tests in found)]
    print(figures.table(head, [_row(kind, found) for kind in kinds]))
    growth = _growth(found)
    told = {
        str(tests): {kind: {"ms": each.milliseconds, "affected": each.affected} for kind, each in steps.items()}
        for tests, steps in found.items()
    }
    result = {"benchmark": "selecting", "machine": facts, "sizes": told, "growth": growth and round(growth, 2)}
    return figures.conclude(result, missed_bounds(found))


def _row(kind: str, found: Mapping[int, Mapping[str, Steps]]) -> Sequence[object]:
    steps = [each[kind] for each in found.values()]
    return [kind, *(each.milliseconds for each in steps), *(each.affected for each in steps)]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, choices=range(1, _LONGEST + 1), metavar=f"1..{_LONGEST}")
    parser.add_argument("--tests", type=int, action="append", help=f"projects with so many tests (default: {SIZES})")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
