"""A fork made ahead of its run, while the server still works out what a save affects.

The server tells of a new text before it knows what becomes of it.  The session compiles that, and forks: the fork holds
the compiled text, gets the patch that the session gets, and is patched by the same code from the same state, so that
both come out the same.  Then the next run is given to it, instead of to a fork that is made only then.  Whatever else
reaches the session first makes the spare fork useless, and ends it.
"""

from __future__ import annotations

from collections.abc import Callable

from aftershock_agent import messages
from aftershock_agent.channel import Channel
from aftershock_agent.compiling import Unpatchable
from aftershock_agent.tree import Node


class Spare:
    """At most one fork of the session that waits for a run; its number is below zero until it has one."""

    def __init__(
        self,
        node: Node,
        patch: Callable[[messages.Patch], object],
        execute: Callable[[messages.Run, Channel, list[bytes]], object],
    ) -> None:
        """``patch`` is how this process is patched, and ``execute`` how a fork of it does a run.

        The latter gets the lines too that have followed the run's order.
        """
        self._node = node
        self._patch = patch
        self._execute = execute
        self._number = 0
        self._unpatched = False

    def make(self) -> None:
        """A text was compiled: fork now, unless it is one of several files that change at once."""
        self._end()
        if not self._unpatched:
            self._unpatched = True
            self._number -= 1
            self._node.fork(self._number, self._wait)

    def patch(self, line: bytes) -> None:
        """The session gets the patch of ``line``: so must the spare fork."""
        self._unpatched = False
        if self._number in self._node.children:
            self._node.send_down(self._number, line)

    def take(self, run: int, line: bytes) -> bool:
        """Give it the run that ``line`` orders; whether there is one to take it."""
        self._unpatched = False
        taken = self._node.rename(self._number, run)
        if taken:
            self._node.send_down(run, line)
        return taken

    def drop(self) -> None:
        """End it: it isn't what the session is, or nobody wants it."""
        self._unpatched = False
        self._end()

    def _end(self) -> None:
        self._node.kill(self._number)

    def _wait(self, channel: Channel) -> None:
        """What the fork does."""
        while (lines := channel.receive()) is not None:
            for number, line in enumerate(lines):
                command = messages.decode(line)
                if isinstance(command, messages.Patch):
                    try:
                        self._patch(command)
                    except Unpatchable:
                        return  # the session finds the same, and tells
                elif isinstance(command, messages.Run):
                    self._execute(command, channel, lines[number + 1 :])
                    return
