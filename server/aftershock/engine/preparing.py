"""A session prepared while nobody waits: pytest configured, its plugins imported, nothing of the project read.

Any edit of a project file leaves it as good as a new one.  What may not: pytest's configuration, a file added or
removed (it may hide a module that is imported already), and the files that plugins have read all the same.
"""

from __future__ import annotations

from pathlib import Path

from aftershock.engine.agent import Agent
from aftershock.engine.sources import relative
from aftershock.engine.warm import Present
from aftershock_agent import messages


class Preparation:
    """The one session that an agent has prepared for this project, if any."""

    def __init__(self, agent: Agent, root: Path, args: list[str]) -> None:
        """``args`` are pytest's."""
        self.agent = agent
        self._root = root
        self._args = args
        self._present: Present | None = None

    def begin(self, present: Present) -> None:
        """Have one prepared, unless there is one that is good."""
        if self.agent.can_fork and (self._present is None or not self._agrees(self._present, present)):
            self._present = present
            self.agent.prepare_session(self._args)

    def take(self, present: Present) -> messages.SessionPrepared | None:
        """What is to become the session of ``present``; None if nothing may."""
        before, self._present = self._present, None
        return self.agent.prepared if before and self._agrees(before, present) else None

    def _agrees(self, before: Present, present: Present) -> bool:
        if before.snapshot.config != present.snapshot.config or before.sources.keys() != present.sources.keys():
            return False
        for loaded in self.agent.prepared.loaded if self.agent.prepared else ():
            path = relative(self._root, loaded.path)
            file = present.sources.get(path) if path else None
            if file is None or (file.mtime_ns, file.size) != (loaded.mtime_ns, loaded.size):
                return False
        return True
