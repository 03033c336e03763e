"""Whatever changes behind a value is noticed, without digesting it again."""

from __future__ import annotations

import collections
import functools
import shutil
import threading
import types
import unittest
import weakref
from collections.abc import Callable
from typing import Any, cast

import pytest

from aftershock_agent.reaches import Reaches


def _is_own(name: object) -> bool:
    return name == __name__


def _reaches(looked: list[object] | None = None) -> Reaches:
    def look(value: object) -> tuple[str, frozenset[str]]:
        if looked is not None:
            looked.append(value)
        return repr(value), frozenset()

    return Reaches(look, _is_own)


class Base:
    """A base of a registered class."""

    tearDown = None


class Plain(Base):
    """A class of the project, which objects of a registry have."""

    setting: int = 1

    def __init__(self) -> None:
        self.first: object = [1]
        self.second: object = {"a": 1}


class Findable:
    """A class that a module has under its name."""


class Slotted:
    """Its objects have no dictionary."""

    __slots__ = ("left", "right")

    def __init__(self) -> None:
        self.left: object = "x"
        self.right: object = "y"


class Registry(dict[str, object]):
    """A container that is a class of the project."""


def _function(a: int = 1, *, b: int = 2) -> int:
    return a + b


def _closure() -> tuple[Any, Callable[[object], None]]:
    variable: object = 1

    def reader() -> object:
        return variable

    def writer(value: object) -> None:
        nonlocal variable
        variable = value

    return reader, writer


def _copy() -> Any:
    """A function that nothing else holds."""
    made = types.FunctionType(_function.__code__, globals(), "made", (1,))
    made.__kwdefaults__ = {"b": 2}
    return made


Change = tuple[object, Callable[[], object]]
"""A value, and what changes something behind it."""


def _of_containers() -> dict[str, Change]:
    nested: dict[str, Any] = {"routes": [["a"], ["b"]], "names": {"x"}, "queue": collections.deque([1])}
    by_kind: Any = collections.defaultdict(list, {"a": [1]})
    registry = Registry(a=1)
    return {
        "an element comes": (nested, lambda: nested["routes"].append(1)),
        "an element goes over to its neighbour": (
            [moved := [1, 2], others := [3]],
            lambda: others.insert(0, moved.pop()),
        ),
        "a set": (nested, lambda: nested["names"].add("y")),
        "a deque": (nested, lambda: nested["queue"].append(2)),
        "a key by another name": (renamed := {"a": 1}, lambda: renamed.update(b=renamed.pop("a"))),
        "a list in a defaultdict": (by_kind, lambda: by_kind["a"].append(2)),
        "a default comes": (by_kind, lambda: by_kind["b"]),
        "a dictionary of the project's": (registry, lambda: registry.update(a=2)),
        "another key in it": (registry, lambda: registry.update(b=registry.pop("a"))),
        "an attribute of it": (registry, lambda: setattr(registry, "limit", 1)),
        "True for 1": (flags := [1], lambda: flags.__setitem__(0, True)),
        "behind a proxy": (types.MappingProxyType(renamed), lambda: renamed.update(c=1)),
    }


def _of_objects() -> dict[str, Change]:
    held, slotted, counting = Plain(), Slotted(), Plain()
    counting.first = 1000
    counting.second = Plain()
    return {
        "an attribute": ([held], lambda: setattr(held, "first", 2)),
        "an attribute by another name": ([held], lambda: vars(held).update(third=vars(held).pop("second"))),
        "what an attribute holds": ({"a": held}, lambda: cast("dict[str, int]", held.second).update(a=2)),
        "two attributes for each other": (held, lambda: vars(held).update(first=held.second, second=held.first)),
        "a number that is counted up": (counting, lambda: _count_up(counting)),
        "an object of an object": (counting, lambda: setattr(counting.second, "first", 0)),
        "its class": ([held], lambda: setattr(held, "__class__", Base)),
        "a slot": ([slotted], lambda: setattr(slotted, "left", 1)),
        "two slots for each other": (slotted, lambda: _swap(slotted)),
        "the object of a method": ([Plain.__repr__.__get__(held)], lambda: setattr(held, "fourth", 1)),
        "what a partial was given": (functools.partial(print, held), lambda: setattr(held, "fifth", 1)),
    }


def _count_up(counting: Plain) -> None:
    for _ in range(3):
        counting.first = cast("int", counting.first) + 1


def _swap(slotted: Slotted) -> None:
    slotted.left, slotted.right = slotted.right, slotted.left


def _of_functions() -> dict[str, Change]:
    made, attributed, annotated, kept = _copy(), _copy(), _copy(), _copy()
    attributed.routes = ["/"]
    annotated.__annotations__ = {"a": "int"}
    reader, writer = _closure()
    cached = functools.lru_cache(maxsize=None)(kept)
    return {
        "a function's default": ([made], lambda: setattr(made, "__defaults__", (2,))),
        "a default by name": ([kept], lambda: kept.__kwdefaults__.update(b=3)),
        "a function's first attribute": ({"f": made}, lambda: setattr(made, "route", "/")),
        "what its attribute holds": ([attributed], lambda: attributed.routes.append("/more")),
        "its annotations": ([annotated], lambda: annotated.__annotations__.update(a="str")),
        "its code": ([made], lambda: setattr(made, "__code__", _closure.__code__)),
        "a variable of its closure": ([reader], lambda: writer(2)),
        "behind a cache": ([cached], lambda: setattr(kept, "__defaults__", (5,))),
        "behind a property": ([property(made)], lambda: setattr(made, "__name__", "other")),
    }


def _of_names() -> dict[str, Change]:
    class Found(unittest.TestCase):
        extra_hook = [1]  # noqa: RUF012

    made, kept, held = _copy(), _copy(), Plain()
    cached, parameters = functools.lru_cache(kept), functools.lru_cache(kept)
    getter = property(made)
    foreign = types.FunctionType(_function.__code__, vars(shutil), "foreign")
    foreign.__module__, foreign.__qualname__ = "shutil", "foreign"
    module = types.ModuleType("a_module_of_names")
    return {
        "a class's": ([Found], lambda: setattr(Found, "__qualname__", "Other")),
        "a class isn't found any more": ([Findable], lambda: globals().pop("Findable")),
        "a base from elsewhere gets one": ([Found], lambda: setattr(unittest.TestCase, "extra_hook", None)),
        "what a cache wraps": ([cached], lambda: setattr(cached, "__wrapped__", made)),
        "a cache's parameters": ([parameters], lambda: setattr(parameters, "cache_parameters", lambda: 1)),
        "a getter that becomes a setter": ([getter], lambda: getter.__init__(None, made)),  # type: ignore[misc]
        "a foreign function's": ([shutil.which], lambda: setattr(shutil, "which", made)),
        "a module's": ([module, held], lambda: setattr(module, "__name__", __name__)),
        "a foreign one's, wrapped": ([foreign], lambda: functools.update_wrapper(foreign, made)),
    }


def _of_classes() -> dict[str, Change]:
    class Local(Base):
        options: dict[str, str] = {}  # noqa: RUF012

    made: Any = Local
    return {
        "a member of a class": ([Local], lambda: setattr(Local, "setUp", _function)),
        "of the class of an object": ({"a": Plain()}, lambda: setattr(Plain, "extra", 1)),
        "a member of its base": ([made()], lambda: setattr(Base, "extra", 1)),
        "its annotations": ([Local], lambda: Local.__annotations__.update(more="int")),
        "its bases": ([made()], lambda: setattr(Local, "__bases__", (Plain,))),
    }


CHANGES = {
    f"{kind}: {name}": (make, name)
    for kind, make in {
        "containers": _of_containers,
        "objects": _of_objects,
        "functions": _of_functions,
        "classes": _of_classes,
        "names": _of_names,
    }.items()
    for name in make()
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_change_is_noticed(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for cls in (Plain, Base):
        monkeypatch.setattr(cls, "extra", 0, raising=False)
    monkeypatch.setitem(globals(), "Findable", Findable)
    monkeypatch.setattr(shutil, "which", shutil.which)
    monkeypatch.setattr(unittest.TestCase, "extra_hook", 0, raising=False)
    make, name = CHANGES[case]
    value, change = make()[name]
    reaches = _reaches()
    before = reaches.of(value)
    assert before is not None
    reaches.begin()
    assert reaches.holds(before)

    change()

    reaches.begin()
    assert not reaches.holds(before), case
    after = reaches.of(value)
    assert after is not before
    assert reaches.holds(after)
    assert not reaches.holds(before), "what was known before stays void, whoever looked in between"


def test_only_what_has_changed_is_digested_again() -> None:
    looked: list[object] = []
    reaches = _reaches(looked)
    first, second = Plain(), Plain()
    for each in (first, second):
        reaches.look(each)
    cast("list[int]", second.first).append(2)
    reaches.begin()
    looked.clear()

    for each in (first, second):
        reaches.look(each)

    assert looked == [second]


OBSCURE = (bytearray(b"x"), iter([1]), threading.Thread(), ValueError("x"))


@pytest.mark.parametrize("value", OBSCURE, ids=[type(each).__name__ for each in OBSCURE])
def test_what_keeps_something_out_of_sight_is_digested_each_time(value: object) -> None:
    reaches = _reaches()

    assert reaches.of(value) is None
    assert not reaches.holds(reaches.of([value]))


def test_what_can_not_be_told_is_told_again_once_code_has_run() -> None:
    holder: list[object] = [bytearray(b"x")]
    reaches = _reaches()
    value = Plain()
    value.first = holder
    assert reaches.of(value) is None

    holder.clear()
    reaches.begin()

    assert reaches.holds(reaches.of(value))


def test_a_function_in_a_namespace_of_its_own_is_digested_each_time() -> None:
    namespace: dict[str, Any] = {"__name__": "generated", "limit": 1}
    exec("def made(): return limit", namespace)

    assert _reaches().of(namespace["made"]) is None


def test_nothing_is_kept_alive_when_imports_are_over() -> None:
    value = Plain()
    reaches = _reaches()
    reaches.look([value])
    gone = weakref.ref(value)
    reaches.forget()

    del value

    assert gone() is None
