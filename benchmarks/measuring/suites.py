"""Whole suites, run by the agent in one fork of a warm session, with recording and without."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from aftershock.engine.agent import Agent
from aftershock.engine.agent_process import agent_environment
from aftershock_agent import messages
from benchmarks.measuring import cold
from projects import Project

UNRECORDED = Path(__file__).resolve().parents[1] / "plugins" / "unrecorded.py"


@dataclass(frozen=True)
class SuiteTiming:
    """A suite's loop, seconds from the command to the run's end, fork and messages included, and the outcomes."""

    loop: cold.Loop
    seconds: float
    outcomes: Counter[str]


class SuiteError(Exception):
    """A run that ended before its last test."""


class WarmSuite:
    """A session of the agent's that has collected all of a project's tests; use it as a context."""

    def __init__(self, project: Project, output: Path, recorded: bool) -> None:
        """`output` is a file for what the interpreter prints."""
        before = [] if recorded else [str(UNRECORDED)]
        root = project.root.resolve()
        self._loop = output.with_suffix(".loop")
        environment = agent_environment(cold.measuring(self._loop))
        self._agent = Agent([str(project.python), *before], root, root, environment)
        self._output = output
        self._tests: list[str] = []

    async def __aenter__(self) -> WarmSuite:
        await self._agent.start(self._output)
        await self._agent.open_session(cold.LOOP_ARGUMENTS, [])
        collection = await self._agent.collect(None)
        self._tests = [test.id for test in collection.result.tests]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._agent.close()

    async def run(self) -> SuiteTiming:
        """Run every test in one fork; raises SuiteError."""
        outcomes: Counter[str] = Counter()
        started = time.perf_counter()
        async for event in self._agent.events_of(self._agent.begin_run(self._tests)):
            if isinstance(event, messages.TestFinished):
                outcomes[event.outcome] += 1
        seconds = time.perf_counter() - started
        loop = cold.loop_of(self._loop)
        if loop is None:
            raise SuiteError(f"the run ended after {outcomes.total()} of {len(self._tests)} tests; see {self._output}")
        return SuiteTiming(loop, seconds, outcomes)
