"""Code lenses: over a function, class or test, in few words, what its tests say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from lsprotocol.types import CodeLens, Command, Position, Range

from aftershock.engine.events import TestNode
from aftershock.lsp import protocol
from aftershock.lsp.diagnostics import failed
from aftershock.selection.facts import Outcome, Verdict
from aftershock.selection.outline import OutlineNode


class State(Protocol):
    """How one test stands: the part of the engine's ``TestState`` that lenses speak of."""

    @property
    def affected(self) -> bool:
        """Whether no fact of it matches the present."""

    @property
    def running(self) -> bool:
        """Whether it is in the run that goes on."""

    @property
    def verdict(self) -> Verdict | None:
        """The last one."""


def plain_chain(node: TestNode) -> tuple[str, ...]:
    """The names of a test below its file, parameters left out."""
    return tuple(name.partition("[")[0] for name in node.chain)


def tests_within(nodes: Iterable[TestNode], qualname: str) -> tuple[str, ...]:
    """The tests that a test function or class of this name stands for."""
    names = tuple(qualname.split("."))
    return tuple(node.id for node in nodes if plain_chain(node)[: len(names)] == names)


def lens_text(states: Sequence[State], single: bool) -> str:
    """What a lens says; ``single``: it stands over that one test itself, so a count would tell nothing."""
    affected = [state for state in states if state.affected or state.running]
    if affected and all(state.verdict is None and not state.running for state in affected) and single:
        return "not run"
    if affected:
        running = any(state.running for state in affected)
        count = "" if single else f"{len(affected)} "
        return f"{count}affected, {'running…' if running else 'not run'}"
    verdicts = [state.verdict for state in states if state.verdict is not None]
    bad = sum(1 for verdict in verdicts if failed(verdict))
    skipped = bool(verdicts) and all(verdict.outcome is Outcome.SKIPPED for verdict in verdicts)
    if single:
        return "failed" if bad else "skipped" if skipped else f"✓ {duration(verdicts)}"
    tests = f"{len(states)} test{'' if len(states) == 1 else 's'}"
    if bad:
        return f"{tests}, {bad} failed"
    return f"{tests}, skipped" if skipped else f"{tests} ✓ {duration(verdicts)}"


def duration(verdicts: Iterable[Verdict]) -> str:
    """The time of all together, as people say it."""
    seconds = sum(verdict.seconds for verdict in verdicts)
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.001 else "<1 ms"


def lenses_of(uri: str, definition: OutlineNode, states: Sequence[State], own: bool) -> list[CodeLens]:
    """The lenses over one definition; ``own``: it is a test, or a class of tests."""
    row = definition.line - 1
    place = Range(Position(row, definition.start), Position(row, definition.end))
    reference = {"uri": uri, "qualname": definition.qualname}
    text = lens_text(states, single=own and len(states) == 1)
    found = [CodeLens(place, command=Command(text, protocol.SHOW_TESTS_FOR_SYMBOL, arguments=[reference]))]
    if own:
        run = Command("Run", protocol.RUN_TESTS_FOR_SYMBOL, arguments=[reference])
        found.append(CodeLens(place, command=run))
    return found
