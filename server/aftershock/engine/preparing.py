"""A session prepared while nobody waits, to be there when an edit needs a new one.

It has configured pytest and imported what it can: everything before the first file that is likely to be edited, and
before the first thing that others would notice, which a scout finds (:mod:`aftershock_agent.ahead`).  An edit of any
file that it hasn't imported leaves it as good as a new session.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aftershock.engine.agent import Agent
from aftershock.engine.sources import relative
from aftershock.engine.warm import Present
from aftershock_agent import messages

log = logging.getLogger(__name__)

_LIKELY = 4
"""How many files, those saved or looked at last, are taken to be the next that are edited."""


@dataclass(frozen=True)
class _Way:
    """The way that a session is to be prepared: before which files (absolute paths) it halts, which it collects."""

    likely: frozenset[str]
    collect: tuple[str, ...]


@dataclass(frozen=True)
class _Limits:
    """How far one may go on that way.

    It halts before any file of ``before``; not even conftest.py is loaded unless ``further``.  ``read`` are the data
    files that are read until then.
    """

    way: _Way
    before: frozenset[str]
    further: bool
    read: Sequence[messages.LoadedFile] = ()

    @staticmethod
    def of(way: _Way, found: object) -> _Limits:
        """What a scout has found; where it told nothing, it wasn't safe at all."""
        if not isinstance(found, messages.SessionScouted):
            return _Limits(way, way.likely, further=False)
        log.debug("a session can be prepared up to %s (%s)", found.until or "the end", found.noticed)
        before = way.likely | ({found.until} if found.until else set())
        return _Limits(way, before, bool(found.until) or not found.noticed, found.read)


class Preparation:
    """The one session that an agent has prepared for this project, if any."""

    def __init__(self, agent: Agent, root: Path, args: Sequence[str], limit: float) -> None:
        """``args`` are pytest's; ``limit`` is how many seconds an import may take."""
        self._agent = agent
        self._root = root
        self._args = list(args)
        self._limit = limit
        self._likely: list[str] = []
        self._first: list[str] = []
        self._limits: _Limits | None = None
        self._last: tuple[Present, messages.SessionPrepared] | None = None
        self._there = False

    def note_likely(self, path: str) -> None:
        """A file (relative path) was saved, or is looked at."""
        absolute = str(self._root / path)
        self._likely = [absolute, *(each for each in self._likely if each != absolute)][:_LIKELY]

    def note_first(self, paths: Iterable[str]) -> None:
        """A new session has collected these files (relative paths) first."""
        self._first = [str(self._root / path) for path in paths]

    async def prepare(self, present: Present) -> None:
        """Have a session prepared, unless there is one that is good; raises AgentDied."""
        if not self._agent.can_fork or self._is_good(present):
            return
        way = _Way(frozenset(self._likely), tuple(path for path in self._first if Path(path).exists()))
        limits = self._limits if self._is_sound(present) else None
        self._limits, self._there = None, False
        if limits is None or limits.way != way:
            limits = _Limits.of(way, await self._ask(way, way.likely, further=True, scout=True))
        prepared = await self._ask(way, limits.before, limits.further)
        if isinstance(prepared, messages.SessionPrepared):
            self._limits, self._last, self._there = limits, (present, prepared), True

    async def _ask(self, way: _Way, before: Iterable[str], further: bool, scout: bool = False) -> object:
        order = self._agent.prepare_session(self._args, further, sorted(before), way.collect, scout)
        try:
            return await asyncio.wait_for(order, self._limit)
        except asyncio.TimeoutError:
            return None

    def take(self, present: Present) -> messages.SessionPrepared | None:
        """What is to become the session of ``present``; None if nothing may."""
        there, self._there = self._is_there(present), False
        return self._last[1] if self._last and there else None

    def _is_good(self, present: Present) -> bool:
        """Whether there is one that can be taken now, and after the next edit too as far as that can be told."""
        if not self._is_there(present) or self._last is None or self._limits is None:
            return False
        loaded = {file.path for file in self._last[1].loaded}
        return not any(path in loaded and path not in self._limits.before for path in self._likely)

    def _is_there(self, present: Present) -> bool:
        return self._there and self._agent.has_prepared and self._is_sound(present)

    def _is_sound(self, present: Present) -> bool:
        """Whether all that was read for the last one is as it was."""
        if self._last is None or self._limits is None:
            return False
        before, prepared = self._last
        if before.snapshot.config != present.snapshot.config or before.sources.keys() != present.sources.keys():
            return False
        loaded_are = all(self._is_present(file, present) for file in prepared.loaded)
        return loaded_are and all(map(_is_as_read, self._limits.read))

    def _is_present(self, loaded: messages.LoadedFile, present: Present) -> bool:
        path = relative(self._root, loaded.path)
        file = present.sources.get(path) if path else None
        return file is not None and (file.mtime_ns, file.size) == (loaded.mtime_ns, loaded.size)


def _is_as_read(file: messages.LoadedFile) -> bool:
    try:
        status = Path(file.path).stat()
    except OSError:
        return not file.mtime_ns
    return (status.st_mtime_ns, status.st_size) == (file.mtime_ns, file.size)
