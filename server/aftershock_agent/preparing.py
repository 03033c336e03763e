"""The way of a session to come, from base to the order that makes it a session, or of a scout, which only looks."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, cast

from aftershock_agent import messages
from aftershock_agent.ahead import Ahead, Scout
from aftershock_agent.channel import Channel
from aftershock_agent.recording import Project, state_of


class Preparing:
    """Imports ahead as far as it was told, and halts until the order comes."""

    def __init__(
        self,
        channel: Channel,
        command: messages.PrepareSession,
        project: Project,
        loaded: Callable[[], list[messages.LoadedFile]],
        begin: Callable[[messages.StartSession, list[bytes]], None],
    ) -> None:
        """``loaded`` tells what has been imported; ``begin`` is called with the order and the lines that follow it."""
        self._channel = channel
        self._command = command
        self._loaded = loaded
        self._begin = begin
        self._begun = False
        self._ahead = Ahead(project, frozenset(command.before), self._halt)
        self._scout = Scout(self._report)

    def enter_project(self) -> None:
        """Plugins are imported; what comes now is the project's: conftest.py first."""
        if self._command.scout:
            self._scout.begin()
        if self._command.further:
            self._ahead.begin()
        else:
            self._halt()

    def collect(self, session: Any) -> None:
        """Import the files that are to be, in pytest's ``session``; halt at the latest when that is done.

        Raises RuntimeError where one can't be: a session without such a past tells what is wrong with it.
        """
        if self._command.collect:
            session.perform_collect(self._command.collect)
        self._ahead.end()
        self._halt()
        if session.testsfailed:
            raise RuntimeError("a file can't be collected")

    def _halt(self) -> None:
        if self._begun:
            return
        if self._command.scout:
            self._report("")
        self._channel.send(messages.SessionPrepared(self._command.session, os.getpid(), self._loaded()))
        lines = self._channel.receive()
        if lines is None:
            os._exit(0)  # base is gone
        self._begun = True
        self._begin(cast("messages.StartSession", messages.decode(lines[0])), lines[1:])

    def _report(self, noticed: str) -> None:
        """Tell what has been scouted, and end: ``noticed`` must not happen."""
        self._scout.end()
        until = self._ahead.latest if noticed else ""
        read = [state_of(path) for path in self._scout.read]
        self._channel.send(messages.SessionScouted(self._command.session, until, noticed, read))
        os._exit(0)
