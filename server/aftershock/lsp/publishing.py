"""Keeps each file's published diagnostics true to the latest verdicts, sending only what changed.

What tests have to say of the present is sent at once.  That they wait for a verdict is sent only if it lasts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from lsprotocol.types import Diagnostic

from aftershock.engine.events import Problem
from aftershock.lsp.diagnostics import Mark, MarkKind, Severities, diagnostics_of
from aftershock.lsp.places import Places
from aftershock.lsp.timing import Delayed

Publish = Callable[[str, Sequence[Diagnostic]], None]


class Publisher:
    """Marks by test and problems by file; every file that they touch is published once per turn of the loop at most."""

    def __init__(self, places: Places, publish: Publish, severities: Severities) -> None:
        """``publish`` sends a URI's diagnostics to the client; ``severities`` has all kinds that are marked."""
        self._severities = severities
        self._places = places
        self._publish = publish
        self._marks: dict[str, tuple[Mark, ...]] = {}
        self._tests: dict[str, set[str]] = {}
        self._problems: dict[str, tuple[Problem, ...]] = {}
        self._published: dict[str, list[Diagnostic]] = {}
        self._dirty: set[str] = set()
        self._urgent: set[str] = set()
        self._later = Delayed(self._send_dirty)
        self._failing: set[str] = set()
        """The tests whose failure is shown, or was before they began to wait for another verdict."""

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
        news = self._is_news(test, marks)
        self._touch([mark.path for mark in (*before, *marks)], at_once=news)

    def _is_news(self, test: str, marks: Sequence[Mark]) -> bool:
        """Whether a test fails, or does so no more."""
        failed = test in self._failing
        if any(mark.kind is MarkKind.FAILURE for mark in marks):
            self._failing.add(test)
            return True
        waits = any(mark.kind is MarkKind.PENDING for mark in marks)
        if not waits:
            self._failing.discard(test)
        return failed and not waits

    def marks_of(self, test: str) -> tuple[Mark, ...]:
        """What a test says now."""
        return self._marks.get(test, ())

    def marks_at(self, path: str, first: int, last: int) -> list[Mark]:
        """What tests say of some lines of a file, both included, from zero."""
        marks = (mark for test in sorted(self._tests.get(path, ())) for mark in self._marks.get(test, ()))
        return [
            mark
            for mark in marks
            if mark.path == path and mark.range.start.line <= last and mark.range.end.line >= first
        ]

    def problems(self, path: str, problems: Sequence[Problem]) -> None:
        """Replace the problems of a file itself."""
        self._problems[path] = tuple(problems)
        self.touch([path])

    def touch(self, paths: Iterable[str]) -> None:
        """Publish these files anew, soon: a file that is gone has nothing to show."""
        self._touch(paths, at_once=True)

    def _touch(self, paths: Iterable[str], at_once: bool) -> None:
        touched = set(paths)
        if not touched:
            return
        if not at_once:
            self._dirty |= touched
            self._later.request()
            return
        if not self._urgent:
            asyncio.get_running_loop().call_soon(self._send_news)
        self._urgent |= touched

    def _send_dirty(self) -> None:
        dirty, self._dirty = self._dirty, set()
        self._send(dirty)

    def _send_news(self) -> None:
        urgent, self._urgent = self._urgent, set()
        self._dirty -= urgent
        self._send(urgent)

    def _send(self, paths: Iterable[str]) -> None:
        for path in sorted(paths):
            diagnostics = self._diagnostics(path)
            if diagnostics != self._published.get(path, []):
                self._published[path] = diagnostics
                self._publish(self._places.uri(path), diagnostics)

    def clear(self) -> None:
        """Take everything back: the server is going."""
        self._marks.clear()
        self._tests.clear()
        self._failing.clear()
        self._problems.clear()
        self._later.cancel()
        self._send([path for path, shown in self._published.items() if shown])

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
        return diagnostics_of(marks, self._problems.get(path, ()), text.split("\n"), self._severities)
