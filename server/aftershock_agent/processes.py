"""Forking, reaping and killing: the agent's only POSIX-only module."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass

from aftershock_agent.channel import Channel, pair

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass
class Child:
    """A forked process and the channel to it."""

    pid: int
    channel: Channel


def fork(body: Callable[[Channel], None]) -> Child:
    """Fork a child in a process group of its own that runs ``body`` with its channel and then exits at once."""
    here, there = pair()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        there.close()
        # Both sides set the group, whoever is first: a kill right after the fork must find it.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.setpgid(pid, pid)
        return Child(pid, here)
    code = 70  # EX_SOFTWARE, when body doesn't return
    try:
        os.setpgid(0, 0)
        _die_with_parent()
        here.close()
        body(there)
        code = 0
    finally:
        _flush()
        os._exit(code)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        # A test may have closed or replaced them; what they still held can't be saved then.
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()


def _die_with_parent() -> None:
    """On Linux, have the kernel kill this process when its parent dies, so that no test outlives the agent."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def kill(pid: int) -> None:
    """Kill a child that hasn't been reaped, with its whole process group."""
    kill_group(pid)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def kill_group(pid: int) -> None:
    """Kill what is left of a child's process group; the child itself may be gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def interrupt(pid: int) -> None:
    """Ask a run to stop after the test in flight."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGUSR1)


def reap(pid: int) -> tuple[int | None, int | None]:
    """Wait for a child that has closed its channel; its (exit code, signal), one of them None."""
    try:
        _, status = os.waitpid(pid, 0)
    except ChildProcessError:
        return 0, None
    if os.WIFSIGNALED(status):
        return None, os.WTERMSIG(status)
    return os.waitstatus_to_exitcode(status), None
