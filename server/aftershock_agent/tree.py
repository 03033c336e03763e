"""The loop that base and session share: commands come down, their children's lines go up."""

from __future__ import annotations

import select
import selectors
import time
from collections.abc import Callable
from typing import cast

from aftershock_agent import messages, processes
from aftershock_agent.channel import Channel
from aftershock_agent.processes import Child

_PAUSE = 0.1  # seconds of quiet before idle work

_FLOOD = 20  # relays, each within _CLOSE seconds of the one before
_CLOSE = 0.005
_LULL = 0.002
"""Seconds to let lines pile up in a flood: else every test of a suite wakes two processes, and pays for it."""


class Node:
    """A process of the tree: a channel to its parent, and children by number."""

    def __init__(self, parent: Channel, ended: Callable[[int, int | None, int | None], messages.Event]) -> None:
        """``ended`` makes the event that tells the parent of a child's end: (number, exit code, signal)."""
        self.parent = parent
        self.children: dict[int, Child] = {}
        self._ended = ended
        self._relays = 0
        self._relayed_at = 0.0
        self._selector = selectors.DefaultSelector()
        self._selector.register(parent, selectors.EVENT_READ, None)

    def fork(self, number: int, body: Callable[[Channel], None]) -> None:
        """Fork child ``number``; what it sends goes up to the parent as it is."""

        def run(channel: Channel) -> None:
            self._selector.close()
            for sibling in self.children.values():
                sibling.channel.close()
            self.parent.close()
            body(channel)

        child = processes.fork(run)
        self.children[number] = child
        self._selector.register(child.channel, selectors.EVENT_READ, number)

    def send_down(self, number: int, line: bytes) -> None:
        """Pass a command on to a child; relays what the child says while it isn't listening, lest both wait."""
        rest = memoryview(line + b"\n")
        while rest and number in self.children:
            channel = self.children[number].channel
            readable, writable, _ = select.select([channel], [channel], [])
            if readable:
                self._relay(number)
            elif writable:
                rest = rest[channel.send_some(rest) :]

    def kill(self, number: int) -> None:
        """Kill a child, if it is there; its end is told as any other."""
        if number in self.children:
            processes.kill(self.children[number].pid)

    def loop(self, handle: Callable[[messages.Command, bytes], None], idle: Callable[[], None]) -> None:
        """Serve until the parent is gone, then kill the children.

        ``handle`` gets each command with its line; ``idle`` is called once when nothing has come for a while.
        """
        pause: float | None = _PAUSE
        try:
            while True:
                ready = self._selector.select(pause)
                pause = _PAUSE if ready else None
                if not ready:
                    idle()
                if self._relays > _FLOOD:
                    time.sleep(_LULL)
                # Children first: a command may relay what they have said, and nothing would be left to read then.
                for key, _ in sorted(ready, key=lambda entry: entry[0].data is None):
                    if key.data is not None:
                        self._relay(key.data)
                    elif not self._serve(handle):
                        return
        finally:
            for child in self.children.values():
                processes.kill(child.pid)
                processes.reap(child.pid)

    def _serve(self, handle: Callable[[messages.Command, bytes], None]) -> bool:
        lines = self.parent.receive()
        for line in lines or ():
            handle(cast("messages.Command", messages.decode(line)), line)
        return lines is not None

    def _relay(self, number: int) -> None:
        child = self.children[number]
        lines = child.channel.receive()
        if lines:
            self.parent.send_line(b"\n".join(lines))
            now = time.monotonic()
            self._relays = self._relays + 1 if now - self._relayed_at < _CLOSE else 0
            self._relayed_at = now
        if lines is None:
            self._bury(number, child)

    def _bury(self, number: int, child: Child) -> None:
        self._selector.unregister(child.channel)
        child.channel.close()
        del self.children[number]
        # What it has started goes with it: a test's daemon must not outlive the run.
        code, signal = processes.reap(child.pid)
        processes.kill_group(child.pid)
        self.parent.send(self._ended(number, code, signal))
