"""Every message between the server and the agent, each defined once.

The server sends commands, the agent sends events; both travel as one JSON object a line.
The server imports this module, so it uses nothing but the standard library.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from aftershock_agent.commands import (
    CancelRun as CancelRun,
    Collect as Collect,
    Command as Command,
    Compile as Compile,
    DropTests as DropTests,
    MoreTests as MoreTests,
    Patch as Patch,
    Preload as Preload,
    PrepareSession as PrepareSession,
    Run as Run,
    StartSession as StartSession,
    StopSession as StopSession,
    Worker as Worker,
)
from aftershock_agent.coverage_messages import (
    CoverageBegun as CoverageBegun,
    CoverageEnded as CoverageEnded,
    CoverageMessage as CoverageMessage,
    CoveredFile as CoveredFile,
    MeasureCoverage as MeasureCoverage,
    TestsChosen as TestsChosen,
)

Executed = dict[str, list[str]]
"""Qualified names of the functions that ran, by absolute file path."""

Functions = list[tuple[int, str, str]]
"""Functions that a run's messages will name by number: number, absolute file path, qualified name."""


@dataclass(frozen=True)
class Frame:
    """One frame of a traceback: absolute path, one-based line, name of the function."""

    path: str
    line: int
    name: str


@dataclass(frozen=True)
class Failure:
    """Why a test phase or a collection failed.

    ``message`` is the short form (the assertion's explanation, or ``Type: text``), ``text`` pytest's
    whole report, ``frames`` the traceback outermost first.  ``expected`` and ``actual`` are the
    representations of an ``==`` assertion's right and left sides, where pytest compared two values.
    """

    exception: str
    message: str
    text: str
    frames: list[Frame] = field(default_factory=list)
    expected: str | None = None
    actual: str | None = None


@dataclass(frozen=True)
class CollectedTest:
    """A test as pytest collected it.  ``line`` is one-based, ``chain`` the names from class to test.

    ``together`` names what it shares with tests of other files that must then run in one process with it.  ``digest``
    has, in words, what collecting has made of it beside its function: a digest of its fixtures, one of its
    parameters where a hook made them, and the names of the project's classes and modules that parameters lead to.
    """

    id: str
    path: str
    line: int
    chain: list[str] = field(default_factory=list)
    markers: list[str] = field(default_factory=list)
    together: list[str] = field(default_factory=list)
    digest: str = ""


EXISTS = -1
"""The time and size that stand for a file of which nothing was asked but whether it is there."""


@dataclass(frozen=True)
class LoadedFile:
    """A project file whose module body ran: its state on disk then, and the project file that imported it."""

    path: str
    mtime_ns: int
    size: int
    importer: str | None = None


# --- events: agent to server -----------------------------------------------------------------


@dataclass(frozen=True)
class BaseReady:
    """The interpreter is up; ``distributions`` is a digest of what is installed in its environment."""

    pid: int
    python: str
    platform: str
    pytest: str
    distributions: str
    recording: str
    fork: bool


@dataclass(frozen=True)
class BaseFailed:
    """The interpreter can't serve (no pytest, too old); ``message`` says what to do."""

    message: str


@dataclass(frozen=True)
class SessionPrepared:
    """A session to come waits for its order; ``loaded`` are the project files that it has imported."""

    session: int
    pid: int
    loaded: list[LoadedFile]


@dataclass(frozen=True)
class SessionScouted:
    """What a scout has found: a session can be prepared up to the import of the project file ``until``.

    Not at all unless ``configured``: pytest's plugins do what others notice, or are the project's own.  ``noticed`` is
    what others would notice after ``until``; where that is empty, after the plugins, or nothing if ``noticed`` is empty
    too.  ``read`` are the files that were seen until then, with time and size 0 those that weren't there.
    """

    session: int
    configured: bool
    until: str
    noticed: str
    read: list[LoadedFile]


@dataclass(frozen=True)
class SessionReady:
    """pytest is configured.

    ``search_path`` holds the ``sys.path`` entries inside the root directory, ``python_files`` the patterns that
    make a file a test file.
    """

    session: int
    pid: int
    search_path: list[str]
    python_files: list[str]


@dataclass(frozen=True)
class SessionFailed:
    """pytest could not be configured (a usage error, a broken conftest.py)."""

    session: int
    failure: Failure
    loaded: list[LoadedFile] = field(default_factory=list)


@dataclass(frozen=True)
class Collecting:
    """A test file (absolute path) begins to be imported and collected."""

    session: int
    path: str


@dataclass(frozen=True)
class CollectFailed:
    """A file could not be collected; ``path`` is absolute, ``line`` one-based."""

    session: int
    path: str
    line: int
    failure: Failure


@dataclass(frozen=True)
class ImportedModule:
    """The import of a project file (absolute path) has ended, or (with ``tables.UNBOUND`` among ``values``) failed.

    ``values`` are the digests of what it bound, by name (see ``values``), ``executed`` what ran in it, without what ran
    in the imports that it began.
    """

    path: str
    values: dict[str, str]
    executed: Executed


@dataclass(frozen=True)
class Collected:
    """A collection ended.  ``paths`` echoes the command; the rest is what is new since the last one.

    ``executed`` is what ran outside of ``imports``.  ``preload`` names modules that base could have imported for it.
    ``one_worker``: code that was imported asked which worker of pytest-xdist's it is in, so no two runs may be under
    way at once.
    """

    session: int
    paths: list[str] | None
    tests: list[CollectedTest]
    loaded: list[LoadedFile]
    imports: list[ImportedModule]
    executed: Executed
    preload: list[str]
    one_worker: bool = False


@dataclass(frozen=True)
class Patched:
    """The answer to ``Patch``: whether the session now has the new bodies, else why it must be retired."""

    session: int
    path: str
    patched: bool
    reason: str = ""


@dataclass(frozen=True)
class TestStarted:
    """A test begins, in the fork at the place ``worker``; ``at`` is by ``time.perf_counter``, whose clock all share."""

    __test__: ClassVar[bool] = False
    session: int
    run: int
    test: str
    worker: int
    at: float


@dataclass(frozen=True)
class TestFinished:
    """A test ended.  ``outcome``: passed, failed, errored, skipped; ``durations``: seconds by phase.

    ``at`` is as in :class:`TestStarted`, or 0 where the test couldn't tell.
    ``executed`` and ``loaded`` cover its own phases and the wider fixtures that it used.  The run sends ``numbers`` for
    what it executed, with the ``functions`` whose numbers it hadn't used before; who receives it fills in ``executed``.
    ``opaque`` names something it did that recording can't see into (a child process), or is empty; ``program``: it has
    started another program, which may have looked at nothing of the project.
    """

    __test__: ClassVar[bool] = False
    session: int
    run: int
    test: str
    outcome: str
    durations: dict[str, float]
    loaded: list[LoadedFile] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    functions: Functions = field(default_factory=list)
    executed: Executed = field(default_factory=dict)
    failure: Failure | None = None
    output: str = ""
    reason: str = ""
    opaque: str = ""
    program: bool = False
    at: float = 0.0


@dataclass(frozen=True)
class TeardownExecuted:
    """A wider fixture was torn down after ``tests`` had used it: what that ran counts for each of them.

    ``numbers``, ``functions`` and ``executed`` are as in :class:`TestFinished`; ``opaque``: it started child processes.
    """

    session: int
    run: int
    tests: list[str]
    numbers: list[int]
    functions: Functions
    executed: Executed = field(default_factory=dict)
    opaque: bool = False


@dataclass(frozen=True)
class RunIdle:
    """A run has run its tests and asks for more; what they set up for more than themselves is still up."""

    session: int
    run: int


@dataclass(frozen=True)
class RunEnded:
    """The run's process is gone, or the run is over that was in the session's own process.

    ``signal`` or ``exit`` tell how; ``exit`` 0 is the ordinary end.  Neither: its session went away.  ``lost``: the run
    was in its session's process, which went with it.
    ``reason`` tells why the agent ended it: ``silent`` (it had closed the agent's channel), ``flood`` (it printed too
    much); else it is empty.
    """

    session: int
    run: int
    exit: int | None
    signal: int | None
    reason: str = ""
    lost: bool = False


@dataclass(frozen=True)
class SessionEnded:
    """The session's process is gone; ``reason`` as in :class:`RunEnded`."""

    session: int
    exit: int | None
    signal: int | None
    reason: str = ""


@dataclass(frozen=True)
class InProcess:
    """Runs are no forks but happen in the session's own process; ``reason`` goes on after "because"."""

    session: int
    reason: str


@dataclass(frozen=True)
class Unfit:
    """A new session is needed.

    A run in the session's process has left something that can't be taken back (``reason`` names the test and what it
    left), or the session can't follow a patch that a fork of it has made.
    """

    session: int
    reason: str


@dataclass(frozen=True)
class Log:
    """A line for the server's log; ``level`` as in :mod:`logging`."""

    level: str
    text: str


Event = (
    BaseReady
    | BaseFailed
    | SessionPrepared
    | SessionScouted
    | SessionReady
    | SessionFailed
    | Collecting
    | CollectFailed
    | Collected
    | Patched
    | TestStarted
    | TestFinished
    | TeardownExecuted
    | RunIdle
    | RunEnded
    | SessionEnded
    | InProcess
    | Unfit
    | Log
)
Message = Command | Event | CoverageMessage
