"""Edits of function bodies and of tests: what a hot patch may be used for, and what only looks like it."""

from __future__ import annotations

import ast
from collections.abc import Callable
from random import Random

from benchmarks.editing.source import Function, Source, Splice, undocumented

Kind = Callable[[Source, Random, int], Splice | None]
"""Makes one edit; the number tells it from all others.  None: the source has no place for it."""


def _statement(text: str, methods: bool = False) -> Kind:
    """Put statements first in some function; NUMBER and FIRST (its first argument) are filled in."""

    def kind(source: Source, chance: Random, number: int) -> Splice | None:
        functions = source.methods if methods else source.functions
        if "FIRST" in text:
            functions = [function for function in functions if function.args.args]
        if not functions:
            return None
        function = chance.choice(functions)
        first = function.args.args[0].arg if function.args.args else ""
        return source.into_body(function, text.replace("NUMBER", str(number)).replace("FIRST", first))

    return kind


def _test_statement(*texts: str) -> Kind:
    def kind(source: Source, chance: Random, number: int) -> Splice | None:
        if not source.tests:
            return None
        text = chance.choice(texts).replace("NUMBER", str(number))
        return source.into_body(chance.choice(source.tests), text)

    return kind


def _constant(source: Source, chance: Random, number: int) -> Splice | None:
    """Another number, text or truth."""
    nodes = [node for node in source.values(ast.Constant) if isinstance(node, ast.Constant) and changed(node, number)]
    return _replaced(source, chance.choice(nodes), lambda node: changed(node, number)) if nodes else None


def changed(node: ast.Constant, number: int) -> ast.expr | None:
    """Another constant of the same type; None for what has no other."""
    value = node.value
    if isinstance(value, bool):
        return ast.Constant(not value)
    if isinstance(value, (int, float)):
        return ast.Constant(value + 1)
    if isinstance(value, str):
        return ast.Constant(f"{value}{number}")
    return None


_OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}


def _comparison(source: Source, chance: Random, number: int) -> Splice | None:
    """The opposite comparison, or the one next to it."""

    def opposite(node: ast.expr) -> ast.expr:
        assert isinstance(node, ast.Compare)
        return ast.Compare(node.left, [_OPPOSITE[type(node.ops[0])](), *node.ops[1:]], node.comparators)

    nodes = source.values(ast.Compare)
    return _replaced(source, chance.choice(nodes), opposite) if nodes else None


def _replaced(source: Source, node: ast.expr, change: Callable[..., ast.expr | None]) -> Splice | None:
    after = change(node)
    if after is None:
        return None
    text = ast.unparse(ast.fix_missing_locations(after))
    return Splice(*source.span(node), f"({text})".encode())


def _returned(source: Source, chance: Random, number: int) -> Splice | None:
    """Return something else."""
    nodes = [
        node
        for function in source.functions
        for node in ast.walk(function)
        if isinstance(node, ast.Return) and node.value is not None
    ]
    if not nodes:
        return None
    value = chance.choice(nodes).value
    assert value is not None
    start, end = source.span(value)
    new = chance.choice([b"None", b"(%s, %d)" % (source.text[start:end], number)])
    return Splice(start, end, new)


def _dropped(source: Source, chance: Random, number: int) -> Splice | None:
    """A statement less."""
    simple = (ast.Expr, ast.Assign, ast.AugAssign, ast.Assert, ast.Raise)
    nodes = [n for function in source.functions for n in undocumented(function) if isinstance(n, simple)]
    return Splice(*source.span(chance.choice(nodes)), b"pass") if nodes else None


def _docstring(source: Source, chance: Random, number: int) -> Splice | None:
    """Another docstring, or a first one."""
    if not source.functions:
        return None
    function: Function = chance.choice(source.functions)
    if ast.get_docstring(function) is not None:
        return Splice(*source.span(function.body[0]), f'"""Edition {number}."""'.encode())
    return source.into_body(function, f'"""Edition {number}."""')


BODIES: dict[str, Kind] = {
    "statement": _statement("edition = NUMBER"),
    "constant": _constant,
    "comparison": _comparison,
    "return": _returned,
    "statement dropped": _dropped,
    "raise": _statement("raise ValueError('edition NUMBER')"),
    "print": _statement("print('edition NUMBER')"),
    "mangled name": _statement("FIRST.__edition = NUMBER\nFIRST.__edition += 1", methods=True),
    "mangled variable": _statement("__edition = NUMBER\nedition = __edition", methods=True),
    "super": _statement("super()", methods=True),
    "closure": _statement("def edition():\n    return FIRST, NUMBER\nedition()"),
    "comprehension": _statement("edition = [lambda: each for each in range(NUMBER)]"),
    "generator": _statement("if NUMBER < 0:\n    yield NUMBER"),
    "inner coroutine": _statement("async def edition():\n    return NUMBER"),
    "inner class": _statement("class Edition:\n    value = NUMBER\n    def get(self):\n        return self.value"),
    "global": _statement("global EDITION\nEDITION = NUMBER"),
    "inner import": _statement("import fractions\nedition = fractions.Fraction(NUMBER)"),
    "inner generic": _statement("def edition[T](value: T) -> T:\n    return value\nedition(NUMBER)"),
    "docstring": _docstring,
    "comment": _statement("# edition NUMBER"),
}
"""Edits inside functions."""

TESTS: dict[str, Kind] = {
    "assertion": _test_statement(
        "assert [1, 2, NUMBER] == [1, 2, 3]",
        "edition = {'a': NUMBER}\nassert edition == {'a': 0}, 'edition'",
        "edition = 'x' * 30 + 'NUMBER'\nassert edition in 'yz'",
        "assert not sorted([NUMBER, 2, 1])",
        "assert all(each > 2 for each in range(NUMBER))",
    ),
    "test prints": _test_statement(
        "print('edition NUMBER')",
        "import sys\nsys.stderr.write('edition NUMBER')",
        "import logging\nlogging.getLogger('edition').warning('NUMBER')\nraise KeyError('NUMBER')",
        "print('edition NUMBER')\nassert 0",
    ),
    "test skips": _test_statement("import pytest\npytest.skip('edition NUMBER')", "import sys\nsys.exit(NUMBER)"),
}
"""Edits inside tests."""
