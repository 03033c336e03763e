"""Edits of function bodies in real projects, each round another one, so that no answer comes from memory."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class BodyEdit:
    """A function that doesn't run at import: the file's path in the project, and the qualified name."""

    path: str
    qualname: str


EDITS: Mapping[str, BodyEdit] = MappingProxyType(
    {
        "marshmallow": BodyEdit("src/marshmallow/fields.py", "List._deserialize"),
        "attrs": BodyEdit("src/attr/validators.py", "_DeepIterable.__call__"),
        "click": BodyEdit("src/click/types.py", "Choice.convert"),
    }
)
"""One edit for each project, reached by a few to some dozens of its tests."""


def edited(text: str, qualname: str, value: int) -> str:
    """Return `text` with the statement `edition = value` put first in a function's body, after its docstring.

    Raises LookupError where `text` has no such function.
    """
    function = _function(ast.parse(text), qualname.split("."))
    body = function.body
    documented = ast.get_docstring(function) is not None and len(body) > 1
    first = body[1] if documented else body[0]
    lines = text.splitlines(keepends=True)
    lines.insert(first.lineno - 1, f"{' ' * first.col_offset}edition = {value}\n")
    return "".join(lines)


def _function(scope: ast.Module | ast.ClassDef, names: list[str]) -> ast.FunctionDef:
    """Return the last definition of the name, since overloads come before it."""
    for node in reversed(scope.body):
        if isinstance(node, ast.ClassDef) and node.name == names[0] and len(names) > 1:
            return _function(node, names[1:])
        if isinstance(node, ast.FunctionDef) and [node.name] == names:
            return node
    raise LookupError(".".join(names))
