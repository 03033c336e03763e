"""From a save to its verdicts, beside pytest on the same tests, pytest --testmon and the whole suite.

    python benchmarks/latency.py [--project NAME ...] [--rounds N]

Needs this repository's development environment. See docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.extend(str(Path(__file__).resolve().parents[1] / folder) for folder in ("", "server", "tests"))

from benchmarks.measuring import cold, figures
from benchmarks.measuring.editor import Editor, EditorError, Save
from benchmarks.measuring.edits import EDITS, BodyEdit, edited
from projects import FetchError, Project, copy

BOUND = 15.0
"""How many times quicker than `pytest --testmon` the median save must be, for each project."""


@dataclass(frozen=True)
class Round:
    """One edit, answered in four ways."""

    save: Save
    affected: cold.Timing
    testmon: cold.Timing
    suite: cold.Timing


@dataclass(frozen=True)
class Place:
    """A project in three copies, so that no way finds what another one left behind."""

    name: str
    edit: BodyEdit
    ours: Project
    plain: Project
    testmon: Project

    def path(self, project: Project) -> Path:
        """The edited file in one of the copies."""
        return (project.root / self.edit.path).resolve()


async def measure(name: str, rounds: int, folder: Path) -> tuple[list[Round], int]:
    """Run the rounds of one project; also tells how many saves were answered by a hot patch."""
    place = Place(
        name,
        EDITS[name],
        copy(name, folder / f"{name}-aftershock"),
        copy(name, folder / f"{name}-pytest"),
        copy(name, folder / f"{name}-testmon", extra=[cold.TESTMON]),
    )
    figures.say(f"{name}: testmon builds its database, pytest its caches")
    cold.pytest(place.testmon, "--testmon")
    cold.pytest(place.plain)
    figures.say(f"{name}: Aftershock builds its database")
    text = place.path(place.ours).read_text(encoding="utf-8")
    async with Editor(sys.executable, place.ours.root) as editor:
        editor.show(place.path(place.ours))
        # A first save, not counted, finds the edit's tests and warms what only saves use, in all three copies.
        await _round(place, editor, edited(text, place.edit.qualname, 0), 0)
        found = []
        for number in range(1, rounds + 1):
            done = await _round(place, editor, edited(text, place.edit.qualname, number), number)
            figures.say(f"{name} {number}/{rounds}: {_line(done)}")
            found.append(done)
    log = (place.ours.root / ".aftershock" / "server.log").read_text(encoding="utf-8")
    patched = sum(" patched " in line and place.edit.path in line for line in log.splitlines()) - 1
    return found, patched


async def _round(place: Place, editor: Editor, text: str, number: int) -> Round:
    """Save the edit in the editor, then answer it in the three cold ways, another one first in each round."""
    save = await editor.save(place.path(place.ours), text)
    await editor.rest()
    for project in (place.plain, place.testmon):
        place.path(project).write_text(text, encoding="utf-8")
    ways: list[tuple[str, Callable[[], cold.Timing]]] = [
        ("affected", lambda: cold.pytest(place.plain, *save.tests)),
        ("testmon", lambda: cold.pytest(place.testmon, "--testmon")),
        ("suite", lambda: cold.pytest(place.plain)),
    ]
    turn = number % len(ways)
    timings = {}
    for way, run in [*ways[turn:], *ways[:turn]]:
        timings[way] = await asyncio.to_thread(run)
    await editor.go_on()
    return Round(save, timings["affected"], timings["testmon"], timings["suite"])


def _line(done: Round) -> str:
    return (
        f"save {done.save.last * 1000:.0f} ms for {len(done.save.tests)} tests, "
        f"pytest on them {done.affected.seconds * 1000:.0f}, "
        f"testmon {done.testmon.seconds * 1000:.0f} for {done.testmon.tests}, suite {done.suite.seconds * 1000:.0f}"
    )


def summarise(name: str, rounds: Sequence[Round], patched: int) -> dict[str, object]:
    """The medians of a project in milliseconds, and each way's median as a multiple of the save's."""
    last = statistics.median(done.save.last for done in rounds)
    ways = {
        "pytest_affected": [done.affected for done in rounds],
        "testmon": [done.testmon for done in rounds],
        "suite": [done.suite for done in rounds],
    }
    seconds = {way: statistics.median(timing.seconds for timing in timings) for way, timings in ways.items()}
    return {
        "edit": f"{EDITS[name].path}::{EDITS[name].qualname}",
        "rounds": len(rounds),
        "hot_patched": patched,
        "failed": sum(outcome in ("failed", "errored") for done in rounds for outcome in done.save.outcomes),
        "first_verdict_ms": figures.milliseconds(statistics.median(done.save.first for done in rounds)),
        "last_verdict_ms": figures.milliseconds(last),
        "last_verdict_worst_ms": figures.milliseconds(max(done.save.last for done in rounds)),
        "test_time_ms": figures.milliseconds(statistics.median(done.save.testing for done in rounds)),
        "tests": statistics.median(len(done.save.tests) for done in rounds),
        **{f"{way}_ms": figures.milliseconds(value) for way, value in seconds.items()},
        **{f"{way}_tests": statistics.median(t.tests for t in timings) for way, timings in ways.items()},
        **{f"{way}_ratio": round(value / last, 1) for way, value in seconds.items()},
    }


def report(found: Mapping[str, Mapping[str, object]]) -> str:
    """The figures as people read them: median milliseconds, and in brackets how many times a save's."""
    head = ["median ms", *found]

    def way(name: str) -> list[object]:
        return [f"{f[f'{name}_ms']} ({f[f'{name}_ratio']}x, {f[f'{name}_tests']:.0f} tests)" for f in found.values()]

    rows: list[list[object]] = [
        ["tests affected", *(f"{f['tests']:.0f}" for f in found.values())],
        ["save to first verdict", *(f["first_verdict_ms"] for f in found.values())],
        ["save to last verdict", *(f["last_verdict_ms"] for f in found.values())],
        ["  of it in tests", *(f["test_time_ms"] for f in found.values())],
        ["  hot-patched", *(f"{f['hot_patched']} of {f['rounds']}" for f in found.values())],
        ["pytest, affected tests", *way("pytest_affected")],
        ["pytest --testmon", *way("testmon")],
        ["pytest, whole suite", *way("suite")],
    ]
    return figures.table(head, rows)


def main() -> int:
    """Measure, print, and exit with 1 where a bound was missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--project", action="append", choices=list(EDITS), help="these alone; default: all")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    facts = figures.machine()
    found: dict[str, dict[str, object]] = {}
    try:
        with tempfile.TemporaryDirectory(prefix="aftershock-benchmark-", ignore_cleanup_errors=True) as folder:
            for name in options.project or EDITS:
                rounds, patched = asyncio.run(measure(name, options.rounds, Path(folder)))
                found[name] = summarise(name, rounds, patched)
    except (EditorError, FetchError, cold.PytestError) as error:
        print(f"latency.py: {error}", file=sys.stderr)
        return 2
    print(figures.describe(facts))
    print(report(found))
    ratios = {name: float(str(summary["testmon_ratio"])) for name, summary in found.items()}
    missed = [
        f"{name}: a save is {ratio} times quicker than pytest --testmon, not {BOUND:.0f}"
        for name, ratio in ratios.items()
        if ratio < BOUND
    ]
    return figures.conclude({"benchmark": "latency", "machine": facts, "projects": found}, missed)


if __name__ == "__main__":
    sys.exit(main())
