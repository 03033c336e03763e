"""Starts the agent with a recorder that records nothing, to tell recording's cost from the agent's.

`python unrecorded.py BOOTSTRAP CHANNEL_FD ROOT SCRATCH`: put it before the command that starts the agent.
"""

from __future__ import annotations

import importlib
import runpy
import sys
from types import CodeType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aftershock_agent.recording import Functions, Recorder  # not at run time, before the agent is loaded


class NoRecorder:
    """Answers as a recorder that has seen nothing."""

    functions: Functions

    def start(self) -> None:
        """Begin nothing."""

    def settle(self) -> None:
        """Prepare nothing."""

    def take(self) -> list[int]:
        """Nothing ran."""
        return []

    def mend(self) -> str:
        """Nothing to mend."""
        return ""

    def take_started(self) -> list[str]:
        """No module started."""
        return []

    def learn(self, code: CodeType) -> None:
        """Learn nothing."""

    def importer_of(self, path: str) -> str | None:
        """Nobody imported it."""
        return None


def _no_recorder(project: object) -> Recorder:
    return NoRecorder()


if __name__ == "__main__":
    bootstrap, descriptor, root, scratch = sys.argv[1:]
    sys.path.pop(0)
    runpy.run_path(bootstrap, run_name="bootstrap")["load"]()
    recording: Any = importlib.import_module("aftershock_agent.recording")
    NoRecorder.functions = recording.Functions()
    recording.make = _no_recorder
    importlib.import_module("aftershock_agent.base").main(int(descriptor), root, scratch)
