"""A Python source with the places where it can be edited."""

from __future__ import annotations

import ast
import copy
import textwrap
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef


@dataclass(frozen=True)
class Splice:
    """Bytes ``start`` to ``end`` of a text give way to ``new``."""

    start: int
    end: int
    new: bytes

    def applied(self, text: bytes) -> bytes:
        """The text after the edit."""
        return text[: self.start] + self.new + text[self.end :]


@dataclass(frozen=True)
class Source:
    """A text that parses; ``is_test`` tells whether pytest collects it.  All places are offsets in bytes."""

    text: bytes
    is_test: bool = False

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree; raises SyntaxError."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(self.text)

    @cached_property
    def _starts(self) -> list[int]:
        starts = [0]
        for line in self.text.splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        return starts

    def line(self, number: int) -> int:
        """Where a line (one-based) starts; the end of the text for one past the last."""
        return self._starts[min(number - 1, len(self._starts) - 1)]

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """Where a node starts and ends."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.line(node.lineno) + node.col_offset, self.line(node.end_lineno) + node.end_col_offset

    def lines(self, node: ast.stmt) -> tuple[int, int]:
        """The whole lines of a statement, decorators included."""
        assert node.end_lineno is not None
        return self.line(first_line(node)), self.line(node.end_lineno + 1)

    # --- what there is --------------------------------------------------------------------------

    @cached_property
    def functions(self) -> list[Function]:
        """Functions and methods whose body begins on a line of its own."""
        return [node for node in ast.walk(self.tree) if isinstance(node, Function) and _spread(node)]

    @cached_property
    def classes(self) -> list[ast.ClassDef]:
        """Classes whose body begins on a line of its own."""
        return [node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef) and _spread(node)]

    @cached_property
    def methods(self) -> list[Function]:
        """The functions directly in a class that take a first argument."""
        return [
            node
            for owner in self.classes
            for node in owner.body
            if isinstance(node, Function) and _spread(node) and node.args.args
        ]

    @cached_property
    def tests(self) -> list[Function]:
        """The functions that pytest collects, where this is a test file."""
        return [node for node in self.functions if self.is_test and node.name.startswith("test")]

    def values(self, *kinds: type[ast.expr]) -> list[ast.expr]:
        """Expressions of some kinds inside function bodies, f-strings and docstrings left out."""
        return [
            node
            for function in self.functions
            for statement in undocumented(function)
            for node in _plain(statement)
            if isinstance(node, kinds)
        ]

    # --- what can be done -----------------------------------------------------------------------

    def into_body(self, node: Definition, statements: str) -> Splice:
        """Put statements first in a body, after its docstring."""
        body = undocumented(node)
        place = self.line(first_line(body[0])) if body else self.lines(node.body[-1])[1]
        indent = " " * node.body[0].col_offset
        return Splice(place, place, textwrap.indent(statements.rstrip() + "\n", indent).encode())

    def header(self, node: Definition, changed: Definition) -> Splice:
        """Write a definition's decorators, name and arguments or bases as ``changed`` has them."""
        bare = copy.copy(changed)
        bare.body = [ast.Pass()]
        lines = ast.unparse(ast.fix_missing_locations(bare)).splitlines()[:-1]
        text = textwrap.indent("\n".join(lines) + "\n", " " * node.col_offset)
        return Splice(self.line(first_line(node)), self.line(first_line(node.body[0])), text.encode())

    def appended(self, text: str) -> Splice:
        """Put text at the end."""
        break_ = b"" if self.text.endswith(b"\n") or not self.text else b"\n"
        return Splice(len(self.text), len(self.text), break_ + text.encode())


def first_line(node: ast.stmt) -> int:
    """The line that a statement begins on, its decorators included."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def undocumented(node: Definition) -> list[ast.stmt]:
    """A body without its docstring; maybe nothing."""
    return node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body


def _spread(node: Definition) -> bool:
    """Whether the body, and what follows its docstring, begin on lines of their own."""
    lines = [node.lineno, *(first_line(statement) for statement in node.body)]
    body = undocumented(node)
    after = not body or body is node.body or first_line(body[0]) > (node.body[0].end_lineno or 0)
    return lines[1] > _header_end(node) and len(set(lines)) == len(lines) and after


def _header_end(node: Definition) -> int:
    inside = node.args if isinstance(node, Function) else None
    parts = [*ast.walk(inside)] if inside else [*node.bases] if isinstance(node, ast.ClassDef) else []
    returns = getattr(node, "returns", None)
    ends = [getattr(part, "end_lineno", None) or 0 for part in [*parts, *([returns] if returns else [])]]
    return max([node.lineno, *ends])


def _plain(node: ast.AST) -> Iterator[ast.AST]:
    """The node and all in it, f-strings left out."""
    if isinstance(node, ast.JoinedStr) or type(node).__name__ == "TemplateStr":
        return
    if isinstance(node, Function):
        for statement in node.body:
            yield from _plain(statement)
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _plain(child)
