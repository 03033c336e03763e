"""A real engine on a small project, as a test holds it: edit, wait until it is at rest, ask how tests stand."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

from aftershock.engine import events
from aftershock.engine.configuration import Configuration
from aftershock.engine.engine import Engine
from support.cold import Said
from support.project import Project

E = TypeVar("E")

NEVER_RUN = "never run", ""


class _SessionLog(logging.Handler):
    """Learns from the log which process the last session is, as people do."""

    log = logging.getLogger("aftershock.engine.warm")
    pid = 0

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg == "session %d is process %d" and isinstance(record.args, tuple):
            self.pid = int(str(record.args[1]))


class EngineStory:
    """An engine with its project; ``heard`` holds every event since the last :meth:`forget`."""

    def __init__(self, project: Project, settings: Mapping[str, object]) -> None:
        """``settings`` as a client would send them."""
        self.project = project
        configuration = Configuration.load(project.root, {"interpreter": [sys.executable], **settings})
        self.heard: list[events.Event] = []
        self._more = asyncio.Event()
        self._sessions = _SessionLog()
        self.engine = Engine(configuration, self._hear)

    @property
    def session_pid(self) -> int:
        """The process of the last session."""
        return self._sessions.pid

    async def start(self) -> None:
        """Start the engine, and read its log."""
        self._sessions.log.addHandler(self._sessions)
        self._sessions.log.setLevel(logging.DEBUG)
        await self.engine.start()

    async def close(self) -> None:
        """End what was started."""
        await self.engine.close()
        self._sessions.log.removeHandler(self._sessions)
        self._sessions.log.setLevel(logging.NOTSET)

    def _hear(self, event: events.Event) -> None:
        self.heard.append(event)
        self._more.set()

    async def until(self, seen: Callable[[], bool]) -> None:
        """Wait until something can be seen of what was heard; TimeoutError when it never is."""

        async def wait() -> None:
            while not seen():
                self._more.clear()
                await self._more.wait()

        await asyncio.wait_for(wait(), 60)

    def forget(self) -> None:
        """Hear anew."""
        self.heard.clear()

    def of(self, kind: type[E]) -> list[E]:
        """The events of one kind, in order."""
        return [event for event in self.heard if isinstance(event, kind)]

    async def save(self, path: str, old: str, new: str) -> None:
        """Edit a file, tell the engine as a client does, and wait until it is at rest."""
        self.project.edit(path, old, new)
        await self.changed(path)

    async def changed(self, *paths: str) -> None:
        """Files were changed otherwise: tell the engine, and wait until it is at rest."""
        self.forget()
        self.engine.files_changed([self.project.path(path) for path in paths])
        await self.engine.settled()

    def ran(self) -> list[str]:
        """The names of the tests that got a verdict by a run, without their files, in order of their ids."""
        return sorted(event.verdict.test.split("::", 1)[1] for event in self.of(events.TestFinished))

    def said(self) -> Said:
        """How each test stands, by id; ``affected`` where its last verdict holds no more, ``never run`` without any."""
        said: Said = {}
        for test in self.engine.tests:
            state = self.engine.state_of(test)
            if state.verdict is None:
                said[test] = NEVER_RUN
            elif state.affected:
                said[test] = "affected", ""
            else:
                skipped = state.verdict.outcome.value == "skipped"
                said[test] = (
                    state.verdict.outcome.value,
                    state.verdict.reason.removeprefix("Skipped: ") if skipped else "",
                )
        return said

    def outcomes(self) -> dict[str, str]:
        """How each test stands, by its name without the file; ``affected`` where no verdict holds."""
        said = self.said()
        return {test.split("::", 1)[1]: "affected" if how == NEVER_RUN else how[0] for test, how in said.items()}


@asynccontextmanager
async def opened(project: Project, built: bool = True, **settings: object) -> AsyncIterator[EngineStory]:
    """An engine that has started, and has run every test once if ``built``."""
    story = EngineStory(project, settings)
    await story.start()
    try:
        await story.engine.settled()
        if built:
            await story.engine.build()
            await story.engine.settled()
        story.forget()
        yield story
    finally:
        await story.close()
