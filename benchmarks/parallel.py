"""How near the forks that run a suite come to the shortest time that its groups allow.

    python benchmarks/parallel.py [--project NAME ...] [--rounds N] [--no-projects]

The ideal is the longest group, or all work divided by the number of forks, whichever is longer: by the durations that
a run in one fork recorded.  The bound is held to suites that sleep, whose figure tells of the schedule whatever else
the machine has to do; real suites need as many idle cores as forks, and their figures are information.

Needs this repository's development environment. See docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.extend(str(Path(__file__).resolve().parents[1] / folder) for folder in ("", "server", "tests"))

from aftershock.engine.agent import Agent, AgentDied, SessionBroken
from aftershock.engine.agent_process import agent_environment
from aftershock.engine.runner import Runner, TestEvent
from aftershock.engine.schedule import groups_of
from aftershock_agent import messages
from benchmarks.measuring import figures
from projects import FetchError, copy

BOUND = 0.9
"""What share of the ideal's speed a schedule must reach."""

USUAL = ("marshmallow", "click")

Shape = Sequence[Sequence[float]]
"""A suite that sleeps: for each file the seconds of its tests."""


@dataclass(frozen=True)
class Case:
    """A suite that sleeps, the forks that run it, and whether its durations are known beforehand."""

    name: str
    shape: Shape
    forks: int
    known: bool = True


UNEVEN: Shape = [[0.02 + 0.01 * (file * 7 % 11)] * (1 + file * 5 % 9) for file in range(32)]
CASES = (
    Case("32 uneven files", UNEVEN, 2),
    Case("32 uneven files", UNEVEN, 4),
    Case("32 uneven files", UNEVEN, 8),
    Case("the same, durations unknown", UNEVEN, 4, known=False),
    Case("5 files, 3 3 2 2 2", [[0.3] * size for size in (3, 3, 2, 2, 2)], 2),
    Case("one long file", [[0.1] * 20, *[[0.05] * 4] * 12], 4),
    Case("60 short files", [[0.02] * 3] * 60, 4),
)


class Forks:
    """A session of the agent's that has collected a suite; use it as a context."""

    def __init__(self, python: str, root: Path, output: Path) -> None:
        """`output` is a file for what the interpreter prints."""
        self._agent = Agent([python], root, root, agent_environment({}))
        self._output = output
        self._tests: list[str] = []
        self._together: dict[str, Sequence[str]] = {}
        self.durations: dict[str, float] = {}

    async def __aenter__(self) -> Forks:
        await self._agent.start(self._output)
        await self._agent.open_session([], [])
        collected = (await self._agent.collect(None)).result.tests
        self._tests = [test.id for test in collected]
        self._together = {test.id: test.together for test in collected}
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._agent.close()

    async def run(self, forks: int, durations: Mapping[str, float]) -> float:
        """Run every test; returns the elapsed seconds, forks and messages included, and keeps the durations."""
        runner = Runner(self._agent, self._tests, 60.0, self._note)
        started = time.perf_counter()
        await runner.run(forks, durations, self._together)
        return time.perf_counter() - started

    def ideal(self, forks: int, durations: Mapping[str, float]) -> float:
        """The shortest time that the suite's groups allow."""
        costs = [group.cost for group in groups_of(self._tests, self._together, durations)]
        return max(sum(costs) / forks, *costs)

    @property
    def groups(self) -> int:
        """How many groups the suite has."""
        return len(groups_of(self._tests, self._together, {}))

    def _note(self, event: TestEvent, alone: bool) -> None:
        if isinstance(event, messages.TestFinished):
            self.durations[event.test] = sum(event.durations.values())


def write(shape: Shape, root: Path) -> Path:
    """Write a suite that sleeps, into a new folder."""
    root.mkdir()
    (root / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    for number, seconds in enumerate(shape):
        tests = [f"def test_{n}():\n    time.sleep({each!r})\n" for n, each in enumerate(seconds)]
        (root / f"test_{number}.py").write_text("\n\n".join(["import time", *tests]), encoding="utf-8")
    return root


async def sleeping(case: Case, rounds: int, folder: Path) -> dict[str, object]:
    """The figures of a suite that sleeps."""
    root = write(case.shape, folder / f"suite-{len(list(folder.iterdir()))}")
    async with Forks(sys.executable, root, folder / "agent.log") as suite:
        await suite.run(1, {})
        known = dict(suite.durations)
        elapsed = [await suite.run(case.forks, known if case.known else {}) for _ in range(rounds)]
        return _figures(case.name, case.forks, suite, suite.ideal(case.forks, known), elapsed)


async def real(name: str, rounds: int, folder: Path) -> dict[str, object]:
    """The figures of a real suite, with as many forks as there are cores.

    Its durations are stretched to what a run in one fork takes: between tests pytest needs time too.
    """
    project = copy(name, folder / name)
    forks = os.cpu_count() or 1
    async with Forks(str(project.python), project.root.resolve(), folder / f"{name}.log") as suite:
        await suite.run(1, {})
        single = min([await suite.run(1, {}) for _ in range(rounds)])
        total = sum(suite.durations.values())
        known = {test: spent * single / total for test, spent in suite.durations.items()}
        elapsed = [await suite.run(forks, known) for _ in range(rounds)]
        found = _figures(name, forks, suite, suite.ideal(forks, known), elapsed)
        return {**found, "one_fork_s": round(single, 3)}


def _figures(name: str, forks: int, suite: Forks, ideal: float, elapsed: Sequence[float]) -> dict[str, object]:
    median = statistics.median(elapsed)
    found: dict[str, object] = {
        "name": name,
        "groups": suite.groups,
        "forks": forks,
        "ideal_s": round(ideal, 3),
        "elapsed_s": round(median, 3),
        "share": round(ideal / median, 3),
        "worst_share": round(ideal / max(elapsed), 3),
    }
    figures.say(f"{name}, {forks} forks: {median:.3f} s, ideal {ideal:.3f} s, share {ideal / median:.3f}")
    return found


async def measure(rounds: int, projects: Sequence[str], folder: Path) -> tuple[list[dict[str, object]], ...]:
    """The figures of the suites that sleep, and of the real ones."""
    sleepers = [await sleeping(case, rounds, folder) for case in CASES]
    return sleepers, [await real(name, rounds, folder) for name in projects]


def report(found: Sequence[Mapping[str, object]]) -> str:
    """The figures as people read them."""
    columns = ("name", "groups", "forks", "ideal_s", "elapsed_s", "share", "worst_share", "one_fork_s")
    head = ["suite", "groups", "forks", "ideal, s", "elapsed, s", "share", "worst", "one fork, s"]
    return figures.table(head, [[suite.get(column, "") for column in columns] for suite in found])


def main() -> int:
    """Measure, print, and exit with 1 where a schedule was under the bound."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--project", action="append", choices=USUAL, help="of the real ones, these alone")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-projects", action="store_true", help="no real suites")
    options = parser.parse_args()
    facts = figures.machine()
    projects = () if options.no_projects else options.project or USUAL
    try:
        with tempfile.TemporaryDirectory(prefix="aftershock-benchmark-", ignore_cleanup_errors=True) as folder:
            sleepers, real_ones = asyncio.run(measure(options.rounds, projects, Path(folder).resolve()))
    except (AgentDied, FetchError, SessionBroken) as error:
        print(f"parallel.py: {error}", file=sys.stderr)
        return 2
    print(figures.describe(facts))
    print(report([*sleepers, *real_ones]))
    found = {"benchmark": "parallel", "machine": facts, "sleeping": sleepers, "real": real_ones}
    return figures.conclude(found, missed(sleepers))


def missed(found: Sequence[Mapping[str, object]]) -> list[str]:
    """The bounds that were missed; of unknown durations nothing is promised but that all forks stay busy."""
    return [
        f"{suite['name']}, {suite['forks']} forks: {suite['share']} of the ideal, the bound is {BOUND}"
        for suite in found
        if float(str(suite["share"])) < BOUND
    ]


if __name__ == "__main__":
    sys.exit(main())
