"""The commands that do one thing and end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from pathlib import Path

from aftershock.cli.exits import Exit, exit_of
from aftershock.cli.terminal import Terminal, interpreter_text
from aftershock.engine import events
from aftershock.engine.agent_process import private
from aftershock.engine.configuration import Configuration
from aftershock.engine.engine import Engine
from aftershock.engine.run_recorder import remembered_run
from aftershock.engine.vitals import running
from aftershock.selection.facts import Outcome, Verdict
from aftershock.store import Store
from aftershock.timeline.page import page

Listener = Callable[[events.Event], None]


@contextlib.asynccontextmanager
async def opened(configuration: Configuration, listener: Listener, warm: bool) -> AsyncIterator[Engine]:
    """An engine, started and in the end closed; Ctrl+C cancels its run, and the second time kills it."""
    engine = Engine(configuration, listener)
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):  # Windows: Ctrl+C raises KeyboardInterrupt, which ends us
        loop.add_signal_handler(signal.SIGINT, engine.cancel)
        loop.add_signal_handler(signal.SIGTERM, engine.cancel)
    try:
        await engine.start(warm=warm)
        yield engine
    finally:
        await engine.close()


async def build(configuration: Configuration, everything: bool) -> int:
    """Run the tests without a fact, or all; interrupted, it goes on where it stopped the next time."""
    terminal = Terminal(configuration.root)
    teller = Teller(terminal)
    async with opened(configuration, teller, warm=True) as engine:
        await engine.settled()
        if _failed(engine):
            return _unable(engine)
        finished = await engine.build(everything)
        if finished is None and _failed(engine):
            return _unable(engine)
        if finished is None:
            terminal.line(_nothing(engine, f"All {len(engine.tests)} tests have results."))
        return _code(engine, finished)


async def affected(configuration: Configuration, as_json: bool) -> int:
    """List the affected tests with their reasons; runs nothing."""
    async with opened(configuration, _complain, warm=False) as engine:
        found = engine.affected
        if as_json:
            rows = [{"id": test, "reasons": list(reasons)} for test, reasons in sorted(found.items())]
            print(json.dumps(rows, indent=2))
            return Exit.OK
        terminal = Terminal(configuration.root)
        for test, reasons in sorted(found.items()):
            terminal.line(f"{test} {terminal.dim('; '.join(reasons))}")
        if not found:
            terminal.line(_nothing(engine, f"None of {len(engine.tests)} tests is affected."))
        return Exit.OK


async def run(configuration: Configuration, as_json: bool) -> int:
    """Run the affected tests."""
    terminal = Terminal(configuration.root)
    listener: Listener = _json_line if as_json else Teller(terminal)
    async with opened(configuration, listener, warm=True) as engine:
        await engine.settled()
        if _failed(engine):
            return _unable(engine)
        finished = await engine.run_affected()
        if finished is None and _failed(engine):
            return _unable(engine)
        if as_json:
            print(json.dumps(_summary(finished, engine.status)), flush=True)
        elif finished is None:
            terminal.line(_nothing(engine, f"None of {len(engine.tests)} tests is affected."))
        return _code(engine, finished)


async def why(configuration: Configuration, asked: str) -> int:
    """Tell why a test is affected, or what keeps it fresh."""
    terminal = Terminal(configuration.root)
    async with opened(configuration, _complain, warm=False) as engine:
        matching = [test for test in engine.tests if test == asked] or [
            test for test in engine.tests if test.endswith(asked)
        ]
        if len(matching) != 1:
            found = "no test" if not matching else f"{len(matching)} tests"
            print(f"aftershock: {found} with the id {asked}.", file=sys.stderr)
            for test in sorted(matching)[:10]:
                print(f"  {test}", file=sys.stderr)
            return Exit.USAGE
        explanation = engine.explain(matching[0])
        state = "affected" if explanation.affected else "fresh: nothing that it depends on has changed"
        terminal.line(f"{matching[0]} is {terminal.bold(state)}")
        for because in explanation.reasons:
            terminal.line(f"  {because.text}")
            for line in because.lines:
                colour = {"-": terminal.bad, "+": terminal.good}.get(line[0], terminal.dim)
                terminal.line(f"    {colour(line)}")
        for line in () if explanation.affected else explanation.inputs:
            terminal.line(f"  {line}")
        for depends in _order_dependent(engine, matching):
            terminal.line(depends.text)
        return Exit.OK


async def status(configuration: Configuration) -> int:
    """Tell what is known, affected and failing, and how the interpreters are that an editor or ``watch`` keeps warm."""
    terminal = Terminal(configuration.root)
    async with opened(configuration, _complain, warm=False) as engine:
        told = engine.status
        failing = terminal.bad(f"{told.failed} failing") if told.failed else "none failing"
        terminal.line(f"{told.tests} tests, {told.affected} affected, {failing}")
        for path, problems in sorted(engine.problems.items()):
            for problem in problems:
                terminal.line(f"{path}:{problem.line}: {problem.message.splitlines()[0]}")
        for depends in _order_dependent(engine, engine.tests):
            terminal.line(f"{depends.test}: {depends.text}")
        for interpreter in running(configuration.root):
            terminal.line(f"warm: {interpreter_text(interpreter, time.time())}")
        return Exit.OK


async def timeline(configuration: Configuration, output: Path | None) -> int:
    """Draw the last run, an editor's too, into a file, and tell its path."""
    folder = configuration.root / ".aftershock"
    store, notice = Store.open(folder / "facts.db")
    drawn = remembered_run(store)
    store.close()
    if notice or drawn is None:
        print(f"aftershock: {notice or 'No run yet.'}", file=sys.stderr)
    path = output or folder / "timeline.html"
    try:
        with open(path, "w", encoding="utf-8", errors="replace", opener=None if output else private) as stream:
            stream.write(page(drawn, secrets.token_urlsafe()))
    except OSError as error:
        print(f"aftershock: {path} can't be written: {error.strerror}.", file=sys.stderr)
        return Exit.USAGE
    print(path)
    return Exit.OK


def _order_dependent(engine: Engine, tests: Iterable[str]) -> Iterator[events.OrderDependent]:
    """Those tests of whose standing verdict it is known that it depends on other tests."""
    for test in tests:
        state = engine.state_of(test)
        found = engine.order_dependence(state.verdict) if state.verdict is not None and not state.affected else None
        if found is not None:
            yield found


class Teller:
    """Tells a run's events in a terminal: failures at length, and the rest in a line each."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def __call__(self, event: events.Event) -> None:
        """Take one event."""
        if isinstance(event, events.TestFinished):
            self._terminal.verdict(event.verdict)
        elif isinstance(event, events.RunFinished):
            self._terminal.summary(event)
        else:
            _complain(event)


def _complain(event: events.Event) -> None:
    """What goes wrong, on stderr."""
    if isinstance(event, events.Notice):
        print(f"aftershock: {event.message}", file=sys.stderr)
    elif isinstance(event, events.ProblemsChanged):
        for problem in event.problems:
            text = (problem.message.splitlines() or [problem.kind])[0]
            print(f"{event.path}:{problem.line}: {text}", file=sys.stderr)


def _json_line(event: events.Event) -> None:
    if isinstance(event, events.TestFinished):
        print(json.dumps(_verdict(event.verdict)), flush=True)
    else:
        _complain(event)


def _verdict(verdict: Verdict) -> Mapping[str, object]:
    line: dict[str, object] = {
        "id": verdict.test,
        "outcome": verdict.outcome.value,
        "seconds": round(verdict.seconds, 6),
    }
    if verdict.failure is not None:
        line["failure"] = {
            "message": verdict.failure.message,
            "text": verdict.failure.text,
            "frames": [vars(frame) for frame in verdict.failure.frames],
        }
    return line


def _summary(finished: events.RunFinished | None, status: events.StatusChanged) -> Mapping[str, object]:
    counts = {outcome.value: finished.counts.get(outcome, 0) if finished else 0 for outcome in Outcome}
    return {
        "summary": counts,
        "tests": status.tests,
        "failing": status.failed,
        "seconds": round(finished.seconds, 6) if finished else 0.0,
        "unfinished": list(finished.unfinished) if finished else [],
    }


def _nothing(engine: Engine, text: str) -> str:
    if not engine.tests:
        return "There are no tests here that pytest would collect."
    failed = engine.status.failed
    return f"{text} {failed} failed before, and nothing that they depend on has changed." if failed else text


def _code(engine: Engine, finished: events.RunFinished | None) -> int:
    """As the run's, but a file that can't be imported is a failure, and so is a test that failed before.

    Nothing that it depends on has changed since, so it would fail again.
    """
    code = exit_of(finished)
    return Exit.FAILED if code is Exit.OK and (engine.problems or engine.status.failed) else code


def _failed(engine: Engine) -> bool:
    """Whether there is no interpreter that could run tests."""
    return engine.status.state is events.State.FAILED


def _unable(engine: Engine) -> int:
    print(f"aftershock: {engine.status.message}", file=sys.stderr)
    return Exit.INTERNAL
