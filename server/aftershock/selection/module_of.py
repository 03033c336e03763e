"""Code that looks for the module of something, ``sys.modules[cls.__module__]``: it gets at no other one.

What a thing's ``__module__`` names is the module whose code made it, unless somebody gives it another one by a string.
So such code has a module at hand only with a class or a function of that one, or where code ran there that makes some.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from aftershock.selection.mentions import Mentions
from aftershock.selection.module_level import functions_in

MODULE_OF = "<module of>"
"""Stands for ``modules`` among the attributes that code mentions which only looks for the module of something."""
CALLER = "<caller>"
"""Stands for ``f_globals`` among those of code which only looks for the name of the module that calls it."""
MAKES = "<makes>"
"""Stands for the classes and functions in a function among the attributes that it mentions."""
RENAMES = "<renames>"
"""Stands for giving something another ``__module__``, which is a string that stands there."""
RENAMES_FOR_OTHERS = "<renames for others>"
"""Stands for giving something another ``__module__``, which may come from elsewhere."""
_MODULE = "__module__"
_NARROW = {"modules": MODULE_OF, "f_globals": CALLER}
"""What gets at all modules, or at all of one, with what stands for it where code does less than that."""
MAKING = frozenset(
    {
        *("type", "new_class", "make_dataclass", "namedtuple", "NamedTuple", "TypedDict", "NewType", "TypeVar"),
        *("Enum", "IntEnum", "StrEnum", "Flag", "IntFlag", "ParamSpec", "exec", "eval", "FunctionType"),
    }
)
"""Names of what makes classes and functions, of the module that calls it."""
_Made = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


def made_in(body: Sequence[ast.stmt]) -> Iterator[tuple[str, Mentions]]:
    """The functions that make others or classes, which counts as an attribute that they mention."""
    for function, node in functions_in(body):
        if any(isinstance(each, _Made) and each is not node for each in ast.walk(node)):
            yield function, Mentions(attributes=frozenset({MAKES}))


def renaming_in(body: Sequence[ast.stmt]) -> Iterator[tuple[str, Mentions]]:
    """The functions that give something another ``__module__``, and ``""`` for code outside of them."""
    functions = [("", statement) for statement in body if not isinstance(statement, _Made[:2])]
    for function, node in [*functions, *functions_in(body)]:
        given = [value for each in ast.walk(node) for value in _modules_given(each)]
        found = {mark for value in given if (mark := _mark_of(value))}
        if found:
            yield function, Mentions(attributes=frozenset(found))


def _modules_given(node: ast.AST) -> Iterator[ast.expr]:
    match node:
        case ast.Assign(targets=targets, value=value) if any(_name_of(each) == _MODULE for each in targets):
            yield value
        case ast.AnnAssign(target=target, value=ast.expr() as value) if _name_of(target) == _MODULE:
            yield value
        case ast.Call(args=[_, ast.Constant(value="__module__"), value]):  # setattr
            yield value
        case ast.Dict(keys=keys, values=values):
            yield from (value for key, value in zip(keys, values, strict=True) if key and _name_of(key) == _MODULE)
        case ast.Call(func=function, keywords=keywords) if _name_of(function) in MAKING:
            yield from (each.value for each in keywords if each.arg == "module")


def _mark_of(value: ast.expr) -> str:
    """What stands for giving this name; nothing for that of the module that runs, or of what some other thing has."""
    if any(_name_of(each) in (_MODULE, "__name__") for each in ast.walk(value)):
        return ""
    return RENAMES if isinstance(value, ast.Constant) else RENAMES_FOR_OTHERS


def narrowed_in(body: Sequence[ast.stmt]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The functions that use ``sys.modules`` only for the module of something, or ``f_globals`` for a module's name.

    Each with what stands for that.
    """
    for function, node in functions_in(body):
        within = list(ast.walk(node))
        fine = {id(use) for each in within for use in _looked_in(each)}
        others = {_name_of(each) for each in within if id(each) not in fine}
        names = {_name_of(each) for each in within} & _NARROW.keys() - others
        if names:
            yield function, {name: _NARROW[name] for name in names}


def _name_of(node: ast.AST) -> str:
    """Of a name, an attribute or a string."""
    found = getattr(node, "attr", None) or getattr(node, "id", None) or getattr(node, "value", None)
    return found if isinstance(found, str) else ""


def _looked_in(node: ast.AST) -> Iterator[ast.AST]:
    """Where a node looks something up: ``m[x.__module__]``, ``m.get(x.__module__)``, ``x.__module__ in m``."""
    match node:
        case ast.Subscript(value=table, slice=key) if _tells_module(key, table):
            yield table
        case ast.Call(func=ast.Attribute(value=table, attr="get"), args=[key, *_]) if _tells_module(key, table):
            yield table
        case ast.Compare(left=key, ops=[ast.In() | ast.NotIn()], comparators=[table]) if _tells_module(key, table):
            yield table


def _tells_module(key: ast.expr, table: ast.expr) -> bool:
    """Whether a key for a table is the name of something's module; of a module's globals, the key of that."""
    if _name_of(table) == "modules":
        return isinstance(key, ast.Attribute) and key.attr == _MODULE
    return isinstance(key, ast.Constant) and key.value == "__name__"


def narrowed(mentions: Mentions, names: Mapping[str, str]) -> Mentions:
    """The mentions of such a function."""

    def told(mentioned: frozenset[str]) -> frozenset[str]:
        return frozenset(names.get(name, name) for name in mentioned)

    return mentions._replace(
        names=told(mentions.names), attributes=told(mentions.attributes), handed=told(mentions.handed)
    )
