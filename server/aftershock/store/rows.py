"""Rows to values and back.  What comes from the database is untrusted: every value's type is checked."""

from __future__ import annotations

import dataclasses
import json
import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from aftershock.selection.definitions import ImportFact
from aftershock.selection.details import Details
from aftershock.selection.facts import Outcome, Verdict
from aftershock.selection.keys import Key, KeyKind
from aftershock.selection.mentions import Mentions
from aftershock.selection.statements import Imports, RelativeImport
from aftershock.selection.symbols import Symbols, SyntaxProblem
from aftershock_agent.codec import failure_from
from aftershock_agent.messages import CollectedTest, Failure

T = TypeVar("T")
_LONGEST = 20_000_000  # bytes of a source that is kept


class MalformedError(Exception):
    """A row holds something that this program doesn't write."""


class KnownFile(Protocol):
    """A source file."""

    @property
    def path(self) -> str:
        """Relative to the project, forward slashes."""

    @property
    def digest(self) -> str:
        """Digest of the content, whichever the caller compares."""


class TextFile(KnownFile, Protocol):
    """A source file with what it says."""

    @property
    def text(self) -> bytes:
        """What it says."""


class ParsedFile(KnownFile, Protocol):
    """A source file with what was parsed of it."""

    @property
    def mtime_ns(self) -> int:
        """When it was modified, nanoseconds."""

    @property
    def size(self) -> int:
        """Bytes."""

    @property
    def symbols(self) -> Symbols:
        """Its symbols."""

    @property
    def imports(self) -> Imports:
        """Its imports."""

    @property
    def details(self) -> Details:
        """Its details."""


@dataclass(frozen=True)
class CachedFile:
    """A :class:`ParsedFile` as the store remembers it."""

    path: str
    mtime_ns: int
    size: int
    digest: str
    symbols: Symbols
    imports: Imports
    details: Details


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

    @property
    def digest(self) -> str:
        """Of what collecting has made of it beside its function."""


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


def details_text(details: Details) -> str:
    """Details as JSON; each name stands there once, for thousands of functions mention the same ones."""
    numbers: dict[str, int] = {}

    def numbered(names: Iterable[str]) -> list[int]:
        return [numbers.setdefault(name, len(numbers)) for name in sorted(names)]

    mentions = {function: [numbered(part) for part in each] for function, each in details.mentions.items()}
    hinted = numbered(details.hinted)
    payload = {"mentions": mentions, "names": list(numbers), "hinted": hinted, "effectful": sorted(details.effectful)}
    effects = [[sorted(packages), text] for packages, text in details.effects]
    pairs = {"aliases": sorted(map(list, details.aliases)), "kept": sorted(map(list, details.kept))}
    marks = {"star": details.star}
    return dumped({**payload, "effects": effects, "listers": _sorted(details.listers), **pairs, **marks})


def _sorted(sets: Mapping[str, frozenset[str]]) -> dict[str, list[str]]:
    return {name: sorted(each) for name, each in sets.items()}


def _sets(value: object) -> dict[str, frozenset[str]]:
    return {checked(name, str): frozenset(strings(each)) for name, each in checked(value, dict).items()}


def _pairs(value: object) -> frozenset[tuple[str, str]]:
    pairs = [strings(each) for each in checked(value, list)]
    if any(len(each) != 2 for each in pairs):
        raise MalformedError("not a pair of names")
    return frozenset((name, other) for name, other in pairs)


def details_from(text: object) -> Details:
    """The details of such JSON."""
    payload = loaded(text, dict)
    names = strings(payload.get("names"))

    def named(numbers: object) -> frozenset[str]:
        found = [checked(number, int) for number in checked(numbers, list)]
        if any(not 0 <= number < len(names) for number in found):
            raise MalformedError("not the number of a name")
        return frozenset(names[number] for number in found)

    mentions = {}
    for function, parts in checked(payload.get("mentions"), dict).items():
        if len(checked(parts, list)) != len(Mentions._fields):
            raise MalformedError("not mentions")
        mentions[function] = Mentions(*map(named, parts))
    effects = []
    for each in checked(payload.get("effects"), list):
        if len(checked(each, list)) != 2:
            raise MalformedError("not an effect")
        effects.append((frozenset(strings(each[0])), checked(each[1], str)))
    aliases, kept = _pairs(payload.get("aliases")), _pairs(payload.get("kept"))
    effectful, listers = frozenset(strings(payload.get("effectful"))), _sets(payload.get("listers"))
    hinted, star = named(payload.get("hinted")), checked(payload.get("star"), bool)
    return Details(mentions, effects, effectful, listers, aliases, kept, hinted, star)


def import_text(fact: ImportFact) -> str:
    """The inputs of an import as JSON."""
    inputs = sorted([key.kind.value, key.path, key.name, digest] for key, digest in fact.inputs)
    ran = sorted([key.kind.value, key.path, key.name] for key in fact.ran)
    return dumped({"inputs": inputs, "ran": ran, "tables": dict(fact.tables)})


def import_from(row: Sequence[object]) -> ImportFact:
    """The import of a row: path, variant, inputs, table."""
    path, variant, text, table = row
    payload = loaded(text, dict)
    inputs = [strings(each) for each in checked(payload.get("inputs"), list)]
    ran = [strings(each) for each in checked(payload.get("ran"), list)]
    if any(len(each) != 4 for each in inputs) or any(len(each) != 3 for each in ran):
        raise MalformedError("not the inputs of an import")
    return ImportFact(
        checked(path, str),
        checked(variant, str),
        frozenset((key_from(*each[:3]), each[3]) for each in inputs),
        frozenset(key_from(*each) for each in ran),
        text_table(payload.get("tables")),
        checked(table, str),
    )


def text_table(value: object) -> dict[str, str]:
    """The value, when it is a dictionary of strings."""
    return {checked(name, str): checked(text, str) for name, text in checked(value, dict).items()}


def file_from(row: Sequence[object]) -> CachedFile:
    """The file of a row: path, mtime_ns, size, digest, symbols, imports, details."""
    path, mtime_ns, size, digest, symbols, imports, details = row
    state = checked(path, str), checked(mtime_ns, int), checked(size, int), checked(digest, str)
    return CachedFile(*state, symbols_from(symbols), imports_from(imports), details_from(details))


def test_from(row: Sequence[object]) -> CollectedTest:
    """The test of a row: id, path, line, chain, markers, digest."""
    id_, path, line, chain, markers, digest = row
    names, marks = strings(loaded(chain, list)), strings(loaded(markers, list))
    return CollectedTest(
        checked(id_, str), checked(path, str), checked(line, int), names, marks, [], checked(digest, str)
    )


def packed(file: TextFile) -> bytes:
    """A file's text, compressed quickly; nothing of one that is too long to keep."""
    return zlib.compress(file.text, 1) if len(file.text) <= _LONGEST else b""


def unpacked(value: object) -> bytes:
    """The text of a row; raises MalformedError."""
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(checked(value, bytes), _LONGEST)
    except zlib.error as error:
        raise MalformedError(f"a text that can't be unpacked: {error}") from error
    if not unpacker.eof:
        raise MalformedError("a text that is cut off, or too long")
    return text
