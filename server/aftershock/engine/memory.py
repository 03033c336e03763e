"""How much memory a tree of processes takes: the proportional set size, in which a shared page counts once."""

from __future__ import annotations

import contextlib
from pathlib import Path

_PROCESSES = Path("/proc")


def tree_memory(pid: int) -> int | None:
    """Bytes of a process with all below it; None where the system doesn't tell (anywhere but on Linux).

    Sums Pss of /proc/PID/smaps_rollup (proc_pid_smaps(5)).
    """
    if not (_PROCESSES / "self" / "smaps_rollup").exists():
        return None
    total, processes = 0, [pid]
    while processes:
        process = processes.pop()
        # One that has ended meanwhile takes nothing.
        with contextlib.suppress(OSError):
            for line in (_PROCESSES / str(process) / "smaps_rollup").read_text(encoding="ascii").splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
            processes += children(process)
    return total


def children(pid: int) -> list[int]:
    """The processes that a process has started; none where the system doesn't tell."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in (_PROCESSES / str(pid) / "task").iterdir():
            found += map(int, (task / "children").read_text(encoding="ascii").split())
    return found
