"""Thousands of saves in a row: whether verdicts stay right, memory flat, and nothing is left over.

    python benchmarks/soak.py [--saves N] [--idle SECONDS]

The saves go to the engine, in this process, as the language server hands them on: so "server" is this process.  Which
verdicts a save must lead to is known by construction, and a fresh pytest says them too from time to time.

Needs this repository's development environment, and Linux for memory. See docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.extend(str(Path(__file__).resolve().parents[1] / folder) for folder in ("", "server", "tests"))

import psutil

from aftershock.engine import events
from aftershock.engine.configuration import Configuration
from aftershock.engine.engine import Engine
from benchmarks.measuring import edits, figures, tree, verdicts
from projects import FetchError, Project, copy

GROWTH = 1.15
"""How many times its memory after the first tenth of the saves the tree may take at the end."""
SLOWER = 1.2
"""How many times the median latency of the first tenth that of the last tenth may be."""
IDLE = 0.01
"""CPU seconds that the tree may spend in a second in which nothing happens."""
AT_REST = 5
"""Processes of the interpreter when nothing runs: base, session, the fork that waits for a run, two to come."""

KINDS = {"fields": 5, "body": 5, "revert": 3, "both": 2, "constant": 1, "default": 1}
"""How often which kind of save comes: a body in the project's largest file, a body in a small one, back to an earlier
state, two files at once, and two kinds of definitions, which take a new session each."""

COLD_CHECKS = 10
EVERYTHING = 20  # saves between looks at every test, not only those that could have moved

FIELDS = "src/marshmallow/fields.py"
MODULE = "src/marshmallow/soaked.py"
TESTS = "tests/test_soaked.py"
NAMES = ("constant", "default", "body", "other")

_MODULE = """CONSTANT = {constant}


def default(value={default}):
    return value


def body():
    return {body}


def other():
    return {other}
"""
_TESTS = """from marshmallow import soaked


def test_constant():
    assert soaked.CONSTANT == 0


def test_default():
    assert soaked.default() == 0


def test_body():
    assert soaked.body() == 0


def test_other():
    assert soaked.other() == 0
"""


@dataclass
class Soak:
    """What is in the files now, and what the saves have shown so far; times in seconds, memory in bytes."""

    project: Project
    fields: str
    values: dict[str, int] = field(default_factory=lambda: dict.fromkeys(NAMES, 0))
    past: list[dict[str, int]] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    latencies: dict[str, list[float]] = field(default_factory=dict)
    memory: list[tree.Memory] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    checked: int = 0
    cold: int = 0

    def expected(self, test: str) -> str:
        """The outcome that a test must have."""
        path, _, name = test.partition("::")
        return "failed" if path == TESTS and self.values[name.removeprefix("test_")] else "passed"

    def write(self, path: str, text: str) -> Path:
        """Save a file of the project."""
        target = self.project.root / path
        target.write_text(text, encoding="utf-8")
        return target

    def module(self) -> Path:
        """Save the module that the benchmark has added, with the values as they are."""
        return self.write(MODULE, _MODULE.format(**self.values))


class Saver:
    """One engine on the project; use it as a context, which builds it first."""

    def __init__(self, project: Project) -> None:
        """The engine runs with the project's interpreter."""
        configuration = Configuration.load(project.root, {"interpreter": [str(project.python)]})
        self.engine = Engine(configuration, self._hear)
        self._first: float | None = None
        self._ran: list[str] = []

    async def __aenter__(self) -> Saver:
        await self.engine.start()
        await self.engine.settled()
        await self.engine.build()
        await self.engine.settled()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.engine.close()

    def _hear(self, event: events.Event) -> None:
        if isinstance(event, events.TestFinished):
            self._first = self._first or time.perf_counter()
            self._ran.append(event.verdict.test)

    async def save(self, started: float, paths: Sequence[Path]) -> tuple[float | None, list[str]]:
        """Tell of saved files; the seconds to the first verdict, None where memory had the answer, and what ran."""
        self._first, self._ran = None, []
        self.engine.files_changed(paths)
        await self.engine.settled()
        return None if self._first is None else self._first - started, self._ran


def edit(soak: Soak, number: int, draw: random.Random) -> tuple[str, list[Path]]:
    """Make one edit; its kind, and the files that it saved."""
    kind = draw.choices(list(KINDS), list(KINDS.values()))[0]
    before = dict(soak.values)
    if kind == "revert":
        soak.values.update(draw.choice(soak.past[-6:]) if soak.past else before)
    elif kind in NAMES:
        soak.values[kind] = 0 if soak.values[kind] else number
    elif kind == "both":
        soak.values["other"] = 0 if soak.values["other"] else number
    soak.past.append(before)
    del soak.past[:-6]
    saved = [] if kind == "fields" else [soak.module()]
    if kind in ("fields", "both"):
        saved.append(soak.write(FIELDS, edits.edited(soak.fields, "List._deserialize", number)))
    return kind, saved


async def step(soak: Soak, saver: Saver, number: int, draw: random.Random) -> None:
    """One save: edit, wait until all is at rest, look at the verdicts."""
    started = time.perf_counter()
    kind, saved = edit(soak, number, draw)
    first, ran = await saver.save(started, saved)
    soak.kinds[kind] += 1
    if first is not None:
        soak.latencies.setdefault(kind, []).append(first)
    tests = saver.engine.tests if number % EVERYTHING == 0 else {*ran, *(f"{TESTS}::test_{name}" for name in NAMES)}
    for test in tests:
        state = saver.engine.state_of(test)
        told = "affected" if state.affected or state.verdict is None else state.verdict.outcome.value
        soak.checked += 1
        if told not in (soak.expected(test), "skipped"):
            soak.wrong.append(f"save {number} ({kind}): {test} {told}, not {soak.expected(test)}")


async def check_cold(soak: Soak, number: int) -> None:
    """Compare what is expected with what a fresh pytest says."""
    fresh = await verdicts.fresh(soak.project, [FIELDS, MODULE], (), ())
    if fresh is None or fresh.problem:
        soak.wrong.append(f"save {number}: a fresh pytest could not run: {fresh.problem if fresh else 'it hung'}")
        return
    soak.cold += 1
    for test, told in fresh.tests.items():
        if told.outcome not in (soak.expected(test), "skipped"):
            soak.wrong.append(f"save {number}: a fresh pytest says {told.outcome} of {test}")


async def run(saves: int, idle: float, folder: Path) -> dict[str, object]:
    """Soak; the figures."""
    project = copy("marshmallow", folder / "marshmallow")
    soak = Soak(project, (project.root / FIELDS).read_text(encoding="utf-8"))
    soak.module()
    soak.write(TESTS, _TESTS)
    temporary = Path(tempfile.gettempdir())
    draw = random.Random(0)
    seen: dict[int, psutil.Process] = {}
    async with Saver(project) as saver:
        before = len(tree.members()), tree.entries(temporary)
        for number in range(1, saves + 1):
            await step(soak, saver, number, draw)
            if number % max(1, saves // 100) == 0:
                soak.memory.append(tree.memory())
                seen.update({process.pid: process for process in tree.members()})
            if number % max(1, saves // COLD_CHECKS) == 0:
                await check_cold(soak, number)
                figures.say(_progress(soak, number))
        await saver.engine.refined()  # idle work has a fork of its own
        after = len(tree.members()), tree.entries(temporary)
        family = [psutil.Process(), *tree.members()]
        spent = tree.cpu(family)
        await asyncio.sleep(idle)
        spent = tree.cpu(family) - spent
        database = (project.root / ".aftershock" / "facts.db").stat().st_size
    left = [process for process in [*seen.values(), *family[1:]] if process.is_running()]
    return {
        **summarise(soak),
        "processes": [before[0], after[0]],
        "temporary_files": [before[1], after[1], tree.entries(temporary)],
        "left_over": len(left),
        "idle_cpu_s_per_s": round(spent / idle, 4),
        "facts_db_mb": round(database / 1e6, 1),
    }


def _progress(soak: Soak, number: int) -> str:
    memory = soak.memory[-1]
    return f"{number} saves: server {memory.server >> 20} MB, agent {memory.agent >> 20} MB, {len(soak.wrong)} wrong"


def summarise(soak: Soak) -> dict[str, object]:
    """The figures of the saves: memory in megabytes, latencies in milliseconds by kind of save."""
    tenth = max(1, len(soak.memory) // 10)
    start = soak.memory[tenth : 2 * tenth] or soak.memory
    end = soak.memory[-tenth:]
    return {
        "saves": soak.kinds.total(),
        "kinds": dict(soak.kinds),
        "verdicts_checked": soak.checked,
        "cold_checks": soak.cold,
        "wrong": soak.wrong[:20],
        "server_mb": [_megabytes([each.server for each in part]) for part in (start, end)],
        "agent_mb": [_megabytes([each.agent for each in part]) for part in (start, end)],
        "memory_ratio": round(_median(end) / _median(start), 3),
        "latency_ms": {kind: _ends(times) for kind, times in sorted(soak.latencies.items())},
    }


def _median(memory: Sequence[tree.Memory]) -> float:
    return statistics.median(each.total for each in memory)


def _megabytes(sizes: Sequence[int]) -> float:
    return round(statistics.median(sizes) / (1 << 20), 1)


def _ends(times: Sequence[float]) -> dict[str, float]:
    """The medians of the first and the last tenth, and how many times the first the last is."""
    tenth = max(1, len(times) // 10)
    first, last = statistics.median(times[:tenth]), statistics.median(times[-tenth:])
    ends = {"first": figures.milliseconds(first), "last": figures.milliseconds(last)}
    return {**ends, "ratio": round(last / first, 3)}


def missed(found: Mapping[str, object]) -> list[str]:
    """The bounds that were missed."""
    kinds = found["latency_ms"]
    processes, files = found["processes"], found["temporary_files"]
    assert isinstance(kinds, dict)
    assert isinstance(processes, list)
    assert isinstance(files, list)
    told = [f"wrong: {line}" for line in list(found["wrong"])]  # type: ignore[call-overload]
    if float(str(found["memory_ratio"])) > GROWTH:
        told.append(f"memory grew {found['memory_ratio']} times, the bound is {GROWTH}")
    if processes[1] > AT_REST or found["left_over"]:
        told.append(f"processes: {processes}, {found['left_over']} left over")
    if files[1] > files[0] or files[2]:
        told.append(f"temporary files: {files}, which must not grow, and be none in the end")
    if float(str(found["idle_cpu_s_per_s"])) > IDLE:
        told.append(f"idle, the tree spends {found['idle_cpu_s_per_s']} CPU seconds a second, the bound is {IDLE}")
    ratio = statistics.median(kind["ratio"] for kind in kinds.values())
    if ratio > SLOWER:
        told.append(f"saves took {ratio} times as long at the end as at the start, the bound is {SLOWER}")
    return told


def main() -> int:
    """Soak, print, and exit with 1 where a bound was missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--saves", type=int, default=2000)
    parser.add_argument("--idle", type=float, default=20.0, metavar="SECONDS", help="how long to watch it do nothing")
    options = parser.parse_args()
    facts = figures.machine()
    try:
        with tempfile.TemporaryDirectory(prefix="aftershock-benchmark-", ignore_cleanup_errors=True) as folder:
            place = Path(folder).resolve()
            (place / "tmp").mkdir()
            os.environ["TMPDIR"] = tempfile.tempdir = str(place / "tmp")  # so that what is left there is ours
            found = asyncio.run(run(options.saves, options.idle, place))
    except FetchError as error:
        print(f"soak.py: {error}", file=sys.stderr)
        return 2
    print(figures.describe(facts))
    print(figures.table(["", ""], [[name, value] for name, value in found.items() if name != "wrong"]))
    return figures.conclude({"benchmark": "soak", "machine": facts, **found}, missed(found))


if __name__ == "__main__":
    sys.exit(main())
