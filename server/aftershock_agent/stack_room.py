"""One wide frame at the bottom of the stack, which keeps CPython from asking the kernel for room at every call.

Since 3.11 CPython keeps the frames of Python functions in chunks of 16 KiB (``push_chunk`` in Python/pystate.c), maps
a chunk when a call doesn't fit in the last one, and unmaps it when that call returns.  Where a loop happens to run at
such an edge, each of its calls costs two system calls and a page fault: of attrs' suite, deep below pytest and
hypothesis, that took 4 % in a plain process and 14 % in a fork of ours.  A frame as wide as half a chunk of 4 MiB makes
CPython map such a chunk, and leaves the other half to all frames above.  Only pages that are used take memory.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType

_WORDS = 1 << 18
"""Of 8 bytes: the next power of two that holds them and CPython's reserve is 4 MiB, so 2 MiB stay free."""


def with_room(function: Callable[[], None]) -> None:
    """Call ``function`` with room on the stack for some ten thousand calls inside calls."""
    FunctionType(_call.__code__.replace(co_stacksize=_WORDS), {})(function)


def _call(function: Callable[[], None]) -> None:
    function()
