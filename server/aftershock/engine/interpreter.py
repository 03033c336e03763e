"""Finds the project's interpreter."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from aftershock.engine.configuration import Configuration

_IN_ENVIRONMENT = ("bin/python", "Scripts/python.exe")


def find_interpreter(configuration: Configuration, environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The command that starts the project's Python.

    First of: the setting, the project's ``.venv`` or ``venv``, ``VIRTUAL_ENV``, the server's own.
    """
    if configuration.interpreter:
        return configuration.interpreter
    folders = [configuration.root / ".venv", configuration.root / "venv"]
    if environment.get("VIRTUAL_ENV"):
        folders.append(Path(environment["VIRTUAL_ENV"]))
    for folder in folders:
        for relative in _IN_ENVIRONMENT:
            if (folder / relative).exists():
                return (str(folder / relative),)
    return (sys.executable,)


def not_started(command: Sequence[str], error: OSError) -> str:
    """What people are told when a command that begins with their interpreter fails."""
    return (
        f"The interpreter {command[0]} can't be started ({error.strerror}). "
        "Choose another with the setting aftershock.interpreter."
    )
