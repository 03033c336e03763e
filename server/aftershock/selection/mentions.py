"""The names that code mentions: all that it can ask the project's modules, classes and objects for.

A value that changed concerns code only if the code mentions the value's name: as a global name of its own module, or as
an attribute of whatever it has at hand.  A string counts for each name in it (``getattr(this, "x")``, a keyword), and
in code that makes names up (``getattr(this, "visit_" + kind)``) for all names that begin or end as it does.
"""

from __future__ import annotations

import dis
import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from functools import reduce
from types import CodeType
from typing import NamedTuple

NAME = re.compile(r"[^\W\d]\w*")
_DOTTED = re.compile(r"[^\W\d]\w*([.:][^\W\d]\w*)*")
_ROW = re.compile(r"\s*[^\W\d]\w*(?:[\s,]+[^\W\d]\w*){1,7}[\s,]*")
_FIELD = re.compile(r"\{\s*([\w.]+(?:\[[^\]{}]*\][\w.]*)*)(?=\s*[}!:=])|%\((\w+)\)")
_HOLE = re.compile(r"%(?:\(\w*\))?[-#0 +]*\d*[a-zA-Z]|\{[^{}]*\}")
_MADE_UP = re.compile(r"^(?:((?:[^\W\d]\w*)?_)(?:[^\w].*)?|(?:.*[^\w])?(_\w*))$", re.DOTALL)
_LONG = 200  # characters of a string from which on it is no name
_GLOBAL_OPERATIONS = frozenset(
    dis.opmap[name]
    for name in (
        *("LOAD_GLOBAL", "STORE_GLOBAL", "DELETE_GLOBAL", "LOAD_NAME", "STORE_NAME", "DELETE_NAME"),
        *("LOAD_FROM_DICT_OR_GLOBALS", "LOAD_CLASSDEREF"),
    )
    if name in dis.opmap and dis.opmap[name] in dis.hasname
)
_OTHER_OPERATIONS = frozenset(number for number in dis.hasname if number < 256) - _GLOBAL_OPERATIONS
_MATCH_CLASS = dis.opmap["MATCH_CLASS"]
_SHIFTS = {
    dis.opmap[name]: shift
    for name, shift, since in (
        ("LOAD_GLOBAL", 1, (3, 11)),
        ("LOAD_ATTR", 1, (3, 12)),
        ("LOAD_SUPER_ATTR", 2, (3, 12)),
        ("IMPORT_NAME", 2, (3, 15)),
    )
    if name in dis.opmap and sys.version_info >= since
}
"""Operations whose argument holds more than the number of the name, and the bits of that."""

_IMPORTING = frozenset(dis.opmap[name] for name in ("IMPORT_NAME", "IMPORT_FROM"))
_ASKING = frozenset(
    dis.opmap[name] for name in ("LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR", "DELETE_ATTR") if name in dis.opmap
)
_CALLING = frozenset(
    dis.opmap[name] for name, since in (("LOAD_GLOBAL", (3, 11)), ("LOAD_ATTR", (3, 12))) if sys.version_info >= since
)
"""Operations whose argument's lowest bit says that what is loaded gets called."""
_COMPARING = frozenset(dis.opmap[name] for name in ("COMPARE_OP", "CONTAINS_OP"))
_CONTAINING = dis.opmap["CONTAINS_OP"]
_LOOKING = frozenset(
    {
        *("startswith", "endswith", "removeprefix", "removesuffix", "strip", "lstrip", "rstrip", "replace"),
        *("split", "rsplit", "partition", "rpartition", "find", "rfind", "index", "rindex", "count"),
    }
)
"""Methods of strings that look for what they are given, and put it nowhere but amid a name (``replace``)."""
_CALLED = frozenset({dis.opmap["PUSH_NULL"]} if sys.version_info >= (3, 13) else ())
"""Operations that follow the loading of what gets called; before 3.13 it came first."""
_WHOLE = frozenset({"__dict__", "__dir__", "__getattribute__"})
"""Attributes that are all that something has."""
_LOADING = frozenset(number for number in dis.hasname if number < 256 and dis.opname[number].startswith("LOAD_"))

ASKING = frozenset(
    {
        "getattr",
        "hasattr",
        "setattr",
        "delattr",
        "__getattribute__",
        "__getattr__",
        "attrgetter",
        "methodcaller",
        "patch",
    }
)
"""Names of what asks for an attribute by a string."""
COMPUTING = frozenset(
    {
        *ASKING,
        *("__import__", "import_module", "import_string", "modules", "exec", "eval", "format", "format_map", "vformat"),
        *("vars", "globals", "locals", "__dict__", "f_globals", "f_locals", "getattr_static", "__match_args__"),
        *("__globals__", "get_field", "getfixturevalue", "dictConfig", "fileConfig", "resolve_name", "locate", "spy"),
    }
)
"""Names of what gets at something by a string that it may have from elsewhere."""
DEFERRED = frozenset({"attrgetter", "methodcaller", "partial", "partialmethod"})
"""Names of what makes something of a string that asks for an attribute later, when no such name is mentioned."""
DISPATCHING = frozenset({"singledispatch", "singledispatchmethod", "register"})
"""Names of decorators that look at annotations when they are applied, and not later."""
_INSPECTING = frozenset(
    {
        *("signature", "Signature", "from_callable", "getfullargspec", "getcallargs", "__signature__", "__code__"),
        *("help", "render_doc", "getmembers", "unwrap", "create_autospec", "autospec"),
    }
)
INSPECTING_ANNOTATIONS = frozenset(
    {*_INSPECTING, *DISPATCHING, "__annotations__", "__annotate__", "get_annotations", "get_type_hints"}
)
"""Names of what looks at a function's annotations without calling it, or has others do so."""
INSPECTING_DEFAULTS = _INSPECTING | {"__defaults__", "__kwdefaults__", "get_type_hints"}
"""The same, of its defaults: before 3.11 what is None by default had Optional for a hint."""
INSPECTING_NAMES = INSPECTING_DEFAULTS | INSPECTING_ANNOTATIONS | {"__name__", "__qualname__", "__module__"}
"""The same, of the names that it was given."""
INSPECTING_KIND = frozenset(
    {
        *("isgeneratorfunction", "iscoroutinefunction", "isasyncgenfunction", "isawaitable", "markcoroutinefunction"),
        *("__code__", "co_flags", "patch", "create_autospec", "autospec", "spec", "spec_set"),
    }
)
"""Names of what looks at whether a function is a generator or coroutine."""
MOCKING = frozenset(
    {"Mock", "MagicMock", "AsyncMock", "NonCallableMock", "create_autospec", "autospec", "spec", "spec_set"}
)
"""Names of what looks at all functions of a class that it is handed."""
READING = frozenset({"__doc__", "getdoc", "getcomments", "render_doc", "testmod", "testfile"})
"""Names of what reads docstrings."""
EVALUATING = frozenset({"exec", "eval"})
"""Names of what runs text: all names in the strings of such a file count."""


class Mentions(NamedTuple):
    """What code mentions: ``names`` of its module, ``attributes`` of anything, ``fragments`` of made-up attributes.

    ``strings`` are those that may become an attribute's name elsewhere: of some object's, hardly of a module's.
    ``handed`` are the names and attributes of which it does more than ask for attributes, or call them.
    """

    names: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()
    fragments: frozenset[str] = frozenset()
    strings: frozenset[str] = frozenset()
    handed: frozenset[str] = frozenset()

    def joined(self, other: Mentions) -> Mentions:
        """What two pieces of code mention."""
        return Mentions(*(mine | theirs for mine, theirs in zip(self, other, strict=True)))


NOTHING = Mentions()


def joined(mentions: Iterable[Mentions]) -> Mentions:
    """What several pieces of code mention."""
    return reduce(Mentions.joined, mentions, NOTHING)


def mentions_of(code: CodeType, evaluated: bool) -> Mentions:
    """What one code object mentions, without those in it; ``evaluated``: its strings may be run as code."""
    names, attributes = set[str](), set[str]()
    for operation, argument in _instructions(code):
        if operation in _GLOBAL_OPERATIONS:
            names.add(code.co_names[argument >> _SHIFTS.get(operation, 0)])
        elif operation in _OTHER_OPERATIONS:
            attributes.update(code.co_names[argument >> _SHIFTS.get(operation, 0)].split("."))
        elif operation == _MATCH_CLASS:
            attributes.add("__match_args__")  # a class's pattern asks for the attributes that are named there
    texts = list(_strings(code.co_consts))
    asks = not ASKING.isdisjoint(names) or not ASKING.isdisjoint(attributes)
    strings = set[str]()
    for text in texts:
        if evaluated:
            attributes.update(NAME.findall(text))
        else:
            found, dotted = names_in(text)
            (attributes if asks or dotted else strings).update(found)
    computes = not COMPUTING.isdisjoint(names) or not COMPUTING.isdisjoint(attributes)
    made_up = (_MADE_UP.match(_HOLE.sub("\0", text)) for text in (_pieces(code, texts) if computes else ()))
    fragments = {part for made in made_up if made is not None for part in made.groups() if part}
    return Mentions(*map(frozenset, (names, attributes, fragments, strings, _handed(code))))


def _pieces(code: CodeType, texts: Iterable[str]) -> Iterator[str]:
    """The strings of which code may make up a name: of underscores alone, not those that it looks for in a string."""
    underscores = {text for text in texts if not text.strip("_")}
    yield from (text for text in texts if text not in underscores)
    found = [*(_instructions(code) if underscores else ()), (0, 0), (0, 0)]
    looking = False
    for (operation, argument), (after, asked), (last, _) in zip(found, found[1:], found[2:], strict=False):
        if operation in dis.hasconst:
            joining = after in _ASKING and code.co_names[asked >> _SHIFTS.get(after, 0)] == "join"
            if not (looking or joining or after in _COMPARING or last == _CONTAINING):
                yield from underscores.intersection(_strings([code.co_consts[argument]]))
        else:
            looking = operation in _ASKING and code.co_names[argument >> _SHIFTS.get(operation, 0)] in _LOOKING


def _handed(code: CodeType) -> Iterator[str]:
    """The names of which code does more than ask for attributes or call them; in a function, all that it imports."""
    instructions = list(_instructions(code))
    for (operation, argument), (following, asked) in zip(instructions, [*instructions[1:], (0, 0)], strict=True):
        if operation in _IMPORTING:
            if code.co_flags & inspect.CO_OPTIMIZED:
                yield from code.co_names[argument >> _SHIFTS.get(operation, 0)].split(".")
        elif operation in _LOADING:
            if following in _ASKING and code.co_names[asked >> _SHIFTS.get(following, 0)] not in _WHOLE:
                continue
            if following in _CALLED or (operation in _CALLING and argument & 1):
                continue
            yield code.co_names[argument >> _SHIFTS.get(operation, 0)]


def names_in(text: str) -> tuple[list[str], bool]:
    """The names that a string may stand for, and whether it is a path to something.

    A name, a dotted name, some names in a row (``"width height".split()``), the fields of a format.
    """
    if len(text) < _LONG and _DOTTED.fullmatch(text):
        found = NAME.findall(text)
        return found, len(found) > 1
    if len(text) < _LONG and _ROW.fullmatch(text):
        return NAME.findall(text), False
    return [name for field in _FIELD.findall(text) for name in NAME.findall("".join(field))], False


def pieces_in(template: str) -> Iterator[str]:
    """How a name begins or ends that a template makes, ``visit_%s``; nothing of other text."""
    made = _HOLE.sub("\0", template)
    found = _MADE_UP.match(made) if "\0" in made and made.replace("\0", "a").isidentifier() else None
    yield from (part for part in (found.groups() if found else ()) if part)


def is_evaluating(code: CodeType) -> bool:
    """Whether code runs text."""
    return not EVALUATING.isdisjoint(code.co_names)


def _strings(constants: Iterable[object]) -> Iterator[str]:
    for constant in constants:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, (tuple, frozenset)):
            yield from _strings(constant)


def _instructions(code: CodeType) -> Iterator[tuple[int, int]]:
    raw, extended = code.co_code, 0
    for operation, argument in zip(raw[::2], raw[1::2], strict=True):
        argument |= extended
        extended = argument << 8 if operation == dis.EXTENDED_ARG else 0
        if operation and operation != dis.EXTENDED_ARG:  # 0 is a cache entry from 3.11 on, and nothing before
            yield operation, argument
