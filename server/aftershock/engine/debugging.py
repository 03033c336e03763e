"""Tests under a debugger: an ordinary pytest in a fresh process of the project's interpreter, for a few tests.

A cold start is right here: breakpoints in what runs at import work too.  The verdict is for the eye alone; facts come
from the warm interpreter.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from aftershock.engine.agent_process import BOOTSTRAP, agent_environment, private
from aftershock.engine.configuration import Configuration
from aftershock.engine.events import TestNode
from aftershock.engine.interpreter import find_interpreter, not_started
from aftershock.selection.facts import Verdict

log = logging.getLogger(__name__)

_BREAKPOINT = "aftershock_agent.breakpoints.Breakpoint"  # its module needs pytest
_START = 30.0  # seconds that an interpreter may take until it listens
_ATTACH = 120.0  # seconds that a debugger may take to attach
_LOG = ".aftershock/debug.log tells more."
_QUIET = {"PYDEVD_DISABLE_FILE_VALIDATION": "1"}
"""debugpy's warning about frozen modules tells of the standard library's alone."""


class CannotDebug(Exception):
    """No debugger can be had; the message says why and what to do."""


@dataclass(frozen=True)
class Address:
    """Where a debugger finds the test, on this machine."""

    host: str
    port: int


def chosen(tests: Mapping[str, TestNode], wanted: str) -> list[str]:
    """The tests of an id: itself, or those of a class or of a parametrised test that it names."""
    if wanted in tests:
        return [wanted]
    return [test for test in tests if test.startswith((f"{wanted}::", f"{wanted}["))]


def command_for(
    configuration: Configuration, nodes: Iterable[TestNode], answers: int | None = None, pdb: bool = False
) -> list[str]:
    """The command that runs tests in a fresh pytest; it must be started in :func:`folder_for` the project.

    ``answers``: wait for a debugger's client, and tell there where; ``pdb``: with pdb where a test fails.
    """
    root = configuration.root
    # By absolute path: pytest's root directory, which ids begin at, may not be the folder that it starts in.
    tests = [f"{root / node.path}{node.id[len(node.id.partition('::')[0]) :]}" for node in nodes]
    order = {"tests": tests, "arguments": list(configuration.pytest_args), "answers": answers, "pdb": pdb}
    return [*find_interpreter(configuration), str(BOOTSTRAP), "debug", json.dumps(order)]


def folder_for(configuration: Configuration) -> Path:
    """Where pytest starts."""
    return configuration.cwd or configuration.root


def wants_debugger(verdict: Verdict) -> bool:
    """Whether a test ended at a breakpoint of its own, which needs somebody to look."""
    return verdict.failure is not None and verdict.failure.exception == _BREAKPOINT


async def debug_here(configuration: Configuration, node: TestNode, pdb: bool) -> None:
    """Run a test in the foreground of this terminal, and wait for its end; ``pdb``: stop where it fails, too.

    Raises CannotDebug.
    """
    command = command_for(configuration, [node], pdb=pdb)
    environment = agent_environment(configuration.env)
    try:
        process = await asyncio.create_subprocess_exec(*command, cwd=folder_for(configuration), env=environment)
    except OSError as error:
        raise CannotDebug(not_started(command, error)) from error
    try:
        await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class Debugging:
    """The processes that wait for a debugger or are in one; they end with their tests, or with the server."""

    def __init__(self, configuration: Configuration) -> None:
        """Nothing starts yet."""
        self._configuration = configuration
        self._watches: set[_Watch] = set()

    async def start(self, nodes: Sequence[TestNode]) -> Address:
        """Start tests, which wait for a debugger to attach at the address; raises CannotDebug."""
        here, there = os.pipe()
        answers = os.fdopen(here, "rb")
        try:
            process = await self._spawn(nodes, there)
        except BaseException:
            answers.close()
            raise
        finally:
            os.close(there)
        watch = _Watch(process, answers)
        self._watches.add(watch)
        watch.task.add_done_callback(lambda _: self._watches.discard(watch))
        return await watch.address()

    async def _spawn(self, nodes: Sequence[TestNode], answers: int) -> asyncio.subprocess.Process:
        command = command_for(self._configuration, nodes, answers)
        try:
            with open(self._configuration.root / ".aftershock" / "debug.log", "wb", opener=private) as sink:
                return await asyncio.create_subprocess_exec(
                    *command,
                    pass_fds=[answers],
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=sink,
                    stderr=sink,
                    cwd=folder_for(self._configuration),
                    env={**agent_environment(self._configuration.env), **_QUIET},
                )
        except OSError as error:
            raise CannotDebug(not_started(command, error)) from error

    async def close(self) -> None:
        """End every process; who debugs one sees it end."""
        tasks = [watch.task for watch in self._watches]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


class _Watch:
    """Hears what one process says until it ends; ends it when nobody attaches, or when the watch is cancelled."""

    def __init__(self, process: asyncio.subprocess.Process, answers: IO[bytes]) -> None:
        self._process = process
        self._answers = answers
        self._listening: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        self._attached = False
        self.task = asyncio.create_task(self._follow())

    async def address(self) -> Address:
        """Where it listens; raises CannotDebug."""
        try:
            answer = await asyncio.wait_for(self._listening, _START)
        except asyncio.TimeoutError:
            self.task.cancel()
            raise CannotDebug(f"debugpy did not begin to listen within {_START:.0f} s. {_LOG}") from None
        if "error" in answer:
            raise CannotDebug(f"{answer['error']} Install it there (pip install debugpy), then debug again.")
        return Address(answer["host"], answer["port"])

    async def _follow(self) -> None:
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), self._answers)
        patience = loop.call_later(_START + _ATTACH, self._lose_patience)
        try:
            while line := await reader.readline():
                self._hear(json.loads(line))
            if not self._listening.done():
                self._listening.set_exception(CannotDebug(f"The interpreter ended before debugpy listened. {_LOG}"))
        finally:
            patience.cancel()
            transport.close()
            if self._process.returncode is None:
                self._process.kill()
            await self._process.wait()

    def _hear(self, answer: Mapping[str, Any]) -> None:
        if "attached" in answer:
            self._attached = True
        elif not self._listening.done():
            self._listening.set_result(answer)

    def _lose_patience(self) -> None:
        if not self._attached:
            log.info("no debugger attached within %.0f s: the test's process is ended", _ATTACH)
            self.task.cancel()
