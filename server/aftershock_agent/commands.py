"""The commands: server to agent.  Code names them by :mod:`~aftershock_agent.messages`, which has their encoding."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class PrepareSession:
    """Prepare a session to come, whose number is below zero; it takes the place of the prepared one ``replaced``.

    pytest is configured with ``args``; where ``further``, conftest.py is loaded too and ``collect`` (absolute paths)
    collected.  It halts before the import of any file of ``before`` (absolute paths).  A ``scout`` only finds out how
    far a session can go (:mod:`aftershock_agent.scouting`), and ends.  ``sources`` are the project's files.
    """

    session: int
    args: list[str]
    sources: list[str] = field(default_factory=list)
    further: bool = False
    before: list[str] = field(default_factory=list)
    collect: list[str] = field(default_factory=list)
    scout: bool = False
    replaced: int = 0


@dataclass(frozen=True)
class StartSession:
    """Start a session: configure pytest with ``args`` and wait for commands.

    ``prepared`` is the number of a prepared one that may become this session, if it is there; 0 to begin with base.
    ``isolation`` is the user's setting; the session makes of it what can be done (:class:`InProcess`).
    """

    session: int
    args: list[str]
    sources: list[str] = field(default_factory=list)
    isolation: str = "auto"
    prepared: int = 0


@dataclass(frozen=True)
class Collect:
    """Collect ``paths`` (absolute), or all that pytest would collect by itself when it is None."""

    session: int
    paths: list[str] | None


@dataclass(frozen=True)
class Compile:
    """A file of the session has this new text: compile it now, since a ``Patch`` with it is likely to follow."""

    session: int
    path: str
    text: str


@dataclass(frozen=True)
class Patch:
    """Replace the function bodies of one loaded file: ``old`` is the text that it was imported from.

    ``old`` is None where the last patch of the file made it so, ``new`` where the last ``Compile`` had that text.
    """

    session: int
    path: str
    old: str | None
    new: str | None
    changed: list[str]


@dataclass(frozen=True)
class Worker:
    """One of the places for forks that run tests at the same time: no two forks have one ``number`` at once.

    ``count`` is how many places there are for a set of tests, whose name for this occasion is ``uid``.
    """

    number: int
    count: int
    uid: str


@dataclass(frozen=True)
class Run:
    """Run tests, in this order, in one fork of the session; ``more``: it may be given more, and asks for them.

    ``programs``: some of these tests start other programs, and it is worth while to see what those look at.  ``idle``:
    nobody waits for it, so the fork that waits for a run is left to the next save.
    """

    session: int
    run: int
    tests: list[str]
    worker: Worker
    more: bool = False
    programs: bool = False
    idle: bool = False


@dataclass(frozen=True)
class MoreTests:
    """The answer to :class:`RunIdle`: further tests for a run, none to end it; ``more`` as in :class:`Run`."""

    session: int
    run: int
    tests: list[str]
    more: bool


@dataclass(frozen=True)
class DropTests:
    """Leave out the tests of a run that are named here and that it hasn't begun: they are out of date."""

    session: int
    run: int
    tests: list[str]


@dataclass(frozen=True)
class CancelRun:
    """Stop a run: ask it to finish after the test in flight, or kill it."""

    session: int
    run: int
    kill: bool


@dataclass(frozen=True)
class StopSession:
    """Kill a session and all of its runs; ``abort``: by SIGABRT, so that it leaves a traceback in the log."""

    session: int
    abort: bool = False


@dataclass(frozen=True)
class Preload:
    """Import modules into base, so that later sessions have them already."""

    session: int
    modules: list[str]


Command = (
    Compile
    | Preload
    | PrepareSession
    | StartSession
    | Collect
    | Patch
    | Run
    | MoreTests
    | DropTests
    | CancelRun
    | StopSession
)
