"""Runs tests in an ordinary pytest under coverage.py, in a fresh process, and tells which tests execute which lines.

A warm interpreter has imported the project already, so lines that run at import would seem to be never executed.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Generator
from typing import Any

import pytest

from aftershock_agent import codec, messages, processes
from aftershock_agent.channel import Channel
from aftershock_agent.coverage_lines import CannotMeasure, LineCoverage
from aftershock_agent.debugging import OnlyThese, switches
from aftershock_agent.reports import Outcomes
from aftershock_agent.run import fixturedefs


def main(descriptor: int) -> None:
    """Do what the server at the other end of ``descriptor`` orders by :class:`messages.MeasureCoverage`."""
    os.setpgid(0, 0)  # the server ends it with all that its tests have started
    processes.die_with_parent()
    os.set_inheritable(descriptor, False)
    channel = Channel(socket.socket(fileno=descriptor))
    order = _order(channel)
    try:
        lines = LineCoverage(order.root)
    except CannotMeasure as problem:
        channel.send(messages.CoverageBegun(str(problem)))
        sys.exit(1)
    channel.send(messages.CoverageBegun())
    sys.path.insert(0, os.getcwd())  # as `python -m pytest` has it
    arguments = [*order.args, *switches()]
    sys.argv = ["pytest", *arguments]
    run = CoverageRun(channel, lines, order.tests)
    status = pytest.main(arguments, plugins=[OnlyThese(order.files), run])
    lines.stop()
    for file in lines.files(run.tests_of):
        channel.send(file)
    channel.send(messages.CoverageEnded(int(status)))


def _order(channel: Channel) -> messages.MeasureCoverage:
    received: list[bytes] | None = []
    while received == []:
        received = channel.receive()
    order = codec.decode(received[0]) if received else None
    if not isinstance(order, messages.MeasureCoverage):
        sys.exit("the server has given no order")
    return order


class CoverageRun(Outcomes):
    """A pytest plugin that has each test's lines kept apart, and tells the server of it."""

    def __init__(self, channel: Channel, lines: LineCoverage, tests: list[str] | None) -> None:
        """``tests``: run these alone, of all that is collected; None: all."""
        super().__init__()
        self._channel = channel
        self._lines = lines
        self._chosen = None if tests is None else set(tests)
        self._pid = os.getpid()
        self._clock = time.perf_counter  # a test may put another in its place
        self._numbers: dict[str, int] = {}
        self._context = ""
        self._fixtures: dict[int, str] = {}
        self._parts: dict[str, list[str]] = {}
        self._users: dict[str, set[int]] = {}

    def tests_of(self, contexts: set[str]) -> set[int]:
        """The numbers of the tests that contexts stand for: themselves, or the users of a fixture."""
        found: set[int] = set()
        for context in contexts - {""}:
            found |= self._users[context] if context in self._users else {int(context)}
        return found

    def pytest_configure(self, config: pytest.Config) -> None:
        """A file that can't be collected must not keep the others from being measured."""
        config.option.continue_on_collection_errors = True

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave out what nobody asked for."""
        if self._chosen is None:
            return
        left_out = [item for item in items if item.nodeid not in self._chosen]
        items[:] = [item for item in items if item.nodeid in self._chosen]
        config.hook.pytest_deselected(items=left_out)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Tell of a file that can't be collected."""
        if report.failed:
            text = report.longreprtext
            failure = messages.Failure("CollectError", text.strip().splitlines()[-1] if text.strip() else "", text)
            self._tell(messages.CollectFailed(0, report.nodeid, 1, failure))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Tell the tests that will run."""
        tests = list(dict.fromkeys(item.nodeid for item in session.items))
        self._numbers = {test: number for number, test in enumerate(tests)}
        self._tell(messages.TestsChosen(tests))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Frame a test: its lines are its own, its start and its end are told."""
        self.begin_outcome()
        self._tell(messages.TestStarted(0, 0, item.nodeid, 0, self._clock()))
        self._switch(str(self._numbers[item.nodeid]))
        result = yield
        self._switch("")
        self._tell(self._finished(item.nodeid))
        return result

    def _finished(self, test: str) -> messages.TestFinished:
        said = self.outcome
        return messages.TestFinished(
            *(0, 0, test, said.value, said.durations), failure=said.failure, output=said.output, reason=said.reason
        )

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Generator[None, Any, Any]:
        """What a wider fixture executes counts for every test that uses it."""
        __tracebackhide__ = True
        if fixturedef.scope == "function":
            return (yield)
        outside, inside = self._context, f"fixture {len(self._parts)}"
        self._fixtures[id(fixturedef)] = inside
        self._parts[inside], self._users[inside] = [inside], set()
        self._switch(inside)
        try:
            return (yield)
        finally:
            self._switch(outside)
            self._parts.get(outside, []).extend(self._parts[inside])

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        """Note which wider fixtures the test had."""
        for fixturedef in fixturedefs(item) if self._fixtures else ():
            for part in self._parts.get(self._fixtures.get(id(fixturedef), ""), ()):
                self._users[part].add(self._numbers[item.nodeid])

    def _switch(self, context: str) -> None:
        self._context = context
        self._lines.switch(context)

    def _tell(self, message: messages.Message) -> None:
        # Not what a process says that a test has forked, and that came back into pytest.
        if os.getpid() == self._pid:
            self._channel.send(message)
