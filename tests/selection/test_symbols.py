"""Digests of symbols: each kind of edit moves just the facet that it belongs to."""

from __future__ import annotations

import sys
from textwrap import dedent

import pytest

from aftershock.selection.symbols import Symbols, parse_symbols, symbol_of

SHOP = dedent('''
    """A shop."""
    import math
    from functools import lru_cache

    RATE = 0.19

    def net(price, rate=RATE):
        """Price without tax."""
        return price / (1 + rate)

    @lru_cache
    def rounded(price):
        def up(value):
            return math.ceil(value)
        return up(price * 100) / 100

    class Basket:
        """Holds items."""
        limit = 10

        def __init__(self):
            self.items = []

        @property
        def total(self):
            return sum(item.price for item in self.items)

        @total.setter
        def total(self, value):
            raise TypeError(value)

        async def ship(self, *places, fast: bool = False, **options):
            class Parcel:
                weight = 1
                def weigh(self):
                    return self.weight
            return [await place.send(Parcel()) for place in places]

    key = lambda item: item.price
''').lstrip()


def parse(text: str) -> Symbols:
    return parse_symbols(text.encode(), "shop.py")


def moved(before: str, after: str) -> set[str]:
    """The facets that differ: `def` for the definition, and functions' names."""
    old, new = parse(before), parse(after)
    names = {n for n in {*old.bodies, *new.bodies} if old.bodies.get(n) != new.bodies.get(n)}
    differs = names | ({"def"} if old.definition != new.definition else set())
    assert (old.digest == new.digest) == (not differs)
    return differs


def edited(old: str, new: str) -> str:
    assert SHOP.count(old) == 1
    return SHOP.replace(old, new)


def test_each_function_has_a_body_under_its_own_qualified_name() -> None:
    assert set(parse(SHOP).bodies) == {
        "net",
        "rounded",
        "rounded.<locals>.up",
        "Basket.__init__",
        "Basket.total",
        "Basket.ship",
        "Basket.ship.<locals>.Parcel.weigh",
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("RATE = 0.19", "# the rate\nRATE = 0.19  # of 2026"),
        ("RATE = 0.19", "\n\n\nRATE   =   0.19"),
        ("import math\n", "import math\n\n\n"),
        ("    return price / (1 + rate)", "    # divide\n\n    return (price / (1 + rate))"),
        ("    limit = 10\n", "    # at most\n    limit = (10)\n\n\n"),
        ("def net(price, rate=RATE):", "def net(\n    price,\n    rate=RATE,\n):"),
        ("self.items = []", "self.items = []; "),
        ("return up(price * 100) / 100", "return up(\n        price\n        * 100\n    ) / 100"),
        ("*places, fast: bool = False, **options", "*places,\n        fast: bool = False,\n        **options"),
        (
            "return [await place.send(Parcel()) for place in places]",
            "return [\n  await place.send(\nParcel()\n)\nfor place in places\n]",
        ),
    ],
)
def test_comments_and_formatting_change_nothing(old: str, new: str) -> None:
    assert moved(SHOP, edited(old, new)) == set()


@pytest.mark.parametrize(
    ("old", "new", "body"),
    [
        ("price / (1 + rate)", "price / (2 + rate)", "net"),
        ("price / (1 + rate)", "price // (1 + rate)", "net"),
        ("price / (1 + rate)", "price / (True + rate)", "net"),
        ("price / (1 + rate)", "price / (1.0 + rate)", "net"),
        ("price / (1 + rate)", "RATE / (1 + rate)", "net"),
        ("math.ceil", "math.floor", "rounded.<locals>.up"),
        ("up(price * 100)", "up(price * 1000)", "rounded"),
        ("self.items = []", "self.items = []; self.paid = False", "Basket.__init__"),
        ("sum(item.price for", "sum(-item.price for", "Basket.total"),
        ("raise TypeError(value)", "raise ValueError(value)", "Basket.total"),
        ("weight = 1", "weight = 2", "Basket.ship"),
        ("return self.weight", "return -self.weight", "Basket.ship.<locals>.Parcel.weigh"),
        ("[await place.send", "[await place.post", "Basket.ship"),
    ],
)
def test_a_body_edit_moves_that_body_alone(old: str, new: str, body: str) -> None:
    assert moved(SHOP, edited(old, new)) == {body}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("RATE = 0.19", "RATE = 0.2"),
        ("RATE = 0.19", "RATE = 0.19\nFEE = 1"),
        ("rate=RATE", "rate=RATE + 1"),
        ('"""Price without tax."""', '"""The price without tax."""'),
        ('"""A shop."""', '"""The shop."""'),
        ('"""Holds items."""', '"""Items."""'),
        ("@lru_cache\n", ""),
        ("limit = 10", "limit = 11"),
        ("class Basket:", "class Basket(dict):"),
        ("fast: bool = False", "fast: int = False"),
        ("*places, fast", "*places, slow"),
        ("key = lambda item: item.price", "key = lambda item: -item.price"),
        ("from functools import lru_cache", "from functools import cache as lru_cache"),
    ],
)
def test_an_edit_outside_bodies_moves_the_definition_alone(old: str, new: str) -> None:
    assert moved(SHOP, edited(old, new)) == {"def"}


def test_a_new_function_moves_the_definition_and_no_other_body() -> None:
    assert moved(SHOP, SHOP + "\ndef gross(price):\n    return price\n") == {"def", "gross"}


def test_swapping_two_functions_moves_the_definition() -> None:
    a, b = "def a():\n    return 1\n", "def b():\n    return 2\n"
    assert moved(a + b, b + a) == {"def"}


def test_a_body_that_leaks_into_its_container_moves_the_definition_too() -> None:
    plain = "class A(B):\n    def m(self):\n        return 1\n"
    assert moved(plain, plain.replace("return 1", "return super().m()")) == {"def", "A.m"}
    assert moved("def f():\n    return 1\n", "def f():\n    yield 1\n") == {"def", "f"}


def test_a_nested_functions_signature_belongs_to_the_function_around_it() -> None:
    assert moved(SHOP, edited("def up(value):", "def up(value, by=1):")) == {"rounded"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "True"),
        ("1", "1.0"),
        ("0.0", "-0.0"),
        ("(1, 2)", "(1, 2.0)"),
        ("'a'", "b'a'"),
        ("x in {1, 2}", "x in {1, 3}"),
    ],
)
def test_constants_differ_by_type_and_value(one: str, other: str) -> None:
    assert moved(f"def f(x):\n    return {one}\n", f"def f(x):\n    return {other}\n") == {"f"}


def test_sets_in_constants_have_no_order() -> None:
    members = ", ".join(repr(f"name {i}") for i in range(50))
    backwards = ", ".join(repr(f"name {i}") for i in reversed(range(50)))
    assert (
        moved(f"def f(x):\n    return x in {{{members}}}\n", f"def f(x):\n    return x in {{{backwards}}}\n") == set()
    )


def test_a_huge_number_is_a_constant_like_others() -> None:
    assert moved(f"def f():\n    return 0x{'f' * 9000}\n", f"def f():\n    return 0x{'e' * 9000}\n") == {"f"}


def test_functions_of_one_name_share_a_digest() -> None:
    text = "if x:\n    def f():\n        return 1\nelse:\n    def f():\n        return 2\n"
    assert set(parse(text).bodies) == {"f"}
    assert moved(text, text.replace("return 2", "return 3")) == {"f"}
    assert moved(text, text.replace("return 1", "return 3")) == {"f"}


@pytest.mark.parametrize(
    ("text", "line"),
    [("def f(:\n    pass\n", 1), ("x = 1\nif x\n", 2), ("x = '\0'\n", 1), ("# coding: nonsense\n", 1), ("(" * 9999, 1)],
)
def test_what_cannot_be_compiled_is_told_and_differs_by_its_text(text: str, line: int) -> None:
    symbols = parse(text)
    assert symbols.error is not None
    assert symbols.error.message
    assert symbols.error.line >= min(line, 1)
    assert not symbols.bodies
    assert symbols.definition != parse(text + "# ").definition
    assert symbols.definition == parse(text).definition


def test_executed_names_lead_to_the_function_around_them() -> None:
    symbols = parse(SHOP)
    assert symbol_of("Basket.total.<locals>.<genexpr>", symbols.bodies) == "Basket.total"
    assert symbol_of("Basket.ship.<locals>.Parcel", symbols.bodies) == "Basket.ship"
    assert symbol_of("rounded.<locals>.up", symbols.bodies) == "rounded.<locals>.up"
    assert symbol_of("Basket", symbols.bodies) is None
    assert symbol_of("<module>", symbols.bodies) is None
    assert symbol_of("<lambda>", symbols.bodies) is None


def test_names_that_the_text_does_not_explain_are_known_as_such() -> None:
    symbols = parse(SHOP)
    assert all(map(symbols.knows, ("<module>", "<lambda>", "Basket", "net", "net.<locals>.<lambda>", "<listcomp>")))
    assert not symbols.knows("gross")
    assert not symbols.knows("Other.method")


@pytest.mark.skipif(sys.version_info < (3, 12), reason="needs the syntax of 3.12")
def test_type_parameters_and_aliases_belong_to_the_definition() -> None:
    text = "type Pair[T] = tuple[T, T]\n"
    text += "def first[T: int](pair: Pair[T]) -> T:\n    return pair[0]\n"
    text += "class Box[T]:\n    def get(self) -> T:\n        return 1\n"
    assert set(parse(text).bodies) == {"first", "Box.get"}
    assert moved(text, text.replace("tuple[T, T]", "list[T]")) == {"def"}
    assert moved(text, text.replace("T: int", "T: str")) == {"def"}
    assert moved(text, text.replace("pair[0]", "pair[1]")) == {"first"}
