"""From pytest's reports and exceptions to the agent's plain values."""

from __future__ import annotations

import os
import traceback
from types import TracebackType
from typing import Any

import _pytest
import pluggy
import pytest

from aftershock_agent.messages import Failure, Frame

_MACHINERY = (
    *(os.path.dirname(str(package.__file__)) + os.sep for package in (_pytest, pluggy)),
    os.path.dirname(os.path.abspath(__file__)) + os.sep,
    "<frozen importlib",
)
_IMPORTLIB = os.sep + "importlib" + os.sep + "__init__.py"
_TEXT_LIMIT = 100_000  # characters; a flood in an assertion must not clog the channel


LEFT_OUT = "\n[... Aftershock left out {} here ...]\n"


def shortened(text: str, limit: int = _TEXT_LIMIT) -> str:
    """A text of bounded length: a long one's two ends, with a note in between of how much was left out."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return text[:half] + LEFT_OUT.format(f"{len(text) - 2 * half:,} characters") + text[-half:]


def root_cause(error: BaseException) -> BaseException:
    """The user's exception behind the ones that pytest wraps around a failing import."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, BaseException):
        return cause
    if isinstance(error, pytest.Collector.CollectError) and error.__cause__ is not None:
        return error.__cause__
    return error


def frames_of(trace: TracebackType | None) -> list[Frame]:
    """The frames of a traceback, outermost first, without pytest's, its plugins' and the import system's own."""
    frames = []
    for frame, line in traceback.walk_tb(trace):
        filename = frame.f_code.co_filename
        if not filename.startswith(_MACHINERY) and not filename.endswith(_IMPORTLIB):
            name = getattr(frame.f_code, "co_qualname", frame.f_code.co_name)
            frames.append(Frame(os.path.realpath(filename), line, name))
    # A plugin's hook wrapper on the way in tells nothing about the failure.
    own = next((i for i, frame in enumerate(frames) if "site-packages" not in frame.path), 0)
    return frames[own:]


def failure_of(error: BaseException, text: str, compared: tuple[str, str] | None = None) -> Failure:
    """Describe an exception; ``text`` is pytest's report, ``compared`` the sides of an ``==``: (expected, actual)."""
    frames = frames_of(error.__traceback__)
    if isinstance(error, SyntaxError) and error.filename:
        frames.append(Frame(os.path.realpath(error.filename), error.lineno or 1, "<module>"))
    expected, actual = compared or (None, None)
    return Failure(_name(error), _message(error), shortened(text), frames, expected, actual)


def _name(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _message(error: BaseException) -> str:
    """The exception's text; for a plain assertion just the explanation, as pytest shows it."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}"
    try:
        text = str(error)
    except Exception as broken:
        text = f"<str() of the exception failed: {type(broken).__name__}>"
    if isinstance(error, (AssertionError, pytest.fail.Exception)):
        return shortened(text or type(error).__name__)
    return shortened(f"{type(error).__name__}: {text}") if text else type(error).__name__


class Outcome:
    """The outcome of one test, put together from the reports of its phases."""

    def __init__(self) -> None:
        self.value = "passed"
        self.durations: dict[str, float] = {}
        self.failure: Failure | None = None
        self.reason = ""
        self.output = ""
        self._failed_in = ""
        self._explained = False

    def add(self, report: pytest.TestReport) -> None:
        """Add the report of a phase."""
        self.durations[report.when] = self.durations.get(report.when, 0.0) + report.duration
        if report.when != "setup" or report.failed or report.skipped:
            self.output = shortened("\n".join(text.rstrip() for _, text in report.sections if text.strip()))
        if report.failed and self.value not in ("failed", "errored"):
            self.value = "failed" if report.when == "call" else "errored"
            self.failure = Failure("Failed", _first_line(report), shortened(report.longreprtext))
            self._failed_in = report.when
        elif report.skipped and self.value == "passed":
            self.value = "skipped"
            self.reason = skip_reason(report)

    def abort(self, failure: Failure) -> None:
        """The test raised what ends a whole pytest."""
        self.value, self.failure = "failed", failure

    def remark(self, text: str) -> None:
        """Tell people something with the output."""
        self.output = f"{self.output}\n[{text}]".lstrip()

    def break_down(self, failure: Failure) -> None:
        """What outlived the test's phases failed as it was torn down."""
        if self.value not in ("failed", "errored"):
            self.value, self.failure = "errored", failure

    def explain(self, when: str, failure: Failure) -> None:
        """Say more of the phase ``when``, if it is the one that failed first; of its failures (subtests) the first."""
        if when == self._failed_in and not self._explained:
            self.failure, self._explained = failure, True


class Outcomes:
    """The part of a pytest plugin that puts together the ``outcome`` of the test under way."""

    def __init__(self) -> None:
        self.begin_outcome()

    def begin_outcome(self) -> None:
        """Another test begins."""
        self.outcome = Outcome()
        self._compared: tuple[str, str] | None = None

    def pytest_exception_interact(
        self, call: pytest.CallInfo[None], report: pytest.TestReport | pytest.CollectReport
    ) -> None:
        """Keep the exception's details while they are at hand; comes after the phase's report."""
        if isinstance(report, pytest.TestReport) and call.excinfo is not None:
            error = root_cause(call.excinfo.value)
            self.outcome.explain(report.when, failure_of(error, report.longreprtext, self._compared))
        self._compared = None

    def pytest_assertrepr_compare(self, op: str, left: object, right: object) -> None:
        """Keep the two sides of a failing ``==``."""
        if op == "==":
            self._compared = (_shown(right), _shown(left))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add a phase to the outcome."""
        self.outcome.add(report)


def _shown(value: object) -> str:
    """A representation for a diff view: pretty over several lines, bounded, never raising."""
    import pprint

    try:
        text = value if isinstance(value, str) else pprint.pformat(value, width=79)
    except Exception as broken:
        text = f"<repr() failed: {type(broken).__name__}>"
    return text[:10_000]


def _first_line(report: pytest.TestReport) -> str:
    return (report.longreprtext.strip().splitlines() or ["failed"])[-1]


def skip_reason(report: pytest.TestReport) -> str:
    """Why a test was skipped or is expected to fail."""
    expected: Any = getattr(report, "wasxfail", None)
    if expected is not None:
        return f"expected failure: {expected}" if expected else "expected failure"
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    return report.longreprtext
