"""What the engine tells its listeners (the language server, the terminal), each event defined once.

Paths are relative to the project root, with forward slashes; lines are one-based; durations in seconds.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from aftershock.selection.facts import Outcome, Verdict


class State(enum.Enum):
    """What the engine is doing, as the status item shows it."""

    STARTING = "starting"
    READY = "ready"
    BUILDING = "building"
    RUNNING = "running"
    PAUSED = "paused"
    FAILED = "failed"
    STOPPED = "stopped"


class RunKind(enum.Enum):
    """Why a run was started."""

    BUILD = "build"
    SAVE = "save"
    REQUEST = "request"


@dataclass(frozen=True)
class TestNode:
    """A test that exists: ``chain`` holds the names below the file (classes, then the test with parameters).

    ``digest`` is of what collecting has made of it beside its function.
    """

    __test__ = False
    id: str
    path: str
    line: int
    chain: tuple[str, ...]
    markers: tuple[str, ...] = ()
    digest: str = ""


@dataclass(frozen=True)
class Interpreter:
    """The warm interpreter, which began at ``since`` (seconds since the epoch).

    ``sessions``, ``patches`` (files brought up to date in place) and ``rebuilds`` (sessions that were needed because
    that couldn't be done) count from the server's start; ``rebuilt`` tells why the last rebuild was needed, or is
    empty.  ``memory`` is the proportional set size of its processes in bytes, None where it isn't known.  ``unforked``
    tells why tests run in the session's own process and not in forks of it, or is empty.
    """

    pid: int
    since: float
    sessions: int
    patches: int
    rebuilds: int
    rebuilt: str = ""
    memory: int | None = None
    unforked: str = ""


@dataclass(frozen=True)
class StatusChanged:
    """The state moved, or its counts did.  ``message`` is one sentence for people, maybe empty."""

    state: State
    message: str
    tests: int
    affected: int
    failed: int
    interpreter: Interpreter | None = None


@dataclass(frozen=True)
class ModuleDiscovered:
    """All the tests that a file holds now; replaces what was told of it before."""

    path: str
    tests: tuple[TestNode, ...]


@dataclass(frozen=True)
class ModuleRemoved:
    """The file holds no tests any more."""

    path: str


@dataclass(frozen=True)
class AffectedChanged:
    """The affected set, whole, with the reasons of each test.

    ``restored`` lists the tests that memory has a new answer for (undo, a branch switch): verdicts without a run.
    """

    affected: Mapping[str, tuple[str, ...]]
    restored: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunStarted:
    """A run begins; ``tests`` are enqueued in this order."""

    run: int
    kind: RunKind
    tests: tuple[str, ...]


@dataclass(frozen=True)
class TestStarted:
    """A test of a run begins, in the fork at the place ``worker``; ``at`` is by ``time.perf_counter``."""

    __test__ = False
    run: int
    test: str
    worker: int
    at: float


@dataclass(frozen=True)
class TestFinished:
    """A test of a run has its verdict; ``output`` is what it printed (captured stdout, stderr, logging).

    ``at`` is as in :class:`TestStarted`, or 0 for a test that didn't run to its end.
    """

    __test__ = False
    run: int
    verdict: Verdict
    output: str = ""
    at: float = 0.0


@dataclass(frozen=True)
class RunFinished:
    """A run is over; ``unfinished`` lists the tests that got no verdict (cancelled, out of date)."""

    run: int
    kind: RunKind
    counts: Mapping[Outcome, int]
    seconds: float
    cancelled: bool = False
    unfinished: tuple[str, ...] = ()


@dataclass(frozen=True)
class OrderDependent:
    """A test that says ``alone`` in a fork of its own, and ``standing`` after others; ``message`` is its failure alone.

    ``recorded_at`` is that of the verdict of which this is said, seconds since the epoch.  ``on``: the test that makes
    the difference, None where no single one could be found.  Not ``steady``: it doesn't depend on others, but says now
    this and now that.
    """

    test: str
    alone: Outcome
    standing: Outcome
    message: str
    recorded_at: float
    on: str | None = None
    steady: bool = True

    @property
    def text(self) -> str:
        """In one sentence, for people."""
        said = f"alone it {_SAID[self.alone]}, in the whole run it {_SAID[self.standing]}"
        if not self.steady:
            return f"Its outcome varies from run to run: {said}."
        cause = f"on {self.on}" if self.on else "on tests that run before it"
        first = self.message.strip().splitlines()[:1]
        return f"Depends {cause}: {said}{f' ({first[0]})' if first else ''}."


_SAID = {
    Outcome.PASSED: "passes",
    Outcome.FAILED: "fails",
    Outcome.ERRORED: "errs",
    Outcome.SKIPPED: "is skipped",
}


@dataclass(frozen=True)
class Problem:
    """Something wrong with a file itself: ``kind`` is ``syntax`` or ``import``; ``column`` is one-based."""

    kind: str
    message: str
    line: int
    column: int = 1


@dataclass(frozen=True)
class ProblemsChanged:
    """All the problems of a file now, replacing what was told of it before; empty when they are gone."""

    path: str
    problems: tuple[Problem, ...] = field(default=())


@dataclass(frozen=True)
class BuildNeeded:
    """Most tests have no fact yet and the configuration says to ask: ``total`` would run."""

    total: int


@dataclass(frozen=True)
class Notice:
    """A sentence that the user should see once; ``level`` is ``info``, ``warning`` or ``error``.

    ``topic``: one word for what it is about, if it may be told again, so that the user can mute it.
    """

    level: str
    message: str
    topic: str = ""


Event = (
    StatusChanged
    | ModuleDiscovered
    | ModuleRemoved
    | AffectedChanged
    | RunStarted
    | TestStarted
    | TestFinished
    | RunFinished
    | ProblemsChanged
    | BuildNeeded
    | Notice
    | OrderDependent
)
