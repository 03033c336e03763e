"""What the edits under way will affect: shown while one types, a moment after the last key."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from aftershock.engine.foresight import Foreseen

_PAUSE = 0.05
"""Seconds without a key until a text is looked at: with the client's way to its lenses it stays below 150 ms."""


class Preview:
    """Of each file with unsaved text, the tests that a save would affect; the last answer while it can't be parsed."""

    def __init__(self, foresee: Callable[[str, bytes], Foreseen | None], changed: Callable[[], None]) -> None:
        """``foresee`` is the engine's; ``changed`` hears when something else is to be shown."""
        self._foresee = foresee
        self._changed = changed
        self._found: dict[str, Foreseen] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def typed(self, path: str, read: Callable[[], str]) -> None:
        """The text of a file has changed, and isn't saved; ``read`` gives it."""
        self._stop(path)
        self._timers[path] = asyncio.get_running_loop().call_later(_PAUSE, self._look, path, read)

    def forget(self, path: str) -> None:
        """The file was saved, or closed: there is nothing more to come of it."""
        self._stop(path)
        if self._found.pop(path, None) is not None:
            self._changed()

    def close(self) -> None:
        """Look at nothing any more."""
        for path in list(self._timers):
            self._stop(path)

    def of(self, tests: Collection[str]) -> Foreseen:
        """Those of some tests that will be affected."""
        found = [(coming.tests.intersection(tests), coming.at_most) for coming in self._found.values()]
        affected = frozenset[str]().union(*(some for some, _ in found))
        return Foreseen(affected, any(some and at_most for some, at_most in found))

    def _look(self, path: str, read: Callable[[], str]) -> None:
        del self._timers[path]
        found = self._foresee(path, read().encode("utf-8", "surrogatepass"))
        if found is not None and found != self._found.get(path, Foreseen()):
            self._found[path] = found
            self._changed()

    def _stop(self, path: str) -> None:
        timer = self._timers.pop(path, None)
        if timer is not None:
            timer.cancel()
