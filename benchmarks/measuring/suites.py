"""Whole suites, run by the agent in one fork of a warm session, with recording and without."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from aftershock.engine.agent import Agent, agent_environment
from aftershock_agent import messages
from projects import Project

UNRECORDED = Path(__file__).resolve().parents[1] / "plugins" / "unrecorded.py"


@dataclass(frozen=True)
class SuiteTiming:
    """Seconds from the first test's start to the last one's end, of the tests alone too, and their outcomes."""

    loop: float
    testing: float
    outcomes: Counter[str]


class WarmSuite:
    """A session of the agent's that has collected all of a project's tests; use it as a context."""

    def __init__(self, project: Project, output: Path, recorded: bool) -> None:
        """`output` is a file for what the interpreter prints."""
        before = [] if recorded else [str(UNRECORDED)]
        root = project.root.resolve()
        self._agent = Agent([str(project.python), *before], root, root, agent_environment({}))
        self._output = output
        self._tests: list[str] = []

    async def __aenter__(self) -> WarmSuite:
        await self._agent.start(self._output)
        await self._agent.open_session([], [])
        collection = await self._agent.collect(None)
        self._tests = [test.id for test in collection.result.tests]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._agent.close()

    async def run(self) -> SuiteTiming:
        """Run every test in one fork; the time is from the command to the run's end, fork included."""
        outcomes: Counter[str] = Counter()
        testing = 0.0
        started = time.perf_counter()
        async for event in self._agent.events_of(self._agent.begin_run(self._tests)):
            if isinstance(event, messages.TestFinished):
                outcomes[event.outcome] += 1
                testing += sum(event.durations.values())
        return SuiteTiming(time.perf_counter() - started, testing, outcomes)
