"""The messages of our own, beside LSP's, each defined once.

The editor's twin is ``vscode-extension/src/protocol.ts``; ``docs/protocol.md`` explains them, and a test holds it to
this module.  Positions are LSP's: zero-based, columns in UTF-16 code units.  Every field is one lower-case word, so
names are the same in Python and in JSON; a field that is None by default is left out of the JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, Final

import attrs
from cattrs import Converter
from cattrs.gen import make_dict_unstructure_fn
from lsprotocol import types
from lsprotocol.types import Location, Range
from pygls.protocol import LanguageServerProtocol, default_converter, lsp_method

STATUS: Final = "aftershock/status"
TEST_MODULE: Final = "aftershock/testModule"
TEST_MODULE_DELETE: Final = "aftershock/testModuleDelete"
AFFECTED_TESTS: Final = "aftershock/affectedTests"
TEST_RUN_PROGRESS: Final = "aftershock/testRunProgress"
TEST_RUN: Final = "aftershock/testRun"
TEST_RUN_CANCEL: Final = "aftershock/testRunCancel"
COVERAGE_RUN: Final = "aftershock/coverageRun"
COVERAGE: Final = "aftershock/coverage"
COVERAGE_DETAILS: Final = "aftershock/coverageDetails"

RUN_AFFECTED: Final = "aftershock.runAffected"
RUN_ALL: Final = "aftershock.runAll"
RUN_FAILED: Final = "aftershock.runFailed"
RUN_TESTS: Final = "aftershock.runTests"
OPEN_LOCATION: Final = "aftershock.openLocation"
RUN_TESTS_FOR_SYMBOL: Final = "aftershock.runTestsForSymbol"
SHOW_TESTS_FOR_SYMBOL: Final = "aftershock.showTestsForSymbol"
SHOW_TESTS_FOR_LINE: Final = "aftershock.showTestsForLine"
DEBUG_TEST: Final = "aftershock.debugTest"
WHY: Final = "aftershock.why"
SHOW_TIMELINE: Final = "aftershock.showTimeline"
LOCATE_TEST: Final = "aftershock.locateTest"
CANCEL: Final = "aftershock.cancel"
PAUSE: Final = "aftershock.pause"
RESUME: Final = "aftershock.resume"
REBUILD: Final = "aftershock.rebuild"
RESTART_INTERPRETER: Final = "aftershock.restartInterpreter"


@attrs.frozen
class Interpreter:
    """The warm interpreter: ``since`` in seconds since the epoch, ``memory`` in bytes of its processes together.

    ``patches`` are files brought up to date in place, ``rebuilds`` sessions made because that couldn't be done, and
    ``rebuilt`` why the last one was, or empty; ``unforked`` why tests don't run in forks, or empty.
    """

    pid: int
    since: float
    sessions: int
    patches: int
    rebuilds: int
    rebuilt: str
    memory: int | None = None
    unforked: str = ""


@attrs.frozen
class Status:
    """The state moved, or its counts did; ``message`` is one sentence for people, maybe empty."""

    state: str
    message: str
    tests: int
    affected: int
    failed: int
    interpreter: Interpreter | None = None


@attrs.frozen
class TestItem:
    """A test, or what holds tests.  A leaf's id is a pytest node id, an inner node's a prefix of one."""

    __test__ = False
    id: str
    label: str
    range: Range
    tags: Sequence[str]
    children: Sequence[TestItem]


@attrs.frozen
class TestModule:
    """All the tests of a file now; replaces what was told of it before."""

    __test__ = False
    uri: str
    tests: Sequence[TestItem]


@attrs.frozen
class TestModuleDelete:
    """The file holds no tests any more."""

    __test__ = False
    uri: str


@attrs.frozen
class AffectedTest:
    """An affected test and why it is."""

    id: str
    reasons: Sequence[str]


@attrs.frozen
class AffectedTests:
    """The whole affected set; ``restored`` became fresh again without a run."""

    tests: Sequence[AffectedTest]
    restored: Sequence[str]


@attrs.frozen
class TestFrame:
    """One frame of a failure's traceback."""

    __test__ = False
    name: str
    location: Location


@attrs.frozen
class TestFailure:
    """Why a test failed; ``frames`` outermost first."""

    __test__ = False
    message: str
    frames: Sequence[TestFrame]
    expected: str | None = None
    actual: str | None = None
    location: Location | None = None


@attrs.frozen
class TestRunProgress:
    """One step of a run.

    ``kind`` is enqueued (with ``tests``), started, passed, failed, errored, skipped, output, restart or end;
    ``duration`` in seconds.
    """

    __test__ = False
    run: int
    kind: str
    tests: Sequence[str] | None = None
    test: str | None = None
    duration: float | None = None
    failure: TestFailure | None = None
    output: str | None = None


@attrs.frozen
class TestRunParams:
    """Run these tests, or all of them."""

    __test__ = False
    tests: list[str] | None = None


@attrs.frozen
class TestRunResult:
    """The number of the run that was started."""

    __test__ = False
    run: int


@attrs.frozen
class TestRunCancelParams:
    """Finish the test in flight and stop; a second one kills."""

    __test__ = False
    run: int


@attrs.frozen
class CoveredFile:
    """How many of a file's statements a run executed.

    ``ranges`` are the tests that did, as places in :class:`Coverage`: the first and the last of each unbroken row.
    """

    uri: str
    covered: int
    total: int
    ranges: Sequence[int]


@attrs.frozen
class Coverage:
    """What a run under coverage.py has found, right before its end; ``tests`` are all that it ran."""

    run: int
    tests: Sequence[str]
    files: Sequence[CoveredFile]


@attrs.frozen
class CoverageDetailsParams:
    """Ask for the lines of a file that a run executed, or for those that one test of it did."""

    run: int
    uri: str
    test: str | None = None


@attrs.frozen
class CoverageDetails:
    """The first lines of a file's statements: those that were executed, and, of a whole run, those that never were."""

    covered: Sequence[int]
    missing: Sequence[int]


@attrs.frozen
class SymbolReference:
    """A function, class or test in a file: the argument of the two commands that speak of one."""

    uri: str
    qualname: str


@attrs.frozen
class SymbolTest:
    """One test of a symbol; ``outcome`` is that of its last run, None before the first."""

    id: str
    label: str
    location: Location
    outcome: str | None
    affected: bool


@attrs.frozen
class SymbolTests:
    """The answer of ``aftershock.showTestsForSymbol``."""

    tests: Sequence[SymbolTest]


@attrs.frozen
class LineTests:
    """The answer of ``aftershock.showTestsForLine``.

    ``measured``: these execute the line, as a coverage run of this text has shown; else they reach its function.
    """

    tests: Sequence[SymbolTest]
    measured: bool


@attrs.frozen
class WhyReason:
    """One cause in words; ``lines`` of the source that were (``- ``) and are (``+ ``), where these are known."""

    text: str
    lines: Sequence[str]


@attrs.frozen
class WhyResult:
    """The answer of ``aftershock.why``: ``inputs`` are the keys that the test's last fact depended on."""

    test: str
    affected: bool
    reasons: Sequence[WhyReason]
    inputs: Sequence[str]


@attrs.frozen
class DebugAddress:
    """The answer of ``aftershock.debugTest``: where a debugger attaches (DAP over TCP, on this machine)."""

    host: str
    port: int


@attrs.frozen
class Timeline:
    """The answer of ``aftershock.showTimeline``: a page that is whole by itself, and styled by the editor's theme."""

    html: str


@attrs.frozen
class TestPlace:
    """The answer of ``aftershock.locateTest``."""

    __test__ = False
    location: Location


@attrs.define
class TestRunRequest:
    """The envelope of ``aftershock/testRun``."""

    __test__ = False
    id: int | str
    params: TestRunParams
    method: str = TEST_RUN
    jsonrpc: str = "2.0"


@attrs.define
class TestRunCancelNotification:
    """The envelope of ``aftershock/testRunCancel``."""

    __test__ = False
    params: TestRunCancelParams
    method: str = TEST_RUN_CANCEL
    jsonrpc: str = "2.0"


@attrs.define
class CoverageRunRequest:
    """The envelope of ``aftershock/coverageRun``."""

    id: int | str
    params: TestRunParams
    method: str = COVERAGE_RUN
    jsonrpc: str = "2.0"


@attrs.define
class CoverageDetailsRequest:
    """The envelope of ``aftershock/coverageDetails``."""

    id: int | str
    params: CoverageDetailsParams
    method: str = COVERAGE_DETAILS
    jsonrpc: str = "2.0"


_REQUESTS: Mapping[str, tuple[type, type]] = {
    TEST_RUN: (TestRunRequest, TestRunParams),
    COVERAGE_RUN: (CoverageRunRequest, TestRunParams),
    COVERAGE_DETAILS: (CoverageDetailsRequest, CoverageDetailsParams),
}
"""The envelopes of our requests, and what is in them."""
_INCOMING: Mapping[str, type] = {
    **{method: envelope for method, (envelope, _) in _REQUESTS.items()},
    TEST_RUN_CANCEL: TestRunCancelNotification,
}
_SENT = (
    *(Interpreter, Status, TestItem, TestModule, TestModuleDelete, AffectedTest, AffectedTests, TestFrame, TestFailure),
    *(TestRunProgress, TestRunResult, SymbolReference, SymbolTest, SymbolTests, WhyReason, WhyResult, DebugAddress),
    *(Timeline, TestPlace, CoveredFile, Coverage, CoverageDetails, LineTests),
)


class Protocol(LanguageServerProtocol):
    """LSP with our messages: the incoming ones are structured as the classes here."""

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(self, params: types.InitializeParams) -> Generator[Any, Any, types.InitializeResult]:
        """Promise what we keep: pygls would agree to the columns that the client likes best, and serve many folders."""
        if params.capabilities.general is not None:
            params.capabilities.general.position_encodings = None  # UTF-16 then, which every client knows
        result: types.InitializeResult = yield from super().lsp_initialize(params)
        if result.capabilities.workspace is not None:
            # A client with a second folder starts a second server for it.
            result.capabilities.workspace.workspace_folders = None
        return result

    def get_message_type(self, method: str) -> type[Any] | None:  # type: ignore[override]  # theirs is memoised
        """The class that a message of this method is read into."""
        return _INCOMING.get(method) or super().get_message_type(method)


def converter() -> Converter:
    """The converter of pygls, which also reads and writes the classes of this module."""
    made: Converter = default_converter()  # type: ignore[no-untyped-call]
    for kind in _SENT:
        write = make_dict_unstructure_fn(kind, made, _cattrs_omit_if_default=True)
        made.register_unstructure_hook(kind, write)

    for envelope, params in _REQUESTS.values():
        made.register_structure_hook(envelope, _reader(made, params))
    return made


def _reader(made: Converter, params: type) -> Callable[[dict[str, Any], type], object]:
    """Reads a request; an id is a number or a text, a union that cattrs doesn't read by itself."""
    return lambda message, envelope: envelope(message["id"], made.structure(message.get("params") or {}, params))
