"""One project in one client: the engine's events, turned into what an editor shows."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lsprotocol.types import CodeAction, CodeActionKind, CodeActionParams, CodeLens, Location

from aftershock.engine import events
from aftershock.engine.configuration import Configuration
from aftershock.engine.debugging import Address, Debugging, chosen
from aftershock.engine.engine import Engine
from aftershock.engine.watching import Watcher
from aftershock.lsp import protocol
from aftershock.lsp.actions import actions_for
from aftershock.lsp.client import Client
from aftershock.lsp.coverage import Coverage
from aftershock.lsp.diagnostics import SOURCE, severities_of
from aftershock.lsp.explorer import items_of
from aftershock.lsp.lenses import lenses_of, own_tests
from aftershock.lsp.outlines import Outlines
from aftershock.lsp.places import Places
from aftershock.lsp.preview import Preview
from aftershock.lsp.problems import Problems
from aftershock.lsp.progress import BuildProgress
from aftershock.lsp.publishing import Publisher
from aftershock.lsp.reach import Reach
from aftershock.lsp.refreshing import Refresher
from aftershock.lsp.runs import Runs
from aftershock.lsp.timing import Delayed
from aftershock.selection.facts import Verdict

log = logging.getLogger(__name__)

INTERNAL = "Aftershock met an error of its own; .aftershock/server.log has it."
_LENS_WAIT = 0.3  # seconds that a lens may wait
_RUN_ALL = "Run All Tests"
_MUTE = "Don't Ask Again"
_BUILD = "build"


class Session:
    """Owns the engine, the watcher and all that is shown; lives on the server's loop."""

    def __init__(
        self, client: Client, configuration: Configuration, given: Path, explorer: bool, debugger: bool
    ) -> None:
        """``given`` is the folder as the client spelt it.

        ``explorer``: the client wants to hear of tests; ``debugger``: it attaches to a debugged test by itself.
        """
        self._client = client
        self._configuration = configuration
        self._explorer = explorer
        self._debugger = debugger
        self._started = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._modules: dict[str, tuple[events.TestNode, ...]] = {}
        self._own: dict[str, Mapping[str, Sequence[str]]] = {}
        self.places = Places(configuration.root, given)
        self.engine = Engine(configuration, self._hear)
        self._debugging = Debugging(configuration)
        self.runs = Runs(self.places, self._tell_step)
        steps = Runs(self.places, self._tell_step)
        numbers = self.engine.run_numbers
        self.coverage = Coverage(client, configuration, self.places, steps, lambda: self.engine.tests, numbers)
        self._outlines = Outlines()
        severities = severities_of(configuration)
        self._publisher = Publisher(self.places, client.publish, severities)
        self._problems = Problems(
            severities,
            self.places,
            self._outlines,
            self._publisher,
            lambda: self.engine.tests,
            lambda test: self.engine.state_of(test),
            lambda verdict: self.engine.order_dependence(verdict),
        )
        self._affected = Delayed(self._send_affected)
        self._restored: set[str] = set()
        self._asking: set[str] = set()
        self._refresher = Refresher(client.refresh_lenses)
        self._reach = Reach(self.engine, self._refresher.request)
        self._preview = Preview(self.engine.foresee, self._refresher.request)
        self._progress = BuildProgress(client.progress, self.spawn)
        self._watcher = Watcher(configuration.root, self.files_changed)
        self._heard = self._table()

    def _table(self) -> dict[type, Sequence[Callable[[Any], None]]]:
        """Who hears which event, in which order."""
        problems, runs, progress, reach = self._problems, self.runs, self._progress, self._reach
        return {
            events.StatusChanged: (self._status,),
            events.ModuleDiscovered: (reach.tests_changed, self._module),
            events.ModuleRemoved: (reach.tests_changed, self._module_removed),
            events.AffectedChanged: (reach.affected_changed, problems.affected_changed, self._affected_changed),
            events.RunStarted: (
                reach.run_started,
                problems.run_started,
                runs.started,
                progress.started,
                self._lenses_changed,
            ),
            events.TestStarted: (runs.test_started,),
            events.TestFinished: (
                reach.test_finished,
                problems.test_finished,
                lambda event: runs.test_finished(event, self.engine.tests.get(event.verdict.test)),
                progress.advanced,
                self._lenses_changed,
            ),
            events.RunFinished: (
                reach.run_finished,
                problems.run_finished,
                runs.finished,
                progress.finished,
                self._ended,
            ),
            events.ProblemsChanged: (problems.problems_changed,),
            events.OrderDependent: (problems.order_dependent,),
            events.BuildNeeded: (self._build_needed,),
            events.Notice: (self._notice,),
        }

    # --- life -------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the project; what goes wrong is told in one sentence, and the server stays."""
        try:
            await self.engine.start()
            self._started = True
            self._watcher.start()
        except Exception:
            log.exception("the project could not be opened")
            self._client.show("error", INTERNAL)
            self._client.notify(protocol.STATUS, protocol.Status("failed", INTERNAL, 0, 0, 0))
            return
        self._problems.settle(list(self.engine.tests))
        self._refresher.request()

    async def close(self) -> None:
        """End the engine and the watcher, and take back what is shown."""
        started, self._started = self._started, False
        self._refresher.close()
        self._reach.close()
        self._preview.close()
        self._watcher.stop()
        for task in self._tasks:
            task.cancel()
        await self._debugging.close()
        await self.coverage.close()
        if started:
            await self.engine.close()
        self._affected.cancel()
        self._publisher.clear()

    def spawn(self, work: Coroutine[Any, Any, object]) -> None:
        """Let something go on by itself; its failure is logged, and told in one sentence."""
        task = asyncio.get_running_loop().create_task(self._guard(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guard(self, work: Awaitable[object]) -> None:
        try:
            await work
        except Exception:
            log.exception("a request failed")
            self._client.show("error", INTERNAL)

    @property
    def started(self) -> bool:
        """Whether the engine can be asked."""
        return self._started

    # --- what the client tells and asks -------------------------------------------------------

    def files_changed(self, paths: Iterable[Path]) -> None:
        """Files (absolute paths) were saved, or changed behind the client's back."""
        if not self._started:
            return
        found = list(paths)
        self.engine.files_changed(found)
        # What a file had to show goes with it.
        gone = (self.places.inside(str(path)) for path in found if not path.exists())
        self._publisher.touch(path for path in gone if path is not None)

    def typed(self, uri: str, read: Callable[[], str]) -> None:
        """The text of an open file has changed, and isn't saved; ``read`` gives it."""
        path = self.places.path(uri)
        if path is not None and self._started and self._configuration.preview:
            self._preview.typed(path, read)

    def left(self, uri: str) -> None:
        """A file was saved or closed: what the client has of it is what the disk has."""
        path = self.places.path(uri)
        if path is not None:
            self._preview.forget(path)

    async def calm(self) -> None:
        """Wait for the end of a run that is on or about to be, for a while at most.

        Lenses of a large file take longer than a quick run has left: asked at once they would hold its verdicts up, and
        be out of date on arrival.
        """
        if self._started:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.engine.settled(), _LENS_WAIT)

    def lenses(self, uri: str, text: str) -> list[CodeLens]:
        """The lenses of a file, placed in its text as the editor has it."""
        path = self.places.path(uri)
        if path is None or not self._started or not self._configuration.code_lens_enable:
            return []
        found: list[CodeLens] = []
        for definition in self._outlines.of(path, text):
            own = self._own_tests(path, definition.qualname)
            tests = own or self._reach.tests(path, definition.qualname)
            if tests:
                found += lenses_of(uri, definition, self._reach.summary(tests), own, self._preview.of(tests))
        return found

    def actions(self, params: CodeActionParams) -> list[CodeAction]:
        """What can be done about what is marked in a place of a file."""
        path, only = self.places.path(params.text_document.uri), params.context.only
        if path is None or not self._started:
            return []
        if only and not any(kind in ("", CodeActionKind.QuickFix) for kind in only):
            return []
        marks = self._publisher.marks_at(path, params.range.start.line, params.range.end.line)
        shown = [each for each in params.context.diagnostics if each.source == SOURCE]
        return actions_for(marks, shown, self._publisher.marks_of, self.places)

    async def open_location(self, location: Location) -> None:
        """Have the client show a place."""
        await self._client.open(location)

    def tests_of(self, reference: protocol.SymbolReference) -> Sequence[str]:
        """The tests of a symbol: those that it is, or else those that reach it."""
        path = self.places.path(reference.uri)
        if path is None or not self._started:
            return ()
        own = self._own_tests(path, reference.qualname)
        return own or sorted(self.engine.tests_reaching(path).get(reference.qualname, ()))

    def show_tests(self, reference: protocol.SymbolReference) -> protocol.SymbolTests:
        """A symbol's tests, those that failed or are affected first."""
        shown = [self._symbol_test(test) for test in self.tests_of(reference) if test in self.engine.tests]
        bad = ("failed", "errored")
        shown.sort(key=lambda test: (test.outcome not in bad, not test.affected, test.id))
        return protocol.SymbolTests(shown)

    def show_tests_of_line(self, uri: str, line: int) -> protocol.LineTests:
        """The tests that execute a line (zero-based), or else reach the function that it is in."""
        path, text = self.places.path(uri), self._client.text(uri)
        if path is None or text is None:
            return protocol.LineTests((), False)
        measured = self.coverage.tests_of_line(path, text, line + 1)
        if measured is not None:
            return protocol.LineTests([self._symbol_test(test) for test in measured if test in self.engine.tests], True)
        around = [each for each in self._outlines.of(path, text) if each.line <= line + 1 <= each.end_line]
        symbol = max(around, key=lambda each: each.line).qualname if around else ""
        return protocol.LineTests(self.show_tests(protocol.SymbolReference(uri, symbol)).tests, False)

    async def debug(self, wanted: Iterable[str]) -> Address | None:
        """Start tests, or those that ids of classes stand for, for a debugger; None without any.

        Raises CannotDebug.
        """
        known = self.engine.tests
        tests = dict.fromkeys(test for one in wanted for test in chosen(known, one))
        if not tests:
            return None
        address = await self._debugging.start([known[test] for test in tests])
        if not self._debugger:
            self._client.show(
                "info", f"The test waits at {address.host}:{address.port} for a debugger to attach (DAP)."
            )
        return address

    def _symbol_test(self, test: str) -> protocol.SymbolTest:
        node, state = self.engine.tests[test], self.engine.state_of(test)
        outcome = state.verdict.outcome.value if state.verdict else None
        place = self.places.location(node.path, node.line)
        return protocol.SymbolTest(test, ".".join(node.chain) or test, place, outcome, state.affected)

    def _own_tests(self, path: str, qualname: str) -> Sequence[str]:
        if path not in self._own:
            self._own[path] = own_tests(self._modules.get(path, ()))
        return self._own[path].get(qualname, ())

    # --- what the engine tells --------------------------------------------------------------------

    def _hear(self, event: events.Event) -> None:
        for tell in self._heard[type(event)]:
            try:
                tell(event)
            except Exception:
                # The engine must go on: that an event can't be shown is no reason to lose its fact.
                log.exception("an event could not be shown: %s", type(event).__name__)

    def _status(self, event: events.StatusChanged) -> None:
        counts = event.tests, event.affected, event.failed
        interpreter = protocol.Interpreter(**vars(event.interpreter)) if event.interpreter else None
        status = protocol.Status(event.state.value, event.message, *counts, interpreter)
        self._client.notify(protocol.STATUS, status)

    def _module(self, event: events.ModuleDiscovered) -> None:
        before = {node.id for node in self._modules.get(event.path, ())}
        self._problems.drop(before - {node.id for node in event.tests})
        self._modules[event.path] = event.tests
        self._own.pop(event.path, None)
        if self._explorer:
            outline = self._outlines.of(event.path, self.places.text(event.path))
            module = protocol.TestModule(self.places.uri(event.path), items_of(event.tests, outline))
            self._client.notify(protocol.TEST_MODULE, module)

    def _module_removed(self, event: events.ModuleRemoved) -> None:
        self._problems.drop(node.id for node in self._modules.pop(event.path, ()))
        self._own.pop(event.path, None)
        if self._explorer:
            module = protocol.TestModuleDelete(self.places.uri(event.path))
            self._client.notify(protocol.TEST_MODULE_DELETE, module)

    def _affected_changed(self, event: events.AffectedChanged) -> None:
        self._tell_affected(event.restored)
        self.runs.restored(self._standing(event.restored))
        self._lenses_changed(event)

    def _standing(self, tests: Iterable[str]) -> Iterable[tuple[Verdict, events.TestNode]]:
        for test in tests:
            verdict, node = self.engine.state_of(test).verdict, self.engine.tests.get(test)
            if verdict is not None and node is not None:
                yield verdict, node

    def _ended(self, event: events.RunFinished) -> None:
        self._tell_affected(())
        self._lenses_changed(event)

    def _tell_affected(self, restored: Sequence[str]) -> None:
        self._restored.update(restored)
        self._affected.request()

    def _send_affected(self) -> None:
        restored, self._restored = sorted(self._restored), set()
        tests = [protocol.AffectedTest(test, reasons) for test, reasons in self.engine.affected.items()]
        self._client.notify(protocol.AFFECTED_TESTS, protocol.AffectedTests(tests, restored))

    def _lenses_changed(self, _: events.Event) -> None:
        self._refresher.request()

    def _tell_step(self, step: protocol.TestRunProgress) -> None:
        if self._explorer:
            self._client.notify(protocol.TEST_RUN_PROGRESS, step)

    def _notice(self, notice: events.Notice) -> None:
        if not notice.topic:
            self._client.show(notice.level, notice.message)
        elif notice.topic not in self.engine.muted and notice.topic not in self._asking:
            self._asking.add(notice.topic)
            self.spawn(self._tell_mutable(notice))

    async def _tell_mutable(self, notice: events.Notice) -> None:
        """Tell it with a way to hear no more of it; while it stands there unanswered it isn't told again."""
        try:
            if await self._client.ask(notice.message, _MUTE, otherwise=notice.level) == _MUTE:
                self.engine.muted.add(notice.topic)
        finally:
            self._asking.discard(notice.topic)

    def _build_needed(self, event: events.BuildNeeded) -> None:
        if _BUILD not in self.engine.muted:
            self.spawn(self._offer_build(event.total))

    async def _offer_build(self, total: int) -> None:
        tests = "the one test" if total == 1 else f"all {total} tests"
        question = f"Aftershock has no results yet. Run {tests} once to learn what reaches what?"
        chosen = await self._client.ask(question, _RUN_ALL, "Not Now", _MUTE)
        if chosen == _RUN_ALL:
            await self.engine.build()
        elif chosen == _MUTE:
            self.engine.muted.add(_BUILD)
