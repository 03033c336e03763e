"""The base process: a warm interpreter that has imported pytest and forks sessions.

It runs no project code, so it is always there to start a session and to kill one.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import importlib.metadata
import os
import platform
import shutil
import socket
import sys
import traceback

from aftershock_agent import bytecode, codec, messages
from aftershock_agent.channel import Channel
from aftershock_agent.processes import CAN_FORK, End
from aftershock_agent.recording import method, state_of
from aftershock_agent.stack_room import with_room
from aftershock_agent.tree import Node, scratch_of

OLDEST_PYTEST = (7, 4)


def main(descriptor: int, root: str, scratch: str) -> None:
    """Serve the server at the other end of ``descriptor`` for the project at ``root``.

    ``scratch`` is a folder of the server's for temporary files of the tests.
    """
    channel = Channel(socket.socket(fileno=descriptor))
    os.chdir(root)
    problem = _unfit()
    if problem:
        channel.send(messages.BaseFailed(problem))
        return
    _warm()
    channel.send(_ready())
    with_room(Base(channel, root, scratch).serve)


def _unfit() -> str | None:
    """Why this interpreter can't run the project's tests, or None."""
    try:
        import pytest
    except ImportError:
        return (
            f"pytest is not installed for {sys.executable}. "
            "Install it there (pip install pytest), or choose another interpreter."
        )
    version = tuple(int(part) for part in pytest.__version__.split(".")[:2] if part.isdigit())
    if version < OLDEST_PYTEST:
        return f"Aftershock needs pytest 7.4 or later; {sys.executable} has {pytest.__version__}. Upgrade it."
    return None


def _warm() -> None:
    """Import what every session needs, so that a fork has it at once: pytest's own plugins, which it never rewrites."""
    from _pytest.config import default_plugins

    for name in (*(f"_pytest.{plugin}" for plugin in default_plugins), "aftershock_agent.session"):
        importlib.import_module(name)


def _ready() -> messages.BaseReady:
    import pytest

    installed = sorted(f"{d.metadata['Name']}=={d.version}" for d in importlib.metadata.distributions())
    return messages.BaseReady(
        pid=os.getpid(),
        python=platform.python_version(),
        platform=sys.platform,
        pytest=pytest.__version__,
        distributions=hashlib.sha256("\n".join(installed).encode()).hexdigest()[:16],
        recording=method(),
        fork=CAN_FORK,
    )


def _installed() -> list[tuple[str, int]]:
    """The folders that modules are imported from, each with the time at which something came or went there."""
    return [(folder, state_of(folder).mtime_ns) for folder in sys.path]


class Base:
    """Forks, feeds and kills sessions at the server's command."""

    def __init__(self, channel: Channel, root: str, scratch: str) -> None:
        """``root`` is the project's, ``scratch`` holds the tests' temporary folders."""
        self._root = root
        self._scratch = scratch
        self._node = Node(channel, self._ended, shared=False)
        self._installed: list[tuple[str, int]] = []

    def serve(self) -> None:
        """Serve until the server is gone."""
        self._node.loop(self._handle, lambda: None)

    def _handle(self, command: messages.Command, line: bytes) -> None:
        if isinstance(command, messages.PrepareSession):
            self._prepare(command)
        elif isinstance(command, messages.StartSession):
            self._start(command)
        elif isinstance(command, messages.Preload):
            for name in command.modules:
                self._preload(name)
        elif isinstance(command, messages.StopSession):
            self._node.kill(command.session, command.abort)
        elif command.session in self._node.children:
            self._node.send_down(command.session, line)

    def _prepare(self, command: messages.PrepareSession) -> None:
        installed = _installed()
        if installed != self._installed:
            self._drop_prepared()
        self._installed = installed
        self._node.kill(command.replaced)
        bytecode.drop_stale(command.sources)
        self._fork(command)

    def _drop_prepared(self) -> None:
        for number in self._node.children:
            if number < 0:
                self._node.kill(number)

    def _start(self, command: messages.StartSession) -> None:
        bytecode.drop_stale(command.sources)
        order = codec.encode(dataclasses.replace(command, sources=[]))
        if command.prepared in self._node.children and self._installed == _installed():
            self._node.rename(command.prepared, command.session)
            self._node.send_down(command.session, order.rstrip(b"\n"))
            return
        self._drop_prepared()
        if CAN_FORK:
            self._fork(command)
        else:
            self._node.spawn(command.session, ["session", order.decode(), self._root, self._scratch])

    def _fork(self, command: messages.PrepareSession | messages.StartSession) -> None:
        def body(channel: Channel) -> None:
            from aftershock_agent.session import serve

            serve(channel, command, self._root, self._scratch)

        self._node.fork(command.session, body)

    def _ended(self, session: int, end: End) -> messages.SessionEnded:
        shutil.rmtree(scratch_of(self._scratch, session), ignore_errors=True)
        return messages.SessionEnded(session, end.exit, end.signal, end.reason)

    def _preload(self, name: str) -> None:
        try:
            importlib.import_module(name)
        except Exception:
            # The session will import it again and report whatever is wrong; here it only costs the warmth.
            self._node.parent.send(messages.Log("debug", f"preload of {name} failed\n{traceback.format_exc()}"))
