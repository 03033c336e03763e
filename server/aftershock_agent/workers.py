"""Runs side by side: which tests must stay in one process, and how tests tell their process from the others.

What pytest-xdist offers its workers is offered to each fork, so that what suites keep per worker (a database, a port)
is never shared by two forks at once: the fixtures ``worker_id`` and ``testrun_uid`` (which are xdist's own, and look at
``config.workerinput``), the environment variables, and the hook ``pytest_configure_node``.  A fork has a worker's name
where the project's configuration has xdist at work (``-n`` in addopts), as it has there, and wherever several forks
run at once; otherwise it is ``master``, as in a pytest without ``-n``.
"""

from __future__ import annotations

import os
import sys
import traceback
from types import SimpleNamespace
from typing import Any

import pytest

from aftershock_agent import messages
from aftershock_agent.channel import Channel, RunChannel

_NAME = "PYTEST_XDIST_WORKER"


class Workers:
    """A pytest plugin of the session's: knows whether xdist would be at work, and gives each fork its name."""

    def __init__(self) -> None:
        """Nothing is known before pytest has read its configuration."""
        self._spread = False
        self._environ: Any = os.environ
        self._encode = self._environ.encodekey
        self._last_read: object = None
        self.name_read = False
        """Whether code asked for its worker's name while it was imported; that answer holds for all forks."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_load_initial_conftests(self, early_config: pytest.Config) -> None:
        """Before any code of the project runs: name the session as the first worker, if xdist would be at work."""
        options = early_config.known_args_namespace
        self._spread = bool(getattr(options, "numprocesses", None) or getattr(options, "tx", None))
        if self._spread:
            self._environ.update(_environment(messages.Worker(0, 1, "")))
        self._environ.encodekey = self._note

    def offer(self, config: pytest.Config, worker: messages.Worker, channel: Channel | RunChannel) -> None:
        """In a fork: name it; ``channel`` takes what a project's ``pytest_configure_node`` raises, for the log."""
        self._environ.encodekey = self._encode
        if not self._spread and worker.count == 1:
            return
        self._environ.update(_environment(worker))
        given = {
            "workerid": _name(worker),
            "workercount": worker.count,
            "testrunuid": worker.uid,
            "mainargv": sys.argv,
        }
        vars(config).update(workerinput=given, workeroutput={})
        hook = getattr(config.hook, "pytest_configure_node", None)
        if self._spread and hook is not None:
            node = SimpleNamespace(config=config, workerinput=given, gateway=SimpleNamespace(id=_name(worker)))
            try:
                hook(node=node)
            except Exception:
                text = f"pytest_configure_node failed for {_name(worker)}\n{traceback.format_exc()}"
                channel.send(messages.Log("error", text))

    def _note(self, key: Any) -> Any:
        """Every access to the environment comes by here, with the variable's name."""
        if key == _NAME and not self._copying():
            self.name_read = True
        self._last_read = key
        return self._encode(key)

    def _copying(self) -> bool:
        """Whether the variable is read as the one after its neighbour, as in a copy of the whole environment."""
        names = [self._environ.decodekey(name) for name in list(self._environ._data)]
        place = names.index(_NAME) if _NAME in names else 0
        return place > 0 and names[place - 1] == self._last_read


def _name(worker: messages.Worker) -> str:
    return f"gw{worker.number}"


def _environment(worker: messages.Worker) -> dict[str, str]:
    return {
        _NAME: _name(worker),
        "PYTEST_XDIST_WORKER_COUNT": str(worker.count),
        "PYTEST_XDIST_TESTRUNUID": worker.uid,
    }


def shared_beyond_file(item: pytest.Item) -> list[str]:
    """Names for what a test shares with tests of other files: a package's fixtures, a group marked for pytest-xdist."""
    groups = [str(mark.args[0] if mark.args else mark.kwargs.get("name")) for mark in item.iter_markers("xdist_group")]
    declared: dict[str, Any] = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    # Elsewhere pytest keeps a fixture of this scope for the whole session.
    inside = {node.nodeid for node in item.listchain() if isinstance(node, pytest.Package)}
    packages = {
        f"package {fixturedef.baseid}"
        for group in declared.values()
        for fixturedef in group
        if fixturedef.scope == "package" and fixturedef.baseid in inside
    }
    return [*(f"group {name}" for name in groups), *sorted(packages)]
