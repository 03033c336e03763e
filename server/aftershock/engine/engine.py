"""The engine: one project, from a changed file to the verdicts of the tests that it affects.

All of it runs on one asyncio loop.  A change is taken in at once (parse, compare, tell); whatever needs the agent is
a request in a queue, which one task works off.
"""

from __future__ import annotations

import asyncio
import fnmatch
import hashlib
import json
import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aftershock.engine import events
from aftershock.engine.agent import AgentDied, Collection, SessionBroken
from aftershock.engine.configuration import Configuration
from aftershock.engine.events import RunKind, State
from aftershock.engine.ledger import Ledger, verdict_of
from aftershock.engine.project import Change, Project
from aftershock.engine.runner import Runner, TestEvent, processes_for
from aftershock.engine.tests_known import KnownTests
from aftershock.engine.warm import Outdated, WarmSession
from aftershock.engine.warming import Warming
from aftershock.selection.facts import Outcome, Verdict
from aftershock.selection.symbols import symbol_of
from aftershock.store import Store
from aftershock_agent import messages

log = logging.getLogger(__name__)

_INTERNAL = "Aftershock had an internal error; the log tells more. The next save tries again."
_DEFERRED = 3.0  # seconds without a save before runMode "deferred" runs


@dataclass(frozen=True)
class TestState:
    """How a test stands; ``verdict`` is the last one, still true unless ``affected``."""

    __test__ = False
    affected: bool
    running: bool
    verdict: Verdict | None


@dataclass(frozen=True)
class Explanation:
    """Why a test is affected, or what keeps it fresh: the keys of its last fact."""

    affected: bool
    reasons: tuple[str, ...]
    inputs: tuple[str, ...]


@dataclass
class _Request:
    """Tests that somebody waits for; ``files`` are test files whose new tests belong to it too."""

    kind: RunKind
    tests: Callable[[], Sequence[str]]
    files: frozenset[str] = frozenset()
    done: asyncio.Future[events.RunFinished | None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Engine:
    """See the module; every public method must be called on the loop's thread."""

    def __init__(self, configuration: Configuration, listener: Callable[[events.Event], None]) -> None:
        """``listener`` hears every event, on the loop's thread."""
        self._configuration = configuration
        self._listener = listener
        self._requests: deque[_Request] = deque()
        self._wake = asyncio.Event()
        self._driver: asyncio.Task[None] | None = None
        self._idle: asyncio.Task[None] | None = None
        self._runner: Runner | None = None
        self._running: dict[str, RunKind] = {}
        self._affected: dict[str, tuple[str, ...]] = {}
        self._standing: dict[str, Verdict | None] = {}
        self._cancelling = False
        self._paused = False
        self._changed_state = asyncio.Event()
        self._deferred: asyncio.TimerHandle | None = None
        self._asked = False
        self._requeue = False
        self._counts: Counter[Outcome] = Counter()
        self._run = 0
        self._state = State.STARTING
        self._message = ""

    # --- life -------------------------------------------------------------------------------

    async def start(self, warm: bool = True) -> None:
        """Open the store, read the project, tell what is affected; ``warm``: start the interpreter too.

        Without ``warm`` an interpreter is still used, and ended again, when tests must be collected anew.
        """
        root = self._configuration.root
        self._store, notice = Store.open(root / ".aftershock" / "facts.db")
        self._project = Project(root, self._configuration.pytest_args, self._store)
        await asyncio.to_thread(self._project.scan, self._store.get_meta("distributions") or "")
        self._known = KnownTests(root, self._store, self._listener)
        self._ledger = Ledger(self._store, self._store.get_meta("variant") or "", self._project.present.snapshot)
        self._warming = Warming(self._configuration, self._project, self._born, self._collected, self._absorb)
        if notice:
            self._listener(events.Notice("warning", notice))
        self._note_syntax(self._project.present.sources)
        self._known.announce()
        self._refresh()
        if warm:
            self._driver = asyncio.create_task(self._drive())
            self._wake.set()
        elif self._collection_digest() != self._store.get_meta("collection"):
            await self._collect_once()

    async def close(self) -> None:
        """Kill the interpreter and close the store; what is committed stays."""
        for task in (self._driver, self._idle):
            if task is not None:
                task.cancel()
                await asyncio.wait([task])
        for request in self._requests:
            _settle(request, None)
        self._set(State.STOPPED, "")
        await self._warming.stop()
        self._store.close()

    async def restart_interpreter(self) -> None:
        """Throw the interpreter away and start a new one."""
        self.cancel()
        await self._stop_idle()
        await self._warming.stop()
        self._set(State.STARTING, "Restarting the interpreter")
        self._wake.set()

    async def settled(self) -> None:
        """Wait until the interpreter is warm, or can't be, and every request is done."""
        while self._driver is not None and (self._requests or self._running or not self._at_rest()):
            await self._changed_state.wait()
            self._changed_state.clear()

    # --- what there is ----------------------------------------------------------------------

    @property
    def tests(self) -> Mapping[str, events.TestNode]:
        """The tests that exist, by id."""
        return self._known.nodes

    @property
    def affected(self) -> Mapping[str, tuple[str, ...]]:
        """The affected tests with their reasons."""
        return self._affected

    @property
    def problems(self) -> Mapping[str, tuple[events.Problem, ...]]:
        """Syntax and import errors by file."""
        return self._known.problems()

    @property
    def status(self) -> events.StatusChanged:
        """The state and its counts."""
        failed = sum(1 for test in self.tests if self._fails(test))
        return events.StatusChanged(self._state, self._message, len(self.tests), len(self._affected), failed)

    def state_of(self, test: str) -> TestState:
        """How a test stands."""
        return TestState(test in self._affected, test in self._running, self._verdict(test))

    def tests_reaching(self, path: str, qualname: str | None) -> tuple[str, ...]:
        """The tests that executed a function (or a member of that class; None: anything in the file) last time."""
        return tuple(test for test in self._ledger.index.reaching(path, qualname) if test in self.tests)

    def explain(self, test: str) -> Explanation:
        """Why a test is affected or fresh; raises KeyError for an unknown test."""
        if test not in self.tests:
            raise KeyError(test)
        fact = self._ledger.index.matching(test) or self._ledger.index.latest(test)
        inputs = sorted({str(key) for inputs in fact.inputs for key, _ in inputs}) if fact else []
        return Explanation(test in self._affected, self._affected.get(test, ()), tuple(inputs))

    # --- what changes -----------------------------------------------------------------------

    def files_changed(self, paths: Iterable[Path]) -> None:
        """Some files (absolute paths) were saved, made, removed or renamed: look, tell, and run if so configured."""
        self._absorb(paths)

    def _absorb(self, paths: Iterable[Path]) -> None:
        change = self._project.look(paths)
        if not change:
            return
        self._note_syntax([*change.changed, *change.removed])
        for path in change.removed & set(self._known.paths):
            self._known.drop(path)
        self._refresh()
        self._stop_outdated(change)
        if not self._paused and self._configuration.run_mode != "onDemand":
            self._run_after(change.changed)
        self._wake.set()

    def _note_syntax(self, paths: Iterable[str]) -> None:
        for path in paths:
            file = self._project.present.sources.get(path)
            error = file.symbols.error if file else None
            problem = events.Problem("syntax", error.message, error.line, error.column) if error else None
            self._known.note_syntax(path, problem)

    def _refresh(self) -> None:
        """Compute the affected set anew and tell it, with the tests that memory has a new answer for."""
        index = self._ledger.index
        index.update(self._project.present.snapshot)
        before, self._standing = self._standing, {test: self._true_verdict(test) for test in self.tests}
        reasons = self._ledger.reasons(self.tests)
        self._affected = {test: tuple(reason.text for reason in why) for test, why in reasons.items()}
        restored = tuple(
            test for test, now in self._standing.items() if now is not None and before.get(test) is not now
        )
        self._listener(events.AffectedChanged(dict(self._affected), restored))
        self._tell_status()

    def _stop_outdated(self, change: Change) -> None:
        """A run in flight whose remaining tests see the change is stopped; what it leaves is run again."""
        runner = self._runner
        paths = change.changed | change.removed
        if runner is not None and any(self._sees_any(test, paths) for test in runner.unfinished):
            runner.cancel(kill=True)
            self._requeue = True

    def _run_after(self, changed: frozenset[str]) -> None:
        if self._configuration.run_mode == "deferred":
            if self._deferred is not None:
                self._deferred.cancel()
            loop = asyncio.get_running_loop()
            self._deferred = loop.call_later(_DEFERRED, self._request_affected, changed)
        else:
            self._request_affected(changed)

    def _request_affected(self, changed: frozenset[str]) -> None:
        """Ask for the affected tests that have run before, and the new ones of changed test files."""
        chosen = self._auto_tests(changed)
        files = frozenset(path for path in changed if self._may_hold_tests(path))
        seconds = sum(self._ledger.seconds(test) or 0.0 for test in chosen)
        limit = self._configuration.max_auto_run_seconds
        if seconds > limit:
            text = f"{len(chosen)} tests are affected, about {seconds:.0f} s of work; run them when it suits you."
            self._set(self._state, text)
            return
        if chosen or files:
            self._ask(RunKind.SAVE, lambda: self._auto_tests(changed), files)

    def _auto_tests(self, changed: frozenset[str]) -> list[str]:
        """Affected tests that a save may run: not those that nobody ever ran, unless their file was just edited."""
        broken = self._known.broken_sources
        return [
            test
            for test in self._affected
            if (self._ledger.index.latest(test) is not None or self.tests[test].path in changed)
            and not (broken and self._sees_any(test, broken))
        ]

    def _sees_any(self, test: str, paths: frozenset[str]) -> bool:
        """Whether a test's last fact depends on one of the files, or nothing is known of it."""
        fact = self._ledger.index.latest(test)
        return fact is None or any(key.path in paths for inputs in fact.inputs for key, _ in inputs)

    def _may_hold_tests(self, path: str) -> bool:
        session = self._warming.session
        patterns = session.python_files if session else ("test_*.py", "*_test.py")
        name = path.rpartition("/")[2]
        known = path in self._known.paths
        return (known or any(fnmatch.fnmatch(name, p) for p in patterns)) and path not in self._known.broken_sources

    # --- what people ask for ------------------------------------------------------------------

    async def run_affected(self, kind: RunKind = RunKind.REQUEST) -> events.RunFinished | None:
        """Run the affected tests; None when there are none."""
        return await self._ask(kind, lambda: list(self._affected)).done

    async def run_all(self, kind: RunKind = RunKind.REQUEST) -> events.RunFinished | None:
        """Run every test."""
        return await self._ask(kind, lambda: list(self.tests)).done

    async def run_failed(self) -> events.RunFinished | None:
        """Run the tests that failed last."""
        return await self._ask(RunKind.REQUEST, lambda: [test for test in self.tests if self._fails(test)]).done

    async def run_tests(self, tests: Sequence[str]) -> events.RunFinished | None:
        """Run these tests."""
        return await self._ask(RunKind.REQUEST, lambda: tests).done

    async def build(self, everything: bool = False) -> events.RunFinished | None:
        """Run what has no fact yet, or everything; takes up where a cancelled build stopped."""
        return await self._ask(RunKind.BUILD, lambda: list(self.tests if everything else self._unbuilt())).done

    async def rebuild(self) -> None:
        """Forget all facts and build anew."""
        self._ledger.forget()
        self._refresh()
        await self.build()

    def cancel(self) -> None:
        """Stop the run after its tests in flight, and drop what waits; the second time, kill."""
        self._drop_requests()
        if self._runner is not None:
            self._runner.cancel(kill=self._cancelling)
            self._cancelling = True

    def pause(self) -> None:
        """Run nothing on saves until resumed."""
        self._paused = True
        self._set(State.PAUSED, "Paused: saves run nothing")

    def resume(self) -> None:
        """Run on saves again, beginning with what is affected now."""
        self._paused = False
        self._set(State.READY, "")
        self._request_affected(frozenset())

    def _ask(self, kind: RunKind, tests: Callable[[], Sequence[str]], files: frozenset[str] = frozenset()) -> _Request:
        request = _Request(kind, tests, files)
        self._requests.append(request)
        self._wake.set()
        return request

    def _drop_requests(self) -> None:
        while self._requests:
            _settle(self._requests.popleft(), None)

    # --- the driver ---------------------------------------------------------------------------

    async def _drive(self) -> None:
        """Work off the requests one after another, and keep the interpreter warm in between."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._work()
            except AgentDied as error:
                self._fail(str(error))
            except SessionBroken as error:
                self._broken(error)
            except Exception:
                log.exception("the engine failed")
                self._fail(_INTERNAL)
            self._changed_state.set()

    async def _work(self) -> None:
        await self._stop_idle()
        if not self._asked:
            await self._warming.ready(lambda: None)
            self._at_first()
        while self._requests:
            request = self._requests[0]
            finished = await self._execute(request)
            self._requests.remove(request)
            _settle(request, finished)
        if self._state not in (State.PAUSED,):
            self._set(State.PAUSED if self._paused else State.READY, self._message)
        if not self._warming.up_to_date and not self._known.broken_sources:
            self._idle = asyncio.create_task(self._warm_up())

    async def _warm_up(self) -> None:
        """Bring the session up to the present and collect the rest, while nobody waits."""
        try:
            await self._warming.ready(lambda: None)
        except asyncio.CancelledError:
            self._warming.abandon()
            raise
        except AgentDied as error:
            self._fail(str(error))
        except SessionBroken as error:
            self._broken(error)
        except Exception:
            log.exception("warming up failed")
            self._fail(_INTERNAL)
        self._changed_state.set()

    async def _stop_idle(self) -> None:
        """A request or a change goes before idle work."""
        idle, self._idle = self._idle, None
        if idle is None or idle.done():
            return
        session = self._warming.session
        if session is not None and session.present is self._project.present:
            await asyncio.wait([idle])  # it is bringing up just what is needed
            return
        idle.cancel()
        await asyncio.wait([idle])

    def _at_rest(self) -> bool:
        idle_done = self._idle is None or self._idle.done()
        return self._state in (State.READY, State.PAUSED, State.FAILED) and idle_done and not self._wake.is_set()

    def _at_first(self) -> None:
        """After the first collection: offer to build what nobody ever ran."""
        self._asked = True
        self._set(State.READY, "")
        unbuilt = self._unbuilt()
        if not unbuilt or len(unbuilt) * 2 < len(self.tests):
            return
        if self._configuration.initial_build == "auto":
            self._ask(RunKind.BUILD, lambda: self._unbuilt())
        elif self._configuration.initial_build == "prompt":
            self._listener(events.BuildNeeded(len(unbuilt)))

    def _unbuilt(self) -> list[str]:
        return [test for test in self.tests if self._ledger.index.latest(test) is None]

    async def _execute(self, request: _Request) -> events.RunFinished | None:
        """Run a request's tests, again as often as saves make a part of them out of date."""
        session = await self._warming.ready(lambda: self._files_of(request))
        new = [node.id for path in request.files for node in self._known.of(path) if node.id in self._affected]
        tests = [test for test in dict.fromkeys([*request.tests(), *new]) if test in self.tests]
        runnable = self._without_uncollectable(tests, session)
        if not tests:
            return None
        return await self._run_set(request.kind, self._ordered(runnable), tests, session)

    def _files_of(self, request: _Request) -> frozenset[str]:
        return request.files | {self.tests[test].path for test in request.tests() if test in self.tests}

    def _ordered(self, tests: Iterable[str]) -> list[str]:
        """Failed last time first, then file by file as collected: wider fixtures are set up once."""
        position = {test: number for number, test in enumerate(self.tests)}
        return sorted(tests, key=lambda test: (not self._fails(test), position[test]))

    def _without_uncollectable(self, tests: Sequence[str], session: WarmSession) -> list[str]:
        return [test for test in tests if self._known.failure_of(self.tests[test].path) is None]

    async def _run_set(
        self, kind: RunKind, runnable: list[str], tests: Sequence[str], session: WarmSession
    ) -> events.RunFinished:
        self._run += 1
        started, run = time.perf_counter(), self._run
        self._counts = Counter()
        self._running = dict.fromkeys(tests, kind)
        self._cancelling = self._requeue = False
        self._set(State.BUILDING if kind is RunKind.BUILD else State.RUNNING, "")
        self._listener(events.RunStarted(run, kind, tuple(tests)))
        for test in tests:
            if test not in runnable:
                self._report_uncollectable(run, test, session)
        timeout = self._configuration.test_timeout
        runner = self._runner = Runner(
            session.agent, runnable, timeout, lambda event, alone: self._report(run, event, alone)
        )
        try:
            await runner.run(processes_for(self._configuration.parallel), self._seconds(runnable))
        finally:
            self._runner = None
            self._running = {}
            left = tuple(sorted(runner.unfinished))
            finished = events.RunFinished(
                run, kind, self._counts, time.perf_counter() - started, bool(left), left
            )
            self._listener(finished)
            self._set(State.READY, "")
        if self._requeue and left:
            self._ask(kind, lambda: left)
        elif self._project.present is not session.present and not self._paused:
            # A save came while the run went on: what it made out of date is affected again.
            self._request_affected(frozenset())
        return finished

    def _seconds(self, tests: Iterable[str]) -> dict[str, float]:
        known = ((test, self._ledger.seconds(test)) for test in tests)
        return {test: seconds for test, seconds in known if seconds is not None}

    # --- what the agent tells -----------------------------------------------------------------

    def _report(self, run: int, event: TestEvent, alone: bool) -> None:
        """Tell a verdict first, then commit its fact."""
        session = self._warming.session
        if isinstance(event, messages.TestStarted):
            self._listener(events.TestStarted(run, event.test))
        elif session is None:
            log.warning("a report without a session: %s", event)
        elif isinstance(event, messages.TestFinished):
            self._running.pop(event.test, None)
            self._counts[Outcome(event.outcome)] += 1
            self._listener(events.TestFinished(run, verdict_of(event), event.output))
            self._commit(event, session, alone)
        else:
            self._ledger.extend(event, session)

    def _commit(self, event: messages.TestFinished, session: WarmSession, alone: bool) -> None:
        try:
            self._ledger.record(event, session, alone)
        except Outdated as outdated:
            log.info("no fact of %s: %s changed meanwhile", event.test, outdated)
            loop = asyncio.get_running_loop()
            loop.call_soon(self._absorb, [self._configuration.root / path for path in outdated.paths])
            return
        self._standing[event.test] = self._true_verdict(event.test)
        self._affected.pop(event.test, None)
        self._affected.update(
            {test: tuple(r.text for r in why) for test, why in self._ledger.reasons([event.test]).items()}
        )

    def _report_uncollectable(self, run: int, test: str, session: WarmSession) -> None:
        problem = self._known.failure_of(self.tests[test].path)
        text = problem.message if problem else "not collected"
        failure = messages.Failure("CollectError", text, text)
        verdict = Verdict(test, Outcome.ERRORED, {}, failure, time.time())
        self._running.pop(test, None)
        self._counts[Outcome.ERRORED] += 1
        self._listener(events.TestFinished(run, verdict))
        self._ledger.record_uncollectable(verdict, session)
        self._affected.pop(test, None)

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
        self._known.clear_broken()
        fresh = self._known.take(collection, paths)
        session = self._warming.session
        if paths is None and session is not None:
            self._remember_collection(session)
        if fresh or collection.result.tests:
            self._refresh()
        built = self._asked and len(self._unbuilt()) * 2 < len(self.tests)
        if paths is None and fresh and built and not self._paused and self._configuration.run_mode == "onSave":
            self._ask(RunKind.SAVE, lambda: [test for test in fresh if test in self._affected])

    # --- collection without a driver ------------------------------------------------------------

    async def _collect_once(self) -> None:
        try:
            await self._warming.ready(lambda: None)
        except (AgentDied, SessionBroken) as error:
            self._listener(events.Notice("warning", f"The tests could not be collected anew: {error}"))
        await self._warming.stop()

    def _remember_collection(self, session: WarmSession) -> None:
        ran = {path: sorted(names) for path, names in session.import_executed.items()}
        self._store.set_meta("collected with", json.dumps(ran))
        self._store.set_meta("collection", self._collection_digest())

    def _collection_digest(self) -> str:
        """Of all that a collection depends on: every definition, and the bodies that ran during the last one."""
        ran = json.loads(self._store.get_meta("collected with") or "{}")
        snapshot = self._project.present.snapshot
        parts = [f"{path} {symbols.definition}" for path, symbols in sorted(snapshot.symbols.items())]
        for path, names in sorted(ran.items()):
            bodies = snapshot.symbols[path].bodies if path in snapshot.symbols else {}
            parts += [f"{path}::{name} {bodies.get(symbol_of(name, bodies) or name)}" for name in names]
        parts.append(snapshot.config)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]

    # --- states ---------------------------------------------------------------------------------

    def _verdict(self, test: str) -> Verdict | None:
        index = self._ledger.index
        fact = index.matching(test) or index.latest(test)
        return fact.verdict if fact else None

    def _true_verdict(self, test: str) -> Verdict | None:
        """The verdict that holds for the present, where a fact matches."""
        fact = self._ledger.index.matching(test)
        return fact.verdict if fact else None

    def _fails(self, test: str) -> bool:
        verdict = self._verdict(test)
        return verdict is not None and verdict.outcome in (Outcome.FAILED, Outcome.ERRORED)

    def _broken(self, error: SessionBroken) -> None:
        """pytest can't be configured: say where, and leave the tests affected."""
        self._known.note_broken(error.failure, "conftest.py")
        self._fail(f"pytest can't start: {error.failure.message}")

    def _fail(self, message: str) -> None:
        log.error("%s", message)
        self._warming.abandon()
        self._drop_requests()
        self._asked = True
        self._set(State.FAILED, message)

    def _set(self, state: State, message: str) -> None:
        self._state, self._message = state, message
        self._tell_status()
        self._changed_state.set()

    def _tell_status(self) -> None:
        self._listener(self.status)


def _settle(request: _Request, finished: events.RunFinished | None) -> None:
    if not request.done.done():
        request.done.set_result(finished)
