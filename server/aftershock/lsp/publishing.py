"""Keeps each file's published diagnostics true to the latest verdicts, sending only what changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from lsprotocol.types import Diagnostic

from aftershock.engine.events import Problem
from aftershock.lsp.diagnostics import Mark, diagnostics_of
from aftershock.lsp.places import Places

Publish = Callable[[str, Sequence[Diagnostic]], None]


class Publisher:
    """Marks by test and problems by file; every file that they touch is published once per turn of the loop."""

    def __init__(self, places: Places, publish: Publish) -> None:
        """``publish`` sends a URI's diagnostics to the client."""
        self._places = places
        self._publish = publish
        self._marks: dict[str, tuple[Mark, ...]] = {}
        self._tests: dict[str, set[str]] = {}
        self._problems: dict[str, tuple[Problem, ...]] = {}
        self._published: dict[str, list[Diagnostic]] = {}
        self._dirty: set[str] = set()
        self._scheduled = False

    def mark(self, test: str, marks: Sequence[Mark]) -> None:
        """Replace what a test has to say."""
        before = self._marks.get(test, ())
        if tuple(marks) == before:
            return
        for mark in before:
            self._tests[mark.path].discard(test)
        if marks:
            self._marks[test] = tuple(marks)
        else:
            del self._marks[test]
        for mark in marks:
            self._tests.setdefault(mark.path, set()).add(test)
        self.touch(mark.path for mark in (*before, *marks))

    def marks_of(self, test: str) -> tuple[Mark, ...]:
        """What a test says now."""
        return self._marks.get(test, ())

    def problems(self, path: str, problems: Sequence[Problem]) -> None:
        """Replace the problems of a file itself."""
        self._problems[path] = tuple(problems)
        self.touch([path])

    def touch(self, paths: Iterable[str]) -> None:
        """Publish these files anew, soon: a file that is gone has nothing to show."""
        self._dirty.update(paths)
        if self._dirty and not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Send what changed."""
        self._scheduled = False
        dirty, self._dirty = self._dirty, set()
        for path in sorted(dirty):
            diagnostics = self._diagnostics(path)
            if diagnostics != self._published.get(path, []):
                self._published[path] = diagnostics
                self._publish(self._places.uri(path), diagnostics)

    def clear(self) -> None:
        """Take everything back: the server is going."""
        self._marks.clear()
        self._tests.clear()
        self._problems.clear()
        self._dirty.update(path for path, shown in self._published.items() if shown)
        self.flush()

    def _diagnostics(self, path: str) -> list[Diagnostic]:
        text = self._places.text(path)
        if text is None:
            return []
        marks = [
            mark
            for test in sorted(self._tests.get(path, ()))
            for mark in self._marks.get(test, ())
            if mark.path == path
        ]
        return diagnostics_of(marks, self._problems.get(path, ()), text.split("\n"))
