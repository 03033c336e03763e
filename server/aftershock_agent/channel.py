"""A two-way line channel over a socket: what joins server, base, session and run."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

from aftershock_agent import messages

_CHUNK = 1 << 16


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
        self._socket.sendall(b"".join(map(messages.encode, sent)))

    def send_line(self, line: bytes) -> None:
        """Pass on a line as it came, without its newline; raises OSError when the other end is gone."""
        self._socket.sendall(line + b"\n")

    def send_some(self, data: memoryview) -> int:
        """Send what fits now, without waiting; returns how many bytes that was."""
        return self._socket.send(data, socket.MSG_DONTWAIT)

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
        try:
            self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
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
