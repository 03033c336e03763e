"""An editor on a project with 10,000 tests: how long opening, typing, saving and lenses take, and what is sent.

    python benchmarks/smooth.py [--tests N] [--rounds N]

The project is generated, and its tests run. Needs this repository's development environment. See docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.extend(str(Path(__file__).resolve().parents[1] / folder) for folder in ("", "server", "tests"))

import support.editor
from benchmarks.generating.sources import EDITED, generate
from benchmarks.measuring import figures
from support.editor import Editor, close_editor, open_editor
from support.project import Project

MOST = {"preview": 150.0, "lenses": 100.0, "lenses of a test file": 100.0}
"""Milliseconds, of the median."""
_FUNCTION = "def work_0("
_EDIT = "if value > 0:", "if value > -{}:"
OUTCOMES = ("passed", "failed", "errored", "skipped")
_TEST_FILE = "tests/test_000.py"
_PATIENCE = 600.0  # seconds that the build may take


@dataclass
class Found:
    """Seconds by what was measured, and how much was sent."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def note(self, what: str, started: float) -> None:
        """Something is done that began at this time of ``perf_counter``."""
        self.seconds.setdefault(what, []).append(time.perf_counter() - started)

    def milliseconds(self, what: str) -> float:
        """The median."""
        return figures.milliseconds(statistics.median(self.seconds[what]))


async def measure(tests: int, rounds: int) -> Found:
    """Open a project of so many tests, and edit it."""
    found = Found()
    with tempfile.TemporaryDirectory(prefix="aftershock-benchmark-", ignore_cleanup_errors=True) as folder:
        root = Path(folder).resolve()
        generate(tests).write(root)
        (root / "pytest.ini").write_text("[pytest]\npythonpath = .\n", encoding="utf-8")
        project = Project(root)
        editor = await open_editor(project)
        try:
            started = time.perf_counter()
            await editor.ready()
            await editor.fresh()
            found.note("first build", started)
            await _edit(editor, rounds, found)
            await _run_all(editor, tests, found)
        finally:
            await close_editor(editor)
        started = time.perf_counter()
        editor = await open_editor(project)
        try:
            await editor.until(lambda: editor.status is not None and editor.status.tests == tests, "the tests")
            found.note("opening", started)
        finally:
            await close_editor(editor)
    return found


async def _edit(editor: Editor, rounds: int, found: Found) -> None:
    editor.open(EDITED)
    editor.open(_TEST_FILE)
    lines = editor.project.read(EDITED).split("\n")
    line = next(number for number, text in enumerate(lines, 1) if text.startswith(_FUNCTION))
    for number in range(1, rounds + 1):
        for what, path in (("lenses", EDITED), ("lenses of a test file", _TEST_FILE)):
            started = time.perf_counter()
            await editor.lenses(path)
            found.note(what, started)
        started = time.perf_counter()
        text = editor.type(EDITED, _EDIT[0], _EDIT[1].format(number))
        await editor.shows_lens(EDITED, line, lambda told: "when saved" in told)
        found.note("preview", started)
        editor.steps.clear()
        editor.save(EDITED, text)
        started = time.perf_counter()
        await editor.until(lambda: any(step.kind == "passed" for step in editor.steps), "a verdict")
        found.note("first verdict of a save", started)
        await editor.until(lambda: any(step.kind == "end" for step in editor.steps), "the last verdict")
        found.note("last verdict of a save", started)
        await editor.fresh()
        editor.edit(EDITED, _EDIT[1].format(number), _EDIT[0])  # known: nothing runs
        await editor.fresh()


async def _run_all(editor: Editor, tests: int, found: Found) -> None:
    """Lenses while everything runs, and what is sent meanwhile."""
    editor.steps.clear()
    refreshes = editor.refreshes
    begun = time.perf_counter()
    await editor.command("aftershock.runAll")

    def verdicts() -> int:
        return sum(step.kind in OUTCOMES and step.run >= 0 for step in editor.steps)  # not those from memory

    while verdicts() < tests:
        started = time.perf_counter()
        await editor.lenses(EDITED)
        found.note("lenses while all tests run", started)
    found.note("run of all tests", begun)
    found.counts["steps told"] = len(editor.steps)
    found.counts["refreshes of lenses"] = editor.refreshes - refreshes


def main() -> int:
    """Measure, print, and exit with 1 where a bound was missed."""
    options = _options()
    support.editor.PATIENCE = _PATIENCE
    facts = figures.machine()
    found = asyncio.run(measure(options.tests, options.rounds))
    print(figures.describe(facts))
    rows: list[Sequence[object]] = [
        (what, found.milliseconds(what), figures.milliseconds(max(each)), len(each), MOST.get(what, ""))
        for what, each in found.seconds.items()
    ]
    print(figures.table(["", "median, ms", "longest", "times", "allowed"], rows))
    for what, count in found.counts.items():
        print(f"{what}: {count}")
    missed = [
        f"{what}: {took} ms, {most} allowed" for what, most in MOST.items() if (took := found.milliseconds(what)) > most
    ]
    told = {what: found.milliseconds(what) for what in found.seconds}
    return figures.conclude(
        {"benchmark": "smooth", "machine": facts, "tests": options.tests, "ms": told, **found.counts}, missed
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--tests", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
