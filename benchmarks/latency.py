"""From a save to its verdicts, beside pytest on the same tests, pytest --testmon and pytest-hot-reloading.

    python benchmarks/latency.py [--project NAME ...] [--all] [--kind KIND ...] [--rounds N]

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

from benchmarks.measuring import cold, figures, hot_reloading, rounds
from benchmarks.measuring.editor import Editor, EditorError, NoVerdict
from benchmarks.measuring.edits import EDITS, Edit, Kind, edits_of
from benchmarks.measuring.rounds import Round, Summary
from projects import FetchError, Project, copy

LARGEST = "networkx"
"""The project that tells how figures grow, with `--all`; the ways that take it minutes are left out."""

_MINUTES = (rounds.TESTMON, rounds.SUITE)

_WIDE_ROUNDS = 2  # each runs about everything, three times over
_PATIENCE = 30.0  # seconds for a run to begin


@dataclass(frozen=True)
class Place:
    """A project in four copies, so that no way finds what another one left behind."""

    name: str
    ours: Project
    plain: Project
    testmon: Project
    hot: Project


@dataclass(frozen=True)
class Contest:
    """One edit of a project, and what answers it."""

    place: Place
    edit: Edit
    text: str
    editor: Editor
    daemon: hot_reloading.Daemon

    def path(self, project: Project) -> Path:
        """The edited file in one of the copies."""
        return (project.root / self.edit.path).resolve()


class ServerLog:
    """What the server logs of one save."""

    def __init__(self, project: Project) -> None:
        self._path = project.root / ".aftershock" / "server.log"
        self._read = 0

    def step(self) -> str:
        """What the warm interpreter did since the last time this was asked: patched, rebuilt or nothing."""
        data = self._path.read_bytes()
        new = data[self._read if self._read <= len(data) else 0 :].decode("utf-8", "replace")
        self._read = len(data)
        if " is process " in new:
            return "rebuilt"
        return "patched" if " patched " in new else "nothing"


async def measure(name: str, kinds: Sequence[Kind], count: int, folder: Path) -> dict[str, Summary]:
    """Run the rounds of a project's edits; returns the figures by kind."""
    place = _prepare(name, folder)
    figures.say(f"{name}: Aftershock builds its database")
    found: dict[str, Summary] = {}
    async with Editor(sys.executable, place.ours.root) as editor:
        with hot_reloading.running(place.hot) as daemon:
            for edit in edits_of(name):
                if edit.kind in kinds:
                    text = (place.ours.root / edit.path).read_text(encoding="utf-8")
                    contest = Contest(place, edit, text, editor, daemon)
                    found[edit.kind.value] = await _measure_kind(contest, count)
    return found


def _prepare(name: str, folder: Path) -> Place:
    """Copies of a project, in which the cold ways have built what they keep."""
    ours, plain = copy(name, folder / f"{name}-aftershock"), copy(name, folder / f"{name}-pytest")
    testmon = copy(name, folder / f"{name}-testmon", extra=[cold.TESTMON])
    hot = copy(name, folder / f"{name}-hot", extra=hot_reloading.REQUIREMENTS)
    if name != LARGEST:
        figures.say(f"{name}: testmon builds its database, pytest its caches")
        cold.pytest(testmon, "--testmon")
        cold.pytest(plain)
    return Place(name, ours, plain, testmon, hot)


async def _measure_kind(contest: Contest, count: int) -> Summary:
    name, edit = contest.place.name, contest.edit
    contest.editor.show(contest.path(contest.place.ours))
    log, found = ServerLog(contest.place.ours), []
    try:
        # A first save, not counted, finds the edit's tests and warms what only saves use, in all copies.
        await _round(contest, log, 0)
        for number in range(1, (min(count, _WIDE_ROUNDS) if edit.kind is Kind.WIDE else count) + 1):
            done = await _round(contest, log, number)
            figures.say(f"{name} {edit.kind.value} {number}: {_line(done)}")
            found.append(done)
    except NoVerdict as nothing:
        figures.say(f"{name} {edit.kind.value}: {nothing}")
        return {"edit": edit.place, "rounds": 0, "tests": 0, "problem": str(nothing)}
    return {"project_tests": contest.editor.built, **rounds.summarise(edit, found)}


async def _round(contest: Contest, log: ServerLog, number: int) -> Round:
    """Save the edit in the editor, then answer it in the other ways, another one first in each round."""
    place, edit = contest.place, contest.edit
    text = edit.apply(contest.text, number)
    log.step()
    save = await contest.editor.save(contest.path(place.ours), text, _PATIENCE)
    step = log.step()
    await contest.editor.rest()
    for project in (place.plain, place.testmon):
        contest.path(project).write_text(text, encoding="utf-8")

    def hot() -> hot_reloading.Answer:
        contest.path(place.hot).write_text(text, encoding="utf-8")  # now: it has as long to notice as after a save
        return contest.daemon.ask(() if edit.kind is Kind.WIDE else save.tests, edit.sign(number))

    ways: Mapping[str, Callable[[], hot_reloading.Answer]] = {
        rounds.AFFECTED: lambda: rounds.answer(cold.pytest(place.plain, *save.tests)),
        rounds.TESTMON: lambda: rounds.answer(cold.pytest(place.testmon, "--testmon")),
        rounds.HOT: hot,
        rounds.SUITE: lambda: rounds.answer(cold.pytest(place.plain)),
    }
    asked = _asked(place.name, edit.kind)
    turn = number % max(1, len(asked))
    answers = {way: await asyncio.to_thread(ways[way]) for way in [*asked[turn:], *asked[:turn]]}
    await contest.editor.go_on()
    return Round(save, step, answers)


def _asked(name: str, kind: Kind) -> list[str]:
    """The ways but, in the largest project, those that run its whole suite."""
    if name != LARGEST:
        return list(rounds.WAYS[kind])
    return [] if kind is Kind.WIDE else [way for way in rounds.WAYS[kind] if way not in _MINUTES]


def _line(done: Round) -> str:
    save = done.save
    others = (
        f"{way} {one.seconds * 1000:.0f} for {one.tests}{f', wrong: {one.problem}' if one.problem else ''}"
        for way, one in done.answers.items()
    )
    told = f"{save.first * 1000:.0f} ms, {save.overhead * 1000:.0f} over the test's own, last {save.last * 1000:.0f}"
    return f"{told} for {len(save.tests)} tests, {done.step}; {'; '.join(others)}"


def growth(found: Mapping[str, Mapping[str, Summary]]) -> dict[str, object]:
    """How the overhead of each kind grows from the other projects' mean to the largest, by its number of tests."""
    if LARGEST not in found or len(found) == 1:
        return {}
    grown: dict[str, object] = {}
    for kind, largest in found[LARGEST].items():
        others = [kinds[kind] for name, kinds in found.items() if name != LARGEST and kind in kinds]
        pairs = [(_figure(one, "project_tests"), _figure(one, "overhead_ms")) for one in [*others, largest]]
        if not others or any("overhead_ms" not in one for one in [*others, largest]):
            continue
        tests, overhead = (statistics.mean(column) for column in zip(*pairs[:-1], strict=True))
        more = (pairs[-1][1] - overhead) / (pairs[-1][0] - tests) * 1000
        grown[kind] = {"overhead_ms_by_tests": dict(pairs), "ms_per_1000_tests": round(more, 1)}
    return grown


def _figure(one: Summary, key: str) -> float:
    value = one.get(key, 0.0)
    assert isinstance(value, int | float)
    return value


def main() -> int:
    """Measure, print, and exit with 1 where a bound was missed."""
    options = _options()
    names = options.project or [name for name in EDITS if options.all or name != LARGEST]
    kinds = [Kind(kind) for kind in options.kind or [kind.value for kind in Kind]]
    facts = figures.machine()
    found: dict[str, dict[str, Summary]] = {}
    try:
        with tempfile.TemporaryDirectory(prefix="aftershock-benchmark-", ignore_cleanup_errors=True) as folder:
            for name in names:
                found[name] = asyncio.run(measure(name, kinds, options.rounds, Path(folder)))
    except (EditorError, FetchError, cold.PytestError, hot_reloading.DaemonError) as error:
        print(f"latency.py: {error}", file=sys.stderr)
        return 2
    facts["load_after"] = figures.machine()["load"]
    print(figures.describe(facts))
    for kind in kinds:
        print(rounds.report(kind, {name: one[kind.value] for name, one in found.items()}), end="\n\n")
    grown = growth(found)
    for kind_name, figure in grown.items():
        print(f"overhead of a {kind_name} edit by the project's tests: {figure}")
    missed = [
        line for name, one in found.items() for kind in kinds for line in rounds.missed(name, kind, one[kind.value])
    ]
    return figures.conclude({"benchmark": "latency", "machine": facts, "projects": found, "growth": grown}, missed)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--project", action="append", choices=list(EDITS), help="these alone")
    parser.add_argument("--all", action="store_true", help=f"{LARGEST} too")
    parser.add_argument("--kind", action="append", choices=[kind.value for kind in Kind], help="these edits alone")
    parser.add_argument("--rounds", type=int, default=7)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
