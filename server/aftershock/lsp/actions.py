"""Code actions on what is marked: run it again, debug it, ask why, go to its other end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from lsprotocol.types import CodeAction, CodeActionKind, Command, Diagnostic

from aftershock.lsp import protocol
from aftershock.lsp.diagnostics import Mark, MarkKind
from aftershock.lsp.places import Places

_EACH = 3
"""Of how many tests that are marked in one place each has actions of its own."""


def actions_for(
    marks: Sequence[Mark],
    diagnostics: Iterable[Diagnostic],
    marks_of: Callable[[str], Iterable[Mark]],
    places: Places,
) -> list[CodeAction]:
    """The actions on the marks of one place, shown with the client's ``diagnostics`` there.

    ``marks_of`` gives all marks of a test, wherever they are.
    """
    shown = list(diagnostics)
    tests = list(dict.fromkeys(mark.test for mark in marks))
    found = list(_running(tests, failed=any(mark.kind is MarkKind.FAILURE for mark in marks)))
    for test in tests[:_EACH]:
        name = test.rpartition("::")[2]
        found.append(Command(f"Debug {name}", protocol.DEBUG_TEST, arguments=[test]))
        found.append(Command(f"Why {name}?", protocol.WHY, arguments=[test]))
        here = [mark for mark in marks if mark.test == test]
        end = next((mark for mark in marks_of(test) if mark.kind is MarkKind.FAILURE and mark not in here), None)
        if end is not None:
            title = f"Go to the failing line of {name}" if end.own else f"Go to where {name} fails"
            place = [places.uri(end.path), end.range.start.line, end.range.start.character]
            found.append(Command(title, protocol.OPEN_LOCATION, arguments=place))
    return [CodeAction(each.title, CodeActionKind.QuickFix, shown, command=each) for each in found]


def _running(tests: Sequence[str], failed: bool) -> Iterator[Command]:
    if tests:
        what = tests[0].rpartition("::")[2] if len(tests) == 1 else f"{len(tests)} tests"
        yield Command(f"Run {what}{' again' if failed else ''}", protocol.RUN_TESTS, arguments=list(tests))
