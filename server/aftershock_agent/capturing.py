"""A run's own capture of output: kept apart from its siblings', and read in bounds."""

from __future__ import annotations

import functools
import os
from typing import Any

import pytest

from aftershock_agent.reports import LEFT_OUT

_SHOWN = 30_000  # bytes of each end of a flood that are read back; stdout and stderr both fit into a report


def begin(config: pytest.Config) -> None:
    """Give this fork capture files of its own: those of the session are shared with its siblings.

    What a test prints past pytest's capture (from a thread between two tests, say) goes nowhere, as there is nobody to
    read it; so does what ``-s`` would let through, which is captured instead and shown with the verdict.
    """
    manager: Any = config.pluginmanager.getplugin("capturemanager")
    if manager is None:
        return
    manager.stop_global_capturing()
    manager._method = {"no": "fd", "tee-sys": "sys"}.get(manager._method, manager._method)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
    manager.start_global_capturing()
    manager.suspend_global_capture(in_=False)
    for stream in (manager._global_capturing.out, manager._global_capturing.err):
        if manager._method == "fd":
            stream.tmpfile.read = functools.partial(_read, stream.tmpfile)


def _read(file: Any) -> str:
    """All of a capture file, or both ends of a long one: a flood must not fill memory."""
    size = os.fstat(file.fileno()).st_size
    if size <= 2 * _SHOWN:
        return str(type(file).read(file))
    ends = os.pread(file.fileno(), _SHOWN, 0), os.pread(file.fileno(), _SHOWN, size - _SHOWN)
    first, last = (end.decode("utf-8", "replace") for end in ends)
    return first + LEFT_OUT.format(f"{size - 2 * _SHOWN:,} bytes") + last
