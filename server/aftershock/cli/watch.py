"""``aftershock watch``: the terminal's version of the editor.  Stays warm, and runs on every save."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Coroutine
from typing import Any

from aftershock.cli.exits import Exit
from aftershock.cli.keys import Keyboard, keys_are_there
from aftershock.cli.terminal import Terminal
from aftershock.engine import events
from aftershock.engine.configuration import Configuration
from aftershock.engine.debugging import CannotDebug, debug_here, wants_debugger
from aftershock.engine.engine import Engine
from aftershock.engine.watching import Watcher
from aftershock.selection.facts import Outcome

_KEYS = "a: all  f: failed  d: debug  p: pause  q: quit"


class Watch:
    """One watched project in one terminal."""

    def __init__(self, configuration: Configuration) -> None:
        """Nothing starts before :meth:`run`."""
        self._configuration = configuration
        self._terminal = Terminal(configuration.root)
        self._engine = Engine(configuration, self._hear)
        self._quit = asyncio.Event()
        self._keyboard = Keyboard(self._pressed)
        self._paused = False
        self._away = False
        self._stopped: list[str] = []
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self) -> int:
        """Watch until q, Ctrl+C or the end of the terminal; returns the exit code."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl+C raises KeyboardInterrupt, which ends us
            loop.add_signal_handler(signal.SIGINT, self._interrupted)
            loop.add_signal_handler(signal.SIGTERM, self._quit.set)
        watcher = Watcher(self._configuration.root, self._engine.files_changed)
        try:
            await self._engine.start()
            watcher.start()
            await self._engine.settled()
            with self._keyboard.heard():
                self._begin()
                await self._quit.wait()
                await self._drop_tasks()
        finally:
            watcher.stop()
            await self._engine.close()
        return Exit.OK

    def _interrupted(self) -> None:
        """Ctrl+C; while somebody debugs, it is the debugger's."""
        if not self._away:
            self._quit.set()

    async def _drop_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _begin(self) -> None:
        """Run what is affected already; on a project without facts that is everything, which is asked for by `a`."""
        known = len(self._engine.tests) - len(self._engine.affected)
        if self._engine.affected and known:
            self._spawn(self._engine.run_affected())
        elif self._engine.affected and not keys_are_there():
            self._spawn(self._engine.build())
        else:
            self._invite()

    def _invite(self) -> None:
        status = self._engine.status
        if status.tests and status.tests == status.affected:
            text = f"No results yet. Press a to run all {status.tests} tests once."
        else:
            text = f"{status.tests} tests, {status.affected} affected, {status.failed} failing."
        self._terminal.line(text)
        self._terminal.line(self._terminal.dim(self._footer()))

    def _footer(self) -> str:
        state = "Paused." if self._paused else "Waiting for a save."
        return f"{state}  {_KEYS}" if keys_are_there() else state

    def _pressed(self, key: str) -> None:
        if key == "q":
            self._engine.cancel()
            self._quit.set()
        elif key == "a":
            self._spawn(self._engine.run_all())
        elif key == "f":
            self._spawn(self._engine.run_failed())
        elif key == "d":
            self._spawn(self._debug_failed())
        elif key == "p":
            self._paused = not self._paused
            (self._engine.pause if self._paused else self._engine.resume)()
            self._terminal.line(self._terminal.dim(self._footer()))

    async def _debug_failed(self) -> None:
        """Open the first failed test in pdb."""
        await self._engine.settled()
        bad = (Outcome.FAILED, Outcome.ERRORED)
        verdicts = ((test, self._engine.state_of(test).verdict) for test in self._engine.tests)
        failed = next((test for test, verdict in verdicts if verdict is not None and verdict.outcome in bad), None)
        if failed is None:
            self._terminal.line("No test failed.")
        else:
            await self._debug(failed, pdb=True)

    async def _debug(self, test: str, pdb: bool) -> None:
        """Lend the terminal to a fresh pytest; saves meanwhile wait until it ends."""
        await self._engine.settled()
        node = self._engine.tests.get(test)
        if node is None or self._away:
            return
        self._terminal.line(self._terminal.bold(f"Debugging {test} in a fresh interpreter."))
        self._away = True
        self._engine.pause()
        try:
            with self._keyboard.lent():
                await debug_here(self._configuration, node, pdb)
        except CannotDebug as error:
            self._terminal.line(self._terminal.bad(str(error)))
        finally:
            self._away = False
        if not self._paused:
            self._engine.resume()
        self._terminal.line(self._terminal.dim(self._footer()))

    def _finished(self, event: events.RunFinished) -> None:
        """Sum a run up; a test that stopped at a breakpoint is given the terminal to go on."""
        self._terminal.summary(event)
        stopped, self._stopped = self._stopped, []
        failed = event.counts.get(Outcome.FAILED, 0) + event.counts.get(Outcome.ERRORED, 0)
        if stopped and keys_are_there():
            self._spawn(self._debug(stopped[0], "--pdb" in self._configuration.pytest_args))
            return
        if failed and keys_are_there() and "--pdb" in self._configuration.pytest_args:
            self._terminal.line("--pdb: press d to open the first failed test in pdb.")
        self._terminal.line(self._terminal.dim(self._footer()))

    def _spawn(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _hear(self, event: events.Event) -> None:
        terminal = self._terminal
        if self._away:
            return  # the terminal is the debugger's
        if isinstance(event, events.RunStarted):
            terminal.clear()
            count = len(event.tests)
            terminal.line(terminal.dim(f"{count} test{'' if count == 1 else 's'}"))
        elif isinstance(event, events.TestFinished):
            terminal.verdict(event.verdict)
            if wants_debugger(event.verdict):
                self._stopped.append(event.verdict.test)
        elif isinstance(event, events.RunFinished):
            self._finished(event)
        elif isinstance(event, events.ProblemsChanged):
            for problem in event.problems:
                terminal.line(terminal.bad(f"{event.path}:{problem.line}: {problem.message}"))
        elif isinstance(event, events.Notice):
            terminal.line(event.message)
        elif isinstance(event, events.StatusChanged) and event.state is events.State.FAILED:
            terminal.line(terminal.bad(event.message))


async def watch(configuration: Configuration) -> int:
    """Watch a project; see the module."""
    return await Watch(configuration).run()
