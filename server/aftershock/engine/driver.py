"""The driver: one task that works off requests to run tests, and keeps the interpreter warm in between."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence

from aftershock.engine import events
from aftershock.engine.agent import AgentDied, SessionBroken
from aftershock.engine.events import RunKind, State
from aftershock.engine.order import Order
from aftershock.engine.parts import Parts
from aftershock.engine.project import Change
from aftershock.engine.refining import Refiner
from aftershock.engine.reporting import Reporting
from aftershock.engine.request import Request
from aftershock.engine.runner import Runner, processes_for
from aftershock.engine.warm import WarmSession

log = logging.getLogger(__name__)

_BREATH = 0.3  # seconds without work before the next session is prepared
_QUIET = 0.7  # more of them before facts are made exact
_INTERNAL = "Aftershock had an internal error; the log tells more. The next save tries again."
_CANCELLED = "The import was cancelled; the next save tries again"


class ImportCancelled(Exception):
    """Somebody has cancelled an import."""


class Driver:
    """Runs one request at a time; ``state`` and ``message`` are the engine's."""

    def __init__(self, parts: Parts, moved: Callable[[], None]) -> None:
        """``moved`` hears that the state changed; ``parts.warmed`` that everything was collected the first time."""
        self._parts = parts
        self._moved = moved
        self._requests: deque[Request] = deque()
        self._wake = asyncio.Event()
        self._rest = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._idle: asyncio.Task[None] | None = None
        self._refiner = Refiner(parts)
        self._refining: asyncio.Task[None] | None = None
        self._runner: Runner | None = None
        self._bringing: asyncio.Task[WarmSession] | None = None
        self._overtaken = False
        self._import_cancelled = False
        self._cancelling = False
        self._requeue = False
        self._order = Order(parts.known, parts.standing, parts.ledger)
        self._reporting = Reporting(parts.known, parts.ledger, parts.standing, parts.tell, parts.look)
        self._busy = False
        self.warmed = False
        self.paused = False
        self.state = State.STARTING
        self.message = ""

    @property
    def running(self) -> set[str]:
        """The tests of the run in progress that have no verdict yet."""
        return self._reporting.running

    def record(self) -> None:
        """Work out the facts of all verdicts that have been told."""
        self._reporting.record()

    # --- life -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to work."""
        self._task = asyncio.create_task(self._drive())
        self._wake.set()

    async def stop(self) -> None:
        """Stop at once; who waits is told that nothing was run."""
        self._import_cancelled = False
        tasks = [task for task in (self._task, self._idle, self._refining) if task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self._drop_requests()
        self.move(State.STOPPED)

    def wake(self) -> None:
        """The files changed: bring the interpreter up to them when nothing else is to be done."""
        self._import_cancelled = False
        self._wake.set()

    async def settled(self) -> None:
        """Wait until nothing is running, waiting, or being warmed."""
        while self._task is not None and not self._at_rest():
            self._rest.clear()
            await self._rest.wait()

    async def refined(self) -> None:
        """Wait until idle work is done too: every fact exact that can be."""
        await self.settled()
        while self._refining is not None and not self._refining.done():
            await asyncio.wait([self._refining])

    def move(self, state: State, message: str = "") -> None:
        """Change the state that people see."""
        self.state, self.message = state, message
        self._moved()
        self._rest.set()

    # --- requests -------------------------------------------------------------------------------

    def ask(
        self, kind: RunKind, tests: Callable[[], Sequence[str]], files: frozenset[str] = frozenset()
    ) -> asyncio.Future[events.RunFinished | None]:
        """Have tests run; they are looked up when their turn comes."""
        request = Request(kind, tests, files)
        self._requests.append(request)
        self.wake()
        return request.done

    def cancel(self) -> None:
        """Stop the run after its tests in flight, and drop what waits; the second time, kill."""
        self._drop_requests(running=bool(self.running))
        self._cancel_import()
        if self._runner is not None:
            self._runner.cancel(kill=self._cancelling)
        if self.running:
            self._cancelling, self._requeue = True, False

    def _cancel_import(self) -> None:
        """End an import, which is deaf to anything gentler, and begin none until something changes or is asked for."""
        idle = self._idle if self._idle is not None and not self._idle.done() else None
        importing: asyncio.Task[WarmSession] | asyncio.Task[None] | None = self._bringing or idle
        if importing is None:
            return
        self._import_cancelled = True
        importing.add_done_callback(lambda _: self._rest.set())
        importing.cancel()
        if self._parts.warming.agent is not None:
            self._parts.warming.agent.end_session()

    def anticipate(self) -> None:
        """Files changed: have the session patched while it is worked out what to run, if it is at rest.

        Not beside a run: what its tests tell belongs to the session as it was when they began.
        """
        idle = self._idle is not None and not self._idle.done()
        if not self.warmed or self._requests or self._bringing is not None or idle:
            return
        if self._refining is not None:
            self._refining.cancel()
        self._parts.warming.begin_to_follow()

    def stop_outdated(self, change: Change) -> None:
        """What of a run in flight sees the change is stopped and run again later; the rest of it goes on."""
        bringing = self._bringing
        own = bringing is None or bringing is asyncio.current_task()
        if bringing is not None and not own and not self._parts.warming.following:
            # An import of what is out of date may never end.
            self._overtaken = True
            bringing.cancel()
        runner, paths = self._runner, change.changed | change.removed
        if runner is None or self._cancelling:
            return
        outdated = [test for test in runner.unfinished if self._parts.standing.outdated(test, paths)]
        if outdated:
            self._requeue = True
            runner.drop(outdated)

    def _drop_requests(self, running: bool = False) -> None:
        kept = self._requests.popleft() if running and self._requests else None
        while self._requests:
            self._requests.popleft().settle(None)
        if kept is not None:
            self._requests.append(kept)

    # --- work -----------------------------------------------------------------------------------

    async def _drive(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            self._busy = True
            await self._guard(self._work)
            self._busy = False
            self._rest.set()

    async def _guard(self, work: Callable[[], Awaitable[object]]) -> None:
        """Do some work; whatever goes wrong with the interpreter or with us becomes a state and a message."""
        try:
            await work()
        except AgentDied as error:
            self._fail(str(error))
        except SessionBroken as error:
            self._parts.known.note_broken(error.failure, "conftest.py")
            self._fail(f"pytest can't start: {error.failure.message}")
        except ImportCancelled:
            self._drop_requests()
            self.move(State.PAUSED if self.paused else State.READY, _CANCELLED)
        except Exception:
            log.exception("the engine failed")
            self._fail(_INTERNAL)

    async def _work(self) -> None:
        await self._stop_idle()
        if not self.warmed:
            await self._bring_up(lambda: None)
            self.warmed = True
            self._parts.warmed()
        while self._requests:
            request = self._requests[0]
            finished = await self._execute(request)
            if request in self._requests:
                self._requests.remove(request)
            request.settle(finished)
        self.move(State.PAUSED if self.paused else State.READY)
        if self._import_cancelled:
            return
        if not self._parts.warming.up_to_date and not self._parts.known.broken_sources:
            self._idle = asyncio.create_task(self._warm_up())
        elif not self._parts.known.broken_sources:
            self._refining = asyncio.create_task(self._guard(self._use_rest))

    async def _warm_up(self) -> None:
        """Bring the session up to the present and collect the rest, while nobody waits."""
        try:
            await self._guard(lambda: self._parts.warming.ready(lambda: None))
        except asyncio.CancelledError:
            self._parts.warming.abandon()
            raise
        if self._parts.warming.up_to_date:
            self._wake.set()  # for the idle work that comes next
        self._rest.set()

    async def _use_rest(self) -> None:
        """Get ready for what may come, then make facts exact."""
        await asyncio.sleep(_BREATH)
        if await self._parts.warming.prepare():
            self._moved()  # it is to be measured anew
        await asyncio.sleep(_QUIET)
        session = self._parts.warming.session
        if session is not None:
            tests = self._refiner.candidates(self._parts.known.nodes)
            await self._refiner.refine(tests, session, lambda: not self._wake.is_set() and not self.paused)

    async def _stop_idle(self) -> None:
        """A request or a change goes before idle work, unless that is doing what is needed anyway."""
        await self.stop_resting()
        idle, self._idle = self._idle, None
        if idle is None or idle.done():
            return
        if not self._parts.warming.following:
            idle.cancel()
        await asyncio.wait([idle])

    async def stop_resting(self) -> None:
        """Stop what rest is made use of."""
        resting, self._refining = self._refining, None
        if resting is not None:
            resting.cancel()
            await asyncio.wait([resting])

    @property
    def idle(self) -> bool:
        """Whether nobody waits for anything; facts may be in the making that idle time is used for."""
        return self._at_rest()

    def _at_rest(self) -> bool:
        idle = self._idle is not None and not self._idle.done()
        still = self.state in (State.READY, State.PAUSED, State.FAILED, State.STOPPED)
        waiting = self._wake.is_set() or self._busy or bool(self._requests)
        return still and not idle and not waiting and not self.running

    def _fail(self, message: str) -> None:
        log.error("%s", message)
        self._parts.warming.abandon()
        self._drop_requests()
        self.move(State.FAILED, message)

    # --- one run --------------------------------------------------------------------------------

    async def _execute(self, request: Request) -> events.RunFinished | None:
        known, standing = self._parts.known, self._parts.standing
        session = await self._bring_up(lambda: self._first_files_of(request))
        new = [node.id for path in request.files for node in known.of(path) if node.id in standing.affected]
        tests = [test for test in dict.fromkeys([*request.tests(), *new]) if test in known.nodes]
        if not tests:
            return None
        finished = await self._run_set(request.kind, self._order.of_tests(tests), session)
        if self._requeue and finished.unfinished:
            self._requests.insert(1, Request(request.kind, lambda: finished.unfinished))
        return finished

    async def _bring_up(self, files: Callable[[], Iterable[str] | None]) -> WarmSession:
        """A session for ``files``; begun anew as often as a change overtakes it."""
        while True:
            self._bringing = asyncio.ensure_future(self._parts.warming.ready(files))
            try:
                return await self._bringing
            except asyncio.CancelledError:
                if self._import_cancelled:
                    raise ImportCancelled from None
                if not self._overtaken:
                    raise
                self._overtaken = False
            finally:
                self._bringing = None

    def _files_of(self, request: Request) -> frozenset[str] | None:
        """The files to collect; None for everything, where a new file is among them: pytest may not want it."""
        if not request.files <= set(self._parts.known.paths):
            return None
        nodes = self._parts.known.nodes
        return request.files | {nodes[test].path for test in request.tests() if test in nodes}

    def _first_files_of(self, request: Request) -> frozenset[str] | None:
        """The files whose tests give a save its first verdicts; all of them for other requests."""
        files = self._files_of(request)
        if request.kind is not RunKind.SAVE or not files:
            return files
        return request.files or frozenset(self._order.of_files(files)[:1])

    async def _run_set(self, kind: RunKind, tests: list[str], session: WarmSession) -> events.RunFinished:
        parts = self._parts
        run, started = next(parts.run_numbers), time.perf_counter()
        self._reporting.begin(run, tests)
        self._cancelling = self._requeue = False
        self.move(State.BUILDING if kind is RunKind.BUILD else State.RUNNING)
        parts.tell(events.RunStarted(run, kind, tuple(tests)))
        only_affected = kind is RunKind.SAVE and all(test in parts.standing.affected for test in tests)
        try:
            held = await self._run_waves(self._order.waves(tests, session), only_affected)
            if held:
                # Now all that may tell more is collected, and what is still affected runs.
                await self._bring_up(lambda: None)
                await self._run_waves([held], only_affected, hold=False)
        finally:
            left = self._reporting.end()
            spent = time.perf_counter() - started
            finished = events.RunFinished(run, kind, dict(self._reporting.counts), spent, bool(left), left)
            parts.tell(finished)
        return finished

    async def _run_waves(self, waves: Iterable[list[str]], only_affected: bool, hold: bool = True) -> list[str]:
        """Run tests in waves; returns those held back, which may turn out unaffected when more is imported."""
        held: list[str] = []
        for wave in waves:
            waiting = wave
            while waiting and not (self._cancelling or self._requeue):
                waiting = await self._run_wave(waiting, only_affected, held if hold and only_affected else None)
            if self._cancelling or self._requeue:
                return []
        return held

    async def _run_wave(self, tests: list[str], only_affected: bool, held: list[str] | None) -> list[str]:
        """Run tests in a session equal to the present; returns those left by one that ended the session.

        ``only_affected``: not those that turn out unaffected, now that it is known what their imports came to; those
        that still may go to ``held``, if there is such a list.
        """
        parts, nodes = self._parts, self._parts.known.nodes

        def wanted() -> list[str]:
            return [test for test in tests if not only_affected or test in parts.standing.affected]

        session = await self._bring_up(lambda: {nodes[test].path for test in wanted() if test in nodes})
        self._reporting.leave_out(set(tests) - set(wanted()))
        tests = wanted()
        if held is not None:
            still_open = {test for test in tests if parts.ledger.is_open(test)}
            held += [test for test in tests if test in still_open]
            tests = [test for test in tests if test not in still_open]
        runnable = [test for test in tests if test in nodes and self._reporting.collectable(test, session)]
        limit = parts.configuration.test_timeout
        programs = not parts.ledger.programs.isdisjoint(runnable)
        self._runner = runner = Runner(
            session.agent, runnable, limit, lambda event, alone: self._reporting.report(session, event, alone), programs
        )
        seconds = {test: spent for test in runnable if (spent := parts.ledger.seconds(test)) is not None}
        try:
            one = session.one_worker or bool(session.agent.in_process)
            forks = 1 if one else processes_for(parts.configuration.parallel)
            await runner.run(forks, seconds, session.together)
        finally:
            self._runner = None
            self._requeue |= runner.lost and not runner.crashed
        return [test for test in runnable if test in runner.unfinished] if runner.crashed else []
