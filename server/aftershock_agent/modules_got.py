"""Code that gets at the module of a parameter of its own: ``sys.modules[cls.__module__]``.

Which module that is depends on what the code is given, so its text can't tell.  A recorder that can look at a
function's parameters records it when the function begins: that ``<got>`` of the module's file ran.  Where it can't be
told, ``f<untold>`` of the code's file did.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from importlib.machinery import ModuleSpec
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import cast

GOT = "<got>"
"""Stands, like a function's name, for that a file's module was got at by the ``__module__`` of something."""
UNTOLD = "<untold>"
"""After the name of a function that got at a module so, where it couldn't be told which module it was."""
_SUSPENDED = 0x20 | 0x80 | 0x200
"""CO_GENERATOR, CO_COROUTINE and CO_ASYNC_GENERATOR: what runs on later, when anything may have changed."""
OPTIMIZED = 0x1
"""CO_OPTIMIZED of inspect: set for functions, not for modules and classes."""

_SINCE = (3, 13)
"""From here on a frame may be asked for its variables (PEP 667): that kept them alive, and moved ``locals()``."""
_classes_of: Callable[[type], tuple[type, ...]] = type.__dict__["__mro__"].__get__
_members_of: Callable[[type], Mapping[str, object]] = type.__dict__["__dict__"].__get__
_module_of: Callable[[type], object] = type.__dict__["__module__"].__get__


def may_get(code: CodeType) -> bool:
    """Whether code is a function's that may get at modules so: all that does, and some that doesn't."""
    return bool(code.co_flags & OPTIMIZED) and {"modules", "__module__"}.issubset(code.co_names)


def parameters_of(code: CodeType) -> tuple[str, ...]:
    """The parameters whose ``__module__`` a function asks for; none where it can't be told which modules it gets at."""
    if sys.version_info < _SINCE or code.co_flags & _SUSPENDED or "sys" in _local_names(code):
        return ()
    named = set(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]) - {*code.co_cellvars}
    found: dict[str, None] = {}
    before = ""
    for instruction in dis.get_instructions(code):
        if instruction.argval == "__module__":
            if before not in named:
                return ()
            found[before] = None
        before = _variable(instruction)
    return tuple(found)


def _local_names(code: CodeType) -> tuple[str, ...]:
    return (*code.co_varnames, *code.co_cellvars, *code.co_freevars)


def _variable(instruction: dis.Instruction) -> str:
    """The variable that an instruction leaves on top of the stack, or an empty name."""
    if "LOAD_FAST" not in instruction.opname:
        return ""
    loaded = instruction.argval[-1] if isinstance(instruction.argval, tuple) else instruction.argval
    return str(loaded)


def files_got(frame: FrameType, parameters: Collection[str]) -> Iterator[str]:
    """The files of the modules that a frame, which begins, gets at by its parameters.

    Raises LookupError where that can't be told without running code of the project.
    """
    if not parameters or frame.f_globals.get("sys") is not sys:
        raise LookupError("it isn't told by parameters, or not in the module sys")
    return (_file_of(frame.f_locals[name]) for name in parameters)


def _file_of(thing: object) -> str:
    """The file of the module that a class or function says it is of."""
    name = thing.__module__ if type(thing) is FunctionType else _module_of_class(thing)
    if type(name) is not str or type(sys.modules) is not dict or name not in sys.modules:
        raise LookupError(f"there is no module {name!r}, or it may come")
    module = sys.modules[name]
    spec = vars(module).get("__spec__") if type(module) is ModuleType else None
    if type(spec) is not ModuleSpec:
        raise LookupError(f"{name} is no module that was imported")
    if type(spec.origin) is not str or spec.origin != vars(module).get("__file__"):
        raise LookupError(f"it isn't certain which file {name} is of")
    return spec.origin


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
