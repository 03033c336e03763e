"""A tree of processes from outside: its memory, its CPU time, and who belongs to it.  Linux alone tells memory."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Memory:
    """Proportional set sizes in bytes: a page that several processes share counts in parts for each."""

    server: int
    agent: int

    @property
    def total(self) -> int:
        """Of the whole tree."""
        return self.server + self.agent


def members() -> list[psutil.Process]:
    """All that this process has started, and what those have started."""
    found: list[psutil.Process] = psutil.Process().children(recursive=True)
    return found


def memory() -> Memory:
    """What this process, which is the server, takes, and what its agent's processes do."""
    return Memory(_proportional(os.getpid()), sum(_proportional(child.pid) for child in members()))


def _proportional(pid: int) -> int:
    """The proportional set size of a process in bytes, 0 when it is gone."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(line.split()[1]) << 10 for line in text.splitlines() if line.startswith("Pss:"))


def cpu(processes: Iterable[psutil.Process]) -> float:
    """Seconds of CPU time that processes have spent, those included whose end they have seen."""
    spent = 0.0
    for process in processes:
        times = process.cpu_times()
        spent += times.user + times.system + times.children_user + times.children_system
    return spent


def entries(folder: Path) -> int:
    """How many files and folders lie in a folder, at any depth."""
    return sum(1 for _ in folder.rglob("*"))
