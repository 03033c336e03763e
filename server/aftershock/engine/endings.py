"""How the process of a run ended, in words for people: on the test that did it."""

from __future__ import annotations

import signal

from aftershock_agent import messages

_SILENT = (
    "The test closed file descriptors that aren't its own, pytest's and Aftershock's among them, "
    "so its process had to be ended."
)
_FLOOD = "The test printed more than 512 MB, so it was stopped."
_KILLED = " Something killed its process: the system for want of memory, perhaps, or the test itself."
_FAULT = " Where, the log (.aftershock/agent.log) may tell."
_FAULTS = ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL")


def report_of(ended: messages.RunEnded, test: str, limit: float | None) -> messages.TestFinished:
    """The report of a test that couldn't report itself; what it ran is unknown, so it counts as opaque.

    ``limit``: the seconds that it has exceeded, if that is why it was ended.
    """
    text = _crashed(ended) if limit is None else _timed_out(limit)
    failure = messages.Failure("Crash", text, text)
    return messages.TestFinished(
        ended.session, ended.run, test, "failed", {"call": 0.0}, failure=failure, opaque="crash"
    )


def _timed_out(seconds: float) -> str:
    return f"The test was stopped: it ran longer than {seconds:g} s (setting aftershock.testTimeout)."


def _crashed(ended: messages.RunEnded) -> str:
    if ended.reason:
        return _SILENT if ended.reason == "silent" else _FLOOD
    if ended.signal is not None:
        name = _name(ended.signal)
        more = _KILLED if name == "SIGKILL" else _FAULT if name in _FAULTS else ""
        return f"The test crashed the interpreter ({name}).{more}"
    if ended.exit is None:
        return "The interpreter went away while the test ran."
    return f"The test ended the interpreter with exit status {ended.exit}."


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
