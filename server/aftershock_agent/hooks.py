"""Hooks that a conftest.py may define for libraries that need help around a run; docs/warm-interpreter.md tells how."""

from __future__ import annotations

import traceback

import pytest

from aftershock_agent import messages
from aftershock_agent.channel import Channel, RunChannel


class Specifications:
    """What pytest must know for the hooks to be valid."""

    @pytest.hookspec
    def pytest_aftershock_before_run(self, config: pytest.Config) -> None:
        """Called in the process that runs tests, before the first of them: in a fork, which dies with the run.

        An exception makes an error of every test of the run.
        """

    @pytest.hookspec
    def pytest_aftershock_after_run(self, config: pytest.Config) -> None:
        """Called after the last test of a run, when all fixtures are torn down; not after a kill or a crash."""


class Hooks:
    """The plugin that declares them."""

    def pytest_addhooks(self, pluginmanager: pytest.PytestPluginManager) -> None:
        """Declare them, before any conftest.py is loaded."""
        pluginmanager.add_hookspecs(Specifications)


_BROKEN = "aftershock-broken-hook"


class _Broken:
    """Makes an error of every test, since a hook has failed."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        raise self._error


def before_run(config: pytest.Config) -> None:
    """Call the hook; what it raises becomes every test's."""
    if config.pluginmanager.hasplugin(_BROKEN):
        config.pluginmanager.unregister(name=_BROKEN)  # of an earlier run in this process
    try:
        config.hook.pytest_aftershock_before_run(config=config)
    except Exception as error:
        config.pluginmanager.register(_Broken(error), _BROKEN)


def after_run(config: pytest.Config, channel: Channel | RunChannel, run: int) -> None:
    """Call the hook; what it raises is logged, since the verdicts are told already."""
    try:
        config.hook.pytest_aftershock_after_run(config=config)
    except Exception:
        text = f"pytest_aftershock_after_run failed after run {run}\n{traceback.format_exc()}"
        channel.send(messages.Log("error", text))
