"""Single key presses from the terminal.  POSIX only: it needs termios; elsewhere ``watch`` has no keys."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Iterator

try:
    import termios
    import tty
except ImportError:  # Windows
    termios = None  # type: ignore[assignment]


def keys_are_there() -> bool:
    """Whether somebody can press a key that we hear."""
    return termios is not None and sys.stdin.isatty()


class Keyboard:
    """The terminal's keys; it is silent where stdin is no terminal.  Ctrl+C still interrupts."""

    def __init__(self, pressed: Callable[[str], None]) -> None:
        """``pressed`` is called with each key, on the running loop."""
        self._pressed = pressed

    @contextlib.contextmanager
    def heard(self) -> Iterator[None]:
        """Hear keys; restores the terminal in the end."""
        if not keys_are_there():
            yield
            return
        self._before = termios.tcgetattr(sys.stdin.fileno())
        self._listen()
        try:
            yield
        finally:
            self._stop()

    @contextlib.contextmanager
    def lent(self) -> Iterator[None]:
        """Leave the terminal to a process in the foreground meanwhile."""
        self._stop()
        try:
            yield
        finally:
            self._listen()

    def _listen(self) -> None:
        tty.setcbreak(sys.stdin.fileno())
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), self._read)

    def _stop(self) -> None:
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, self._before)

    def _read(self) -> None:
        data = os.read(sys.stdin.fileno(), 32)
        if not data:
            # The terminal is gone; it would be readable for ever.
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        for key in data.decode(errors="replace"):
            self._pressed(key)
