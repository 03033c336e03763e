"""The agent's process as the engine sees it: commands out, awaited answers and streams of events in."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from aftershock.engine import scratch
from aftershock.engine.agent_process import BOOTSTRAP, LINE_LIMIT, spawn
from aftershock.engine.import_watch import ImportWatch
from aftershock.engine.interpreter import not_started
from aftershock.engine.run_events import RunEvents
from aftershock_agent import codec, messages

log = logging.getLogger(__name__)

_OF_A_RUN = (
    messages.TestStarted,
    messages.TestFinished,
    messages.TeardownExecuted,
    messages.RunIdle,
    messages.RunEnded,
)
PatchAnswer = Awaitable[object]
"""What comes of a patch that has been sent off: Patched, or that the session has ended."""


class AgentDied(Exception):
    """The interpreter can't be started, or went away; the message is for people."""


class SessionBroken(Exception):
    """pytest could not be configured in a new session."""

    def __init__(self, failure: messages.Failure, loaded: Sequence[messages.LoadedFile] = ()) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.loaded = loaded


@dataclass
class Collection:
    """What a collection found, with the files that failed."""

    result: messages.Collected
    failures: list[messages.CollectFailed] = field(default_factory=list)


class Agent:
    """One base process; at most one session at a time, any number of runs in it."""

    def __init__(
        self, interpreter: Sequence[str], root: Path, cwd: Path, environment: Mapping[str, str], limit: float = 60.0
    ) -> None:
        """``environment`` is the whole environment of the process; ``cwd`` where pytest is started.

        ``limit``: the seconds that the import of each test file may take.
        """
        self._interpreter = list(interpreter)
        self._root = root
        self._cwd = cwd
        self._environment = dict(environment)
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._scratch: Path | None = None
        self._ready: asyncio.Future[messages.BaseReady] | None = None
        self._answer: asyncio.Future[Any] | None = None
        self._failures: list[messages.CollectFailed] = []
        self._runs: dict[int, RunEvents] = {}
        self._death: str | None = None
        self._session_ended = True
        self._watch = ImportWatch(limit, self._stop_session)
        self._output = Path()
        self.session = 0
        self.isolation = "auto"
        self.in_process = ""
        self.unfit = ""
        self.can_fork = False
        self.prepared: dict[int, int] = {}
        """The sessions that are prepared, each with its process."""
        self._preparing: asyncio.Future[messages.Event] | None = None
        self._preparations = 0
        self._run = 0

    @property
    def alive(self) -> bool:
        """Whether the process is there and can be asked."""
        return self._writer is not None and self._death is None

    @property
    def session_alive(self) -> bool:
        """Whether the session is there, as far as is known."""
        return self.alive and not self._session_ended

    async def start(self, output: Path) -> messages.BaseReady:
        """Start the interpreter, its stdout and stderr going to the file ``output``.

        Raises AgentDied when it can't be started or can't serve.
        """
        loop = asyncio.get_running_loop()
        self._output = output
        here, there = socket.socketpair()
        self._scratch = await asyncio.to_thread(scratch.make)
        self._ready = loop.create_future()
        arguments = str(BOOTSTRAP), str(there.fileno()), str(self._root), str(self._scratch)
        try:
            command = [*self._interpreter, *arguments]
            self._process = await spawn(command, there.fileno(), self._cwd, self._environment, output)
        except OSError as error:
            here.close()
            raise AgentDied(not_started(self._interpreter, error)) from error
        finally:
            there.close()
        reader, self._writer = await asyncio.open_connection(sock=here, limit=LINE_LIMIT)
        self._reading = loop.create_task(self._read(reader))
        return await self._ready

    async def close(self) -> None:
        """End the process and all of its children; never raises for one that is gone."""
        if self._writer is not None:
            self._writer.close()
        if self._process is not None:
            try:
                await asyncio.wait_for(self._process.wait(), timeout=5)
            except asyncio.TimeoutError:
                self._process.kill()
                await self._process.wait()
        if self._reading is not None:
            await asyncio.wait([self._reading])
        if self._scratch is not None:
            await asyncio.to_thread(scratch.remove, self._scratch)

    def preload(self, modules: Sequence[str]) -> None:
        """Have base import modules that sessions need."""
        if modules and self.alive:
            self._send(messages.Preload(self.session, list(modules)))

    async def prepare_session(self, order: messages.PrepareSession, limit: float) -> messages.Event | None:
        """Have a session prepared that may be started later, its number given here; returns what came of it.

        Given up when this is cancelled, or after ``limit`` seconds, which returns None.
        """
        self._preparations += 1
        number = -self._preparations
        coming = self._preparing = asyncio.get_running_loop().create_future()
        self._send(replace(order, session=number))
        try:
            await asyncio.wait([coming], timeout=limit)
        finally:
            given_up = not coming.done()
            if given_up and self.alive:
                self._send(messages.StopSession(number))
            coming.cancel()
        return None if given_up else coming.result()

    def drop_prepared(self, number: int) -> None:
        """End a prepared session, if it is there."""
        if self.alive and number in self.prepared:
            self._send(messages.StopSession(number))

    async def open_session(
        self, args: Sequence[str], sources: Sequence[str], prepared: int = 0
    ) -> messages.SessionReady:
        """Retire the session that there is, and start a new one, by its number the ``prepared`` one if not 0.

        Raises SessionBroken or AgentDied.
        """
        if self.session:
            self._send(messages.StopSession(self.session))
            self._lose_runs()
        self.session += 1
        self.prepared.pop(prepared, None)
        self._session_ended = False
        self.in_process = self.unfit = ""
        command = messages.StartSession(self.session, list(args), list(sources), self.isolation, prepared)
        answer = await self._import(command)
        if not isinstance(answer, messages.SessionReady):
            raise self._broken(answer)
        return answer

    def end_session(self) -> None:
        """End the session that there is, whatever it is doing."""
        if self.session_alive:
            self._stop_session()
            self._session_ended = True
            self._lose_runs()

    def _stop_session(self, abort: bool = False) -> None:
        if self.alive:
            self._send(messages.StopSession(self.session, abort))

    async def collect(self, paths: Sequence[str] | None) -> Collection:
        """Collect files (absolute paths), or everything; raises SessionBroken when the session dies of it."""
        self._failures = []
        answer = await self._import(messages.Collect(self.session, None if paths is None else list(paths)))
        if not isinstance(answer, messages.Collected):
            raise self._broken(answer)
        return Collection(answer, self._failures)

    async def _import(self, command: messages.Command) -> Any:
        """Ask for something that imports the project, which may never end."""
        self._watch.begin()
        try:
            return await self._ask(command)
        finally:
            self._watch.stop()

    def _broken(self, answer: Any) -> SessionBroken:
        if isinstance(answer, messages.SessionFailed):
            return SessionBroken(answer.failure, answer.loaded)
        return SessionBroken(self._watch.failure(self._output) if self._watch.expired else _ended(answer))

    @property
    def deaf(self) -> bool:
        """Whether the session hears nothing before its run ends, and must be sent nothing long."""
        return bool(self.in_process and self._runs)

    def compile(self, path: str, text: str) -> None:
        """Let the session compile a new text of a file while the server is still looking at it."""
        if self.session_alive:
            self._send(messages.Compile(self.session, path, text))

    def patch(self, path: str, old: str | None, new: str | None, changed: Sequence[str]) -> PatchAnswer:
        """Hot-patch a file of the session; None for a text that it knows, as :class:`messages.Patch` has it.

        The order has gone when this returns; nothing else may be asked for before the answer is there.
        """
        return self._begin_to_ask(messages.Patch(self.session, path, old, new, list(changed)))

    @property
    def asked(self) -> bool:
        """Whether it owes an answer."""
        return self._answer is not None and not self._answer.done()

    def begin_run(
        self,
        tests: Sequence[str],
        worker: messages.Worker | None = None,
        more: bool = False,
        programs: bool = False,
        idle: bool = False,
    ) -> int:
        """Start a run at a place for forks (the only one, if it isn't said) and return its number.

        ``more``, ``programs`` and ``idle`` are as in :class:`messages.Run`.
        """
        self._run += 1
        self._runs[self._run] = RunEvents()
        place = worker or messages.Worker(0, 1, "")
        self._send(messages.Run(self.session, self._run, list(tests), place, more, programs, idle))
        if self._session_ended:
            self._lose_runs()
        return self._run

    def more(self, run: int, tests: Sequence[str], more: bool) -> None:
        """Answer an idle run: further tests, or none, which ends it."""
        if self.alive:
            self._send(messages.MoreTests(self.session, run, list(tests), more))

    def drop(self, run: int, tests: Sequence[str]) -> None:
        """Have a run leave out tests that it hasn't begun."""
        if self.alive:
            self._send(messages.DropTests(self.session, run, list(tests)))

    async def events_of(self, run: int) -> AsyncIterator[messages.Event]:
        """The events of a run, RunEnded last, with neither exit nor signal when its session went away.

        Raises AgentDied when the base process goes away under it.
        """
        queue = self._runs[run].queue
        try:
            while True:
                event = await queue.get()
                if isinstance(event, messages.BaseFailed):
                    raise AgentDied(event.message)
                yield event
                if isinstance(event, messages.RunEnded):
                    return
        finally:
            self._runs.pop(run, None)

    def cancel(self, run: int, kill: bool) -> None:
        """Stop a run after its test in flight, or at once."""
        if kill and self.in_process:
            self._stop_session()
        elif self.alive:
            self._send(messages.CancelRun(self.session, run, kill))

    async def _ask(self, command: messages.Command) -> Any:
        return await self._begin_to_ask(command)

    def _begin_to_ask(self, command: messages.Command) -> asyncio.Future[Any]:
        self._answer = asyncio.get_running_loop().create_future()
        self._send(command)
        if self._session_ended:
            # Base ignores commands for a session that is gone.
            self._answer.set_result(messages.SessionEnded(self.session, None, None))
        return self._answer

    def _send(self, command: messages.Command) -> None:
        if self._writer is None or self._death is not None:
            raise AgentDied(self._death or "The interpreter is not running.")
        self._writer.write(codec.encode(command))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                try:
                    self._dispatch(codec.decode(line))  # type: ignore[arg-type]
                except ValueError:
                    log.exception("the agent sent a line that is not a message")
                except Exception:
                    log.exception("a message of the agent can't be taken in")
                    break  # whoever waits for what it tells must not wait for ever
        self._die("The interpreter ended. Aftershock starts it again at the next save; the log tells more.")

    def _dispatch(self, event: messages.Event) -> None:
        if isinstance(event, messages.Log):
            log.log(getattr(logging, event.level.upper(), logging.INFO), "agent: %s", event.text)
        elif isinstance(event, (messages.BaseReady, messages.BaseFailed)):
            self._base_event(event)
        elif isinstance(event, _OF_A_RUN):
            if event.run in self._runs:
                self._runs[event.run].put(event)
        elif event.session < 0:
            self._prepared_event(event)
        elif event.session == self.session:
            self._session_event(event)

    def _base_event(self, event: messages.BaseReady | messages.BaseFailed) -> None:
        if isinstance(event, messages.BaseFailed):
            self._die(event.message)
        else:
            self.can_fork = event.fork
            _resolve(self._ready, event)

    def _prepared_event(self, event: messages.Event) -> None:
        if isinstance(event, messages.SessionPrepared):
            self.prepared[event.session] = event.pid
        elif isinstance(event, messages.SessionEnded):
            self.prepared.pop(event.session, None)
        elif not isinstance(event, messages.SessionScouted):
            return
        if event.session == -self._preparations:
            _resolve(self._preparing, event)

    def _session_event(self, event: Any) -> None:
        if isinstance(event, messages.Collecting):
            self._watch.note(event.path)
        elif isinstance(event, messages.CollectFailed):
            self._failures.append(event)
        elif isinstance(event, messages.InProcess):
            self.in_process = event.reason
        elif isinstance(event, messages.Unfit):
            self.unfit = event.reason
        else:
            _resolve(self._answer, event)
        if isinstance(event, messages.SessionEnded):
            self._session_ended = True
            self._lose_runs(event)

    def _lose_runs(self, ended: messages.SessionEnded | None = None) -> None:
        """The session is gone, and its runs with it: in its process they have ended as it has."""
        how = (ended.exit, ended.signal, ended.reason) if ended is not None and self.in_process else (None, None, "")
        for run, events in self._runs.items():
            events.put(messages.RunEnded(self.session, run, *how, lost=True))

    def _die(self, reason: str) -> None:
        if self._death is not None:
            return
        self._death = reason
        for future in (self._ready, self._answer, self._preparing):
            if future is not None and not future.done():
                future.set_exception(AgentDied(reason))
        for events in self._runs.values():
            events.put(messages.BaseFailed(reason))


def _resolve(future: asyncio.Future[Any] | None, value: object) -> None:
    if future is not None and not future.done():
        future.set_result(value)


def _ended(event: messages.SessionEnded) -> messages.Failure:
    how = f"signal {event.signal}" if event.signal else f"exit status {event.exit}"
    text = f"The interpreter ended while importing the project ({how}). The log (.aftershock/agent.log) tells more."
    return messages.Failure("SessionEnded", text, text)
