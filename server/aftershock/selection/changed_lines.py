"""The lines that tell one state of a symbol from another, for people to read."""

from __future__ import annotations

import ast
import difflib
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set as AbstractSet
from importlib.util import decode_source

_LINES = 6
"""How many lines a person takes in at a glance."""
_WIDTH = 120
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def changed_lines(former: bytes, present: bytes, names: AbstractSet[str]) -> tuple[str, ...]:
    """The lines of some symbols that were (``- ``) and are (``+ ``), without their indentation.

    ``names`` are qualified; what stands in angle brackets in them is left out.  Empty where the symbols are the same,
    stand in neither text, or a text doesn't parse.
    """
    old, new = _symbols(former), _symbols(present)
    if old is None or new is None:
        return ()
    found: list[str] = []
    for name in sorted({_plain(name) for name in names}):
        known = set(found)
        found += [line for line in _difference(old.get(name, ()), new.get(name, ())) if line not in known]
    if len(found) > _LINES:
        return (*found[: _LINES - 1], f"… and {len(found) - _LINES + 1} lines more")
    return tuple(found)


def _plain(name: str) -> str:
    return ".".join(part for part in name.split(".") if not part.startswith("<"))


def _difference(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    # Not ndiff, which also looks for changes within lines: of a table of 400 lines it would take 12 seconds.
    for number, line in enumerate(difflib.unified_diff(old, new, n=0, lineterm="")):
        if number > 1 and not line.startswith("@@"):
            yield f"{line[0]} {line[1:].strip()[:_WIDTH]}"


def _symbols(source: bytes) -> Mapping[str, Sequence[str]] | None:
    """The lines of each symbol that say something; of a class, those before its body.  None for what doesn't parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            spans = list(_spans(ast.parse(source).body, ""))
        # Not splitlines: it breaks at characters that don't end a line of Python.
        text = decode_source(source).split("\n")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    found: dict[str, list[str]] = {}
    for name, first, last in spans:
        lines = (line for line in text[first - 1 : last] if line.strip() and not line.lstrip().startswith("#"))
        found.setdefault(name, []).extend(lines)
    return found


def _spans(body: Iterable[ast.AST], prefix: str) -> Iterator[tuple[str, int, int]]:
    """The symbols that definitions, assignments and imports bind, with their first and last lines, from one."""
    for node in body:
        if isinstance(node, _Definition):
            name = f"{prefix}{node.name}"
            first = min(each.lineno for each in (node, *node.decorator_list))
            is_class = isinstance(node, ast.ClassDef)
            member = min(each.lineno for each in (node.body[0], *getattr(node.body[0], "decorator_list", ())))
            last = max(node.lineno, member - 1) if is_class else node.end_lineno or node.lineno
            yield name, first, last
            yield from _spans(node.body, f"{name}.")
        elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Import, ast.ImportFrom)):
            for name in _bound(node):
                yield f"{prefix}{name}", node.lineno, node.end_lineno or node.lineno
        else:
            yield from _spans((each for each in ast.iter_child_nodes(node) if not isinstance(each, ast.expr)), prefix)


def _bound(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
    for each in ast.walk(node):
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
            yield each.id
