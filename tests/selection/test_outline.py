"""The outline: where lenses stand, and which functions look like tests."""

from __future__ import annotations

import ast
import random
from pathlib import Path
from textwrap import dedent

from aftershock.selection import symbols
from aftershock.selection.outline import is_test, outline, walk

TEXT = dedent("""
    if True:
        def early(): pass

    class TestShop:
        limit = 1

        @decorated(
            "💥",
        )
        async   def test_ünï(self):
            def inner(): ...

        class Helper: pass

    def test_plain(): return "🐍"; x = 1
    try:
        pass
    except ValueError:
        def late(): pass
""").lstrip()


def test_definitions_have_their_place_in_lines_and_utf16_columns() -> None:
    nodes = outline(TEXT)
    assert nodes is not None
    places = [(n.kind, n.qualname, n.line, n.end_line, n.start, n.end) for n in walk(nodes)]
    assert places == [
        ("function", "early", 2, 2, 8, 13),
        ("class", "TestShop", 4, 13, 6, 14),
        ("function", "TestShop.test_ünï", 10, 11, 16, 24),
        ("function", "TestShop.test_ünï.<locals>.inner", 11, 11, 12, 17),
        ("class", "TestShop.Helper", 13, 13, 10, 16),
        ("function", "test_plain", 15, 15, 4, 14),
        ("function", "late", 19, 19, 8, 12),
    ]
    assert next(n for n in walk(nodes) if n.name == "test_ünï").first_line == 7


def test_columns_count_characters_outside_the_basic_plane_twice() -> None:
    nodes = outline("class A:\n    x = '💥💥'; y = 1\nif 1: pass\nz = '💥'\nclass B: pass\n")
    assert nodes is not None
    assert [(n.start, n.end) for n in nodes] == [(6, 7), (6, 7)]


def test_a_text_that_does_not_parse_has_no_outline() -> None:
    assert outline("def f(:\n") is None
    assert outline("x = '\0'") is None


def test_tests_are_told_by_the_names_that_pytest_looks_for() -> None:
    nodes = outline(TEXT)
    assert nodes is not None
    by_name = {n.name: n for n in walk(nodes)}
    assert is_test(by_name["TestShop"])
    assert is_test(by_name["test_ünï"], in_class=True)
    assert is_test(by_name["test_plain"])
    assert not is_test(by_name["early"])
    assert not is_test(by_name["inner"])
    assert not is_test(by_name["Helper"])
    assert is_test(by_name["early"], python_functions=("e*ly",))


def test_an_outline_is_true_after_each_of_many_edits() -> None:
    chance, source = random.Random(7), Path(symbols.__file__).read_text(encoding="utf-8")
    for _ in range(40):
        lines = source.split("\n")
        row = chance.randrange(len(lines))
        lines[row:row] = chance.choice(
            [[""], ["# a remark"], ["@staticmethod", "def added():", "    pass"], ['"""', '"""']]
        )
        source = "\n".join(lines)
        found, wanted = outline(source, "symbols.py"), _definitions(source)
        assert (None if found is None else {(node.name, node.line, node.end_line) for node in walk(found)}) == wanted
        source = source if found is not None else Path(symbols.__file__).read_text(encoding="utf-8")


def _definitions(source: str) -> set[tuple[str, int, int]] | None:
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return None
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {(node.name, node.lineno, node.end_lineno or 0) for node in ast.walk(tree) if isinstance(node, kinds)}
