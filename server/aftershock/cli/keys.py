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


@contextlib.contextmanager
def listening(pressed: Callable[[str], None]) -> Iterator[None]:
    """Call ``pressed`` with each key, on the running loop; restores the terminal in the end.

    Does nothing where stdin is no terminal.  Ctrl+C still interrupts.
    """
    if not keys_are_there():
        yield
        return
    stdin = sys.stdin.fileno()
    before = termios.tcgetattr(stdin)
    loop = asyncio.get_running_loop()

    def read() -> None:
        data = os.read(stdin, 32)
        if not data:
            loop.remove_reader(stdin)  # the terminal is gone; it would be readable for ever
        for key in data.decode(errors="replace"):
            pressed(key)

    tty.setcbreak(stdin)
    loop.add_reader(stdin, read)
    try:
        yield
    finally:
        loop.remove_reader(stdin)
        termios.tcsetattr(stdin, termios.TCSADRAIN, before)
