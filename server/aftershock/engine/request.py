"""What somebody has asked to be run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from aftershock.engine import events
from aftershock.engine.events import RunKind


@dataclass(eq=False)
class Request:
    """Tests that somebody waits for; ``files`` are test files whose affected tests belong to it too."""

    kind: RunKind
    tests: Callable[[], Sequence[str]]
    files: frozenset[str] = frozenset()
    done: asyncio.Future[events.RunFinished | None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def settle(self, finished: events.RunFinished | None) -> None:
        """Tell whoever waits; None when nothing was run."""
        if not self.done.done():
            self.done.set_result(finished)
