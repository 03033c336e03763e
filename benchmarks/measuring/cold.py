"""Timed pytest processes: what people use today."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from projects import Project

TESTMON = "pytest-testmon==2.2.0"
LOOP_ARGUMENTS = ("-p", "loop_time")
_PLUGINS = Path(__file__).resolve().parents[1] / "plugins"
_COUNT = re.compile(r"(\d+) (passed|failed|skipped|xfailed|xpassed|error)")
_RAN, _FAILED, _NOTHING = 0, 1, 5  # pytest's exit codes


class PytestError(Exception):
    """pytest ended otherwise than with verdicts; the text holds the end of its output."""


@dataclass(frozen=True)
class Loop:
    """From the first test's start to the last one's end: elapsed seconds, and seconds of CPU time."""

    elapsed: float
    cpu: float


@dataclass(frozen=True)
class Timing:
    """One pytest process: seconds of the whole, its loop, None where none ran, how many tests ran, if they passed."""

    seconds: float
    loop: Loop | None
    tests: int
    passed: bool


def measuring(file: Path) -> dict[str, str]:
    """The environment in which pytest, with LOOP_ARGUMENTS, writes its loop's time to a file."""
    return {**os.environ, "PYTHONPATH": str(_PLUGINS), "LOOP_TIME": str(file)}


def loop_of(file: Path) -> Loop | None:
    """The loop's time that was written, and no more: the next is another's."""
    if not file.exists():
        return None
    elapsed, cpu = file.read_text(encoding="utf-8").split()
    file.unlink()
    return Loop(float(elapsed), float(cpu))


def pytest(project: Project, *arguments: str) -> Timing:
    """Run `python -m pytest -q` with arguments in a project's folder; PytestError where no verdicts come of it."""
    with tempfile.TemporaryDirectory(prefix="aftershock-benchmark-") as scratch:
        loop = Path(scratch) / "loop"
        command = [str(project.python), "-m", "pytest", "-q", *LOOP_ARGUMENTS, *arguments]
        started = time.perf_counter()
        done = subprocess.run(
            command, cwd=project.root, env=measuring(loop), capture_output=True, text=True, check=False
        )
        seconds = time.perf_counter() - started
        if done.returncode not in (_RAN, _FAILED, _NOTHING):
            raise PytestError("\n".join((done.stdout + done.stderr).splitlines()[-20:]))
        return Timing(seconds, loop_of(loop), count(done.stdout), done.returncode != _FAILED)


def count(output: str) -> int:
    """How many tests the summary, pytest's last line but for warnings of plugins, speaks of."""
    for line in reversed(output.splitlines()):
        found: Sequence[tuple[str, str]] = _COUNT.findall(line)
        if found:
            return sum(int(number) for number, _ in found)
    return 0
