"""A two-way line channel over a socket: what joins server, base, session and run."""

from __future__ import annotations

import os
import select
import socket
from collections import deque
from collections.abc import Iterator

from aftershock_agent import codec, messages

_CHUNK = 1 << 16
_NOW: int = getattr(socket, "MSG_DONTWAIT", 0)
"""Windows hasn't got it; there a call may wait for a moment."""


class Channel:
    """JSON lines over a stream socket.

    Only whole lines come out: the half line that a killed process leaves behind is dropped.
    """

    def __init__(self, sock: socket.socket) -> None:
        """Take over ``sock``, a connected stream socket."""
        self._socket = sock
        self._buffer = b""
        status = os.fstat(sock.fileno())
        self._identity = status.st_dev, status.st_ino

    def fileno(self) -> int:
        """The file descriptor, for selectors."""
        return self._socket.fileno()

    def send(self, *sent: messages.Message) -> None:
        """Send messages; raises OSError when the other end is gone."""
        self._socket.sendall(b"".join(map(codec.encode, sent)))

    def send_line(self, line: bytes) -> None:
        """Pass on a line as it came, without its newline; raises OSError when the other end is gone."""
        self._socket.sendall(line + b"\n")

    def send_some(self, data: memoryview) -> int:
        """Send what fits now, without waiting; returns how many bytes that was."""
        if not _NOW:
            data = data[:_CHUNK]
        return self._socket.send(data, _NOW)

    def receive(self) -> list[bytes] | None:
        """The whole lines that have arrived, waiting for some bytes first; None at the end of the stream."""
        try:
            chunk = self._socket.recv(_CHUNK)
        except ConnectionError:
            return None
        if not chunk:
            return None
        *lines, self._buffer = (self._buffer + chunk).split(b"\n")
        return lines

    def readable(self) -> bool:
        """Whether something, or the end of the stream, can be read at once."""
        if not _NOW:
            return bool(select.select([self._socket], [], [], 0)[0])
        try:
            self._socket.recv(1, socket.MSG_PEEK | _NOW)
        except BlockingIOError:
            return False
        except ConnectionError:
            return True
        return True

    def whole(self) -> bool:
        """Whether the descriptor is still this socket's: a test may have closed it, and opened something else."""
        try:
            status = os.fstat(self._socket.fileno())
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self._identity

    def drain(self) -> Iterator[bytes]:
        """All whole lines up to the end of the stream, which must be near: the writer has died."""
        while (lines := self.receive()) is not None:
            yield from lines

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def pair() -> tuple[Channel, Channel]:
    """Two joined channels."""
    here, there = socket.socketpair()
    return Channel(here), Channel(there)


class RunChannel:
    """A run's share of the channel of the session in whose process it happens; what isn't for it goes on waiting."""

    def __init__(self, parent: Channel, run: int, waiting: deque[bytes]) -> None:
        """``waiting`` holds lines that the session has received and not yet handled."""
        self._parent = parent
        self._run = run
        self._waiting = waiting
        self._own: list[bytes] = []
        self._ended = False
        lines = list(waiting)
        waiting.clear()
        self._sort(lines)

    def send(self, *sent: messages.Message) -> None:
        """Send messages; raises OSError when the other end is gone."""
        self._parent.send(*sent)

    def receive(self) -> list[bytes] | None:
        """The lines for this run that have arrived, waiting for one first; None at the end of the stream."""
        while not self._own and not self._ended:
            self._take_in()
        own, self._own = self._own, []
        return own or None

    def readable(self) -> bool:
        """Whether something for this run, or the end of the stream, can be read at once."""
        while not self._ended and self._parent.readable():
            self._take_in()
        return bool(self._own) or self._ended

    def whole(self) -> bool:
        """Whether the descriptor is still the channel's."""
        return self._parent.whole()

    def _take_in(self) -> None:
        lines = self._parent.receive()
        self._ended = lines is None
        self._sort(lines or [])

    def _sort(self, lines: list[bytes]) -> None:
        for line in lines:
            command = codec.decode(line)
            orders = (messages.MoreTests, messages.DropTests, messages.CancelRun)
            mine = isinstance(command, orders) and command.run == self._run
            (self._own if mine else self._waiting).append(line)
