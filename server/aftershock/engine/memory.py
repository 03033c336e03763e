"""How much memory a tree of processes takes: the proportional set size, in which a shared page counts once."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from aftershock_agent import processes

_PROCESSES = Path("/proc")


def tree_memory(pid: int, without: Collection[int] = ()) -> int | None:
    """Bytes of a process with all below it, some of those left out with what is below them.

    None where the system doesn't tell (anywhere but on Linux).
    """
    if not (_PROCESSES / "self" / "smaps_rollup").exists():
        return None
    total, waiting = 0, [pid]
    while waiting:
        process = waiting.pop()
        total += process_memory(process)
        waiting += processes.children(process) - set(without)
    return total


def process_memory(pid: int) -> int:
    """Bytes of one process on Linux: Pss of /proc/PID/smaps_rollup (proc_pid_smaps(5)).

    0 when it is gone, or another user's: a test may have started sudo.
    """
    try:
        text = (_PROCESSES / str(pid) / "smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:"))
