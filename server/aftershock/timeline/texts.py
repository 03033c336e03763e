"""Figures as people read them."""

from __future__ import annotations

from aftershock.timeline.lanes import Mark
from aftershock.timeline.last_run import PHASES, TimedTest

_KINDS = {"build": "Build", "save": "Run on save", "request": "Run on request"}
"""Why a run was started, by the engine's word for it."""


def kind_text(kind: str) -> str:
    """Why a run was started."""
    return _KINDS.get(kind, kind)


def counted(count: int, one: str) -> str:
    """A count with its noun."""
    return f"{count:,} {one}{'' if count == 1 else 's'}"


def time_text(seconds: float) -> str:
    """A time with three digits or so, in the unit that fits it."""
    if seconds >= 59.95:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes:,} min {rest} s"
    if seconds >= 0.9995:
        return f"{seconds:.{1 if seconds >= 9.995 else 2}f} s"
    milliseconds = seconds * 1000
    return f"{milliseconds:.{0 if milliseconds >= 9.95 or not seconds else 1 if milliseconds >= 0.95 else 2}f} ms"


def tick_text(seconds: float, step: float) -> str:
    """A time on an axis whose ticks are ``step`` seconds apart: all in one unit."""
    if step >= 60:
        return "{}:{:02} min".format(*divmod(round(seconds), 60))
    return f"{seconds:.10g} s" if step >= 0.1 else f"{seconds * 1000:.10g} ms"


def percent(share: float) -> str:
    """A share of 1."""
    return f"{share * 100:.0f} %"


def test_text(test: TimedTest) -> str:
    """What is to be said of a test: its outcome and what it took."""
    phases = ", ".join(f"{name} {time_text(spent)}" for name, spent in zip(PHASES, test.phases, strict=True) if spent)
    return f"{test.test}: {test.outcome.value}, {time_text(test.seconds)} ({phases})"


def mark_text(mark: Mark, start: float) -> str:
    """What is to be said of a mark, which begins ``start`` seconds after the first test."""
    since = f"from {time_text(start)} on"
    if len(mark.tests) == 1:
        return f"{test_text(mark.first)}, {since}"
    failed = f", {mark.failed:,} failed" if mark.failed else ""
    which = "failed" if mark.failed else "slowest"
    together = f"{counted(len(mark.tests), 'short test')}{failed}, {time_text(mark.end - mark.start)} together, {since}"
    return f"{together}; {which}: {test_text(mark.first)}"
