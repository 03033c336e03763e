"""Counters: numbers that code only counts on, and never sets to what it likes.

How far an import counts on such a number is the same in whatever order the imports are; where it stands is not.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

_NAMED = ("name", "asname")
"""Fields of nodes that bind a name which isn't a node: definitions, imports, exceptions, patterns."""


def set_in(body: Sequence[ast.stmt]) -> Iterator[str]:
    """The attributes and globals that functions bind otherwise than by ``+=`` and ``-=`` with a number."""
    nodes = [node for statement in body for node in ast.walk(statement)]
    shared = {name for node in nodes if isinstance(node, ast.Global) for name in node.names}
    counted = {id(node.target) for node in nodes if isinstance(node, ast.AugAssign) and _is_counting(node)}
    for node in nodes:
        if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load) and id(node) not in counted:
            yield node.attr
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load) and id(node) not in counted:
            yield from shared & {node.id}
        else:
            yield from shared.intersection(getattr(node, field, "") or "" for field in _NAMED)


def _is_counting(node: ast.AugAssign) -> bool:
    """Whether it adds what doesn't depend on the number."""
    return (
        isinstance(node.op, (ast.Add, ast.Sub))
        and isinstance(node.value, ast.Constant)
        and type(node.value.value) is int
    )
