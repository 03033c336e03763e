"""Mutants of the tests: fixtures, lists of parameters, tests edited, added and removed."""

from __future__ import annotations

import ast
import copy
import textwrap
from collections.abc import Callable
from random import Random

from benchmarks.editing.bodies import BODIES, changed
from benchmarks.editing.source import Function, Source, Splice, first_line

_FIXTURE_BODIES = ("statement", "return", "constant", "statement dropped", "raise")
_TEST_BODIES = ("constant", "comparison", "statement", "statement dropped", "raise")


def _one(node: Function) -> Source | None:
    """A source of one function alone, to edit that; None where its text doesn't stand by itself."""
    try:
        source = Source(ast.unparse(node).encode() + b"\n")
        return source if source.functions else None
    except SyntaxError:
        return None


def _within(source: Source, node: Function, ways: tuple[str, ...], chance: Random, number: int) -> Splice | None:
    """Edit the body of just this function, which loses its comments."""
    one = _one(node)
    splice = BODIES[chance.choice(ways)](one, chance, number) if one is not None else None
    if one is None or splice is None:
        return None
    text = textwrap.indent(splice.applied(one.text).decode(), " " * node.col_offset)
    return Splice(*source.lines(node), text.encode())


# --- fixtures -----------------------------------------------------------------------------------


def fixture(source: Source, chance: Random, number: int) -> Splice | None:
    """Another body, scope, list of parameters, or use of some fixture."""
    found = [
        (node, each)
        for node in source.functions
        for each in node.decorator_list
        if "fixture" in ast.unparse(each.func if isinstance(each, ast.Call) else each).rpartition(".")[2]
    ]
    if not found:
        return None
    node, mark = chance.choice(found)
    if chance.random() < 0.4:
        return _within(source, node, _FIXTURE_BODIES, chance, number)
    call = copy.deepcopy(mark) if isinstance(mark, ast.Call) else ast.Call(copy.deepcopy(mark), [], [])
    name, value = chance.choice(
        [
            ("scope", ast.Constant(chance.choice(["session", "module", "class", "function"]))),
            ("params", ast.List([ast.Constant(number), ast.Constant(number + 1)])),
            ("autouse", ast.Constant(True)),
        ]
    )
    had = any(each.arg == name for each in call.keywords)
    call.keywords = [each for each in call.keywords if each.arg != name]
    if not (had and name != "scope"):
        call.keywords.append(ast.keyword(name, value))
    return Splice(*source.span(mark), ast.unparse(ast.fix_missing_locations(call)).encode())


# --- parameters ---------------------------------------------------------------------------------


def parametrize(source: Source, chance: Random, number: int) -> Splice | None:
    """A list of parameters with one less, one twice, two swapped, or another value."""
    lists = [
        each.args[1]
        for node in (*source.functions, *source.classes)
        for each in node.decorator_list
        if isinstance(each, ast.Call) and "parametrize" in ast.unparse(each.func) and len(each.args) > 1
    ]
    literal = [node for node in lists if isinstance(node, (ast.List, ast.Tuple)) and node.elts]
    if not literal:
        return None
    node = chance.choice(literal)
    ways: list[Callable[[Source, ast.List | ast.Tuple, Random, int], Splice | None]] = [
        _fewer,
        _twice,
        _swapped,
        _other_value,
    ]
    return chance.choice(ways)(source, node, chance, number)


def _fewer(source: Source, node: ast.List | ast.Tuple, chance: Random, number: int) -> Splice | None:
    if len(node.elts) < 2:
        return None
    index = chance.randrange(len(node.elts))
    if index + 1 < len(node.elts):
        return Splice(source.span(node.elts[index])[0], source.span(node.elts[index + 1])[0], b"")
    return Splice(source.span(node.elts[index - 1])[1], source.span(node.elts[index])[1], b"")


def _twice(source: Source, node: ast.List | ast.Tuple, chance: Random, number: int) -> Splice | None:
    start, end = source.span(chance.choice(node.elts))
    return Splice(end, end, b", " + source.text[start:end])


def _swapped(source: Source, node: ast.List | ast.Tuple, chance: Random, number: int) -> Splice | None:
    if len(node.elts) < 2:
        return None
    index = chance.randrange(len(node.elts) - 1)
    (start, end), (from_, to) = source.span(node.elts[index]), source.span(node.elts[index + 1])
    text = source.text
    return Splice(start, to, text[from_:to] + text[end:from_] + text[start:end])


def _other_value(source: Source, node: ast.List | ast.Tuple, chance: Random, number: int) -> Splice | None:
    constants = [
        (inner, after)
        for element in node.elts
        if not any(isinstance(each, ast.JoinedStr) for each in ast.walk(element))
        for inner in ast.walk(element)
        if isinstance(inner, ast.Constant) and (after := changed(inner, number)) is not None
    ]
    if not constants:
        return None
    inner, after = chance.choice(constants)
    return Splice(*source.span(inner), ast.unparse(after).encode())


# --- tests --------------------------------------------------------------------------------------


def test(source: Source, chance: Random, number: int) -> Splice | None:
    """A test edited, added, or removed."""
    if not source.tests:
        return None
    node = chance.choice(source.tests)
    way = chance.choice(["edited", "edited", "added", "removed"])
    if way == "edited":
        return _within(source, node, _TEST_BODIES, chance, number)
    if way == "added":
        first = "self" if node in source.methods else ""
        text = f"def test_edition_{number}({first}):\n    assert {number} % 2 == 0\n\n"
        place = source.line(first_line(node))
        return Splice(place, place, textwrap.indent(text, " " * node.col_offset).encode())
    alone = any(owner.body == [node] for owner in source.classes)
    new = f"{' ' * node.col_offset}pass\n".encode() if alone else b""
    return Splice(*source.lines(node), new)
