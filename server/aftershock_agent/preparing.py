"""The way of a session to come, from base to the order that makes it a session, or of a scout, which only looks."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from typing import Any, NoReturn, cast

from aftershock_agent import codec, messages
from aftershock_agent.ahead import Ahead
from aftershock_agent.channel import Channel
from aftershock_agent.recording import Project
from aftershock_agent.scouting import Scout


class Preparing:
    """Imports ahead as far as it was told, and halts until the order comes.

    It halts in the midst of the project's code, which must never see an exception of ours: it ends instead.
    """

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
        self._begun: messages.StartSession | None = None
        self._before = frozenset(command.before)
        self._configured = False
        self._latest = ""
        self._ahead = Ahead(project, self._importing)
        self._scout = Scout(project.root, self._report)

    def configure(self) -> None:
        """Pytest is about to be configured, and to import its plugins."""
        self._ahead.stand_first()
        if self._command.scout:
            self._scout.begin()

    def enter_project(self) -> None:
        """Plugins are imported; what comes now is the project's: conftest.py first."""
        self._configured = True
        self._ahead.stand_first()
        if not self._command.further:
            self._halt()

    def collect(self, session: Any) -> None:
        """Import the files that are to be, in pytest's ``session``; halt at the latest when that is done."""
        if self._begun is None:
            try:
                if self._command.collect:
                    session.perform_collect(self._command.collect)
            except BaseException:
                self._fail(traceback.format_exc())
            if session.testsfailed:
                self._fail("a file can't be collected")
            self._halt()
        self._ahead.leave()

    def _importing(self, file: str) -> None:
        if self._begun is not None:
            return
        if not self._configured and self._command.scout:
            self._report(f"a plugin, {file}")
        if self._configured and file in self._before:
            self._halt()
        self._latest = file

    def _halt(self) -> None:
        if self._begun is not None:
            return
        if self._command.scout:
            self._report("")
        try:
            self._channel.send(messages.SessionPrepared(self._command.session, os.getpid(), self._loaded()))
            lines = self._wait()
            self._begun = cast("messages.StartSession", codec.decode(lines[0]))
            self._begin(self._begun, lines[1:])
        except BaseException:
            self._fail(traceback.format_exc())

    def _wait(self) -> list[bytes]:
        while not (lines := self._channel.receive()):
            if lines is None:
                os._exit(0)  # base is gone
        return lines

    def _fail(self, why: str) -> NoReturn:
        """End: a session without such a past tells what is wrong, and pytest must not write its reports."""
        try:
            self._channel.send(messages.Log("debug", f"a prepared session ends: {why}"))
            if self._begun is not None:
                failure = messages.Failure("Unprepared", why, why)
                self._channel.send(messages.SessionFailed(self._begun.session, failure))
        finally:
            os._exit(0)

    def _report(self, noticed: str) -> NoReturn:
        """Tell what has been scouted, and end: ``noticed`` must not happen."""
        try:
            self._scout.end()
            until = self._latest if noticed and self._configured else ""
            found = messages.SessionScouted(self._command.session, self._configured, until, noticed, self._scout.read())
            self._channel.send(found)
        except BaseException:
            self._channel.send(messages.Log("error", traceback.format_exc()))
        finally:
            os._exit(0)
