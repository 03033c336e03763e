"""Notices which project files begin to be imported, before they are."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any

from aftershock_agent.recording import Project


class Ahead:
    """A finder that finds nothing, at the head of the finders that Python asks for each import."""

    def __init__(self, project: Project, importing: Callable[[str], None]) -> None:
        """``importing`` hears of each project file (resolved path) that is about to be imported."""
        self._project = project
        self._importing = importing

    def stand_first(self) -> None:
        """Go to the head, where nobody has been put since; not while anything is imported, as :meth:`leave`."""
        self.leave()
        sys.meta_path.insert(0, self)

    def leave(self) -> None:
        """Be asked no more.  In the midst of an import, Python would pass over the finder after this one."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(self, name: str, path: Any = None, target: object = None) -> ModuleSpec | None:
        """What Python asks before an import."""
        spec = PathFinder.find_spec(name, path)
        file = self._project.path_of(spec.origin) if spec is not None and spec.origin is not None else None
        if file is not None:
            self._importing(file)
        return None
