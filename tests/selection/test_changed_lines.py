"""The lines of a symbol that were and are."""

from __future__ import annotations

from textwrap import dedent

import pytest

from aftershock.selection.changed_lines import changed_lines

_BEFORE = dedent("""
    import math

    RATE, LIMIT = 10, 3

    @traced
    class Shop(Base):
        size = 1

        def price(self, gross):
            # what one pays
            return gross - self.tax(gross)

        @traced
        def tax(gross, rate=RATE):
            def half():
                return gross / 2
            return half() // rate

    class Helper:
        @staticmethod
        def own(): pass

    if LIMIT:
        def label(amount): return f"{amount} EUR"
    """)


@pytest.mark.parametrize(
    ("old", "new", "name", "lines"),
    [
        ("10, 3", "9, 3", "RATE", ["- RATE, LIMIT = 10, 3", "+ RATE, LIMIT = 9, 3"]),
        ("size = 1", "size = 2", "Shop.size", ["- size = 1", "+ size = 2"]),
        ("size = 1", "size = 2", "Shop", []),
        ("size = 1", "size = 2", "Shop.tax", []),
        ("(Base)", "(Base, Other)", "Shop.<family>", ["- class Shop(Base):", "+ class Shop(Base, Other):"]),
        ("@traced\nclass", "class", "Shop", ["- @traced"]),
        ("# what one pays", "# the price", "Shop.price", []),
        ("gross / 2", "gross / 3", "Shop.tax.<locals>.half", ["- return gross / 2", "+ return gross / 3"]),
        ("rate=RATE", "rate=5", "Shop.tax", ["- def tax(gross, rate=RATE):", "+ def tax(gross, rate=5):"]),
        ("{amount} EUR", "EUR {amount}", "label", None),
        ("import math", "import cmath as math", "math", ["- import math", "+ import cmath as math"]),
        ("import math", "import math\nimport", "math", []),
        ("LIMIT", "LIMIT", "missing", []),
        ("@staticmethod", "@classmethod", "Helper", []),
        ("@staticmethod", "@classmethod", "Helper.own", ["- @staticmethod", "+ @classmethod"]),
    ],
)
def test_what_was_and_what_is(old: str, new: str, name: str, lines: list[str] | None) -> None:
    found = changed_lines(_BEFORE.encode(), _BEFORE.replace(old, new).encode(), {name})
    if lines is None:
        assert [line[0] for line in found] == ["-", "+"]
    else:
        assert list(found) == lines


def test_what_came_is_told_and_much_is_told_in_few_lines() -> None:
    after = _BEFORE + "def more():\n" + "".join(f"    print({number})\n" for number in range(20))
    found = changed_lines(_BEFORE.encode(), after.encode(), {"more"})
    assert found[0] == "+ def more():"
    assert found[5:] == ("… and 16 lines more",)


def test_a_line_that_came_twice_is_told_twice() -> None:
    after = b"def f():\n    step()\n    other()\n    step()\n"
    assert changed_lines(b"def f(): pass\n", after, {"f"})[2:] == ("+ step()", "+ other()", "+ step()")


def test_a_table_that_was_made_anew_takes_no_time() -> None:
    texts = [b"DATA = {\n" + b"".join(b"    %d: %d,\n" % (i, i * by) for i in range(3000)) + b"}\n" for by in (3, 7)]
    assert len(changed_lines(texts[0], texts[1], {"DATA"})) == 6


def test_what_does_not_parse_has_no_lines() -> None:
    assert changed_lines(b"x = (\n", b"x = 1\n", {"x"}) == ()


def test_what_is_nested_too_deep_raises_nothing() -> None:
    deep = b"if x: pass\n" + b"elif x: pass\n" * 3000
    assert changed_lines(deep, deep, {"x"}) == ()


def test_another_encoding_is_read_as_python_reads_it() -> None:
    texts = ["# coding: latin-1\nX = 'é'\n".encode("latin-1"), "# coding: latin-1\nX = 'è'\n".encode("latin-1")]
    assert changed_lines(texts[0], texts[1], {"X"}) == ("- X = 'é'", "+ X = 'è'")
