"""Suite time with recording over plain suite time.

    python benchmarks/recording.py [--project NAME ...] [--all] [--rounds N] [--testmon]

Needs this repository's development environment. See docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.extend(str(Path(__file__).resolve().parents[1] / folder) for folder in ("", "server", "tests"))

from aftershock.engine.agent import AgentDied, SessionBroken
from benchmarks.measuring import cold, figures
from benchmarks.measuring.suites import SuiteError, SuiteTiming, WarmSuite
from projects import FetchError, Project, copy

BOUND = 1.10
"""How much more CPU time a suite may take with recording, on Python 3.12 and later."""

BOUND_FROM = (3, 12)
"""The first Python that has sys.monitoring, whose bound it is."""

ROUND_SECONDS = 3.0
"""A round runs a short suite as often as it takes to fill this: half a second is at the mercy of the machine."""

USUAL = ("marshmallow", "attrs", "click")
LARGE = ("networkx",)


@dataclass(frozen=True)
class Once:
    """One suite, run once in each of several ways; `testmon` is None where nobody asked for it."""

    plain: cold.Timing
    recorded: SuiteTiming
    unrecorded: SuiteTiming
    testmon: cold.Timing | None


Round = Sequence[Once]
"""A suite, run some times in each way, the ways in turn."""


async def measure(name: str, rounds: int, folder: Path, with_testmon: bool) -> list[Round]:
    """Run the rounds of one project, the ways in turn, another one first in each round."""
    project = copy(name, folder / name)
    rival = copy(name, folder / f"{name}-testmon", extra=[cold.TESTMON]) if with_testmon else None
    figures.say(f"{name}: a first run, not counted, fills the caches")
    cold.pytest(project)
    loop = cold.pytest(project).loop
    times = max(1, round(ROUND_SECONDS / loop.elapsed)) if loop is not None else 1
    found: list[Round] = []
    async with (
        WarmSuite(project, folder / f"{name}.recorded.log", recorded=True) as recorded,
        WarmSuite(project, folder / f"{name}.unrecorded.log", recorded=False) as unrecorded,
    ):
        for number in range(rounds + 1):
            done = [await _once(project, recorded, unrecorded, rival, number + turn) for turn in range(times)]
            if number:
                figures.say(f"{name} {number}/{rounds}: {_line(done)}")
                found.append(done)
    return found


async def _once(
    project: Project, recorded: WarmSuite, unrecorded: WarmSuite, rival: Project | None, number: int
) -> Once:
    if number % 2:
        with_recording = await recorded.run()
        plain = await asyncio.to_thread(cold.pytest, project)
        without = await unrecorded.run()
    else:
        without = await unrecorded.run()
        plain = await asyncio.to_thread(cold.pytest, project)
        with_recording = await recorded.run()
    testmon = None
    if rival is not None:
        (rival.root / ".testmondata").unlink(missing_ok=True)
        testmon = await asyncio.to_thread(cold.pytest, rival, "--testmon")
    return Once(plain, with_recording, without, testmon)


def _ways(done: Round) -> dict[str, cold.Loop]:
    """The mean loops of a round by way."""
    loops = [_loops(once) for once in done]
    return {way: _mean([each[way] for each in loops]) for way in loops[0]}


def _mean(loops: Sequence[cold.Loop]) -> cold.Loop:
    return cold.Loop(statistics.mean(loop.elapsed for loop in loops), statistics.mean(loop.cpu for loop in loops))


def _loops(done: Once) -> dict[str, cold.Loop]:
    ways = {"plain": done.plain.loop, "recorded": done.recorded.loop, "unrecorded": done.unrecorded.loop}
    if done.testmon is not None:
        ways["testmon"] = done.testmon.loop
    return {way: loop for way, loop in ways.items() if loop is not None}


def _line(done: Round) -> str:
    ways = _ways(done).items()
    return "CPU " + ", ".join(f"{way} {loop.cpu:.2f} s (elapsed {loop.elapsed:.2f})" for way, loop in ways)


def summarise(rounds: Sequence[Round]) -> dict[str, object]:
    """The medians of a project in seconds, and how many times a plain suite's they are."""
    loops = [_ways(done) for done in rounds]
    last = rounds[-1][-1]
    outcomes = last.recorded.outcomes
    found: dict[str, object] = {
        "rounds": len(rounds),
        "runs": sum(map(len, rounds)),
        "tests": outcomes.total(),
        "plain_tests": last.plain.tests,
        "failed": outcomes["failed"] + outcomes["errored"],
    }
    cpu = {way: [loop[way].cpu for loop in loops] for way in loops[0]}
    elapsed = {way: [loop[way].elapsed for loop in loops] for way in loops[0]}
    for way in loops[0]:
        found[f"{way}_cpu_s"] = round(statistics.median(cpu[way]), 3)
        found[f"{way}_elapsed_s"] = round(statistics.median(elapsed[way]), 3)
        if way != "plain":
            found[f"{way}_ratio"] = round(statistics.median(cpu[way]) / statistics.median(cpu["plain"]), 3)
            found[f"{way}_least_ratio"] = round(min(cpu[way]) / min(cpu["plain"]), 3)
    return found


def report(found: Mapping[str, Mapping[str, object]]) -> str:
    """The figures as people read them."""
    names = {
        "tests": "tests",
        "runs": "runs of the suite",
        "plain_cpu_s": "pytest, CPU s",
        "recorded_cpu_s": "agent, recording, CPU s",
        "unrecorded_cpu_s": "agent, not recording, CPU s",
        "testmon_cpu_s": "pytest --testmon, CPU s",
        "plain_elapsed_s": "pytest, elapsed s",
        "recorded_elapsed_s": "agent, recording, elapsed s",
        "recorded_ratio": "recording / plain",
        "recorded_least_ratio": "  least / least",
        "unrecorded_ratio": "agent / plain",
        "testmon_ratio": "testmon / plain",
    }
    rows = [
        [title, *(f.get(key, "") for f in found.values())]
        for key, title in names.items()
        if any(key in f for f in found.values())
    ]
    return figures.table(["medians", *found], rows)


def main() -> int:
    """Measure, print, and exit with 1 where the bound was missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--project", action="append", choices=[*USUAL, *LARGE], help="these alone")
    parser.add_argument("--all", action="store_true", help="large projects too, which take minutes")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--testmon", action="store_true", help="compare with pytest --testmon on an empty database")
    options = parser.parse_args()
    facts = figures.machine()
    found: dict[str, dict[str, object]] = {}
    try:
        with tempfile.TemporaryDirectory(prefix="aftershock-benchmark-", ignore_cleanup_errors=True) as folder:
            for name in options.project or (*USUAL, *(LARGE if options.all else ())):
                rounds = asyncio.run(measure(name, options.rounds, Path(folder), options.testmon))
                found[name] = summarise(rounds)
    except (AgentDied, FetchError, SessionBroken, SuiteError, cold.PytestError) as error:
        print(f"recording.py: {error}", file=sys.stderr)
        return 2
    print(figures.describe(facts))
    print(report(found))
    return figures.conclude({"benchmark": "recording", "machine": facts, "projects": found}, _missed(found))


def _missed(found: Mapping[str, Mapping[str, object]]) -> list[str]:
    if tuple(sys.version_info) < BOUND_FROM:
        return []
    return [
        f"{name}: a suite costs {summary['recorded_ratio']} times as much with recording, the bound is {BOUND:.2f}"
        for name, summary in found.items()
        if float(str(summary["recorded_ratio"])) > BOUND
    ]


if __name__ == "__main__":
    sys.exit(main())
