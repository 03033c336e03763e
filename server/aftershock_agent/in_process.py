"""Runs in the session's own process, where it can't be forked: the same tests, the same reports, one process for all.

What a fork gives for nothing is done by hand here.  Every fixture is torn down at the end of a run, pytest's own state
is put back, and what tests leave behind is looked for (:mod:`leftovers`): taken back where that is sound, else the
session declares itself unfit for another run and the server makes a new one.  A crash is the end of the session, and so
is a kill; the server tells which test was in flight.

What can't be seen (a value deep in some object, the state of a C library) may still reach the next run.  Therefore no
result from here is ever an exact one, and no function is patched that has run here: what it returned may be kept.
"""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from aftershock_agent import messages
from aftershock_agent.channel import Channel, RunChannel
from aftershock_agent.leftovers import Leftovers
from aftershock_agent.recording import Project
from aftershock_agent.run import own_temporary_folder

_REPORTER = "terminalreporter"
_LISTS = ("_report_sections", "own_markers", "user_properties")
"""Attributes of an item that a run adds to."""


class InProcess:
    """Executes runs here, one after another."""

    def __init__(self, channel: Channel, waiting: deque[bytes], project: Project) -> None:
        """``waiting`` holds commands that came down ``channel`` and that nobody has handled yet."""
        self._channel = channel
        self._waiting = waiting
        self._project = project

    def share(self, run: int) -> RunChannel:
        """The channel for a run."""
        return RunChannel(self._channel, run, self._waiting)

    def execute(self, work: Callable[[], None], session: Any, items: Mapping[str, Any], folder: Path) -> str:
        """Do the ``work`` of a run of ``items``, its temporary files in ``folder``.

        Returns why the process is unfit for another run, empty if it isn't.
        """
        config: pytest.Config = session.config
        leftovers = Leftovers(self._project)
        session.shouldstop = session.shouldfail = False
        with _plugins(config, leftovers), _temporary_folder(config, folder), _as_collected(items):
            work()
        session.shouldstop = session.shouldfail = False
        return self._look(leftovers, session)

    def _look(self, leftovers: Leftovers, session: Any) -> str:
        taken_back, remaining = leftovers.end()
        if session._setupstate.stack:
            remaining.append("a fixture could not be torn down")
        for sentence in taken_back:
            self._channel.send(messages.Log("info", f"{sentence}; that was taken back"))
        return "; ".join(remaining)


@contextmanager
def _plugins(config: pytest.Config, leftovers: Leftovers) -> Iterator[None]:
    """Register ``leftovers`` for the while; whoever else has come is sent away, and the terminal's reporter is back."""
    manager = config.pluginmanager
    reporter = manager.getplugin(_REPORTER)
    before = manager.get_plugins()
    manager.register(leftovers)
    try:
        yield
    finally:
        for plugin in manager.get_plugins() - before:
            manager.unregister(plugin)
        if reporter is not None and not manager.hasplugin(_REPORTER):
            manager.register(reporter, _REPORTER)


@contextmanager
def _temporary_folder(config: pytest.Config, folder: Path) -> Iterator[None]:
    """Have ``tmp_path`` live in ``folder`` for the while, and remove it."""
    factory: Any = getattr(config, "_tmp_path_factory", None)
    before = factory and (factory._given_basetemp, factory._basetemp)
    own_temporary_folder(config, folder)
    try:
        yield
    finally:
        if factory is not None:
            factory._given_basetemp, factory._basetemp = before
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _as_collected(items: Mapping[str, Any]) -> Iterator[None]:
    """Have the items afterwards as they were collected: a test may add markers, properties and sections to its own."""
    before = {name: {each: list(getattr(item, each)) for each in _LISTS} for name, item in items.items()}
    keywords = {name: dict(item.keywords._markers) for name, item in items.items()}
    try:
        yield
    finally:
        for name, item in items.items():
            for each, elements in before[name].items():
                getattr(item, each)[:] = elements
            item.keywords._markers.clear()
            item.keywords._markers.update(keywords[name])
