"""What of a class counts for everybody who has it or an object of it, beside the members that are asked for by name.

Code outside the project may look up members, of which nothing is recorded: those that a base of its own has, which it
may call, and with a metaclass of its own, or a base that looks for names that it makes up (``getattr``), all of them.
So it is with a class that nobody finds by its name.  Of an Enum's metaclass and bases it is known that they ask for no
function but their own, and such with an underscore before their name.
"""

from __future__ import annotations

import enum
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

MACHINERY = frozenset(
    {
        *("__dict__", "__weakref__", "__doc__", "__module__", "__qualname__", "__firstlineno__", "__abc_impl__"),
        *("__static_attributes__", "__annotate__", "__annotate_func__", "__annotations_cache__", "_abc_impl"),
        *("__classdictcell__", "__annotations__", "_is_protocol"),
    }
)
"""Names in a class that say nothing by themselves, or are taken in otherwise."""

_PICKLING = frozenset(
    {
        "__reduce__",
        "__reduce_ex__",
        "__getstate__",
        "__getnewargs__",
        "__getnewargs_ex__",
        "__getattribute__",
        "__getattr__",
    }
)
_HEAP = 1 << 9  # Py_TPFLAGS_HEAPTYPE
_IS_ABSTRACT = 1 << 20  # Py_TPFLAGS_IS_ABSTRACT
_KNOWN_STATE = (object, dict, list, tuple, set, frozenset, str, bytes, bytearray, int, float, complex, BaseException)
_PLAIN_BASES = frozenset({"typing:Generic", "typing:Protocol", "abc:ABC", "builtins:object"})
_PLAIN_METACLASSES = frozenset(
    {"builtins:type", "abc:ABCMeta", "typing:_ProtocolMeta", "typing_extensions:_ProtocolMeta"}
)
_PYTEST_DRIVES = frozenset({"unittest.case:TestCase", "unittest.async_case:IsolatedAsyncioTestCase"})
"""Their ``getattr`` only fetches the test that pytest asks for."""
_ENUMS = frozenset({"enum:EnumType", "enum:EnumMeta"})
_SEEKING = frozenset({"getattr", "__getattribute__", "vars", "dir", "__dict__", "getmembers", "getattr_static"})


def parts(cls: type, is_own: Callable[[object], bool]) -> Iterator[object]:
    """The values that make up the shape of a class of the project; ``is_own`` tells the project's modules by name.

    Of its bases of the project only what counts so: which they are, and their other members, is told by name.
    """
    yield type(cls)
    yield cls.__flags__ & _IS_ABSTRACT, cls.__basicsize__, cls.__itemsize__, cls.__dictoffset__, cls.__weakrefoffset__
    whole = _is_whole(cls, is_own)
    yield [_name(base) for base in cls.__mro__[1:] if whole or not is_own(base.__module__)]
    names = None if whole else _foreign_names(cls, is_own)
    for each in cls.__mro__:
        if is_own(each.__module__):
            found = list(_counting(each, names))
            if found:
                yield _name(each), found


def _counting(cls: type, seen: frozenset[str] | None) -> Iterator[object]:
    """What counts of a class among the bases of another: annotations, and the members of these names or (None) all."""
    annotations = vars(cls).get("__annotations__")
    lazy = vars(cls).get("__annotate_func__")  # from 3.14 on
    if type(lazy) is types.FunctionType:
        yield lazy.__code__
    if isinstance(annotations, dict):
        yield [(name, str(annotation)) for name, annotation in annotations.items()]
    members = [(name, value) for name, value in vars(cls).items() if name not in MACHINERY]
    if seen is None:
        yield from members
    else:
        found = [(name, value) for name, value in members if name in seen]
        yield from sorted(found, key=lambda member: str(member[0]))


def seen(cls: type, is_own: Callable[[object], bool]) -> Sequence[str]:
    """The names of members that code outside the project may ask an object of a class for; a star for all."""
    return ["*"] if _is_whole(cls, is_own) else sorted(_foreign_names(cls, is_own))


def told_by_name(cls: type, is_own: Callable[[object], bool]) -> Iterator[tuple[str, Any]]:
    """The members of a class, and those that it has from bases which nobody finds under a name of their own."""
    found: dict[str, object] = {}
    for each in cls.__mro__:
        if each is cls or (is_own(each.__module__) and not _is_found(each)):
            for name, value in vars(each).items():
                if name not in MACHINERY:
                    found.setdefault(name, value)
    yield from found.items()


def family(cls: type, is_own: Callable[[object], bool]) -> list[str]:
    """The names of the classes of the project that a class has members from, itself first, and of its metaclasses."""
    members = (each for each in (*cls.__mro__, *_metaclasses(cls)) if is_own(each.__module__) and _is_found(each))
    return [f"{each.__module__}.{each.__qualname__}" for each in members]


def has_c_state(cls: type) -> bool:
    """Whether objects of a class may keep something in C, beyond what the built-in containers hold."""
    return any(base not in _KNOWN_STATE and not _is_exception(base) and not is_python(base) for base in cls.__mro__)


def may_reduce(cls: type, is_own: Callable[[object], bool]) -> bool:
    """Whether asking an object for what pickle would keep of it runs no code of the project."""
    own = (base for base in cls.__mro__ if is_own(base.__module__))
    return all(_PICKLING.isdisjoint(vars(base)) for base in own)


def _is_exception(cls: type) -> bool:
    return cls.__module__ == "builtins" and issubclass(cls, BaseException)


def is_python(cls: type) -> bool:
    """Whether a class statement made it: C types have functions of C."""
    if not cls.__flags__ & _HEAP:
        return False
    if "__static_attributes__" in vars(cls) or "__slots__" in vars(cls):
        return True
    made = (types.WrapperDescriptorType, types.MethodDescriptorType, types.BuiltinFunctionType)
    return not any(type(value) in made for value in vars(cls).values())


def _is_whole(cls: type, is_own: Callable[[object], bool]) -> bool:
    if not _is_found(cls):
        return True
    foreign = (meta for meta in _metaclasses(cls) if meta is not object and not is_own(meta.__module__))
    if any(_name(meta) not in _PLAIN_METACLASSES | _ENUMS for meta in foreign):
        return True
    return any(_seeks(base) for base in _foreign_bases(cls, is_own) if base.__module__ != enum.__name__)


def _metaclasses(cls: type) -> tuple[type, ...]:
    found: tuple[type, ...] = type.__dict__["__mro__"].__get__(type(cls))
    return found


def _is_found(cls: type) -> bool:
    """Whether anybody finds it under its name."""
    return found_under(cls.__module__, cls.__qualname__) is cls


def found_under(module: object, qualname: str) -> object:
    """What stands under a name, as pickle looks it up; None for nothing."""
    found: Any = sys.modules.get(module) if type(module) is str else None
    for part in qualname.split("."):
        found = vars(found).get(part) if issubclass(type(found), (types.ModuleType, type)) else None
    return found


def _foreign_bases(cls: type, is_own: Callable[[object], bool]) -> Iterator[type]:
    """Bases written in Python outside the project; those of C call special methods only."""
    for base in cls.__mro__[1:]:
        if not is_own(base.__module__) and is_python(base) and _name(base) not in _PLAIN_BASES:
            yield base


def _foreign_names(cls: type, is_own: Callable[[object], bool]) -> frozenset[str]:
    found = {name for base in _foreign_bases(cls, is_own) for name in vars(base)}
    if not issubclass(type(cls), enum.EnumMeta):
        return frozenset(found)
    own = [each for each in cls.__mro__ if is_own(each.__module__)]
    members = ((name, value) for each in own for name, value in vars(each).items())
    found.update(name for name, value in members if name[:1] == "_" or type(value) is not types.FunctionType)
    found.update(name for meta in _metaclasses(cls) for name in vars(meta))
    return frozenset(found)


def _seeks(base: type) -> bool:
    if _name(base) in _PYTEST_DRIVES:
        return False
    members = list(vars(base).values())
    functions = (value.__func__ if type(value) in (staticmethod, classmethod) else value for value in members)
    codes = (value.__code__ for value in functions if type(value) is types.FunctionType)
    return any(not _SEEKING.isdisjoint(code.co_names) for code in codes)


def _name(cls: type) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"
