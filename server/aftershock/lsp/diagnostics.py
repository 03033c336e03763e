"""What the Problems view shows, computed from verdicts and states.  Nothing here is sent or remembered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from lsprotocol.types import (
    Diagnostic,
    DiagnosticRelatedInformation,
    DiagnosticSeverity,
    Location,
    Position,
    Range,
)

from aftershock.engine.configuration import OFF, Configuration
from aftershock.engine.events import OrderDependent, Problem, TestNode
from aftershock.lsp.places import Places, units
from aftershock.selection.facts import Outcome, Verdict
from aftershock_agent.messages import Failure, Frame
from aftershock_agent.project_folders import IGNORED_FOLDERS

SOURCE = "aftershock"
_UNCOLLECTED = "CollectError"  # the file itself has a problem, which is shown where it is
_LINES = 12
_WIDTH = 300


class MarkKind(Enum):
    """What a mark says: that a test fails, depends on another one, or waits for a new verdict; in a line's order."""

    FAILURE = 1
    ORDER_DEPENDENT = 2
    PENDING = 3


Severities = Mapping[MarkKind, DiagnosticSeverity]
"""Of each kind of marks that is wanted."""


def severities_of(configuration: Configuration) -> Severities:
    """The kinds of marks that the settings want, and how severe they are."""
    wanted = {
        MarkKind.FAILURE: configuration.diagnostics_failures,
        MarkKind.ORDER_DEPENDENT: configuration.diagnostics_order_dependent,
        MarkKind.PENDING: configuration.diagnostics_affected,
    }
    return {kind: DiagnosticSeverity[name.capitalize()] for kind, name in wanted.items() if name != OFF}


@dataclass(frozen=True)
class Mark:
    """One test's share in a line: ``path`` is relative to the root.

    ``own`` tells the test's own failing line from the project's code below it.
    """

    test: str
    path: str
    range: Range
    message: str
    kind: MarkKind = MarkKind.FAILURE
    own: bool = True
    related: tuple[DiagnosticRelatedInformation, ...] = ()


def failed(verdict: Verdict) -> bool:
    """Whether a verdict is bad news."""
    return verdict.outcome in (Outcome.FAILED, Outcome.ERRORED)


def failure_marks(node: TestNode, verdict: Verdict, places: Places) -> tuple[Mark, ...]:
    """The failing line in the test, and the deepest one of the project's own, where that is elsewhere."""
    failure = verdict.failure
    if failure is None or not failed(verdict) or failure.exception == _UNCOLLECTED:
        return ()
    frames = project_frames(failure, places)
    related = tuple(
        DiagnosticRelatedInformation(places.location(path, frame.line), f"in {frame.name}") for path, frame in frames
    )
    message = failure_message(node, verdict.outcome, failure)
    at_test = _frame_in_test(node, frames)
    line = at_test.line if at_test else node.line
    marks = [Mark(node.id, node.path, places.line(node.path, line), message, related=related)]
    if frames:
        path, deepest = frames[-1]
        if at_test is None or (path, deepest.name) != (node.path, at_test.name):
            place = places.line(path, deepest.line)
            marks.append(Mark(node.id, path, place, message, own=False, related=related))
    return tuple(marks)


def project_frames(failure: Failure, places: Places) -> list[tuple[str, Frame]]:
    """The frames in the project's own files, outermost first, with their relative paths."""
    found = []
    for frame in failure.frames:
        path = places.inside(frame.path)
        if path is not None and not IGNORED_FOLDERS.intersection(path.split("/")):
            found.append((path, frame))
    return found


def failure_message(node: TestNode, outcome: Outcome, failure: Failure) -> str:
    """The test and what it says in the first line; what was expected, where that doesn't tell it."""
    lines = [line[:_WIDTH] for line in failure.message.strip().splitlines()[:_LINES]] or [failure.exception]
    first = f"{'.'.join(node.chain) or node.id} {outcome.value}: {lines[0]}"
    if failure.expected is not None and failure.actual is not None:
        told = failure.expected in lines[0] and failure.actual in lines[0]
        if not told:
            first += f" (expected {failure.expected[:_WIDTH]}, got {failure.actual[:_WIDTH]})"
    return "\n".join([first, *lines[1:]])


def pending_mark(node: TestNode, running: bool, place: Range) -> Mark:
    """An affected test that has no verdict for the present yet, at its definition."""
    return Mark(node.id, node.path, place, f"affected, {'running…' if running else 'not run'}", MarkKind.PENDING)


def order_mark(node: TestNode, found: OrderDependent, on: TestNode | None, place: Range, places: Places) -> Mark:
    """A test that says something else alone, at its definition; ``on``: the test that makes the difference."""
    related = (
        (DiagnosticRelatedInformation(places.location(on.path, on.line), "it depends on this test"),) if on else ()
    )
    return Mark(node.id, node.path, place, found.text, MarkKind.ORDER_DEPENDENT, related=related)


def diagnostics_of(
    marks: Iterable[Mark], problems: Sequence[Problem], text: Sequence[str], severities: Severities
) -> list[Diagnostic]:
    """All diagnostics of one file; ``text`` holds its lines.  Marks of one kind that share a line become one."""
    grouped: dict[tuple[int, int, bool], list[Mark]] = {}
    for mark in marks:
        grouped.setdefault((mark.range.start.line, mark.kind.value, mark.own), []).append(mark)
    shown = [_problem(problem, text) for problem in problems]
    return shown + [_diagnostic(group, severities) for _, group in sorted(grouped.items(), key=lambda item: item[0])]


def _diagnostic(marks: Sequence[Mark], severities: Severities) -> Diagnostic:
    first = marks[0]
    message = first.message
    if len(marks) > 1 and first.kind is MarkKind.PENDING:
        message = f"{len(marks)} tests {message}"
    elif len(marks) > 1 and first.kind is MarkKind.ORDER_DEPENDENT:
        message = f"{message} ({len(marks)} tests here do)"
    elif len(marks) > 1:
        message = f"{len(marks)} tests fail here. {message}"
    return Diagnostic(
        range=first.range,
        message=message,
        severity=severities[first.kind],
        source=SOURCE,
        code=first.test if len(marks) == 1 else None,
        related_information=list(first.related) or None,
    )


def _problem(problem: Problem, text: Sequence[str]) -> Diagnostic:
    """A syntax or import error, from its column to the end of its line."""
    line = text[problem.line - 1].rstrip() if 0 < problem.line <= len(text) else ""
    blank = len(line) - len(line.lstrip())
    column = problem.column - 1 if blank < problem.column <= len(line) else blank
    row = max(problem.line - 1, 0)
    return Diagnostic(
        range=Range(Position(row, units(line[:column])), Position(row, units(line))),
        message=problem.message,
        severity=DiagnosticSeverity.Error,
        source=SOURCE,
        code=problem.kind,
    )


def _frame_in_test(node: TestNode, frames: Sequence[tuple[str, Frame]]) -> Frame | None:
    """The test function's own frame; else the innermost one of its file (a fixture or a helper there)."""
    function = node.chain[-1].partition("[")[0] if node.chain else ""
    here = [frame for path, frame in frames if path == node.path]
    named = [frame for frame in here if frame.name.rpartition(".")[2] == function]
    return next(iter(named or here[-1:]), None)


def locations(failure: Failure, places: Places) -> list[tuple[str, Location]]:
    """The project's frames by name, for the test explorer; outermost first."""
    return [(frame.name, places.location(path, frame.line)) for path, frame in project_frames(failure, places)]
