"""The tree of a file's tests, as a test explorer shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lsprotocol.types import Position, Range

from aftershock.engine.events import TestNode
from aftershock.lsp.protocol import TestItem
from aftershock.selection.outline import OutlineNode


def items_of(nodes: Sequence[TestNode], definitions: Sequence[OutlineNode]) -> list[TestItem]:
    """Classes hold their tests, a parametrised test its variants; ranges come from the outline where it has them."""
    places = {definition.qualname: definition for definition in definitions}
    return _level([(node, _steps(node)) for node in nodes], 0, places)


def _steps(node: TestNode) -> tuple[tuple[str, str], ...]:
    """The ids and labels from the outermost class to the test; parameters are a step of their own."""
    steps = []
    prefix = node.id.partition("::")[0]
    for name in node.chain[:-1]:
        prefix = f"{prefix}::{name}"
        steps.append((prefix, name))
    name = node.chain[-1] if node.chain else node.id
    function, bracket, parameters = name.partition("[")
    if bracket:
        steps.append((f"{prefix}::{function}", function))
        steps.append((node.id, parameters.removesuffix("]")))
    else:
        steps.append((node.id, name))
    return tuple(steps)


def _level(
    entries: Sequence[tuple[TestNode, tuple[tuple[str, str], ...]]], depth: int, places: Mapping[str, OutlineNode]
) -> list[TestItem]:
    groups: dict[tuple[str, str], list[tuple[TestNode, tuple[tuple[str, str], ...]]]] = {}
    for node, steps in entries:
        groups.setdefault(steps[depth], []).append((node, steps))
    items = []
    for (identity, label), members in groups.items():
        below = [(node, steps) for node, steps in members if len(steps) > depth + 1]
        first = members[0][0]
        tags = [] if below else list(first.markers)
        children = _level(below, depth + 1, places)
        items.append(TestItem(identity, label, _range(first, depth, places), tags, children))
    return items


def _range(node: TestNode, depth: int, places: Mapping[str, OutlineNode]) -> Range:
    names = [name.partition("[")[0] for name in node.chain[: depth + 1]]
    definition = places.get(".".join(names))
    start, end = (definition.line, definition.end_line) if definition else (node.line, node.line)
    return Range(Position(start - 1, 0), Position(end, 0))
