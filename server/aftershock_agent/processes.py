"""Forking, reaping and killing: the agent's only POSIX-only module."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aftershock_agent.channel import Channel, pair

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PR_SET_CHILD_SUBREAPER = 36

_PATIENCE = 0.5  # seconds from the end of a child's channel to its end: the kernel closes one right before the other
_ROUNDS = 100  # of killing what a dead process left: each can only leave what it started before it was killed

CHANNEL_LOST = 79
"""Exit code of a run that finds its channel closed, or a file of a test's in its place."""
STRAY = 70
"""Exit code of a process that a test has forked and that came back into pytest."""

_LINUX = sys.platform == "linux"

CAN_FORK = hasattr(os, "fork")
"""Whether this system has forks; Windows hasn't."""


@dataclass
class Child:
    """A forked process and the channel to it; ``death`` is a descriptor that gets readable when it dies, or None."""

    pid: int
    channel: Channel
    death: int | None

    def sources(self) -> list[Channel | int]:
        """What to listen to."""
        return [self.channel] if self.death is None else [self.channel, self.death]

    def close(self) -> None:
        """Forget a child of another process: the parent's, in a fork of it."""
        self.channel.close()
        if self.death is not None:
            os.close(self.death)


@dataclass(frozen=True)
class End:
    """How a process ended: by exit code or by signal.

    ``reason`` says more: ``silent`` (it lost its channel, and had to go), ``flood`` (it printed too much).
    """

    exit: int | None
    signal: int | None
    reason: str = ""


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
        return Child(pid, here, _death_of(pid))
    code = 70  # EX_SOFTWARE, when body doesn't return
    try:
        os.setpgid(0, 0)
        die_with_parent()
        here.close()
        body(there)
        code = 0
    finally:
        _flush()
        os._exit(code)


def spawn(arguments: Sequence[str]) -> Child:
    """Start this interpreter anew, where there is no fork; ``arguments`` are for bootstrap.py, its channel's last."""
    here, there = pair()
    given = len(sys.argv) - 1
    command = [sys.executable, *sys.orig_argv[1:-given], *arguments, str(there.fileno())]
    process = subprocess.Popen(command, pass_fds=[there.fileno()], start_new_session=True)
    there.close()
    _SPAWNED.append(process)
    return Child(process.pid, here, _death_of(process.pid))


_SPAWNED: list[subprocess.Popen[bytes]] = []
"""Kept from being reaped by the garbage collector: :func:`bury` does that."""


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        # A test may have closed or replaced them; what they still held can't be saved then.
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()


def die_with_parent() -> None:
    """On Linux, have the kernel kill this process when its parent dies, so that no test outlives the agent."""
    if _LINUX:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def adopt_orphans() -> None:
    """On Linux, be the parent of all descendants whose own parent dies, daemons too; elsewhere those can't be found."""
    if _LINUX:
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _death_of(pid: int) -> int | None:
    """The end of the channel alone doesn't tell: what a test has forked holds the channel open too."""
    # A kernel may be too old for it, or forbid it; then the channel must do.
    with contextlib.suppress(OSError):
        return _listen_for_death(pid)
    return None


if sys.platform == "darwin":

    def _listen_for_death(pid: int) -> int | None:
        queue = select.kqueue()
        queue.control([select.kevent(pid, select.KQ_FILTER_PROC, select.KQ_EV_ADD, select.KQ_NOTE_EXIT)], 0)
        return os.dup(queue.fileno())

else:

    def _listen_for_death(pid: int) -> int | None:
        return os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None


def kill(pid: int) -> None:
    """Kill a child that hasn't been reaped, with its whole process group."""
    _kill_group(pid)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def abort(pid: int) -> None:
    """Have a child die with a traceback of where it was, by faulthandler, unless it resists."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGABRT)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def bury(child: Child) -> End:
    """Close the channel of a child that has died, or has closed it, reap it, and kill what is left of its group."""
    child.channel.close()
    silent = not _dead_soon(child)
    if silent:
        kill(child.pid)
    if child.death is not None:
        _kill_group(child.pid)  # now, for once it is reaped its number may belong to another group
        os.close(child.death)
    try:
        _, status = os.waitpid(child.pid, 0)
    except ChildProcessError:
        return End(0, None)
    if child.death is None:
        _kill_group(child.pid)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return End(None, number, "silent" if silent and number == signal.SIGKILL else "")
    code = os.waitstatus_to_exitcode(status)
    return End(code, None, "silent" if code == CHANNEL_LOST else "")


def _dead_soon(child: Child) -> bool:
    if child.death is None:
        return True  # can't be told; waiting for it is what remains
    return bool(select.select([child.death], [], [], _PATIENCE)[0])


def children(pid: int | None = None) -> set[int]:
    """The children of a process (this one's by default), adopted ones and zombies too; none where no system tells."""
    found: set[int] = set()
    tasks = f"/proc/{pid or 'self'}/task"
    # It may have threads, which have children of their own; one that ends meanwhile has none.
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for thread in os.listdir(tasks):
            with open(f"{tasks}/{thread}/children", "rb") as stream:
                found.update(map(int, stream.read().split()))
    return found


def may_have_left_some() -> bool:
    """Whether a program that this process has started may be running still, left to its parent perhaps.

    True where that can't be told.  Raises OSError where nothing can be opened any more.
    """
    if not os.path.exists("/proc/thread-self/children"):
        return True
    own = _command_of(os.getpid())
    return bool(living_children()) or any(_command_of(pid) != own for pid in living_children(os.getppid()))


def _command_of(pid: int) -> bytes:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError), open(f"/proc/{pid}/cmdline", "rb") as stream:
        return stream.read()
    return b""


def living_children(parent: int | None = None) -> set[int]:
    """The children of a process (this one's by default) that haven't ended; none where the system doesn't tell."""
    return {pid for pid in children(parent) if _lives(pid)}


def _lives(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as stream:
            return stream.read().rpartition(b")")[2].split()[0] != b"Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
    except PermissionError:
        return True  # another user's


def kill_all_but(kept: set[int]) -> None:
    """Kill and reap all children but ``kept``, and what those leave to this process."""
    for _ in range(_ROUNDS):
        doomed = children() - kept
        if not doomed:
            return
        for pid in doomed:
            kill(pid)
        for pid in doomed:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def reap_all_but(kept: set[int]) -> None:
    """Reap the zombies among the children but ``kept``: a test may be waiting for the end of its daemon to show."""
    if not _LINUX:
        return
    # One quick question first: most tests leave nothing behind.
    with contextlib.suppress(ChildProcessError):
        if os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return
        for pid in children() - kept:
            os.waitpid(pid, os.WNOHANG)


def output_of(pid: int) -> int:
    """The size, in bytes, of what a process has printed to unnamed files since they were last read; 0 if not known."""
    size = 0
    for descriptor in (1, 2):
        with contextlib.suppress(OSError):
            status = os.stat(f"/proc/{pid}/fd/{descriptor}")
            size = max(size, status.st_size if status.st_nlink == 0 else 0)
    return size
