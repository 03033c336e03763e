"""Edits of real projects, each round another value, so that no answer comes from memory."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType


class Kind(Enum):
    """What is edited, which decides what a warm interpreter must do."""

    BODY = "body"
    """A function's body, reached by some two or three dozen tests."""
    TRIVIAL = "trivial"
    """A function's body, reached by one or two quick tests; every line below it moves."""
    DEFINITION = "definition"
    """A test's parameter gets another default: its file is imported anew."""
    WIDE = "definition-wide"
    """A constant atop a module that nearly every test imports: the project is imported anew."""


@dataclass(frozen=True)
class BodyEdit:
    """A function that doesn't run at import: the file's path in the project, and the qualified name."""

    path: str
    qualname: str


@dataclass(frozen=True)
class Edit:
    """An edit of one kind; a constant's needs no function."""

    kind: Kind
    path: str
    qualname: str = ""

    @property
    def place(self) -> str:
        """Where it is, as people write it."""
        return f"{self.path}::{self.qualname}" if self.qualname else self.path

    def apply(self, text: str, value: int) -> str:
        """Return a file's unedited text with the edit in it; LookupError where the function isn't there."""
        if self.kind is Kind.BODY:
            return edited(text, self.qualname, value)
        if self.kind is Kind.TRIVIAL:
            return printing(text, self.qualname, str(value))
        if self.kind is Kind.DEFINITION:
            return defaulted(text, self.qualname, value)
        return with_constant(text, value)

    def sign(self, value: int) -> str | None:
        """What a test that runs the new code prints; None for kinds that leave no sign."""
        return f"edition {value}" if self.kind in (Kind.TRIVIAL, Kind.DEFINITION) else None


EDITS: Mapping[str, BodyEdit] = MappingProxyType(
    {
        "marshmallow": BodyEdit("src/marshmallow/fields.py", "List._deserialize"),
        "attrs": BodyEdit("src/attr/validators.py", "_DeepIterable.__call__"),
        "click": BodyEdit("src/click/types.py", "Choice.convert"),
        "networkx": BodyEdit("networkx/algorithms/planarity.py", "PlanarEmbedding.traverse_face"),
    }
)
"""One edit of a body for each project, reached by a few to some dozens of its tests."""

_OTHERS: Mapping[str, tuple[Edit, ...]] = MappingProxyType(
    {
        "marshmallow": (
            Edit(Kind.TRIVIAL, "src/marshmallow/fields.py", "Field.__repr__"),
            Edit(Kind.DEFINITION, "tests/test_exceptions.py", "TestValidationError.test_str"),
            Edit(Kind.WIDE, "src/marshmallow/fields.py"),
        ),
        "attrs": (
            Edit(Kind.TRIVIAL, "src/attr/validators.py", "_NotValidator.__repr__"),
            Edit(Kind.DEFINITION, "tests/test_abc.py", "TestUpdateAbstractMethods.test_abc_implementation"),
            Edit(Kind.WIDE, "src/attr/_make.py"),
        ),
        # In click a source file's edit also runs some eighty tests whose child processes import it: not trivial.
        "click": (
            Edit(Kind.TRIVIAL, "tests/test_options.py", "test_prefixes"),
            Edit(Kind.DEFINITION, "tests/test_normalization.py", "test_option_normalization"),
            Edit(Kind.WIDE, "src/click/core.py"),
        ),
        "networkx": (
            Edit(Kind.TRIVIAL, "networkx/algorithms/planarity.py", "PlanarEmbedding.get_data"),
            Edit(Kind.DEFINITION, "networkx/classes/tests/test_filters.py", "TestFilterFactory.test_no_filter"),
            Edit(Kind.WIDE, "networkx/classes/graph.py"),
        ),
    }
)


def edits_of(name: str) -> tuple[Edit, ...]:
    """A project's edits, one of each kind."""
    body = EDITS[name]
    return (Edit(Kind.BODY, body.path, body.qualname), *_OTHERS[name])


def edited(text: str, qualname: str, value: int) -> str:
    """Return `text` with the statement `edition = value` put first in a function's body, after its docstring.

    Raises LookupError where `text` has no such function.
    """
    return _with_first(text, qualname, f"edition = {value}")


def printing(text: str, qualname: str, expression: str) -> str:
    """Return `text` with a function printing `edition` and an expression first; LookupError where it has none."""
    return _with_first(text, qualname, f'print("edition", {expression})')


def defaulted(text: str, qualname: str, value: int) -> str:
    """Return `text` with a function's last parameter `edition` by default a value, which it prints.

    Raises LookupError where `text` has no such function, or it takes no parameter.
    """
    parameters = _function(ast.parse(text), qualname.split(".")).args.args
    if not parameters:
        raise LookupError(f"{qualname} takes no parameter")
    lines = printing(text, qualname, "edition").splitlines(keepends=True)
    row, column = (parameters[-1].end_lineno or 1) - 1, parameters[-1].end_col_offset or 0
    lines[row] = f"{lines[row][:column]}, edition={value}{lines[row][column:]}"
    return "".join(lines)


def with_constant(text: str, value: int) -> str:
    """Return `text` with the constant `EDITION` atop it, below its docstring and `from __future__` imports."""
    last = 0
    for node in ast.parse(text).body:
        documentation = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not documentation and not (isinstance(node, ast.ImportFrom) and node.module == "__future__"):
            break
        last = node.end_lineno or node.lineno
    lines = text.splitlines(keepends=True)
    lines.insert(last, f"EDITION = {value}\n")
    return "".join(lines)


def _with_first(text: str, qualname: str, statement: str) -> str:
    function = _function(ast.parse(text), qualname.split("."))
    body = function.body
    documented = ast.get_docstring(function) is not None and len(body) > 1
    first = body[1] if documented else body[0]
    line = min([first.lineno, *(node.lineno for node in getattr(first, "decorator_list", []))])
    lines = text.splitlines(keepends=True)
    lines.insert(line - 1, f"{' ' * first.col_offset}{statement}\n")
    return "".join(lines)


def _function(scope: ast.Module | ast.ClassDef, names: list[str]) -> ast.FunctionDef:
    """Return the last definition of the name, since overloads come before it."""
    for node in reversed(scope.body):
        if isinstance(node, ast.ClassDef) and node.name == names[0] and len(names) > 1:
            return _function(node, names[1:])
        if isinstance(node, ast.FunctionDef) and [node.name] == names:
            return node
    raise LookupError(".".join(names))
