"""One run: tests in a fork of the session, their events streamed as they come."""

from __future__ import annotations

import mmap
import os
import time
import traceback
from collections.abc import Generator, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from aftershock_agent import messages, processes
from aftershock_agent.channel import Channel, RunChannel
from aftershock_agent.children import ChildProcesses, Heard
from aftershock_agent.orders import Orders
from aftershock_agent.recording import LoadedFiles, Recorder
from aftershock_agent.reports import Outcomes, failure_of

_FUNCTION_SCOPE = "function"
_BETWEEN_LOOKS = 0.002  # seconds
_STRAY = "Aftershock: a process that the test had forked came back into pytest, and was ended"


class Run(Outcomes):
    """A pytest plugin, registered in the fork, that records and reports each test."""

    def __init__(
        self,
        channel: Channel | RunChannel,
        command: messages.Run,
        recorder: Recorder,
        loaded: LoadedFiles,
        children: ChildProcesses,
        orders: Iterable[bytes] = (),
    ) -> None:
        """``recorder``, ``loaded`` and ``children`` are the session's own, as the fork inherited them.

        ``orders`` are lines for the run that have come already.

        Afterwards ``ran`` holds the numbers of all functions that were executed.
        """
        super().__init__()
        self._channel = channel
        self._command = command
        self._recorder = recorder
        self._loaded = loaded
        self._children = children
        self._orders = Orders(channel, orders)
        self._looked_at = 0.0
        self._clock = time.perf_counter  # kept: what a test freezes time with replaces it in every module
        self._pid = os.getpid()
        self._strays = mmap.mmap(-1, 1)  # shared with what a test forks
        self._executed: set[int] = set()
        self.ran: set[int] = set()
        self._told: set[int] = set()
        self._fixtures: dict[int, set[int]] = {}
        self._heard: dict[int, Heard] = {}
        self._opaque = ""
        self._suspect = False
        self._started = 0
        self._users: dict[int, list[str]] = {}
        self._current = ""
        self.moved = False
        """Whether the lines of tests may have moved since they were collected."""
        self._outbox: list[messages.Message] = []
        self.always: set[int] = set()
        """What ran before the first test, and counts for all."""

    def execute(self, config: pytest.Config, known: Mapping[str, pytest.Item]) -> None:
        """Run the command's tests in order, and what the server adds; ``known`` are the session's items by node id.

        An order to stop is followed after the test in flight.
        """
        self._children.take()  # the fork of this run itself
        # Nobody reads the terminal's dots here, and they cost as much as recording; xdist's workers have none either.
        config.pluginmanager.unregister(name="terminalreporter")
        config.pluginmanager.register(self, "aftershock-run")
        items, more = in_order(known, self._command.tests), self._command.more
        while items and not self._orders.stop:
            last = self._run_all(items, elsewhere(items[-1], known.values()) if more else None)
            tests: list[str] = []
            if more and not self._orders.stop:
                tests, more = self._ask()
            items = in_order(known, tests)
            if last is not None:
                self._tear_down(last, items[0] if items and not self._orders.stop else None)
        self._flush()

    def _run_all(self, items: list[pytest.Item], spare: pytest.Item | None) -> pytest.Item | None:
        """Run tests, wider fixtures left up for ``spare``; returns the last one that ran."""
        last: pytest.Item | None = None
        left_up_for: pytest.Item | None = None
        for item, following in zip(items, [*items[1:], spare], strict=True):
            self._look()
            if self._orders.stop:
                break
            if item.nodeid in self._orders.dropped:
                continue
            if last is not None and left_up_for is not item:
                self._tear_down(last, item)
            self._run_one(item, following)
            last, left_up_for = item, following
        return last

    def _look(self) -> None:
        """Take in orders, but not between any two of a suite's smallest tests: asking costs a few system calls."""
        now = time.monotonic()
        if now - self._looked_at > _BETWEEN_LOOKS:
            self._looked_at = now
            self._leave_if_unfit()
            self._orders.look()

    def _run_one(self, item: pytest.Item, following: pytest.Item | None) -> None:
        if self.moved:
            item.__dict__.pop("location", None)  # pytest has kept the old line
        try:
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        except BaseException as error:
            # It would end a whole pytest (pytest.exit, a plugin that breaks down); here it is this test's failure.
            self._leave_if_unfit()
            self._drain()
            self.outcome.abort(failure_of(error, "".join(traceback.format_exception(error))))
            self._finish(item)
            self._tear_down(item, None)

    def _ask(self) -> tuple[list[str], bool]:
        """Ask the server for more tests; returns them, and whether there may be more still."""
        self._outbox.append(messages.RunIdle(self._command.session, self._command.run))
        self._flush()
        return self._orders.more()

    def _tear_down(self, last: pytest.Item, following: pytest.Item | None) -> None:
        """Tear down what the next test doesn't need; a failure counts for the last test, as pytest has it."""
        self._current = ""  # even the last test was reported without what runs now
        try:
            last.session._setupstate.teardown_exact(following)
        except (Exception, pytest.fail.Exception, pytest.skip.Exception) as error:
            text = "".join(traceback.format_exception(error))
            self.outcome.break_down(failure_of(error, text))
            self._finish(last)

    def _flush(self) -> None:
        """Send what waits: the end of a test goes with the start of the next, which follows at once."""
        outbox, self._outbox = self._outbox, []
        self._leave_if_unfit()
        self._channel.send(*outbox)

    def _leave_if_unfit(self) -> None:
        """Nothing must be written where a test has put something else in the channel's place."""
        self._leave_if_stray()
        if not self._channel.whole():
            os._exit(processes.CHANNEL_LOST)

    def _leave_if_stray(self) -> None:
        """A process that a test has forked must not go on as if it were the run."""
        if os.getpid() != self._pid:
            self._strays[0] = 1
            os._exit(processes.STRAY)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Frame a test: clear what was recorded, tell its start and its end."""
        __tracebackhide__ = True
        self._drain()
        self._executed = set()
        self._opaque, self._suspect = "", False
        self.begin_outcome()
        self._current = item.nodeid
        command = self._command
        place = command.worker.number
        self._outbox.append(messages.TestStarted(command.session, command.run, item.nodeid, place, self._clock()))
        self._flush()
        result = yield
        self._drain()
        self._finish(item)
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Generator[None, Any, Any]:
        """What a wider fixture runs counts for every test that uses it."""
        __tracebackhide__ = True  # a fixture's failure is reported without us
        if fixturedef.scope == _FUNCTION_SCOPE:
            return (yield)
        outside = self._executed
        self._drain()
        inside = self._executed = set()
        before = self._children.set_apart()
        try:
            return (yield)
        finally:
            self._drain()
            self._children.note(self._recorder.mend())
            self._heard[id(fixturedef)] = within = self._children.set_apart()
            self._children.join(before)
            self._children.join(within)
            self._fixtures[id(fixturedef)] = inside
            self._executed = outside
            outside |= inside

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        """Note which wider fixtures the test had, and set apart what tearing them down will run."""
        self._note_fixtures(item)
        self._started = self._children.started
        self._drain()

    def pytest_fixture_post_finalizer(self, fixturedef: Any) -> None:
        """A wider fixture went: what its teardown ran counts for every test that used it."""
        users = self._users.pop(id(fixturedef), None)
        if users is None:
            return
        before, self._executed = self._executed, set()
        self._drain()
        executed, self._executed = self._executed, before
        self._executed |= executed
        started, self._started = self._children.started > self._started, self._children.started
        others = [test for test in users if test != self._current]
        if others and (executed or started):
            command, new = self._command, self._new(executed)
            self._outbox.append(
                messages.TeardownExecuted(command.session, command.run, others, list(executed), new, opaque=started)
            )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add a phase to the outcome."""
        self._leave_if_stray()
        super().pytest_runtest_logreport(report)

    def _note_fixtures(self, item: pytest.Item) -> None:
        for fixturedef in fixturedefs(item) if self._fixtures else ():
            if id(fixturedef) in self._fixtures:
                self._children.join(self._heard[id(fixturedef)])
                users = self._users.setdefault(id(fixturedef), [])
                if item.nodeid not in users:
                    users.append(item.nodeid)
                self._executed |= self._fixtures[id(fixturedef)]

    def _drain(self) -> None:
        taken = self._recorder.take()
        self._executed.update(taken)
        self.ran.update(taken)

    def _new(self, executed: set[int]) -> messages.Functions:
        """The functions whose numbers this run hasn't told yet."""
        new = executed - self._told
        self._told |= new
        return self._recorder.functions.listed(new)

    def _finish(self, item: pytest.Item) -> None:
        self._note_fixtures(item)
        self._executed |= self.always
        outcome = self.outcome
        if self._strays[0]:
            self._strays[0] = 0
            outcome.remark(_STRAY)
        mended = self._recorder.mend()
        self._suspect |= self._children.suspect
        # Asked before functions count as told; a test that is told twice stays what it was.
        self._opaque = self._opaque or self._children.take() or mended
        self._outbox.append(
            messages.TestFinished(
                session=self._command.session,
                run=self._command.run,
                test=item.nodeid,
                outcome=outcome.value,
                durations=outcome.durations,
                loaded=self._loaded.take(self._recorder),
                numbers=list(self._executed),
                functions=self._new(self._executed),
                failure=outcome.failure,
                output=outcome.output,
                reason=outcome.reason,
                opaque=self._opaque,
                program=self._suspect,
                at=self._clock(),
            )
        )


def fixturedefs(item: pytest.Item) -> list[Any]:
    """The fixtures that a test names, overridden ones too, and those that it got by ``getfixturevalue``."""
    declared: dict[str, Any] = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    dynamic: dict[str, Any] = getattr(getattr(item, "_request", None), "_fixture_defs", {})
    return [*dynamic.values(), *(fixturedef for group in declared.values() for fixturedef in group)]


def own_temporary_folder(config: pytest.Config, folder: Path) -> None:
    """Have ``tmp_path`` live in ``folder`` (made when first needed), unless the user named a place."""
    factory: Any = getattr(config, "_tmp_path_factory", None)
    if factory is not None and factory._given_basetemp is None:
        factory._given_basetemp = folder
        factory._basetemp = None


def in_order(items: Mapping[str, pytest.Item], tests: Iterable[str]) -> list[pytest.Item]:
    """The items of the tests that the session knows."""
    return [items[test] for test in tests if test in items]


def elsewhere(item: pytest.Item, others: Iterable[pytest.Item]) -> pytest.Item | None:
    """The nearest test of another file: told that it comes next, pytest leaves up what is wider than a file."""
    chain = item.listchain()
    first = {other.path: other for other in others if other.path != item.path}

    def shared(other: pytest.Item) -> int:
        return sum(mine is theirs for mine, theirs in zip(chain, other.listchain(), strict=False))

    return max(first.values(), key=shared, default=None)
