"""Keeps an interpreter warm: starts the agent, brings its session up to the present, collects."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from aftershock.engine.agent import Agent, AgentDied, Collection, SessionBroken
from aftershock.engine.agent_process import agent_environment
from aftershock.engine.configuration import Configuration
from aftershock.engine.events import Interpreter
from aftershock.engine.import_watch import TIMEOUT
from aftershock.engine.interpreter import find_interpreter
from aftershock.engine.preparing import Preparations
from aftershock.engine.project import Project
from aftershock.engine.rebuilding import Rebuild
from aftershock.engine.sources import SourceFile
from aftershock.engine.warm import Outdated, Present, WarmSession
from aftershock_agent import messages

log = logging.getLogger(__name__)

GROWTH = 1.5
SLACK = 64 << 20
"""An interpreter may grow to this many times what it took with its session complete, and by so many bytes more."""

_ATTEMPTS = 5
"""How often a session is started again because files changed under it, before giving up until the next save."""


class Warming:
    """One agent and its session, made anew whenever they can't be brought up to the present."""

    def __init__(
        self,
        configuration: Configuration,
        project: Project,
        born: Callable[[messages.BaseReady], None],
        collected: Callable[[Collection, Iterable[str] | None], None],
        followed: Callable[[WarmSession], None],
        outdated: Callable[[Iterable[Path]], None],
    ) -> None:
        """Tell ``born`` of each new interpreter, ``collected`` of each collection, ``outdated`` of files to look at.

        ``followed`` hears of a session that was made equal to another present in place.
        """
        self._configuration = configuration
        self._project = project
        self._born = born
        self._collected = collected
        self._followed = followed
        self._outdated = outdated
        self.agent: Agent | None = None
        self.session: WarmSession | None = None
        self._preparations: Preparations | None = None
        self._since = 0.0
        self._pid: int | None = None
        self._sessions = self._patches = self._rebuilds = 0
        self.rebuilt: Rebuild | None = None
        self._lost: Rebuild | None = None
        self._measured: tuple[WarmSession | None, int] = (None, 0)

    @property
    def state(self) -> Interpreter | None:
        """The interpreter as it is, ``memory`` and ``rebuilt`` left to be worked out at rest; None without one."""
        if self._pid is None or self.agent is None or not self.agent.alive:
            return None
        counts = self._sessions, self._patches, self._rebuilds
        return Interpreter(self._pid, self._since, *counts, unforked=self.agent.in_process)

    @property
    def up_to_date(self) -> bool:
        """Whether everything is collected and equal to the present."""
        session = self.session
        alive = self.agent is not None and self.agent.session_alive
        fit = session is not None and not session.agent.unfit
        return session is not None and alive and fit and session.complete and session.present is self._project.present

    def outgrown(self, memory: int, idle: bool) -> bool:
        """The interpreter takes so many bytes, without what is prepared: whether the session is given up for it.

        Only when ``idle``: else runs take their part of it.

        Patches give back what they replace, but plugins and libraries keep what they like in a session of days.
        """
        session = self.session
        if session is None or not self.up_to_date:
            return False
        if session is not self._measured[0]:
            self._measured = session, memory
        first = min(memory, self._measured[1])
        self._measured = session, first
        if not idle or memory <= first * GROWTH + SLACK:
            return False
        self._lose(f"its memory had grown from {first >> 20} to {memory >> 20} MB")
        return True

    @property
    def preparing(self) -> bool:
        """Whether a session is being prepared, which can't be told from the others yet."""
        return self._preparations is not None and self._preparations.busy

    @property
    def prepared(self) -> frozenset[int]:
        """The processes of the sessions that are prepared."""
        return frozenset(self.agent.prepared.values() if self.agent is not None else ())

    @property
    def following(self) -> bool:
        """Whether the session is being brought up to what is still the present."""
        return self.session is not None and self.session.present is self._project.present

    def foretell(self, file: SourceFile) -> None:
        """A file has a new text, or may soon: the session may begin to compile it."""
        if self._preparations is not None:
            self._preparations.note_likely(file.path)
        session = self.session
        if session is not None and file.path in session.loaded and session.agent.session_alive:
            session.foretell(file)

    def begin_to_follow(self) -> None:
        """Send off the patch that brings the session up to the present, if one does; nothing else is under way."""
        session = self.session
        if session is not None and session.agent.session_alive and not session.agent.unfit:
            session.begin_to_follow(self._project.present)

    async def prepare(self) -> bool:
        """Get ready for a change that needs a new session, while nobody waits; raises AgentDied.

        Returns whether there was anything to do.
        """
        if self._preparations is None or not self.up_to_date:
            return False
        return await self._preparations.prepare(self._project.present)

    async def start(self) -> Agent:
        """The agent, started if there is none; raises AgentDied."""
        if self.agent is not None and self.agent.alive:
            return self.agent
        await self.stop()
        configuration = self._configuration
        folder = configuration.root / ".aftershock"
        agent = Agent(
            find_interpreter(configuration),
            configuration.root,
            configuration.cwd or configuration.root,
            agent_environment(configuration.env),
            configuration.test_timeout,
        )
        self.agent, agent.isolation = agent, configuration.isolation
        arguments, limit = configuration.pytest_args, configuration.test_timeout
        self._preparations = Preparations(agent, configuration.root, arguments, limit)
        try:
            ready = await agent.start(folder / "agent.log")
            self._pid, self._since = ready.pid, time.time()
            self._born(ready)
        except AgentDied:
            await self.stop()
            raise
        return agent

    async def stop(self) -> None:
        """End the agent and all of its processes."""
        agent, self.agent, self.session, self._preparations = self.agent, None, None, None
        self._pid = self._lost = None
        if agent is not None:
            await agent.close()

    def abandon(self) -> None:
        """The session is in an unknown state (a cancelled collection): the next need starts a new one."""
        self._lose("what it was doing was broken off")

    def _lose(self, cause: str) -> None:
        if self.session is not None:
            self.session, self._lost = None, Rebuild("", cause)

    async def ready(self, files: Callable[[], Iterable[str] | None]) -> WarmSession:
        """A session equal to the present in which ``files`` (None: everything) are collected.

        Raises AgentDied or SessionBroken.
        """
        for _ in range(_ATTEMPTS):
            agent = await self.start()
            try:
                session = await self._follow(agent)
                await self._collect(session, files)
            except Outdated as outdated:
                log.info("files changed while they were imported: %s", outdated)
                self._lose(f"{outdated} changed while it was imported")
                self._outdated(self._configuration.root / path for path in outdated.paths)
                continue
            except BaseException:
                self._lose("its import was broken off")
                raise
            return session
        raise SessionBroken(_restless())

    async def _follow(self, agent: Agent) -> WarmSession:
        present = self._project.present
        session, why = self.session, self._lost
        if session is not None and not agent.session_alive:
            why = session.given_up or Rebuild("", "the session had ended")
        elif session is not None and agent.unfit:
            why = Rebuild("", agent.unfit)
        elif session is not None:
            if session.present is present:
                return session
            patches = session.patches
            why = await session.follow(present)
            self._patches += session.patches - patches
            if why is None:
                self._followed(session)
                return session
        self._note_new(why)
        self.session = await self._open(agent, present)
        return self.session

    async def _open(self, agent: Agent, present: Present) -> WarmSession:
        root, arguments = self._configuration.root, self._configuration.pytest_args
        prepared = self._preparations.take(present) if self._preparations else None
        if prepared is not None:
            try:
                return await WarmSession.open(agent, root, arguments, present, prepared)
            except SessionBroken as error:
                if error.failure.exception == TIMEOUT:
                    raise
                # What it has done ahead may have a part in that: a session without such a past has the say.
                log.info("the prepared session failed, a new one is tried: %s", error)
        return await WarmSession.open(agent, root, arguments, present)

    def _note_new(self, why: Rebuild | None) -> None:
        """A new session is needed; no reason means that there was none before."""
        self._sessions += 1
        self._lost = None
        if why is not None:
            self._rebuilds += 1
            self.rebuilt = why
            log.info("a new session is needed: %s", " ".join((why.path, why.cause or "was redefined")).strip())

    async def _collect(self, session: WarmSession, files: Callable[[], Iterable[str] | None]) -> None:
        if session.complete:
            return
        wanted = files()
        missing = None if wanted is None else sorted(path for path in wanted if path not in session.collected)
        if missing == []:
            return
        if self._preparations is not None and missing and not session.collected:
            self._preparations.note_first(missing)
        collection = await session.collect(missing)
        session.agent.preload(collection.result.preload)
        self._collected(collection, missing)


def _restless() -> messages.Failure:
    text = "The project's files keep changing while they are imported. Save again when they are at rest."
    return messages.Failure("Outdated", text, text)
