"""When the client hears of what may be over before anybody could see it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

BLINK = 0.05
"""Seconds: a mark that stands for less is a flicker, and telling of it makes the verdicts later, which it waits for."""


class Delayed:
    """Some work, done once a blink after the first request for it."""

    def __init__(self, work: Callable[[], None]) -> None:
        """``work`` is called on the loop on which it is requested."""
        self._work = work
        self._timer: asyncio.TimerHandle | None = None

    def request(self) -> None:
        """Have it done, unless that is to happen anyway."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(BLINK, self._do)

    def cancel(self) -> None:
        """It isn't needed any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _do(self) -> None:
        self._timer = None
        self._work()
