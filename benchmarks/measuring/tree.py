"""A tree of processes from outside: its memory, its CPU time, and who belongs to it.  Linux alone tells memory."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from aftershock.engine.memory import process_memory, tree_memory


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
    server = process_memory(os.getpid())
    return Memory(server, (tree_memory(os.getpid()) or server) - server)


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
