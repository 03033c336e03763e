"""Brings a process of the session up to date, text by text, and says what came of it."""

from __future__ import annotations

import time

from aftershock_agent import messages
from aftershock_agent.channel import Channel
from aftershock_agent.compiling import Unpatchable
from aftershock_agent.patching import Patcher

Update = messages.Compile | messages.Patch


class Updates:
    """Of a session, or of a fork of it."""

    def __init__(self, patcher: Patcher) -> None:
        """``session`` is its number, once it has one.

        ``moved`` tells whether lines have moved since it was last put back, which pytest keeps of each test.
        """
        self._patcher = patcher
        self.session = 0
        self.moved = False

    def answer(self, update: Update, channel: Channel) -> None:
        """Compile or patch here; the answer goes to ``channel``."""
        started = time.perf_counter()
        try:
            count = self._make(update)
        except Unpatchable as why:
            channel.send(messages.Patched(self.session, update.path, False, str(why)))
            return
        if isinstance(update, messages.Patch):
            spent = (time.perf_counter() - started) * 1000
            log = messages.Log("debug", f"patched {count} functions of {update.path} in {spent:.1f} ms")
            channel.send(messages.Patched(self.session, update.path, True), log)

    def catch_up(self, update: Update, channel: Channel) -> None:
        """The same where another process has answered; ``channel`` hears only if it can't be done here."""
        try:
            self._make(update)
        except Unpatchable as why:
            channel.send(messages.Unfit(self.session, str(why)))

    def _make(self, update: Update) -> int:
        if isinstance(update, messages.Compile):
            self._patcher.compile_ahead(update.path, update.text)
            return 0
        count = self._patcher.patch(update.path, update.old, update.new, update.changed)
        self.moved = True
        return count
