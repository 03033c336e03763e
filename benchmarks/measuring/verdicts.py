"""What a fresh pytest says of every test, and what a warm engine says, as values that can be compared."""

from __future__ import annotations

import asyncio
import json
import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from aftershock.engine.events import TestFinished
from aftershock.engine.sources import relative
from aftershock.selection.facts import Outcome
from aftershock_agent.messages import Failure
from projects import Project
from support.engine import EngineStory

PLUGINS = Path(__file__).resolve().parents[1] / "plugins"
ARGUMENTS = ("-p", "fresh_verdicts")
ENVIRONMENT: Mapping[str, str] = {"PYTHONPATH": str(PLUGINS), "COLUMNS": "80", "PYTHONHASHSEED": "0"}
"""With ARGUMENTS, what both sides are given: the same examples of hypothesis, one order of sets, one width."""

_PATIENCE = 240.0  # seconds; many times what the slowest suite takes
_UNCOLLECTED = "CollectError"
_MASKS = (
    (re.compile(r"0x[0-9a-fA-F]{6,}"), "0x"),
    (re.compile(r"/[^\s'\"]*?(pytest-of-[\w-]+/pytest-\d+|aftershock-[^\s'\"]*?/run-\d+)"), "<tmp>"),
    # Which lines hypothesis blames depends on its database: two fresh processes in a row say other ones.
    (re.compile(r"(only run by failing test cases:)(\n(E +)?\s*(/\S+:\d+|\(and \d+ more with [^\n]*\)))+"), r"\1"),
)
_ARGUMENTS = re.compile(r"\w+ = ")


@dataclass(frozen=True)
class Told:
    """What was said of a test: ``place`` is the failing line, ``text`` pytest's report; None: not known."""

    outcome: str
    exception: str | None = ""
    place: str | None = ""
    text: str = ""
    output: str | None = None

    def differs(self, other: Told) -> list[str]:
        """The fields in which two differ, those unknown to either left out."""
        fields = ("outcome", "exception", "place", "text", "output")
        pairs = {field: (getattr(self, field), getattr(other, field)) for field in fields}
        return [field for field, (one, two) in pairs.items() if None not in (one, two) and one != two]


@dataclass(frozen=True)
class Fresh:
    """A pytest process: tests by id, what it said of files that it could not collect, all ids that it collected.

    ``problem`` tells why it could not start.
    """

    tests: Mapping[str, Told]
    errors: Mapping[str, str]
    collected: frozenset[str]
    problem: str = ""


async def fresh(project: Project, edited: Iterable[str], arguments: Sequence[str], only: Sequence[str]) -> Fresh | None:
    """What a fresh pytest says; ``only``: of these tests, else of all.  None: it hung, or a test ended it.

    ``edited`` are the files whose compiled forms may be out of date: Python tells them by the second.
    """
    _forget_compiled(project.root, edited)
    with tempfile.TemporaryDirectory(prefix="aftershock-benchmark-") as scratch:
        target, chosen = Path(scratch) / "verdicts", Path(scratch) / "only"
        environment = {**os.environ, **ENVIRONMENT, "FRESH_VERDICTS": str(target)}
        if only:
            chosen.write_text("\n".join(only), encoding="utf-8")
            environment["FRESH_VERDICTS_ONLY"] = str(chosen)
        output = await _pytest(project, [*ARGUMENTS, "--continue-on-collection-errors", *arguments], environment)
        if output is None:
            return None
        if not target.exists():
            return Fresh({}, {}, frozenset(), problem=output) if "\nE   " in output or "rror" in output else None
        found = json.loads(target.read_text(encoding="utf-8"))
    tests = {test: _told(said) for test, said in found["tests"].items()}
    return Fresh(tests, found["errors"], frozenset(found["all"]))


async def _pytest(project: Project, arguments: Sequence[str], environment: Mapping[str, str]) -> str | None:
    process = await asyncio.create_subprocess_exec(
        *(str(project.python), "-m", "pytest", *arguments),
        cwd=project.root,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), _PATIENCE)
    except asyncio.TimeoutError:
        process.kill()
        await process.wait()
        return None
    text = output.decode("utf-8", "replace")
    return None if process.returncode not in range(6) or "Timeout (0:00:" in text else text


def _forget_compiled(root: Path, edited: Iterable[str]) -> None:
    for path in edited:
        folder = (root / path).parent / "__pycache__"
        for compiled in folder.glob(f"{Path(path).stem}.*.pyc"):
            compiled.unlink(missing_ok=True)


def _told(said: Mapping[str, str]) -> Told:
    unknown = None if "text" in said else ""  # a failure without an exception: XPASS(strict)
    told = Told(
        said["outcome"],
        said.get("exception", unknown),
        said.get("place", unknown),
        masked(said.get("text", "")),
        masked(said["output"]),
    )
    return _comparable(told)


def masked(text: str) -> str:
    """A text without what differs from one process to the next: addresses, temporary folders."""
    for pattern, replacement in _MASKS:
        text = pattern.sub(replacement, text)
    if "<tmp>" not in text:
        return text
    # A folder's name changes the length by which pytest shortens values, and joins those of arguments (which start
    # their lines).
    return "\n".join(line for line in text.splitlines() if not _ARGUMENTS.match(line) and "<tmp>" not in line)


def _comparable(told: Told) -> Told:
    """Where a stack overflows depends on what is below the test."""
    return replace(told, place="", text="", output=None) if told.exception == "RecursionError" else told


class Heard:
    """What a warm engine said, with the output of the tests that it ran itself."""

    def __init__(self, story: EngineStory) -> None:
        self._story = story
        self._root = story.project.root.resolve()
        self._outputs: dict[tuple[str, float], str] = {}

    def listen(self) -> set[str]:
        """Take in what was heard since the story forgot; returns the tests that ran."""
        finished = self._story.of(TestFinished)
        self._outputs.update({(e.verdict.test, e.verdict.recorded_at): e.output for e in finished})
        return {event.verdict.test for event in finished}

    def told(self) -> dict[str, Told]:
        """How every test stands."""
        return {test: self._told(test) for test in self._story.engine.tests}

    def _told(self, test: str) -> Told:
        state = self._story.engine.state_of(test)
        verdict = state.verdict
        if verdict is None or state.affected:
            return Told("affected")
        output = self._outputs.get((test, verdict.recorded_at))
        failure = verdict.failure
        shown = masked(output) if output is not None else None
        if failure is None or verdict.outcome in (Outcome.PASSED, Outcome.SKIPPED):
            return Told(verdict.outcome.value, output=shown)
        told = Told(verdict.outcome.value, failure.exception, self._place(failure), masked(failure.text), shown)
        return _comparable(told)

    def _place(self, failure: Failure) -> str:
        """The last frame in the project's own files."""
        found = ((relative(self._root, frame.path), frame.line) for frame in reversed(failure.frames))
        return next((f"{path}:{line}" for path, line in found if path and not path.startswith(".venv/")), "")


def compare(warm: Mapping[str, Told], cold: Fresh) -> dict[str, str]:
    """The tests of which two say different things, each with the fields in which they differ."""
    found: dict[str, str] = {}
    for test in warm.keys() | cold.collected:
        here, there = warm.get(test), cold.tests.get(test)
        path = test.split("::", 1)[0]
        if here is not None and here.exception == _UNCOLLECTED:
            if not _same_error(here, cold.errors.get(path)):
                found[test] = "an error of collection"
        elif here is None:
            found[test] = "unknown to the engine"
        elif there is None:
            if test in cold.collected or path not in cold.errors:
                found[test] = "unknown to pytest"
            else:
                found[test] = "an error of collection"
        elif fields := here.differs(there):
            found[test] = ", ".join(fields)
    return found


def _same_error(here: Told, text: str | None) -> bool:
    """Whether the first line of the engine's message stands in pytest's report of the file."""
    return text is not None and here.text.strip().splitlines()[0].split(": ", 1)[-1] in masked(text)
