"""Rows to values and back.  What comes from the database is untrusted: every value's type is checked."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from aftershock.selection.facts import Outcome, Verdict
from aftershock.selection.keys import Key, KeyKind
from aftershock.selection.statements import Imports, RelativeImport
from aftershock.selection.symbols import Symbols, SyntaxProblem
from aftershock_agent.messages import CollectedTest, Failure, failure_from

T = TypeVar("T")


class MalformedError(Exception):
    """A row holds something that this program doesn't write."""


class ParsedFile(Protocol):
    """A source file with what was parsed of it."""

    @property
    def path(self) -> str:
        """Relative to the project, forward slashes."""

    @property
    def mtime_ns(self) -> int:
        """When it was modified, nanoseconds."""

    @property
    def size(self) -> int:
        """Bytes."""

    @property
    def digest(self) -> str:
        """Digest of the content, whichever the caller compares."""

    @property
    def symbols(self) -> Symbols:
        """Its symbols."""

    @property
    def imports(self) -> Imports:
        """Its imports."""


@dataclass(frozen=True)
class CachedFile:
    """A :class:`ParsedFile` as the store remembers it."""

    path: str
    mtime_ns: int
    size: int
    digest: str
    symbols: Symbols
    imports: Imports


class KnownTest(Protocol):
    """A test as the engine and the agent know it; see :class:`aftershock_agent.messages.CollectedTest`."""

    @property
    def id(self) -> str:
        """Pytest's node id."""

    @property
    def path(self) -> str:
        """Its file."""

    @property
    def line(self) -> int:
        """One-based."""

    @property
    def chain(self) -> Sequence[str]:
        """The names from class to test."""

    @property
    def markers(self) -> Sequence[str]:
        """Its markers' names."""


def bindable(text: str) -> str:
    """The text as SQLite can hold it: lone surrogates (undecodable file names) are escaped."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def checked(value: object, kind: type[T]) -> T:
    """The value, when it is of just this type; raises MalformedError otherwise."""
    if type(value) is not kind:
        raise MalformedError(f"{kind.__name__} expected, not {value!r:.80}")
    return value


def dumped(value: object) -> str:
    """JSON in ASCII, without spaces."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def loaded(text: object, kind: type[T]) -> T:
    """The JSON of a column, whose value must be of this type."""
    try:
        return checked(json.loads(checked(text, str)), kind)
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"not JSON: {text!r:.80}") from error


def strings(value: object) -> list[str]:
    """The value, when it is a list of strings."""
    return [checked(each, str) for each in checked(value, list)]


# --- keys and verdicts -------------------------------------------------------------------------------


def key_from(kind: object, path: object, name: object) -> Key:
    """The key of three columns."""
    try:
        return Key(KeyKind(checked(kind, str)), checked(path, str), checked(name, str))
    except ValueError as error:
        raise MalformedError(f"no such kind of key: {kind!r:.80}") from error


def verdict_row(verdict: Verdict) -> tuple[str, str, str, str | None, str, float]:
    """Test, outcome, durations, failure, reason, recorded_at."""
    failure = dumped(dataclasses.asdict(verdict.failure)) if verdict.failure else None
    durations = dumped(dict(verdict.durations))
    reason = bindable(verdict.reason)
    return bindable(verdict.test), verdict.outcome.value, durations, failure, reason, verdict.recorded_at


def verdict_from(row: Sequence[object]) -> Verdict:
    """The verdict of such a row."""
    test, outcome, durations, failure, reason, recorded_at = row
    try:
        known = Outcome(checked(outcome, str))
    except ValueError as error:
        raise MalformedError(f"no such outcome: {outcome!r:.80}") from error
    return Verdict(
        checked(test, str),
        known,
        {phase: _seconds(value) for phase, value in loaded(durations, dict).items()},
        None if failure is None else _failure(loaded(failure, dict)),
        _seconds(recorded_at),
        checked(reason, str),
    )


def _seconds(value: object) -> float:
    if type(value) in (int, float) and math.isfinite(value):  # type: ignore[arg-type]
        return float(value)  # type: ignore[arg-type]
    raise MalformedError(f"seconds expected, not {value!r:.80}")


def _failure(payload: dict[str, Any]) -> Failure:
    try:
        failure = failure_from(payload)
    except (TypeError, AttributeError) as error:
        raise MalformedError(f"not a failure: {payload!r:.80}") from error
    for text in (failure.exception, failure.message, failure.text):
        checked(text, str)
    for side in (failure.expected, failure.actual):
        checked(side or "", str)
    for frame in failure.frames:
        checked(frame.path, str), checked(frame.line, int), checked(frame.name, str)
    return failure


# --- parsed files ------------------------------------------------------------------------------------


def symbols_text(symbols: Symbols) -> str:
    """Symbols as JSON."""
    error = dataclasses.asdict(symbols.error) if symbols.error else None
    payload = {"definition": symbols.definition, "bodies": dict(symbols.bodies), "error": error, "text": symbols.text}
    return dumped({**payload, "enclosed": sorted(symbols.enclosed)})


def symbols_from(text: object) -> Symbols:
    """The symbols of such JSON."""
    payload = loaded(text, dict)
    bodies = {name: checked(body, str) for name, body in checked(payload.get("bodies"), dict).items()}
    enclosed = frozenset(strings(payload.get("enclosed")))
    problem = payload.get("error")
    error = None
    if problem is not None:
        problem = checked(problem, dict)
        line, column = checked(problem.get("line"), int), checked(problem.get("column"), int)
        error = SyntaxProblem(checked(problem.get("message"), str), line, column)
    return Symbols(checked(payload.get("definition"), str), bodies, enclosed, error, checked(payload.get("text"), str))


def imports_text(imports: Imports) -> str:
    """Imports as JSON."""
    relative = sorted([each.level, each.module, list(each.names)] for each in imports.relative)
    names = {"absolute": sorted(imports.absolute), "candidates": sorted(imports.candidates)}
    return dumped({**names, "relative": relative, "dynamic": imports.dynamic})


def imports_from(text: object) -> Imports:
    """The imports of such JSON."""
    payload = loaded(text, dict)
    relative = [checked(each, list) for each in checked(payload.get("relative"), list)]
    if any(len(each) != 3 for each in relative):
        raise MalformedError("not a relative import")
    return Imports(
        frozenset(strings(payload.get("absolute"))),
        frozenset(RelativeImport(checked(a, int), checked(b, str), tuple(strings(c))) for a, b, c in relative),
        frozenset(strings(payload.get("candidates"))),
        checked(payload.get("dynamic"), bool),
    )


def file_from(row: Sequence[object]) -> CachedFile:
    """The file of a row: path, mtime_ns, size, digest, symbols, imports."""
    path, mtime_ns, size, digest, symbols, imports = row
    state = checked(path, str), checked(mtime_ns, int), checked(size, int), checked(digest, str)
    return CachedFile(*state, symbols_from(symbols), imports_from(imports))


def test_from(row: Sequence[object]) -> CollectedTest:
    """The test of a row: id, path, line, chain, markers."""
    id_, path, line, chain, markers = row
    names, marks = strings(loaded(chain, list)), strings(loaded(markers, list))
    return CollectedTest(checked(id_, str), checked(path, str), checked(line, int), names, marks)
