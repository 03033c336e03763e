"""What a warm engine selects for each mutant of a project: the tests that it has verdicts for after the save."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from aftershock.engine.events import AffectedChanged, RunStarted, State, TestFinished
from aftershock.selection.facts import Outcome
from benchmarks.measuring import figures
from benchmarks.measuring.verdicts import ENVIRONMENT
from benchmarks.mutating.mutants import Mutant
from projects import Project
from support.engine import EngineStory, opened
from support.project import Project as Files

_PATIENCE = 1800.0  # seconds for the engine to come to rest
_CANNOT_START = "pytest can't start: "


@dataclass(frozen=True)
class Selected:
    """The tests that got a verdict by a run, or another one from memory, of a mutant that came to the same.

    ``told`` counts those that were told as affected at first, ``reasons`` are each test's.  ``problem`` tells that the
    engine failed; ``everything`` that it did so since pytest can't start, which it says of all tests.
    ``reverts_ran`` counts the tests that ran when the mutant was taken back.
    """

    tests: frozenset[str]
    told: int
    reasons: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    problem: str = ""
    reverts_ran: int = 0

    @property
    def everything(self) -> bool:
        """Whether no test can be run, and the engine says so."""
        return self.problem.startswith(_CANNOT_START)


class Engine:
    """A warm engine on a project that is pristine between the mutants."""

    def __init__(self, project: Project, story: EngineStory) -> None:
        self._project = project
        self._story = story

    async def select(self, mutant: Mutant) -> Selected:
        """Save a mutant, see what runs, and take it back; TimeoutError where the engine doesn't come to rest.

        Only what runs tell counts: facts that idle time makes exact are told by no run.
        """
        path = (self._project.root / mutant.path).resolve()
        path.write_bytes(mutant.after)
        selected = await self.saved([path])
        path.write_bytes(mutant.before)
        await self.saved([path])
        back = self._ran()
        if back or selected.problem:
            await self.refined()
        return replace(selected, reverts_ran=len(back))

    async def saved(self, paths: Sequence[Path]) -> Selected:
        """Tell of files that were saved, and see what runs; TimeoutError where the engine doesn't come to rest."""
        before = self._outcomes()
        self._story.forget()
        self._story.engine.files_changed(paths)
        await asyncio.wait_for(self._story.engine.settled(), _PATIENCE)
        told, reasons = self._reasons()
        status = self._story.engine.status
        recalled = {test for test, outcome in self._outcomes().items() if outcome is not before.get(test)}
        return Selected(self._ran() | recalled, told, reasons, status.message if status.state is State.FAILED else "")

    async def refined(self) -> None:
        """Let idle time make facts exact: what ran together shares them."""
        await asyncio.wait_for(self._story.engine.refined(), _PATIENCE)

    async def rebuild(self) -> None:
        """Forget everything, run every test, and make its facts exact."""
        await asyncio.wait_for(self._story.engine.rebuild(), _PATIENCE)
        await self.refined()

    def _outcomes(self) -> dict[str, Outcome]:
        """How each test stands that has a verdict."""
        engine = self._story.engine
        verdicts = {test: engine.state_of(test).verdict for test in engine.tests}
        return {test: verdict.outcome for test, verdict in verdicts.items() if verdict is not None}

    def _ran(self) -> frozenset[str]:
        return frozenset(event.verdict.test for event in self._story.of(TestFinished))

    def _reasons(self) -> tuple[int, dict[str, tuple[str, ...]]]:
        """How many tests were told as affected at first, and each test's reasons when its first run began."""
        first: int | None = None
        affected: Mapping[str, tuple[str, ...]] = {}
        reasons: dict[str, tuple[str, ...]] = {}
        for event in self._story.heard:
            if isinstance(event, AffectedChanged):
                affected = event.affected
                first = len(affected) if first is None else first
            elif isinstance(event, RunStarted):
                reasons.update({test: affected.get(test, ()) for test in event.tests if test not in reasons})
        return first or 0, reasons


@asynccontextmanager
async def warm_engine(project: Project, arguments: Sequence[str]) -> AsyncIterator[Engine]:
    """An engine that has run every test of a pristine copy, and has made its facts exact."""
    settings: dict[str, object] = {
        "interpreter": [str(project.python)],
        "pytestArgs": ["-p", "fresh_verdicts", *arguments],
        "env": dict(ENVIRONMENT),
        "testTimeout": 30,
        "maxAutoRunSeconds": 1000,
        "initialBuild": "never",
    }
    figures.say(f"{project.release.name}: Aftershock builds its database")
    async with opened(Files(project.root), built=False, **settings) as story:
        await story.engine.build()
        await story.engine.refined()
        yield Engine(project, story)
