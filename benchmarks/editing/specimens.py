"""A module of everything that hot reload is known to get wrong, with its tests, put beside a project's own sources."""

from __future__ import annotations

import sys
from pathlib import Path

from projects import Project, Release

MODULE = "edition_specimens.py"
TESTS = "test_edition_specimens.py"

_CODE = '''"""Specimens."""

import abc
import asyncio
import collections
import contextlib
import dataclasses
import enum
import functools
import typing

FIRST = 1
SECOND = FIRST + 1
TABLE = {"one": FIRST, "two": SECOND}
REGISTRY = {}


def register(name, factor=2):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            return function(*args, **kwargs) * factor

        REGISTRY[name] = wrapper
        return wrapper

    return decorate


@register("double")
def double(value, times=1):
    return value * times


COMPUTED = double(4)


@functools.lru_cache
def table(key="one"):
    """Look up."""
    return {name: value * 2 for name, value in TABLE.items()}[key]


class Base(abc.ABC):
    limit = 3
    default = limit + 1

    def __init__(self, size=default):
        self.size = size
        self.__secret = size + 1

    def secret(self):
        return self.__secret

    def __hidden(self, by=limit):
        return self.size + by

    def hidden(self):
        return self.__hidden()

    def describe(self):
        return f"{type(self).__name__}({self.size})"

    @property
    def area(self):
        return self.size * self.size

    @area.setter
    def area(self, value):
        self.size = int(value**0.5)

    @classmethod
    def make(cls, size=2):
        return cls(size)

    @staticmethod
    def helper(value=5):
        return value + 1

    @abc.abstractmethod
    def kind(self):
        raise NotImplementedError


class Derived(Base):
    def kind(self):
        return "derived"

    def describe(self):
        return super().describe() + "!"


@dataclasses.dataclass(order=True)
class Point:
    x: int = 1
    y: int = 2

    def norm(self):
        return self.x + self.y


class Colour(enum.Enum):
    RED = 1
    GREEN = 2

    @property
    def next(self):
        return Colour(self.value % 2 + 1)


class Pair(typing.NamedTuple):
    left: int = 3
    right: int = 4

    def total(self):
        return self.left + self.right


Triple = collections.namedtuple("Triple", "a b c", defaults=(7,))


class Slotted:
    __slots__ = ("value", "other")
    kind = "slotted"

    def __init__(self, value=6):
        self.value = value

    def get(self):
        return self.value


def numbers(count=3):
    for number in range(count):
        yield number * 2


def total(values):
    amount = 0

    def add(value):
        nonlocal amount
        amount += value
        return amount

    return [add(value) for value in values][-1]


async def slow(value=8):
    await asyncio.sleep(0)
    return value


async def stream(count=2):
    for number in range(count):
        yield await slow(number)


@contextlib.contextmanager
def scope(name="inner"):
    REGISTRY["scope"] = name
    try:
        yield name
    finally:
        del REGISTRY["scope"]


compute = lambda value, by=9: value + by  # noqa: E731


def later(value):
    from fractions import Fraction

    return Fraction(value, 3)


def fail(value):
    if value > FIRST:
        raise LookupError(f"no {value} in {sorted(TABLE)}")
    return value
'''

_GENERIC = """

class Box[T]:
    def __init__(self, value: T):
        self.value = value

    def get(self) -> T:
        return self.value


def first[T](values: list[T], index=0) -> T:
    return values[index]


type Number = int | float
"""

_TESTS = '''"""Tests of the specimens."""

import asyncio
import logging

import edition_specimens as specimens
import pytest
from edition_specimens import COMPUTED, REGISTRY, Base, Colour, Derived, Pair, Point, Slotted, Triple


@pytest.fixture(scope="module")
def derived():
    yield Derived(5)


@pytest.fixture(params=[1, 2])
def colour(request):
    return Colour(request.param)


def test_constants():
    assert specimens.SECOND == specimens.FIRST + 1
    assert specimens.TABLE == {"one": 1, "two": 2}


def test_registry():
    assert REGISTRY["double"](3) == 6
    assert COMPUTED == 8


def test_table():
    assert specimens.table() == 2


def test_table_again():
    assert specimens.table("two") == 4


class TestDerived:
    def test_secret(self, derived):
        assert derived.secret() == 6

    def test_hidden(self, derived):
        assert derived.hidden() == 8

    def test_describe(self, derived):
        print("about to describe")
        assert derived.describe() == "Derived(5)!"

    def test_area(self):
        made = Derived.make()
        made.area = 16
        assert (made.size, made.area) == (4, 16)

    def test_members(self):
        assert (Derived().size, Base.limit, Derived.helper(), Derived().kind()) == (4, 3, 6, "derived")

    def test_abstract(self):
        with pytest.raises(TypeError, match="kind"):
            Base()


def test_point():
    assert Point() == Point(1, 2)
    assert Point(2).norm() == 4
    assert sorted([Point(3), Point(1)])[0].x == 1


def test_colour(colour):
    logging.getLogger("specimens").warning("colour %s", colour.name)
    assert colour.next is not colour


@pytest.mark.parametrize("colour", list(Colour), ids=str)
def test_colours(colour):
    assert colour.value in (1, 2)


def test_pair():
    assert Pair().total() == 7
    assert Triple(1, 2) == (1, 2, 7)


def test_slotted():
    slotted = Slotted()
    assert (slotted.get(), slotted.kind) == (6, "slotted")
    with pytest.raises(AttributeError):
        slotted.unknown = 1


def test_numbers():
    assert list(specimens.numbers()) == [0, 2, 4]


def test_total():
    assert specimens.total([1, 2, 3]) == 6


def test_slow():
    async def collect():
        return [each async for each in specimens.stream()]

    assert asyncio.run(specimens.slow()) == 8
    assert asyncio.run(collect()) == [0, 1]


def test_scope():
    with specimens.scope() as name:
        assert REGISTRY["scope"] == name == "inner"
    assert "scope" not in REGISTRY


def test_compute():
    assert specimens.compute(1) == 10


def test_later():
    assert specimens.later(6) == 2


def test_fail():
    with pytest.raises(LookupError, match="no 5 in"):
        specimens.fail(5)


def test_file_and_output(tmp_path, capsys):
    (tmp_path / "file").write_text("text")
    print((tmp_path / "file").read_text())
    assert capsys.readouterr().out == "text\\n"


@pytest.mark.xfail(reason="to come")
def test_to_come():
    assert specimens.FIRST == 2
'''

_GENERIC_TESTS = """

def test_generic():
    assert specimens.Box(4).get() == 4
    assert specimens.first([5, 6]) == 5
"""

_NEW = sys.version_info >= (3, 12)
CODE = _CODE + (_GENERIC if _NEW else "")
CODE_TESTS = _TESTS + (_GENERIC_TESTS if _NEW else "")


def project(root: Path) -> Project:
    """A project without sources of its own, in a new folder, for this interpreter."""
    root.mkdir()
    (root / "tests").mkdir()
    (root / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    return Project(Release("specimens", "0", ".", "tests", ()), root, Path(sys.executable), root)


def put_into(project: Project) -> None:
    """Put the specimens beside a project's sources, and their tests among its tests."""
    release = project.release
    (project.root / release.source / MODULE).write_text(CODE, encoding="utf-8")
    (project.root / release.tests / TESTS).write_text(CODE_TESTS, encoding="utf-8")
