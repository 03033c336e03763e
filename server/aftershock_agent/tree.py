"""The loop that base and session share: commands come down, their children's lines go up."""

from __future__ import annotations

import os
import select
import selectors
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from typing import cast

from aftershock_agent import codec, messages, processes
from aftershock_agent.channel import Channel
from aftershock_agent.processes import Child, End

_POLL = 0.05  # seconds between looks at the children, while there are any
_QUIET = 2  # polls without any message before idle work

_FLOOD = 20  # relays, each within _CLOSE seconds of the one before
_CLOSE = 0.005
_LULL = 0.002
"""Seconds to let lines pile up in a flood: else every test of a suite wakes two processes, and pays for it."""

_OUTPUT_LIMIT = 1 << 29  # bytes that a child may print unread: its output lies in /tmp, which may be memory


def scratch_of(scratch: str, session: int) -> str:
    """The folder for a session's temporary files, in base's."""
    return os.path.join(scratch, f"session-{session}")


class Node:
    """A process of the tree: a channel to its parent, and children by number.

    What a dead child leaves, daemons too, is killed.  User code in this process may have started children of its own
    (``shared``): those that were there before the first child was forked are left alone, and what is to be killed is
    known for sure when the last child has gone.  Children with numbers below zero run no tests yet, and don't count.
    """

    def __init__(self, parent: Channel, ended: Callable[[int, End], messages.Event | None], shared: bool) -> None:
        """``ended`` makes the event that tells the parent of a child's end, if it is to be told.

        ``waiting`` are the commands that have come and are still to be handled.
        """
        self.parent = parent
        self.children: dict[int, Child] = {}
        self.waiting: deque[bytes] = deque()
        self._ended = ended
        self._shared = shared
        self._kept: set[int] = set()
        self._flooded: set[int] = set()
        self._looked_at = 0.0
        self._relays = 0
        self._relayed_at = 0.0
        self._selector = selectors.DefaultSelector()
        self._selector.register(parent, selectors.EVENT_READ, None)
        processes.adopt_orphans()

    def fork(self, number: int, body: Callable[[Channel], None]) -> None:
        """Fork child ``number``; what it sends goes up to the parent as it is."""
        self._note_kept()

        def run(channel: Channel) -> None:
            self._selector.close()
            for sibling in self.children.values():
                sibling.close()
            self.parent.close()
            try:
                body(channel)
            except Exception:
                channel.send(messages.Log("error", traceback.format_exc()))
                raise

        self._add(number, processes.fork(run))

    def spawn(self, number: int, arguments: Sequence[str]) -> None:
        """Start child ``number`` as :func:`processes.spawn` does, where there is no fork."""
        self._add(number, processes.spawn(arguments))

    def _add(self, number: int, child: Child) -> None:
        self.children[number] = child
        for source in child.sources():
            self._selector.register(source, selectors.EVENT_READ, number)

    def rename(self, number: int, new: int) -> None:
        """Give a child another number: it begins to run user code."""
        self._note_kept()
        child = self.children[new] = self.children.pop(number)
        for source in child.sources():
            self._selector.modify(source, selectors.EVENT_READ, new)

    def _note_kept(self) -> None:
        """Before a child begins to run user code as the only one: what else there is was there before."""
        if self._shared and not self._busy():
            self._kept = processes.children() - {child.pid for child in self.children.values()}

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

    def kill(self, number: int, abort: bool = False) -> None:
        """Kill a child, if it is there, or ``abort`` it; its end is told as any other."""
        if number in self.children:
            end = processes.abort if abort else processes.kill
            end(self.children[number].pid)

    def loop(self, handle: Callable[[messages.Command, bytes], None], idle: Callable[[], None]) -> None:
        """Serve until the parent is gone, then kill the children.

        ``handle`` gets each command with its line; ``idle`` is called once when nothing has come for a while.
        """
        quiet = 0
        try:
            self._handle_waiting(handle)
            while True:
                watching = self._shared and self._busy()
                ready = self._selector.select(_POLL if watching or quiet < _QUIET else None)
                quiet = 0 if ready else quiet + 1
                if quiet == _QUIET:
                    idle()
                if watching:
                    self._look_at_children()
                if self._relays > _FLOOD:
                    time.sleep(_LULL)
                # Children first: a command may relay what they have said, and nothing would be left to read then.
                for key, _ in sorted(ready, key=lambda entry: entry[0].data is None):
                    if key.data is None:
                        if not self._serve(handle):
                            return
                    elif key.data in self.children:
                        self._hear(key.data, key.fileobj)
        finally:
            for child in self.children.values():
                processes.kill(child.pid)
                processes.bury(child)
            processes.kill_all_but(self._kept)

    def _serve(self, handle: Callable[[messages.Command, bytes], None]) -> bool:
        lines = self.parent.receive()
        self.waiting.extend(lines or ())
        self._handle_waiting(handle)
        return lines is not None

    def _handle_waiting(self, handle: Callable[[messages.Command, bytes], None]) -> None:
        while self.waiting:
            line = self.waiting.popleft()
            handle(cast("messages.Command", codec.decode(line)), line)

    def _hear(self, number: int, source: object) -> None:
        """Relay what a child says, or its last words: what it has forked may hold its channel open."""
        child = self.children[number]
        if source is child.channel:
            self._relay(number)
            return
        while number in self.children and child.channel.readable():
            self._relay(number)
        if number in self.children:
            self._bury(number, child)

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
        for source in child.sources():
            self._selector.unregister(source)
        del self.children[number]
        end = processes.bury(child)
        if number in self._flooded:
            self._flooded.discard(number)
            end = End(end.exit, end.signal, "flood")
        if not self._shared or (number > 0 and not self._busy()):
            processes.kill_all_but(self._not_strays())
        event = self._ended(number, end)
        if event is not None:
            self.parent.send(event)

    def _look_at_children(self) -> None:
        """See to it that daemons which end are seen to end, and that no child fills memory with what it prints."""
        now = time.monotonic()
        if now - self._looked_at < _POLL:
            return
        self._looked_at = now
        processes.reap_all_but(self._not_strays())
        for number, child in self.children.items():
            if processes.output_of(child.pid) > _OUTPUT_LIMIT:
                self._flooded.add(number)
                processes.kill(child.pid)

    def _busy(self) -> bool:
        """Whether any child has a run, or is a session."""
        return any(number > 0 for number in self.children)

    def _not_strays(self) -> set[int]:
        return self._kept | {child.pid for child in self.children.values()}
