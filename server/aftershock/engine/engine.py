"""The engine: one project, from a changed file to the verdicts of the tests that it affects.

All of it runs on one asyncio loop.  A change is taken in at once (parse, compare, tell); whatever needs the
interpreter is a request to the driver.
"""

from __future__ import annotations

import asyncio
import fnmatch
import itertools
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence, Set as AbstractSet
from dataclasses import replace
from pathlib import Path

from aftershock.engine import events
from aftershock.engine.agent import AgentDied, Collection, SessionBroken
from aftershock.engine.background import Background
from aftershock.engine.collection_memory import CollectionMemory
from aftershock.engine.configuration import Configuration
from aftershock.engine.driver import Driver
from aftershock.engine.events import RunKind, State
from aftershock.engine.explaining import Explanation, explain
from aftershock.engine.foresight import Foreseen, foresee
from aftershock.engine.former_texts import FormerTexts
from aftershock.engine.ledger import Ledger
from aftershock.engine.muting import Muted
from aftershock.engine.order_dependence import OrderDependents
from aftershock.engine.parts import Parts
from aftershock.engine.project import Project
from aftershock.engine.run_recorder import RunRecorder
from aftershock.engine.standing import Standing, TestState
from aftershock.engine.tests_known import KnownTests
from aftershock.engine.vitals import Vitals
from aftershock.engine.warm import WarmSession
from aftershock.engine.warming import Warming
from aftershock.selection.facts import Verdict
from aftershock.store import Store
from aftershock.timeline.last_run import LastRun
from aftershock_agent import messages

__all__ = ["Engine", "TestState"]

log = logging.getLogger(__name__)

_IN_PROCESS = (
    "Tests run in the interpreter that has imported the project, not in forks of it, because {}. What they leave "
    "behind can reach later runs; docs/configuration.md tells more (setting aftershock.isolation)."
)
_DEFERRED = 3.0  # seconds without a save before runMode "deferred" runs
_TEST_FILES = ("test_*.py", "*_test.py")  # pytest's default for python_files


class Engine:
    """See the module; every method must be called on the loop's thread."""

    def __init__(self, configuration: Configuration, listener: Callable[[events.Event], None]) -> None:
        """``listener`` hears every event, on the loop's thread."""
        self._configuration = configuration
        self._tell = listener
        self._deferred: asyncio.TimerHandle | None = None
        self._told_isolation = False
        self.run_numbers = itertools.count(1)
        """For runs of other kinds, too: no two have the same."""

    # --- life -----------------------------------------------------------------------------------

    async def start(self, warm: bool = True) -> None:
        """Open the store, read the project, tell what is affected; ``warm``: start the interpreter too.

        Without ``warm`` an interpreter is used all the same, and ended again, when the list of tests may not hold.
        """
        root = self._configuration.root
        self._store, notice = Store.open(root / ".aftershock" / "facts.db")
        if notice:
            self._tell(events.Notice("warning", notice))
        self._background = Background()
        self._former = FormerTexts(self._store, self._background)
        self._recorder = RunRecorder(self._store, self._background, self._tell)
        self._project = Project(root, self._configuration.pytest_args, self._store)
        await self._project.scan(self._store.get_meta("distributions") or "")
        self._memory = CollectionMemory(self._store)
        self._known = KnownTests(root, self._store, self._tell)
        self._ledger = Ledger(self._store, self._store.get_meta("variant") or "", self._project.present.snapshot)
        self._order_dependents, self.muted = OrderDependents(self._store), Muted(self._store)
        self._standing = Standing(self._ledger, lambda: self._known.nodes, lambda: self._known.digests)
        told = self._born, self._collected, self._followed, self._absorb
        self._warming = Warming(self._configuration, self._project, *told)
        self._vitals = Vitals(root, self._warming, self._measured)
        self._driver = Driver(self._parts(), self._tell_status)
        self._note_syntax(self._project.present.sources)
        self._known.announce()
        self._refresh()
        if warm:
            self._driver.start()
        elif not self._memory.holds(self._project.present.snapshot):
            await self._collect_once()

    def _hear(self, event: events.Event) -> None:
        self._recorder.hear(event)
        if isinstance(event, events.RunStarted):
            self._former.run_started(self._project.present.sources)
        elif isinstance(event, events.RunFinished):
            self._former.run_finished()

    def _parts(self) -> Parts:
        known = self._configuration, self._known, self._ledger, self._standing
        told = self._hear, self._absorb, self._warmed, self.run_numbers
        return Parts(*known, self._warming, self._order_dependents, *told)

    async def close(self) -> None:
        """Kill the interpreter and close the store; what is committed stays."""
        if self._deferred is not None:
            self._deferred.cancel()
        await self._driver.stop()
        await self._warming.stop()
        await self._vitals.close()
        self._background.close()
        self._store.close()

    async def settled(self) -> None:
        """Wait until nothing is running, waiting, or being warmed."""
        await self._driver.settled()

    async def refined(self) -> None:
        """Wait until every fact is exact that can be: what idle time is used for."""
        await self._driver.refined()

    async def restart_interpreter(self) -> None:
        """Throw the interpreter away and start a new one."""
        self._driver.cancel()
        self._driver.cancel()
        self._driver.move(State.STARTING, "Restarting the interpreter")
        await self._driver.stop_resting()
        await self._warming.stop()
        self._driver.wake()

    # --- what there is --------------------------------------------------------------------------

    @property
    def tests(self) -> Mapping[str, events.TestNode]:
        """The tests that exist, by id."""
        return self._known.nodes

    @property
    def affected(self) -> Mapping[str, tuple[str, ...]]:
        """The affected tests with their reasons."""
        return self._standing.affected

    @property
    def problems(self) -> Mapping[str, tuple[events.Problem, ...]]:
        """Syntax and import errors by file."""
        return self._known.problems()

    @property
    def status(self) -> events.StatusChanged:
        """The state and its counts."""
        counts = len(self.tests), len(self.affected), len(self._standing.failing)
        return events.StatusChanged(self._driver.state, self._driver.message, *counts, self._vitals.interpreter)

    @property
    def last_run(self) -> LastRun | None:
        """The last run, for its timeline; None before the first."""
        return self._recorder.last

    def state_of(self, test: str) -> TestState:
        """How a test stands."""
        return TestState(test in self.affected, test in self._driver.running, self._standing.verdict(test))

    def order_dependence(self, verdict: Verdict) -> events.OrderDependent | None:
        """What is known of a test with this verdict that says something else when it runs alone."""
        return self._order_dependents.of(verdict)

    def tests_reaching(self, path: str) -> Mapping[str, AbstractSet[str]]:
        """The tests that executed something of a file last time, by function, and by class for its members."""
        existing = self.tests.keys()
        return {name: tests & existing for name, tests in self._ledger.index.reached(path).items()}

    def foresee(self, path: str, text: bytes) -> Foreseen | None:
        """The tests that a save of this text would affect; None where that can't be told."""
        found = foresee(path, text, self._project.present.snapshot, self._ledger.index)
        return replace(found, tests=found.tests & self.tests.keys()) if found is not None else None

    def explain(self, test: str) -> Explanation:
        """Why a test is affected or fresh; raises KeyError for an unknown test."""
        if test not in self.tests:
            raise KeyError(test)
        present = self._project.present.sources
        return explain(test, test in self.affected, self._ledger.index, self._former, present)

    # --- what changes ---------------------------------------------------------------------------

    def files_changed(self, paths: Iterable[Path]) -> None:
        """Files (absolute paths) were saved, made, removed or renamed: look, tell, and run if so configured."""
        self._absorb(paths)

    def _absorb(self, paths: Iterable[Path]) -> None:
        change = self._project.look(paths, self._warming.foretell)
        if not change:
            return
        self._driver.anticipate()
        self._note_syntax([*change.changed, *change.removed])
        for path in change.removed & set(self._known.paths):
            self._known.drop(path)
        self._refresh()
        self._driver.stop_outdated(change)
        if not self._driver.paused and self._configuration.run_mode != "onDemand":
            self._run_after(change.changed)
        self._driver.wake()

    def _note_syntax(self, paths: Iterable[str]) -> None:
        for path in paths:
            file = self._project.present.sources.get(path)
            error = file.symbols.error if file else None
            problem = events.Problem("syntax", error.message, error.line, error.column) if error else None
            self._known.note_syntax(path, problem)

    def _refresh(self) -> None:
        self._driver.record()  # else tests that have their verdict would be told as affected
        self._tell(self._standing.refresh(self._project.present.snapshot))
        self._tell_status()

    def _run_after(self, changed: frozenset[str]) -> None:
        if self._deferred is not None:
            self._deferred.cancel()
        if self._configuration.run_mode == "deferred":
            loop = asyncio.get_running_loop()
            self._deferred = loop.call_later(_DEFERRED, self._request_affected, changed)
        else:
            self._request_affected(changed)

    def _request_affected(self, changed: frozenset[str]) -> None:
        """Ask for the affected tests that have run before, and the new ones of changed test files."""
        chosen = self._auto_tests(changed)
        files = frozenset(path for path in changed if self._may_hold_tests(path))
        seconds = sum(self._ledger.seconds(test) or 0.0 for test in chosen)
        if seconds > self._configuration.max_auto_run_seconds:
            text = f"{len(chosen)} tests are affected, about {seconds:.0f} s of work; run them when it suits you."
            self._tell(events.Notice("info", text, "long"))
        elif chosen or files:
            self._driver.ask(RunKind.SAVE, lambda: self._auto_tests(changed), files)

    def _auto_tests(self, changed: frozenset[str]) -> list[str]:
        """Affected tests that a save may run: not those that wait for a first build, unless their file was just edited.

        Those that see a file with a syntax error wait for its repair.
        """
        broken = self._known.broken_sources
        return [
            test
            for test in self.affected
            if (self.tests[test].path in changed or not self._standing.waits_for_build(test))
            and not (broken and self._standing.sees_any(test, broken))
        ]

    def _may_hold_tests(self, path: str) -> bool:
        if path in self._known.broken_sources:
            return False
        session = self._warming.session
        patterns = session.python_files if session else _TEST_FILES
        name = path.rpartition("/")[2]
        return path in self._known.paths or any(fnmatch.fnmatch(name, pattern) for pattern in patterns)

    # --- what people ask for --------------------------------------------------------------------

    async def run_affected(self, kind: RunKind = RunKind.REQUEST) -> events.RunFinished | None:
        """Run the affected tests; None when there are none."""
        return await self._driver.ask(kind, lambda: list(self.affected))

    async def run_all(self, kind: RunKind = RunKind.REQUEST) -> events.RunFinished | None:
        """Run every test."""
        return await self._driver.ask(kind, lambda: list(self.tests))

    async def run_failed(self) -> events.RunFinished | None:
        """Run the tests that failed last."""
        return await self._driver.ask(RunKind.REQUEST, lambda: [t for t in self.tests if t in self._standing.failing])

    async def run_tests(self, tests: Sequence[str]) -> events.RunFinished | None:
        """Run these tests."""
        return await self._driver.ask(RunKind.REQUEST, lambda: tests)

    async def build(self, everything: bool = False) -> events.RunFinished | None:
        """Run what has no fact yet, or everything; takes up where a cancelled build stopped."""
        return await self._driver.ask(
            RunKind.BUILD, lambda: list(self.tests if everything else self._standing.unbuilt())
        )

    async def rebuild(self) -> None:
        """Forget all facts and build anew, with a new interpreter: what was imported may have read other data."""
        await self.restart_interpreter()
        self._ledger.forget()
        self._refresh()
        await self.build()

    def cancel(self) -> None:
        """Stop the run after its tests in flight, and drop what waits; the second time, kill."""
        self._driver.cancel()

    def pause(self) -> None:
        """Run nothing on saves until resumed."""
        self._driver.paused = True
        self._driver.move(State.PAUSED, "Paused: saves run nothing")

    def resume(self) -> None:
        """Run on saves again, beginning with what is affected now; from now on even if the setting is ``onDemand``."""
        self._driver.paused = False
        if self._configuration.run_mode == "onDemand":
            self._configuration = replace(self._configuration, run_mode="onSave")
        self._driver.move(State.READY)
        self._request_affected(frozenset())

    # --- what the interpreter tells -------------------------------------------------------------

    def _born(self, ready: messages.BaseReady) -> None:
        """A new interpreter: its version and installation are inputs of every fact."""
        log.info("interpreter: Python %s, pytest %s, recording by %s", ready.python, ready.pytest, ready.recording)
        variant = f"{ready.python} {ready.platform}"
        moved = self._project.set_distributions(ready.distributions)
        if moved or variant != self._ledger.index.variant:
            self._ledger.set_variant(variant)
            self._store.set_meta("variant", variant)
            self._store.set_meta("distributions", ready.distributions)
            self._refresh()

    def _collected(self, collection: Collection, paths: Iterable[str] | None) -> None:
        """Take in the tests; run new ones that a change elsewhere has made (a longer parametrize list)."""
        self._known.clear_broken()
        session = self._warming.session
        if session is not None:
            self._ledger.learn(session, collection.result)
            self._tell_isolation(session.agent.in_process)
        fresh = self._known.take(collection, paths)
        if paths is None and session is not None:
            self._memory.remember(session.import_executed, session.present.snapshot)
        before = set(self.affected)
        self._refresh()
        saves_run = self._configuration.run_mode == "onSave" and not self._driver.paused
        if self._driver.warmed and saves_run and self._mostly_built():
            found = {*fresh, *(test for test in self.affected if test not in before)}
            if found:
                self._driver.ask(RunKind.SAVE, lambda: [test for test in self.affected if test in found])

    def _followed(self, session: WarmSession) -> None:
        """A session was made equal to the present in place: that tells what its imports would come to now."""
        if session.present is self._project.present and self._ledger.learn_patched(session):
            self._refresh()

    def _tell_isolation(self, reason: str) -> None:
        """Tell once that tests can't run in forks, unless that is what was asked for."""
        if reason and not self._told_isolation and self._configuration.isolation != "inProcess":
            self._told_isolation = True
            self._tell(events.Notice("info", _IN_PROCESS.format(reason), "isolation"))

    def _warmed(self) -> None:
        """After the first collection: offer to build what nobody ever ran."""
        self._driver.move(State.READY)
        if self._mostly_built():
            return
        if self._configuration.initial_build == "auto":
            self._driver.ask(RunKind.BUILD, self._standing.unbuilt)
        elif self._configuration.initial_build == "prompt":
            self._tell(events.BuildNeeded(len(self._standing.unbuilt())))

    def _mostly_built(self) -> bool:
        waiting = sum(map(self._standing.waits_for_build, self.tests))
        return waiting * 2 < len(self.tests) or not self.tests

    async def _collect_once(self) -> None:
        try:
            await self._warming.ready(lambda: None)
        except (AgentDied, SessionBroken) as error:
            self._tell(events.Notice("warning", f"The tests could not be collected anew: {error}"))
        await self._warming.stop()

    def _measured(self) -> None:
        """The interpreter was measured: if its session has grown too far, another is prepared while nobody waits."""
        self._tell(self.status)
        memory = self._vitals.own_memory
        if memory is not None and self._warming.outgrown(memory, self._driver.idle):
            self._driver.wake()

    def _tell_status(self) -> None:
        self._tell(self.status)
        self._vitals.touch()
