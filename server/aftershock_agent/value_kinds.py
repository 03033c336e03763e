"""How values of the types that Python brings along are told apart."""

from __future__ import annotations

import contextvars
import functools
import logging
import re
import struct
import sys
import types
import weakref
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from aftershock_agent.value_parts import NAMED


class Taker(Protocol):
    """What takes values in, one after the other: a :class:`aftershock_agent.value_walk.Walk`."""

    def note(self, text: str) -> None:
        """Something to tell values apart by."""

    def take_next(self, value: object) -> None:
        """Another value."""

    def each(self, name: str, elements: Iterable[object]) -> None:
        """A kind of value that holds others."""

    def unordered(self, name: str, elements: Iterable[object]) -> None:
        """Others, in no order that counts."""

    def items(self, name: str, value: Any, pairs: Iterable[tuple[object, object]]) -> None:
        """Pairs of keys and values, in their order."""

    def sequence(self, name: str, value: Any, elements: Iterable[object]) -> None:
        """Elements in order."""

    def function(self, value: types.FunctionType) -> None:
        """All but the body, where that is recorded."""

    def cell(self, cell: types.CellType) -> None:
        """A variable of an enclosing function."""

    def code(self, code: types.CodeType) -> None:
        """Code, by what it does."""


def _logger(walk: Taker, value: Any) -> None:
    """The logging hierarchy is one web: only what was set on this one."""
    walk.note(f"logger {value.name} {value.level} {value.propagate} {value.disabled}")
    walk.each("handlers", [*value.handlers, *value.filters])


def _cached(walk: Taker, value: Any) -> None:
    walk.note(f"cache {value.cache_parameters() if hasattr(value, 'cache_parameters') else ''}")
    walk.take_next(value.__wrapped__)


def _property(walk: Taker, value: Any) -> None:
    walk.each("property", (value.fget, value.fset, value.fdel))


def _named(walk: Taker, value: Any) -> None:
    owner = getattr(value, "__self__", None)
    home = getattr(value, "__objclass__", None) or getattr(value, "__module__", None)
    walk.note(f"{type(value).__name__} {getattr(home, '__qualname__', home)}.{value.__name__}")
    if owner is not None and not isinstance(owner, types.ModuleType):
        _owner(walk, owner)


def _method(walk: Taker, value: Any) -> None:
    walk.note("method")
    walk.take_next(value.__func__)
    _owner(walk, value.__self__)


def _owner(walk: Taker, owner: object) -> None:
    """What a method is bound to: the numbers that ``random.choice`` takes are others in each process."""
    numbers = sys.modules.get("random")
    if numbers is not None and owner is vars(numbers).get("_inst"):
        walk.note("random numbers of the process")
    else:
        walk.take_next(owner)


def _reference(walk: Taker, value: Any) -> None:
    walk.note("weak reference")
    walk.take_next(value())


def _context(walk: Taker, value: Any) -> None:
    """What the variable holds in the context of the import, its default if it has one."""
    walk.note(f"context variable {value.name}")
    walk.each("holding", [value.get()] if _has_default(value) else [])


def _generator(walk: Taker, value: Any) -> None:
    """Its code, and how far that has come with what."""
    walk.note(f"generator {value.__qualname__}")
    walk.code(value.gi_code)
    frame = value.gi_frame
    walk.each("at", (frame.f_lasti, dict(frame.f_locals)) if frame is not None else ())


def _has_default(variable: contextvars.ContextVar[object]) -> bool:
    try:
        variable.get()
    except LookupError:
        return False
    return True


PLAIN: dict[type, Callable[[Any], str]] = {
    type(None): lambda value: "None",
    bool: repr,
    int: lambda value: f"int {value:x}",
    float: repr,
    complex: lambda value: f"complex {value!r}",
    str: lambda value: f"str {value}",
    bytes: repr,
    type(...): repr,
    type(NotImplemented): repr,
}
"""Data that is told by one text."""

SPECIAL: dict[type, Callable[[Taker, Any], None]] = {
    tuple: lambda walk, value: walk.sequence("tuple", value, value),
    list: lambda walk, value: walk.sequence("list", value, value),
    dict: lambda walk, value: walk.items("dict", value, value.items()),
    types.MappingProxyType: lambda walk, value: walk.items("proxy", None, value.items()),
    set: lambda walk, value: walk.unordered("set", value),
    frozenset: lambda walk, value: walk.unordered("frozenset", value),
    types.FunctionType: lambda walk, value: walk.function(value),
    types.CellType: lambda walk, value: walk.cell(value),
    types.CodeType: lambda walk, value: walk.code(value),
    types.MethodType: _method,
    staticmethod: lambda walk, value: walk.each("staticmethod", (value.__func__,)),
    classmethod: lambda walk, value: walk.each("classmethod", (value.__func__,)),
    property: _property,
    functools.cached_property: lambda walk, value: walk.each("cached", (value.func, value.attrname)),
    functools._lru_cache_wrapper: _cached,
    weakref.ref: _reference,
    contextvars.ContextVar: _context,
    types.GeneratorType: _generator,
    types.UnionType: lambda walk, value: walk.each("union", value.__args__),
    struct.Struct: lambda walk, value: walk.note(f"struct {value.format}"),
    re.Pattern: lambda walk, value: walk.each("pattern", (value.pattern, int(value.flags))),
    **dict.fromkeys((logging.Logger, logging.RootLogger), _logger),
    **dict.fromkeys(NAMED, _named),
}
"""What takes in a value of each type."""
