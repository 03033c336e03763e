"""How the project's interpreter is started to become the agent, and what it is given."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import aftershock_agent

BOOTSTRAP = Path(aftershock_agent.__file__).with_name("bootstrap.py")
"""What the project's interpreter runs to become the agent."""

LINE_LIMIT = 1 << 28
"""Bytes that one message may have: a collection's holds all tests of the project."""


async def spawn(
    command: Sequence[str], descriptor: int, cwd: Path, environment: Mapping[str, str], output: Path
) -> asyncio.subprocess.Process:
    """Start ``command``, which keeps ``descriptor`` open, its stdout and stderr going to the file ``output``.

    Raises OSError when it can't be started.
    """
    with open(output, "wb", opener=private) as sink:
        return await asyncio.create_subprocess_exec(
            *command,
            pass_fds=[descriptor],
            stdin=asyncio.subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            cwd=cwd,
            env=environment,
        )


def private(path: str, flags: int) -> int:
    """Open a file that nobody else may read."""
    return os.open(path, flags, 0o600)


def agent_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The environment for the project's interpreter: the server's own, plus the user's ``env`` setting."""
    return {**os.environ, **extra}
