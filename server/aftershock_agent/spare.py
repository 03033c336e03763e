"""A fork made ahead of its run, while nothing else is to be done: it is what a save finds.

A fork of a large process takes milliseconds, and so does each first write to the memory that it shares.  So the spare
fork goes first: it gets each new text and each patch as the session would, from the same state and by the same code,
and answers in the session's place; then it becomes the next run.  The session itself catches up when it is at rest
again, for it has the run's verdicts to pass on, or before anything is asked of it that the spare fork can't do.
"""

from __future__ import annotations

from collections.abc import Callable

from aftershock_agent import codec, messages
from aftershock_agent.channel import Channel
from aftershock_agent.tree import Node
from aftershock_agent.updating import Update, Updates


class Spare:
    """At most one fork of the session that waits for a run; its number is below zero until it has one."""

    def __init__(
        self,
        node: Node,
        updates: Updates,
        settle_in: Callable[[], object],
        execute: Callable[[messages.Run, Channel, list[bytes]], object],
    ) -> None:
        """``settle_in`` does in a fork what can be done ahead of all that it is for, and ``execute`` a run.

        The latter gets the lines too that have followed the run's order.
        """
        self._node = node
        self._updates = updates
        self._settle_in = settle_in
        self._execute = execute
        self._number = 0
        self._behind: list[Update] = []
        self._asked = self._futile = False

    @property
    def there(self) -> bool:
        """Whether there is one."""
        return self._number in self._node.children

    def make(self) -> None:
        """Fork, unless there is one already, or the last one ended by itself and nothing has come since."""
        if not self.there and not self._futile:
            self._number -= 1
            self._asked = False
            self._node.fork(self._number, self._wait)

    def follow(self, update: Update, line: bytes) -> bool:
        """Have it follow an update that came as ``line``, and answer; whether there is one that does."""
        self._futile = False
        if not self.there:
            self.catch_up()
            return False
        self._behind.append(update)
        self._asked |= isinstance(update, messages.Patch)
        self._node.send_down(self._number, line)
        return True

    def catch_up(self) -> None:
        """Bring the session itself to where the spare fork is."""
        behind, self._behind = self._behind, []
        for update in behind:
            self._updates.catch_up(update, self._node.parent)

    def take(self, run: int, line: bytes) -> bool:
        """Give it the run that ``line`` orders; whether there is one to take it."""
        self._futile = False
        if not self.there:
            self.catch_up()
            return False
        self._node.rename(self._number, run)
        self._node.send_down(run, line)
        return True

    def drop(self) -> None:
        """End it: the session is about to become something else."""
        self.catch_up()
        self._node.kill(self._number)
        self._number -= 1
        self._futile = False

    def ended(self, number: int) -> None:
        """A fork has ended that had no run yet; raises RuntimeError where it may leave a question unanswered."""
        if number != self._number:
            return
        self._futile = True
        if self._asked:
            raise RuntimeError("the spare fork ended before its run")

    def _wait(self, channel: Channel) -> None:
        """What the fork does."""
        self._settle_in()
        while (lines := channel.receive()) is not None:
            for number, line in enumerate(lines):
                command = codec.decode(line)
                if isinstance(command, (messages.Compile, messages.Patch)):
                    self._updates.answer(command, channel)
                elif isinstance(command, messages.Run):
                    self._execute(command, channel, lines[number + 1 :])
                    return
