"""Code lenses: over a function, class or test, in few words, what its tests say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lsprotocol.types import CodeLens, Command, Position, Range

from aftershock.engine.events import TestNode
from aftershock.engine.foresight import Foreseen
from aftershock.lsp import protocol
from aftershock.lsp.reach import Summary
from aftershock.selection.outline import OutlineNode
from aftershock.selection.relations import with_owners

_NOTHING = Foreseen()


def plain_chain(node: TestNode) -> tuple[str, ...]:
    """The names of a test below its file, parameters left out."""
    return tuple(name.partition("[")[0] for name in node.chain)


def own_tests(nodes: Iterable[TestNode]) -> Mapping[str, Sequence[str]]:
    """The tests of one file that each test function or class stands for, by its qualified name."""
    found: dict[str, list[str]] = {}
    for node in nodes:
        for name in with_owners(".".join(plain_chain(node))):
            found.setdefault(name, []).append(node.id)
    return found


def lens_text(summary: Summary, single: bool, coming: Foreseen = _NOTHING) -> str:
    """What a lens says; ``single``: it stands over that one test itself, so a count would tell nothing.

    ``coming``: those of its tests that the edit under way will affect.
    """
    if single:
        return _single_text(summary, coming)
    if summary.affected:
        return f"{summary.affected} affected, {_whether(summary)}"
    if coming.tests:
        return f"{'up to ' if coming.at_most else ''}{len(coming.tests)} affected when saved"
    tests = f"{summary.tests} test{'' if summary.tests == 1 else 's'}"
    if summary.failed:
        return f"{tests}, {summary.failed} failed"
    return f"{tests}, skipped" if summary.skipped == summary.tests else f"{tests} ✓ {duration(summary.seconds)}"


def _single_text(summary: Summary, coming: Foreseen) -> str:
    if summary.unknown and not summary.running:
        return "not run"
    if summary.affected:
        return f"affected, {_whether(summary)}"
    if coming.tests:
        return f"{'may be ' if coming.at_most else ''}affected when saved"
    return "failed" if summary.failed else "skipped" if summary.skipped else f"✓ {duration(summary.seconds)}"


def _whether(summary: Summary) -> str:
    return "running…" if summary.running else "not run"


def duration(seconds: float) -> str:
    """A time as people say it."""
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.001 else "<1 ms"


def lenses_of(
    uri: str, definition: OutlineNode, summary: Summary, own: Sequence[str], coming: Foreseen
) -> list[CodeLens]:
    """The lenses over one definition; ``own``: the tests that it is, or that the class holds; ``coming`` as above."""
    row = definition.line - 1
    place = Range(Position(row, definition.start), Position(row, definition.end))
    reference = {"uri": uri, "qualname": definition.qualname}
    text = lens_text(summary, bool(own) and summary.tests == 1, coming)
    found = [CodeLens(place, command=Command(text, protocol.SHOW_TESTS_FOR_SYMBOL, arguments=[reference]))]
    if own:
        run = Command("Run", protocol.RUN_TESTS_FOR_SYMBOL, arguments=[reference])
        test = "::".join([own[0].partition("::")[0], *definition.qualname.split(".")])
        debug = Command("Debug", protocol.DEBUG_TEST, arguments=[test])
        found += [CodeLens(place, command=run), CodeLens(place, command=debug)]
    return found
