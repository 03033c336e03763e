"""Whole suites in fresh pytest processes: the outcome of every test, with a time limit."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measuring.verdicts import ENVIRONMENT
from benchmarks.mutating.mutants import Mutant
from projects import Project

ARGUMENTS = ("-p", "fresh_verdicts", "-p", "outcomes", "-q", "--no-header", "--tb=no")
"""fresh_verdicts has hypothesis draw the same examples in every process."""

_WITH_VERDICTS, _CANNOT_START = (0, 1, 5), 4  # pytest's exit codes


@dataclass(frozen=True)
class Said:
    """Outcomes by test, node ids that could not be collected, and why pytest could not start, if it couldn't."""

    outcomes: Mapping[str, str]
    errors: tuple[str, ...] = ()
    problem: str = ""

    def uncollected(self, tests: Collection[str]) -> set[str]:
        """Those of some tests that are not there because their file, class or folder can't be collected."""
        if self.problem:
            return set(tests)
        errors = [error.removesuffix("/__init__.py") for error in self.errors]
        return {
            test
            for test in tests
            if test not in self.outcomes
            and any(
                test == error or error in ("", ".") or test.startswith((f"{error}::", f"{error}/")) for error in errors
            )
        }


@contextlib.contextmanager
def mutated(project: Project, mutant: Mutant) -> Iterator[None]:
    """A project with the mutant in it; pristine again afterwards."""
    write(project.root / mutant.path, mutant.after)
    try:
        yield
    finally:
        write(project.root / mutant.path, mutant.before)


def write(path: Path, text: bytes) -> None:
    """Write a file, and forget its compiled forms: Python tells those that are out of date by the second."""
    path.write_bytes(text)
    for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
        compiled.unlink(missing_ok=True)


def run(project: Project, arguments: Sequence[str], limit: float, only: Collection[str] = ()) -> Said | None:
    """What a fresh pytest says, of these tests ``only`` or of all; None: it hung for ``limit`` seconds, or crashed."""
    with tempfile.TemporaryDirectory(prefix="aftershock-benchmark-") as scratch:
        target, chosen = Path(scratch) / "outcomes", Path(scratch) / "only"
        environment = {**os.environ, **ENVIRONMENT, "OUTCOMES": str(target)}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # the files that no mutant touches are compiled once
        if only:
            chosen.write_text("\n".join(only), encoding="utf-8")
            environment["OUTCOMES_ONLY"] = str(chosen)
        command = [str(project.python), "-m", "pytest", *ARGUMENTS, "--continue-on-collection-errors", *arguments]
        code, output = _finished(command, project.root, environment, limit)
        if code == _CANNOT_START:
            return Said({}, problem=output[-2000:] or "pytest can't start")
        if code not in _WITH_VERDICTS or not target.exists():
            return None
        found = json.loads(target.read_text(encoding="utf-8"))
    return Said(found["tests"], tuple(found["errors"]))


def _finished(command: Sequence[str], folder: Path, environment: Mapping[str, str], limit: float) -> tuple[int, str]:
    """A process's exit code and output; all that it started is ended with it."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            code = -signal.SIGKILL
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        output.seek(0)
        return code, output.read().decode("utf-8", "replace")
