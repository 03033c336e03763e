"""Where values keep what they hold, asked in ways that run no code of the project."""

from __future__ import annotations

import collections
import functools
import hashlib
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from aftershock_agent import class_shapes

_BY_NAME = (
    types.BuiltinFunctionType,
    types.WrapperDescriptorType,
    types.MethodDescriptorType,
    types.GetSetDescriptorType,
)
NAMED = (*_BY_NAME, types.MemberDescriptorType, types.ClassMethodDescriptorType, types.MethodWrapperType)
_STATELESS = frozenset(
    {"lock", "RLock", "_thread.lock", "_thread.RLock", "object", "_local", "_abc_data", "SystemRandom"}
)
_STATELESS_HOMES = frozenset({"_thread", "threading", "builtins", "_abc", "random"})
_PARTIAL = ("func", "args", "keywords")
CONTENT: dict[type, Callable[[Any], object]] = {
    dict: lambda value: list(dict.items(value)),
    list: lambda value: list(list.__iter__(value)),
    tuple: lambda value: list(tuple.__iter__(value)),
    set: lambda value: Unordered(set.__iter__(value)),
    frozenset: lambda value: Unordered(frozenset.__iter__(value)),
    str: str.__str__,
    bytes: lambda value: bytes.__getitem__(value, slice(None)),
    bytearray: lambda value: bytes(bytearray.__iter__(value)),
    int: int.__int__,
    float: float.__float__,
    complex: lambda value: (value.real, value.imag),
    property: lambda value: [property.__dict__[name].__get__(value) for name in ("fget", "fset", "fdel")],
    staticmethod: lambda value: staticmethod.__dict__["__func__"].__get__(value),
    classmethod: lambda value: classmethod.__dict__["__func__"].__get__(value),
    functools.partial: lambda value: [functools.partial.__dict__[name].__get__(value) for name in _PARTIAL],
    collections.deque: lambda value: list(collections.deque.__iter__(value)),
    BaseException: lambda value: BaseException.__dict__["args"].__get__(value),
}
"""What objects of classes that extend these hold besides their attributes."""


class Unordered:
    """Elements whose order is nobody's business."""

    def __init__(self, elements: Iterable[object]) -> None:
        """Any number of them."""
        self.elements = list(elements)


ATOMS: tuple[type, ...] = (type(None), bool, int, float, complex, str, bytes, type(...), type(NotImplemented))


_ATOMS = frozenset(ATOMS)


def is_atom(value: object) -> bool:
    """Whether a value is of one of these types; one whose metaclass is the project's may compare, or have no hash."""
    kind = type(value)
    return type(kind) is type and kind in _ATOMS


def is_stateless(kind: type) -> bool:
    """Whether objects of a type of C keep nothing that could be told, or nothing that is the same in two processes."""
    return kind.__qualname__ in _STATELESS and kind.__module__ in _STATELESS_HOMES


def hashed(text: str) -> str:
    """A short digest."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=9).hexdigest()


def attributes_of(value: object) -> dict[str, object] | None:
    """An object's own attributes; None where it has no place for any."""
    try:
        found = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return None
    return found if isinstance(found, dict) else None


def slots_of(value: object, kind: type) -> Iterator[tuple[object, object]]:
    """The names and contents of an object's slots that were ever set."""
    for base in filter(class_shapes.is_python, kind.__mro__):
        for name, descriptor in vars(base).items():
            if type(descriptor) is types.MemberDescriptorType and name not in ("__dict__", "__weakref__"):
                try:
                    yield name, descriptor.__get__(value, kind)
                except AttributeError:
                    continue  # it was never set
