"""Runs every check and every test, in sections, all of them whatever fails, and sums up.

    run_tests.py              everything
    run_tests.py lint types   only the sections named

The Python tests run in two lanes.

The last line is `N passed, N failed, N skipped`: tests, each lint and type check counting as one. Exit status
1 if anything failed.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / ".venv" / "bin" / "python"
OLDER_PYTHON = ROOT / ".cache" / "venvs" / "python3" / "bin" / "python"
WORKBENCH = ROOT / ".cache" / "editor" / "ready"

# The parts that run in, or read the code of, a user's interpreter, which may be older than the server's.
TESTED_ON_OLDER = ("tests/agent", "tests/engine", "tests/selection", "tests/store")
# Of the stories, the longest of those in which an interpreter's age makes no difference: CI has 20 minutes.
NOT_ON_OLDER = ("preparing", "spare", "soak", "leftovers", "interrupting", "xdist", "fidelity")

TIME_LIMIT = 1500.0
"""Seconds that one command may take: one that hangs must not cost the results of the others."""


@dataclass(frozen=True)
class Tally:
    """How many tests ended how."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Tally) -> Tally:
        """Sum up two tallies."""
        return Tally(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        """Say it in the words of the closing line."""
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


@dataclass(frozen=True)
class Section:
    """Some commands under one heading; `key` is its name on the command line.

    Those that are `beside` others run, one after the other, at the same time as the one before them: two lanes take
    half the time.
    """

    key: str
    title: str
    commands: tuple[tuple[str, ...], ...]
    beside: bool = False


def sections() -> Iterator[Section]:
    """Every section, in the order that finds the cheapest mistakes first."""
    python = str(PYTHON)
    extension = ("npm", "--prefix", "vscode-extension", "run", "--silent")
    yield Section(
        "lint",
        "Lint and format",
        (
            (python, "-m", "ruff", "check", "--quiet", "--output-format=concise", "."),
            (python, "-m", "ruff", "format", "--check", "--output-format=concise", "."),
            (*extension, "lint"),
            (*extension, "format:check"),
        ),
    )
    yield Section("types", "Types", ((python, "-m", "mypy"), (*extension, "typecheck")))
    yield Section("python", "The engine's stories", ((python, "-m", "pytest", "-q", "tests/engine"),))
    yield Section("python", "All other Python tests", ((python, "-m", "pytest", "-q", "--ignore=tests/engine"),), True)
    older = [folder for folder in TESTED_ON_OLDER if (ROOT / folder).is_dir()]
    if OLDER_PYTHON.exists() and older:
        ignored = (f"--ignore=tests/engine/test_{name}.py" for name in NOT_ON_OLDER)
        command = (str(OLDER_PYTHON), "-m", "pytest", "-q", *older, *ignored)
        yield Section("older", "Tests on an older Python", (command,), beside=True)
    yield Section("typescript", "TypeScript tests", ((*extension, "test"),))
    yield Section("editor", "Tests in a real editor", ((*extension, "test:editor"),))


def main(wanted: Sequence[str]) -> int:
    """Run the sections wanted (all of them where none is named) and return the exit status."""
    unknown = set(wanted) - {section.key for section in sections()}
    if unknown:
        print(f"no such section: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    total = Tally()
    for group in groups([section for section in sections() if not wanted or section.key in wanted]):
        total += run_group(group)
    print(f"\n{total}", flush=True)
    return 1 if total.failed else 0


def groups(chosen: Sequence[Section]) -> list[list[Section]]:
    """The sections in order, those that run at the same time together."""
    found: list[list[Section]] = []
    for section in chosen:
        if section.beside and found:
            found[-1].append(section)
        else:
            found.append([section])
    return found


def run_group(group: Sequence[Section]) -> Tally:
    """Run the first section beside all others; what those print is shown when that one is done."""
    with ThreadPoolExecutor(max_workers=1) as side:
        others = [side.submit(_quietly, section) for section in group[1:]]
        total = run_section(group[0])
        for other in others:
            tally, shown = other.result()
            _show(shown)
            total += tally
    return total


def _quietly(section: Section) -> tuple[Tally, str]:
    shown: list[str] = []
    return run_section(section, shown.append), "".join(shown)


def _show(text: str) -> None:
    print(text, end="", flush=True)


def run_section(section: Section, show: Callable[[str], None] = _show) -> Tally:
    """Run a section's commands, each to its end, and tell how long it took."""
    show(f"\n=== {section.title} ===\n")
    if section.key == "editor" and not WORKBENCH.exists() and not os.environ.get("CI"):
        show("!!! NO BROWSER OR WORKBENCH ON THIS MACHINE: THE EDITOR TESTS ARE SKIPPED !!!\n")
        return Tally(skipped=1)
    began = time.monotonic()
    tally = Tally()
    for command in section.commands:
        tally += run(command, show)
    show(f"--- {section.title}: {tally} ({time.monotonic() - began:.0f} s)\n")
    return tally


def run(command: Sequence[str], show: Callable[[str], None] = _show) -> Tally:
    """Run one command, its output given to `show` as it comes, and count what it reports."""
    environment = {
        **os.environ,
        "PYTHON": str(PYTHON),
        "PATH": f"{PYTHON.parent}{os.pathsep}{os.environ['PATH']}",
    }
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    # A group of its own, so that the time limit ends what the command started too.
    limit = threading.Timer(TIME_LIMIT, os.killpg, (process.pid, signal.SIGKILL))
    limit.start()
    lines = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            show(line)
            lines.append(line)
        status = process.wait()
    except KeyboardInterrupt:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    finally:
        limit.cancel()
    tally = count(lines)
    if status != 0 and not tally.failed:
        show(f"!!! exit status {status}: {' '.join(command)}\n")
        return tally + Tally(failed=1)
    return tally if tally != Tally() else Tally(passed=1)


def count(lines: Sequence[str]) -> Tally:
    """Read the closing lines of pytest and of node's test runner; an empty tally where there are none."""
    for line in reversed(lines):
        if re.search(r"\b(passed|failed|errors?|skipped)\b.* in [\d.]+s", line):
            return Tally(
                _number(line, "passed"),
                _number(line, "failed") + _number(line, "errors?"),
                _number(line, "skipped"),
            )
    text = "".join(lines[-30:])
    figures = {name: int(n) for name, n in re.findall(r"^\S+ (pass|fail|cancelled|skipped) (\d+)$", text, re.M)}
    return Tally(
        figures.get("pass", 0),
        figures.get("fail", 0) + figures.get("cancelled", 0),
        figures.get("skipped", 0),
    )


def _number(line: str, word: str) -> int:
    """Return the figure before a word in pytest's closing line; 0 where the word is not there."""
    found = re.search(rf"(\d+) {word}\b", line)
    return int(found[1]) if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
