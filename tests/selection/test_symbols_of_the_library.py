"""Digests of symbols, held to the standard library of the Python that runs the tests."""

from __future__ import annotations

import ast
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from aftershock.selection.compiling import code_objects
from aftershock.selection.symbols import parse_symbols


def library() -> list[Path]:
    """One in sixteen modules of the standard library: a hundred files of all kinds."""
    folder = Path(sysconfig.get_path("stdlib"))
    return sorted(p for p in folder.rglob("*.py") if "site-packages" not in p.parts)[::16]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="code objects have qualified names from 3.11 on")
def test_every_code_object_of_the_standard_library_is_explained() -> None:
    for path in library():
        source = path.read_bytes()
        symbols = parse_symbols(source, str(path))
        if symbols.error is None:
            code = compile(source, str(path), "exec", dont_inherit=True)
            names = [getattr(each, "co_qualname") for each in code_objects(code)]  # noqa: B009 - not in 3.10's types
            assert not [name for name in names if not symbols.knows(name)], path


def test_the_bodies_of_the_standard_library_are_its_functions() -> None:
    """Names by an independent reading of the syntax tree; what the compiler drops (`if False:`) may be missing."""
    missing = total = 0
    for path in library():
        source = path.read_bytes()
        symbols = parse_symbols(source, str(path))
        if symbols.error is None:
            expected = set(function_names(ast.parse(source), ""))
            missing += len(expected ^ set(symbols.bodies))
            total += len(expected)
    assert total > 2000
    assert missing < total / 500


def function_names(node: ast.AST, prefix: str) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield prefix + child.name
            yield from function_names(child, f"{prefix}{child.name}.<locals>.")
        elif isinstance(child, ast.ClassDef):
            yield from function_names(child, f"{prefix}{child.name}.")
        else:
            yield from function_names(child, prefix)


def test_another_layout_changes_no_digest_of_the_standard_library() -> None:
    """Each file is written anew from its syntax tree: one statement a line, no comments, other quotes."""
    differing = total = 0
    for path in library()[::2]:
        source = path.read_bytes()
        before = parse_symbols(source, str(path))
        if before.error is None:
            after = parse_symbols(ast.unparse(ast.parse(source)).encode("utf-8", "replace"), str(path))
            pairs = [(before.bodies[name], after.bodies.get(name)) for name in before.bodies]
            differing += sum(one != other for one, other in [*pairs, (before.definition, after.definition)])
            total += len(pairs) + 1
    assert total > 1000
    # Some differ on Pythons before 3.13, whose optimiser looks at lines; and text in f-strings is put together anew.
    assert differing <= total / 200


def test_moving_everything_down_changes_no_digest_of_the_standard_library() -> None:
    for path in library()[::3]:
        source = path.read_bytes()
        symbols = parse_symbols(source, str(path))
        if symbols.error is None and b"coding" not in source[:200] and b"__firstlineno__" not in source:
            assert parse_symbols(b"# a comment\n\n" * 150 + source, str(path)) == symbols, path
