"""Code that gets at the module of a class or function which it has: ``sys.modules[cls.__module__]``.

Which module that is depends on what the code is given, so its text can't tell.  A recorder that can look at variables
records it: that ``<got>`` of the module's file ran.  Where it can't, ``f<untold>`` of the code's file did.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import cast

GOT = "<got>"
"""Stands, like a function's name, for that a file's module was got at by the ``__module__`` of something."""
UNTOLD = "<untold>"
"""After the name of a function that got at a module so, where it couldn't be told which module it was."""

Lines = Mapping[int, Iterable[str]]
"""The variables whose ``__module__`` is asked for on each line; an empty name for what is no variable."""

_OPTIMIZED = 0x1  # CO_OPTIMIZED of inspect: set for functions, not for modules and classes
_classes_of: Callable[[type], tuple[type, ...]] = type.__dict__["__mro__"].__get__
_members_of: Callable[[type], Mapping[str, object]] = type.__dict__["__dict__"].__get__
_module_of: Callable[[type], object] = type.__dict__["__module__"].__get__


def may_get(code: CodeType) -> bool:
    """Whether code is a function's that may get at modules so: all that does, and some that doesn't."""
    return bool(code.co_flags & _OPTIMIZED) and {"modules", "__module__"}.issubset(code.co_names)


def lines_of(code: CodeType) -> Lines:
    """Where code asks for a ``__module__``, and of what; from Python 3.11 on."""
    found: dict[int, set[str]] = {}
    before = ""
    for instruction in dis.get_instructions(code):
        positions = getattr(instruction, "positions", None)
        line = None if positions is None else positions.lineno
        if instruction.opname == "LOAD_ATTR" and instruction.argval == "__module__" and line is not None:
            found.setdefault(line, set()).add(before)
        before = _variable(instruction)
    return found


def _variable(instruction: dis.Instruction) -> str:
    """The variable that an instruction leaves on top of the stack, or an empty name."""
    if not instruction.opname.startswith(("LOAD_FAST", "LOAD_DEREF")):
        return ""
    loaded = instruction.argval[-1] if isinstance(instruction.argval, tuple) else instruction.argval
    return str(loaded)


def files_got(frame: FrameType, names: Iterable[str]) -> Iterator[str]:
    """The files of the modules by whose names ``sys.modules`` is asked, of variables of a frame.

    Raises LookupError where that can't be told without running code of the project.
    """
    for name in names:
        found = _file_of(frame.f_locals[name])
        if found:
            yield found


def _file_of(thing: object) -> str:
    """The file of the module that a class or function says it is of; an empty name where there is none."""
    name = thing.__module__ if type(thing) is FunctionType else _module_of_class(thing)
    if type(name) is not str:
        raise LookupError(f"{name!r} is no module's name")
    if name not in sys.modules:
        return ""
    module = sys.modules[name]
    if type(module) is not ModuleType:
        raise LookupError(f"{name} is no plain module")
    file = vars(module).get("__file__")
    if type(file) is str:
        return file
    if name in sys.builtin_module_names:
        return ""
    raise LookupError(f"{name} has no file")


def _module_of_class(thing: object) -> object:
    """What ``thing.__module__`` is, of a class whose metaclass has no say in it."""
    kind = type(thing)
    if not issubclass(kind, type):
        raise LookupError("neither a class nor a function")
    for each in _classes_of(kind):
        if each is type:
            break
        members = _members_of(each)
        if "__getattribute__" in members or type(members.get("__module__", "")) is not str:
            raise LookupError("its metaclass has a say in it")
    try:
        return _module_of(cast("type", thing))
    except AttributeError as error:
        raise LookupError("no name of a module") from error
