"""What a run tells, kept until somebody asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from aftershock_agent import messages


class RunEvents:
    """The events of one run that nobody has taken yet, numbers of functions turned into names."""

    def __init__(self) -> None:
        """``queue`` holds the events."""
        self.queue: asyncio.Queue[messages.Event] = asyncio.Queue()
        self._functions: dict[int, tuple[str, str]] = {}

    def put(self, event: messages.Event) -> None:
        """Take in an event as the run sent it."""
        if isinstance(event, (messages.TestFinished, messages.TeardownExecuted)):
            self._functions.update((number, (path, name)) for number, path, name in event.functions)
            event = replace(event, executed=self._by_file(event.numbers))
        self.queue.put_nowait(event)

    def _by_file(self, numbers: Iterable[int]) -> messages.Executed:
        executed: messages.Executed = {}
        for number in numbers:
            path, name = self._functions[number]
            executed.setdefault(path, []).append(name)
        return executed
