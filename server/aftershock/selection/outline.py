"""The classes and functions of a text, where the editor shows something over them."""

from __future__ import annotations

import ast
import fnmatch
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from aftershock.selection.compiling import MadeOfPieces

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_WITH_BODIES = (ast.stmt, ast.ExceptHandler, ast.match_case)


@dataclass(frozen=True)
class OutlineNode:
    """A class or function.

    ``kind`` is ``class`` or ``function``; ``qualname`` as Python's own; ``line`` (of its ``def`` or
    ``class``) and ``end_line`` are one-based; ``start`` and ``end`` bound its name in that line, in UTF-16
    code units from zero. ``first_line`` is that of its first decorator.
    """

    kind: str
    name: str
    qualname: str
    line: int
    end_line: int
    start: int
    end: int
    first_line: int
    children: tuple[OutlineNode, ...] = ()


def outline(source: str, path: str = "") -> tuple[OutlineNode, ...] | None:
    """The definitions of a text, outermost first; None when it doesn't parse.

    ``path`` is that of the text's file, if it has one: what an edit left alone isn't parsed again.
    """
    try:
        pieces = _PIECES.of_pieces(source.encode("utf-8", "surrogatepass"), path) or [_outlined(source)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    found: list[OutlineNode] = []
    before = 0
    for piece in pieces:
        found += (_moved(node, before) for node in piece.nodes) if before else piece.nodes
        before += piece.lines
    return tuple(found)


@dataclass(frozen=True)
class _Outlined:
    """The definitions of a piece of a text, by lines of the piece, and how many lines that has."""

    nodes: tuple[OutlineNode, ...]
    lines: int


def _outlined(source: str) -> _Outlined:
    """Raises what ``ast.parse`` raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(source)
    # Not str.splitlines: it breaks at characters that don't end a line of Python.
    lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return _Outlined(tuple(_nodes(tree.body, "", lines)), len(lines) - 1)


_PIECES = MadeOfPieces(lambda piece: _outlined(piece.text))


def _moved(node: OutlineNode, by: int) -> OutlineNode:
    """The node so many lines further down."""
    return replace(
        node,
        line=node.line + by,
        end_line=node.end_line + by,
        first_line=node.first_line + by,
        children=tuple(_moved(child, by) for child in node.children),
    )


def walk(nodes: Sequence[OutlineNode]) -> Iterator[OutlineNode]:
    """The nodes and all below them, in the order of the text."""
    for node in nodes:
        yield node
        yield from walk(node.children)


def is_test(
    node: OutlineNode,
    python_functions: Sequence[str] = ("test",),
    python_classes: Sequence[str] = ("Test",),
    in_class: bool = False,
) -> bool:
    """Whether pytest would collect the node by its name: a prefix, or a glob, as its settings of these names.

    ``in_class``: the node is a member of a test class (pytest looks into no function).
    """
    if "<locals>" in node.qualname or (node.kind == "function" and "." in node.qualname and not in_class):
        return False
    patterns = python_classes if node.kind == "class" else python_functions
    return any(node.name.startswith(p) or fnmatch.fnmatchcase(node.name, p) for p in patterns)


def _nodes(body: Sequence[ast.AST], prefix: str, lines: Sequence[str]) -> Iterator[OutlineNode]:
    for node in body:
        if isinstance(node, _Definition):
            yield _node(node, prefix, lines)
        elif isinstance(node, _WITH_BODIES):
            yield from _nodes(list(ast.iter_child_nodes(node)), prefix, lines)


def _node(node: _Definition, prefix: str, lines: Sequence[str]) -> OutlineNode:
    qualname = f"{prefix}{node.name}"
    is_class = isinstance(node, ast.ClassDef)
    start, end = _name_columns(node, lines[node.lineno - 1])
    inner = f"{qualname}." if is_class else f"{qualname}.<locals>."
    return OutlineNode(
        kind="class" if is_class else "function",
        name=node.name,
        qualname=qualname,
        line=node.lineno,
        end_line=node.end_lineno or node.lineno,
        start=start,
        end=end,
        first_line=min(n.lineno for n in (node, *node.decorator_list)),
        children=tuple(_nodes(node.body, inner, lines)),
    )


def _name_columns(node: _Definition, line: str) -> tuple[int, int]:
    """Where the name stands, in UTF-16 code units; the rest of the line where it isn't in it as such."""
    column = len(line.encode()[: node.col_offset].decode())
    keyword = "class" if isinstance(node, ast.ClassDef) else "def"
    after = line.find(keyword, column) + len(keyword)
    start = line.find(node.name, after)
    if start < 0:
        return _utf16(line[:column]), _utf16(line)
    return _utf16(line[:start]), _utf16(line[: start + len(node.name)])


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
