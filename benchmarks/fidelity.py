"""Random edits of real projects: what a warm interpreter says after each, beside what a fresh pytest says.

    python benchmarks/fidelity.py [--project NAME ...] [--edits N] [--seed N]

Needs this repository's development environment. See docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import asyncio
import difflib
import logging
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

sys.path.extend(str(Path(__file__).resolve().parents[1] / folder) for folder in ("", "server", "tests"))

from benchmarks.editing import specimens
from benchmarks.editing.history import Edit, History
from benchmarks.measuring import figures
from benchmarks.measuring.verdicts import ARGUMENTS, ENVIRONMENT, Fresh, Heard, Told, compare, fresh
from projects import FetchError, Project, copy
from support.engine import EngineStory, opened
from support.project import Project as Files

PROJECTS: Mapping[str, tuple[str, ...]] = {
    "marshmallow": ("-k", "not test_invalid_datetime_deserialization"),
    "attrs": (),
    "toolz": (),
    "mistune": ("-k", "not linear and not quick and not rescan and not forever and not quadratic"),
    "sqlparse": ("--deselect", "tests/test_dos_prevention.py"),
}
"""The projects, each with the arguments that leave out what the clock changes: tests of durations, ids with a time."""

SPECIMENS = "specimens"
"""A project of nothing else, for a quick look: it needs no download."""

_PATIENCE = 300.0  # seconds for the engine to come to rest after an edit
_SHOWN = 40  # lines of a text that is printed


@dataclass
class Tally:
    """What was found in one project."""

    kinds: Counter[str] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    verdicts: int = 0
    ran: int = 0
    hung: int = 0
    unsteady: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)


class Steps(logging.Handler):
    """Hears from the log how the session was brought up to the present."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.patched = self.rebuilt = False
        self.reasons: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Note a patch, a new session, and why one was needed."""
        text = record.getMessage()
        self.patched |= text.startswith("agent: patched ")
        self.rebuilt |= text.startswith("session ")
        if "new session, because " in text:
            self.reasons.append(text.split("new session, because ")[1])

    def take(self) -> str:
        """The dearest step since the last time."""
        step = "rebuilt" if self.rebuilt else "patched" if self.patched else "nothing"
        self.patched = self.rebuilt = False
        return step


@contextmanager
def heard_steps() -> Iterator[Steps]:
    """Listen to the engine's log."""
    steps, log = Steps(), logging.getLogger("aftershock")
    before = log.level, log.propagate
    log.addHandler(steps)
    log.setLevel(logging.DEBUG)
    log.propagate = False
    try:
        yield steps
    finally:
        log.removeHandler(steps)
        log.level, log.propagate = before


class Fidelity:
    """One project that a warm engine follows edit by edit."""

    def __init__(self, name: str, project: Project, story: EngineStory, steps: Steps, seed: int) -> None:
        self._project = project
        self._arguments = PROJECTS.get(name, ())
        self._story = story
        self._heard = Heard(story)
        self._steps = steps
        sources, tests = _files(project)
        self._history = History(project.root, sources, tests, f"{name} {seed}")
        self._edited: set[str] = set()
        self._known: dict[str, tuple[Told | None, Told | None]] = {}
        """Differences of the last edit: one that lasts is told once."""
        self.tally = Tally()

    async def begin(self) -> None:
        """Compare before the first edit."""
        self._heard.listen()
        cold = await self._fresh()
        if cold is None:
            raise FetchError(f"the suite of {self._project.release.name} hangs before any edit")
        await self._compare("no edit yet", cold)
        self._steps.take()

    async def edit(self, number: int) -> None:
        """Make one edit, and compare; one that makes a test hang is taken back before the engine sees it."""
        while True:
            edit = self._history.next()
            self._edited.add(edit.path)
            self._write(edit.path, edit.after)
            broken = edit.kind == "syntax error"
            cold = None if broken else await self._fresh()
            if cold is not None or broken:
                break
            self.tally.hung += 1
            self._write(edit.path, edit.before)
            self._history.drop(edit)
        ran = await self._tell(edit, number)
        if cold is not None:
            await self._compare(f"edit {number}, {edit.kind} in {edit.path}\n{_diff(edit)}", cold, ran)

    async def _tell(self, edit: Edit, number: int) -> set[str]:
        """Have the engine follow; returns the tests that ran."""
        self._story.forget()
        self._story.engine.files_changed([(self._project.root / edit.path).resolve()])
        await asyncio.wait_for(self._story.engine.settled(), _PATIENCE)
        ran, step = self._heard.listen(), self._steps.take()
        self.tally.kinds[edit.kind] += 1
        self.tally.steps[step] += 1
        self.tally.reasons.update(_general(reason) for reason in self._steps.reasons)
        self._steps.reasons.clear()
        self.tally.ran += len(ran)
        figures.say(f"  {number}: {edit.kind} in {edit.path}: {step}, {len(ran)} tests ran")
        return ran

    async def _compare(self, edit: str, cold: Fresh, ran: AbstractSet[str] = frozenset()) -> None:
        if cold.problem:
            if self._story.engine.status.state.value != "failed":
                self._differ(edit, "pytest can't start, the engine can", cold.problem, self._story.engine.status)
            return
        warm = self._heard.told()
        self.tally.verdicts += len(cold.tests)
        found = {
            test: fields
            for test, fields in compare(warm, cold).items()
            if self._known.get(test) != (cold.tests.get(test), warm.get(test))
        }
        if not found:
            return
        again = await self._fresh(*found)
        for test, fields in sorted(found.items()):
            alone = again.tests.get(test) if again else None
            if alone is not None and test in cold.tests and alone.differs(cold.tests[test]):
                self.tally.unsteady[test] += 1  # it depends on the tests before it, or on chance
            elif test in ran and await self._agrees_alone(test, cold):
                self.tally.unsteady[test] += 1  # the tests before it were others here: failed ones go first
            else:
                self._differ(edit, f"{test}: {fields}", cold.tests.get(test), warm.get(test))
        self._known = {test: (cold.tests.get(test), warm.get(test)) for test in found}

    async def _agrees_alone(self, test: str, cold: Fresh) -> bool:
        await self._story.engine.run_tests([test])
        self._heard.listen()
        return test in cold.tests and not self._heard.told()[test].differs(cold.tests[test])

    async def _fresh(self, *only: str) -> Fresh | None:
        return await fresh(self._project, self._edited, self._arguments, only)

    def _differ(self, edit: str, what: str, cold: object, warm: object) -> None:
        self.tally.differences.append(f"{what} after {edit.splitlines()[0]}")
        figures.say(f"DIFFERENCE: {what}\nafter {edit}\n--- cold\n{_shown(cold)}\n--- warm\n{_shown(warm)}\n")

    def _write(self, path: str, text: bytes) -> None:
        (self._project.root / path).write_bytes(text)


def _files(project: Project) -> tuple[list[str], list[str]]:
    """The project's sources and test files; the specimens' among them, several times, to be chosen more often."""
    release, root = project.release, project.root
    folders = {release.tests, *(path.parent.relative_to(root).as_posix() for path in root.glob("src/*/__init__.py"))}
    folders |= {path.parent.name for path in root.glob("*/__init__.py")}
    paths = sorted({path.relative_to(root).as_posix() for folder in folders for path in (root / folder).rglob("*.py")})
    tests = [path for path in paths if Path(path).name.startswith("test_")]
    sources = [path for path in paths if path not in tests and (root / path).stat().st_size > 200]
    code, told = f"{release.source}/{specimens.MODULE}".removeprefix("./"), f"{release.tests}/{specimens.TESTS}"
    return [*sources, *[code] * (len(sources) // 3 + 1)], [*tests, *[told] * (len(tests) // 4)]


def _diff(edit: Edit) -> str:
    before, after = (text.decode("utf-8", "replace").splitlines() for text in (edit.before, edit.after))
    return "\n".join(difflib.unified_diff(before, after, edit.path, edit.path, n=1, lineterm=""))


def _shown(said: object) -> str:
    if not isinstance(said, Told):
        return str(said)
    head = f"{said.outcome} {said.exception} {said.place}"
    texts = [said.text, f"output: {said.output}" if said.output else ""]
    return "\n".join([head, *(line for text in texts for line in text.splitlines()[-_SHOWN:])])


def _general(reason: str) -> str:
    """A reason without the name in it."""
    return " ".join(word for word in reason.split() if "." not in word and "_" not in word)


async def measure(name: str, edits: int, seed: int, folder: Path) -> Tally:
    """Edit one project so many times; raises FetchError."""
    project = specimens.project(folder / name) if name == SPECIMENS else copy(name, folder / name)
    specimens.put_into(project)
    settings: dict[str, object] = {
        "interpreter": [str(project.python)],
        "pytestArgs": [*ARGUMENTS, *PROJECTS.get(name, ())],
        "env": dict(ENVIRONMENT),
        "testTimeout": 30,
        "maxAutoRunSeconds": 1000,
        "initialBuild": "never",
    }
    with heard_steps() as steps:
        figures.say(f"{name}: Aftershock builds its database")
        async with opened(Files(project.root), built=False, **settings) as story:
            await story.engine.build()
            await story.engine.refined()
            fidelity = Fidelity(name, project, story, steps, seed)
            await fidelity.begin()
            for number in range(1, edits + 1):
                await fidelity.edit(number)
    return fidelity.tally


def summarise(tally: Tally) -> dict[str, object]:
    """A project's figures."""
    edits = tally.kinds.total()
    return {
        "edits": edits,
        **{step: tally.steps[step] for step in ("patched", "rebuilt", "nothing")},
        "patched_share": round(tally.steps["patched"] / max(edits, 1), 3),
        "verdicts_compared": tally.verdicts,
        "tests_ran": tally.ran,
        "hung_and_not_counted": tally.hung,
        "order_dependent": tally.unsteady.total(),
        "refused_patches": dict(tally.reasons.most_common()),
        "differences": len(tally.differences),
    }


def report(found: Mapping[str, Mapping[str, object]], kinds: Mapping[str, int]) -> str:
    """The figures as people read them."""
    names = ["edits", "patched", "rebuilt", "nothing", "verdicts_compared", "tests_ran", "order_dependent"]
    rows = [[name.replace("_", " "), *(f[name] for f in found.values())] for name in [*names, "differences"]]
    by_kind = ", ".join(f"{kind} {count}" for kind, count in kinds.items())
    return f"{figures.table(['', *found], rows)}\nby kind: {by_kind}"


def main() -> int:
    """Edit, compare, print, and exit with 1 where anything differed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--project", action="append", choices=[*PROJECTS, SPECIMENS], help="these alone")
    parser.add_argument("--edits", type=int, default=60, help="of each project")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    facts = figures.machine()
    tallies: dict[str, Tally] = {}
    try:
        with tempfile.TemporaryDirectory(prefix="aftershock-benchmark-", ignore_cleanup_errors=True) as folder:
            for name in options.project or PROJECTS:
                tallies[name] = asyncio.run(measure(name, options.edits, options.seed, Path(folder)))
    except FetchError as error:
        print(f"fidelity.py: {error}", file=sys.stderr)
        return 2
    kinds: Counter[str] = sum((tally.kinds for tally in tallies.values()), Counter())
    found = {name: summarise(tally) for name, tally in tallies.items()}
    print(figures.describe(facts))
    print(report(found, dict(kinds.most_common())))
    missed = [f"{name}: {difference}" for name, tally in tallies.items() for difference in tally.differences]
    result = {"benchmark": "fidelity", "machine": facts, "seed": options.seed, "projects": found, "kinds": kinds}
    return figures.conclude(result, missed)


if __name__ == "__main__":
    sys.exit(main())
