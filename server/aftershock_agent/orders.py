"""What the server tells a run while it is under way."""

from __future__ import annotations

from collections.abc import Iterable

from aftershock_agent import codec, messages
from aftershock_agent.channel import Channel, RunChannel


class Orders:
    """Read between tests.  A signal could be handled or blocked by a test, and would break into its system calls."""

    def __init__(self, channel: Channel | RunChannel, lines: Iterable[bytes] = ()) -> None:
        """``channel`` leads to the session; ``lines`` have come from it already."""
        self._channel = channel
        self._more: messages.MoreTests | None = None
        self.stop = False
        self.dropped: set[str] = set()
        for line in lines:
            self._take(codec.decode(line))

    def look(self) -> None:
        """Take in what has come."""
        while not self.stop and self._channel.readable():
            self._read()

    def more(self) -> tuple[list[str], bool]:
        """Wait for the answer to RunIdle: further tests, and whether to ask again."""
        while self._more is None and not self.stop:
            self._read()
        answer, self._more = self._more, None
        return (answer.tests, answer.more) if answer is not None and not self.stop else ([], False)

    def _read(self) -> None:
        lines = self._channel.receive()
        if lines is None:
            self.stop = True
        for line in lines or ():
            self._take(codec.decode(line))

    def _take(self, order: messages.Message) -> None:
        if isinstance(order, messages.CancelRun):
            self.stop = True
        elif isinstance(order, messages.DropTests):
            self.dropped.update(order.tests)
        elif isinstance(order, messages.MoreTests):
            self._more = order
