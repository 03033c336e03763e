"""Runs a few tests in an ordinary pytest, in a fresh process, for a person with a debugger.

A warm interpreter has imported the project already, so a breakpoint in what runs at import would never be reached;
here it is.  The process is the user's own pytest but for the options that would put the tests into other processes
(pytest-xdist) or take the debugger's place (coverage's tracer).
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys

import pytest

from aftershock_agent import processes

_LOOPBACK = "127.0.0.1"
_SWITCHES = {"pytest_cov": "--no-cov"}


def main(order: str) -> None:
    """Run what ``order`` says, a JSON object: ``tests``, ``arguments`` (pytest's), ``answers``, ``pdb``.

    ``answers`` is a file descriptor, or null: wait for a debugger's client, and tell there what comes of it, in lines
    of JSON (``host`` and ``port``, or ``error``; then ``attached``).  ``pdb``: open pdb where a test fails.  Exits with
    pytest's code.
    """
    told = json.loads(order)
    sys.path.insert(0, os.getcwd())  # as `python -m pytest` has it
    processes.die_with_parent()
    if told["answers"] is not None:
        _wait_for_client(told["answers"])
    arguments = [*told["arguments"], *switches(), *told["tests"]]
    sys.argv = ["pytest", *arguments]
    sys.exit(pytest.main(arguments, plugins=[OnlyThese(told["tests"], told["pdb"])]))


def switches() -> list[str]:
    """Options that keep plugins from putting a tracer of their own in the place of the one that somebody needs."""
    return [option for name, option in _SWITCHES.items() if importlib.util.find_spec(name)]


def _wait_for_client(answers: int) -> None:
    """Listen on a free port of this machine, say which, and wait until a debugger's client has attached."""
    os.set_inheritable(answers, False)  # its end tells the server of ours, not of debugpy's adapter

    def answer(**told: object) -> None:
        os.write(answers, json.dumps(told).encode() + b"\n")

    try:
        debugpy = importlib.import_module("debugpy")
    except ImportError:
        answer(error=f"debugpy is not installed for {sys.executable}.")
        sys.exit(1)
    _, port = debugpy.listen((_LOOPBACK, 0))
    answer(host=_LOOPBACK, port=port)
    debugpy.wait_for_client()
    answer(attached=True)


class OnlyThese:
    """A pytest plugin that runs the given tests in this process, whatever else the user's arguments name."""

    def __init__(self, tests: list[str] | None, pdb: bool = False) -> None:
        """``tests``: None for those that pytest would run by itself; ``pdb``: open pdb where a test fails."""
        self._tests = tests
        self._pdb = pdb

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> None:
        """Set the options before any plugin acts on them."""
        if self._tests is not None:
            config.args = list(self._tests)
        option = config.option
        for name, value in {
            "usepdb": self._pdb,
            "trace": False,
            "dist": "no",
            "tx": [],
            "numprocesses": None,
            "looponfail": False,
            "lf": False,
            "failedfirst": False,
            "newfirst": False,
        }.items():
            if hasattr(option, name):
                setattr(option, name, value)
