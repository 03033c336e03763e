"""What people read: colours where the terminal has them, few words everywhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from aftershock.engine import sources
from aftershock.engine.events import Interpreter, RunFinished
from aftershock.selection.facts import Outcome, Verdict

_SIGNS = {
    Outcome.PASSED: ("✓", "32"),
    Outcome.FAILED: ("✗", "31"),
    Outcome.ERRORED: ("!", "31"),
    Outcome.SKIPPED: ("-", "33"),
}
_ASCII = {"✓": "ok", "✗": "FAIL", "!": "ERROR", "-": "skip", "…": "..."}


class Terminal:
    """A stream of text for people; colours only on a terminal, and never with NO_COLOR set."""

    def __init__(self, root: Path, stream: TextIO | None = None, environment: Mapping[str, str] = os.environ) -> None:
        """Writes to stdout where no stream is given; paths below ``root`` are told relative to it."""
        self._root = root
        self._stream = stream or sys.stdout
        self.interactive = self._stream.isatty() and environment.get("TERM") != "dumb"
        self._colours = self.interactive and not environment.get("NO_COLOR")
        encoding = (getattr(self._stream, "encoding", None) or "ascii").lower().replace("-", "")
        self._unicode = encoding.startswith("utf")

    def line(self, text: str = "") -> None:
        """Write one line, at once."""
        if not self._unicode:
            for sign, plain in _ASCII.items():
                text = text.replace(sign, plain)
            text = text.encode("ascii", "backslashreplace").decode()
        print(text, file=self._stream, flush=True)

    def clear(self) -> None:
        """Clear the screen, where there is one."""
        if self.interactive:
            self._stream.write("\x1b[2J\x1b[3J\x1b[H")

    def dim(self, text: str) -> str:
        """Text that matters less."""
        return self._painted(text, "2")

    def bold(self, text: str) -> str:
        """Text that matters more."""
        return self._painted(text, "1")

    def good(self, text: str) -> str:
        """Good news."""
        return self._painted(text, "32")

    def bad(self, text: str) -> str:
        """Bad news."""
        return self._painted(text, "31")

    def verdict(self, verdict: Verdict) -> None:
        """A line for a verdict, and below it what a failure says."""
        sign, colour = _SIGNS[verdict.outcome]
        self.line(f"{self._painted(sign, colour)} {verdict.test} {self.dim(seconds_text(verdict.seconds))}")
        if verdict.outcome in (Outcome.FAILED, Outcome.ERRORED) and verdict.failure is not None:
            for line in verdict.failure.message.strip().splitlines():
                self.line(f"    {line}")
            frames = verdict.failure.frames
            if frames:
                self.line(self.dim(f"    {self._short(frames[-1].path)}:{frames[-1].line} in {frames[-1].name}"))

    def summary(self, finished: RunFinished) -> None:
        """A line for the whole run."""
        parts = [f"{count} {outcome.value}" for outcome, count in finished.counts.items() if count]
        if finished.unfinished:
            parts.append(f"{len(finished.unfinished)} not run")
        bad = finished.counts.get(Outcome.FAILED, 0) + finished.counts.get(Outcome.ERRORED, 0)
        text = ", ".join(parts) or "no tests ran"
        painted = self.bad(text) if bad else self.good(text)
        self.line(f"{self.bold(painted)} {self.dim(f'in {seconds_text(finished.seconds)}')}")

    def _short(self, path: str) -> str:
        return sources.relative(self._root, path) or path

    def _painted(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colours else text


def seconds_text(seconds: float) -> str:
    """A time as people say it."""
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.001 else "<1 ms"


def interpreter_text(interpreter: Interpreter, now: float) -> str:
    """The state of a warm interpreter as people say it; ``now`` in seconds since the epoch."""
    minutes = int(max(now - interpreter.since, 0.0) // 60)
    age = f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
    parts = [f"process {interpreter.pid} for {age}"]
    if interpreter.memory is not None:
        parts.append(f"{interpreter.memory / 1e6:.0f} MB")
    parts.append(_counted(interpreter.sessions, "session"))
    parts.append(_counted(interpreter.patches, "patch", "patches"))
    parts.append(_counted(interpreter.rebuilds, "rebuild"))
    text = ", ".join(parts)
    if interpreter.rebuilt:
        text += f"; the last rebuild because of {interpreter.rebuilt}"
    return f"{text}; runs in process because {interpreter.unforked}" if interpreter.unforked else text


def _counted(count: int, one: str, several: str = "") -> str:
    return f"{count} {one if count == 1 else several or one + 's'}"
