"""Sessions prepared while nobody waits, to be there when an edit needs a new one.

Such a session has configured pytest and imported what it can: everything before the first file that is likely to be
edited, and before the first thing that others would notice, which a scout finds (:mod:`aftershock_agent.scouting`).  An
edit of any file that it hasn't imported leaves it as good as a new session.

There are two at most: one for the file edited last, and, where that one has imported others that were edited lately,
one that has imported none of those.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aftershock.engine.agent import Agent
from aftershock.engine.import_watch import LEAST
from aftershock.engine.sources import inside
from aftershock.engine.warm import Present
from aftershock_agent import messages
from aftershock_agent.messages import EXISTS
from aftershock_agent.recording import state_of

log = logging.getLogger(__name__)

_LATELY = 4
"""How many files, those saved or looked at last, are taken to be the next that are edited."""


@dataclass(frozen=True)
class _Way:
    """The way that a session is to be prepared: before which files (absolute paths) it halts, which it collects."""

    likely: frozenset[str]
    collect: tuple[str, ...]


@dataclass(frozen=True)
class _Limits:
    """How far one may go on that way: not at all unless ``configured``, up to conftest.py unless ``further``.

    It halts before any file of ``before``.  ``read`` are the files that are seen until then.
    """

    way: _Way
    before: frozenset[str]
    configured: bool
    further: bool
    read: Sequence[messages.LoadedFile] = ()

    @staticmethod
    def of(way: _Way, found: messages.SessionScouted) -> _Limits:
        """What a scout has found."""
        further = bool(found.until) or not found.noticed
        end = (found.until or "the end") if further else "conftest.py" if found.configured else "nothing"
        log.debug("a session can be prepared up to %s (%s)", end, found.noticed)
        before = way.likely | ({found.until} if found.until else set())
        return _Limits(way, before, found.configured, further, found.read)


@dataclass(frozen=True)
class _Prepared:
    """A session that was prepared when the project was ``present``, within ``limits``."""

    present: Present
    limits: _Limits
    session: messages.SessionPrepared


class Preparations:
    """The sessions that an agent has prepared for this project."""

    def __init__(self, agent: Agent, root: Path, args: Sequence[str], limit: float) -> None:
        """``args`` are pytest's; ``limit`` is how many seconds an import may take."""
        self._agent = agent
        self._root = root
        self._lately: list[str] = []
        self._first: list[str] = []
        self._near, self._far = (_Preparation(agent, root, args, max(limit, LEAST)) for _ in range(2))
        self.busy = False
        """Whether one is being prepared."""

    def note_likely(self, path: str) -> None:
        """A file (relative path) was saved, or is looked at."""
        absolute = str(self._root / path)
        self._lately = [absolute, *(each for each in self._lately if each != absolute)][:_LATELY]

    def note_first(self, paths: Iterable[str]) -> None:
        """A new session has collected these files (relative paths) first."""
        self._first = [str(self._root / path) for path in paths]

    async def prepare(self, present: Present) -> bool:
        """Have prepared what isn't there, or isn't good any more; returns whether that was needed; raises AgentDied."""
        if not self._agent.can_fork:
            return False
        collect = tuple(path for path in self._first if Path(path).exists())
        self.busy = True
        try:
            needed = await self._near.prepare(present, _Way(frozenset(self._lately[:1]), collect))
            if self._near.loaded & set(self._lately):
                return await self._far.prepare(present, _Way(frozenset(self._lately), collect)) or needed
            self._far.drop()
            return needed
        finally:
            self.busy = False

    def take(self, present: Present) -> messages.SessionPrepared | None:
        """What is to become the session of ``present``, the one that is furthest; None if nothing may."""
        return self._near.take(present) or self._far.take(present)


class _Preparation:
    """One session on its way, or none."""

    def __init__(self, agent: Agent, root: Path, args: Sequence[str], limit: float) -> None:
        """As for :class:`Preparations`."""
        self._agent = agent
        self._root = root
        self._args = list(args)
        self._limit = limit
        self._last: _Prepared | None = None
        self._vain: Present | None = None

    @property
    def loaded(self) -> set[str]:
        """The files (absolute paths) that the last one had imported."""
        return {file.path for file in self._last.session.loaded} if self._last else set()

    async def prepare(self, present: Present, way: _Way) -> bool:
        """Have one prepared, unless there is one that can be taken now, and after an edit of ``way.likely`` too.

        Returns whether anything was done.
        """
        if self._vain is present or self._is_good(present, way):
            return False
        limits = self._last.limits if self._last is not None and self._is_sound(self._last, present) else None
        if limits is None or limits.way != way:
            found = await self._ask(present, way, way.likely, further=True, scout=True)
            limits = _Limits.of(way, found) if isinstance(found, messages.SessionScouted) else None
        session = None
        if limits is not None and limits.configured:
            session = await self._ask(present, way, limits.before, limits.further)
        if limits is None or not isinstance(session, messages.SessionPrepared):
            self._vain = present  # trying again would be as vain
            return True
        self._last = _Prepared(present, limits, session)
        if not all(self._is_told(file, present) for file in session.loaded):
            self.drop()  # it was changed meanwhile, before or after its import: who knows
        return True

    async def _ask(
        self, present: Present, way: _Way, before: Iterable[str], further: bool, scout: bool = False
    ) -> messages.Event | None:
        sources = [str(self._root / path) for path in present.sources]
        replaced = self._last.session.session if self._last and not scout else 0
        order = messages.PrepareSession(
            0, self._args, sources, further, sorted(before), list(way.collect), scout, replaced
        )
        return await self._agent.prepare_session(order, self._limit)

    def drop(self) -> None:
        """End it: it isn't needed."""
        if self._last is not None:
            self._agent.drop_prepared(self._last.session.session)

    def take(self, present: Present) -> messages.SessionPrepared | None:
        """What is to become the session of ``present``; None if it may not."""
        return self._last.session if self._last is not None and self._is_there(self._last, present) else None

    def _is_good(self, present: Present, way: _Way) -> bool:
        """Whether there is one that can be taken now, and after an edit of ``way.likely`` too."""
        last = self._last
        halts = last is not None and not self.loaded & (way.likely - last.limits.before)
        return last is not None and halts and self._is_there(last, present)

    def _is_there(self, last: _Prepared, present: Present) -> bool:
        return last.session.session in self._agent.prepared and self._is_sound(last, present)

    def _is_sound(self, last: _Prepared, present: Present) -> bool:
        """Whether all that was seen for it is as it was."""
        before = last.present
        if before.snapshot.config != present.snapshot.config or before.sources.keys() != present.sources.keys():
            return False
        return all(map(_is_as_seen, (*last.session.loaded, *last.limits.read)))

    def _is_told(self, loaded: messages.LoadedFile, present: Present) -> bool:
        """Whether a file was imported as the server knows it; one that isn't the project's counts as known."""
        known = present.sources.get(inside(self._root, loaded.path) or "")
        return known is None or (known.mtime_ns, known.size) == (loaded.mtime_ns, loaded.size)


def _is_as_seen(file: messages.LoadedFile) -> bool:
    """Whether a file is on disk as it was: the server may not have been told of a change yet."""
    if file.size == EXISTS:
        return Path(file.path).exists()
    state = state_of(file.path)
    return (state.mtime_ns, state.size) == (file.mtime_ns, file.size)
