"""What stands at the top of modules and classes: strings, and what is handed on."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence, Set as AbstractSet

from aftershock.selection.mentions import DEFERRED, NAME, names_in, pieces_in

_Function = (ast.FunctionDef, ast.AsyncFunctionDef)
_CONTAINERS = (ast.List, ast.Tuple, ast.Set, ast.Dict)
_PLAIN_DECORATORS = frozenset({"staticmethod", "classmethod", "property", "abstractmethod", "overload", "override"})

_RECORDS = ("NamedTuple", "TypedDict", "Model", "Struct")
"""Ends of the names of bases that make records of classes."""


def strings_in(body: Sequence[ast.stmt]) -> Iterator[str]:
    """The names that strings outside of functions may stand for; not those of annotations, docstrings, ``__all__``."""
    for statement in body:
        if isinstance(statement, _Function):
            defaults = [*statement.args.defaults, *statement.args.kw_defaults]
            yield from _strings([*statement.decorator_list, *(each for each in defaults if each is not None)])
        elif isinstance(statement, ast.ClassDef):
            keywords = [each.value for each in statement.keywords]
            yield from _strings([*statement.decorator_list, *statement.bases, *keywords])
            yield from _fields_of(statement)
            yield from strings_in(statement.body)
        elif isinstance(statement, (ast.Assign, ast.AugAssign, ast.AnnAssign)):
            if statement.value is not None and not _is_exporting(statement):
                yield from _strings([statement.value])
        elif not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
            inner = [child for child in ast.iter_child_nodes(statement) if isinstance(child, ast.stmt)]
            yield from strings_in(inner)
            yield from _strings([child for child in ast.iter_child_nodes(statement) if child not in inner])


def hinted_in(body: Sequence[ast.stmt]) -> Iterator[str]:
    """The words that code may look up which evaluates annotations: those of annotations, and of strings.

    But not those of docstrings and ``__all__``.
    """
    pending: list[ast.AST] = list(body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign)) and _is_exporting(node):
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from NAME.findall(node.value)
        hints = [getattr(node, name, None) for name in ("annotation", "returns", "bound", "default_value")]
        for hint in [*hints, node.value] if type(node).__name__ == "TypeAlias" else hints:  # type: ignore[attr-defined]
            named = ast.walk(hint) if isinstance(hint, ast.expr) else ()
            yield from (_name_of(each) for each in named if isinstance(each, (ast.Name, ast.Attribute)))
        pending += ast.iter_child_nodes(node)


def _is_exporting(statement: ast.Assign | ast.AugAssign | ast.AnnAssign) -> bool:
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets)


def _fields_of(cls: ast.ClassDef) -> Iterator[str]:
    """The names of a record's fields, which whoever lists them has as strings."""
    if cls.decorator_list or any(_name_of(base).endswith(_RECORDS) for base in cls.bases):
        for statement in cls.body:
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                yield statement.target.id


def _strings(nodes: Sequence[ast.AST]) -> Iterator[str]:
    for node in nodes:
        within = list(ast.walk(node))
        defining = {id(name) for each in within for name in _names_given(each)}
        for each in within:
            if isinstance(each, ast.Constant) and isinstance(each.value, str) and id(each) not in defining:
                yield from names_in(each.value)[0]
                yield from pieces_in(each.value)


def _names_given(node: ast.AST) -> Iterator[ast.expr]:
    """The names that ``type(name, bases, members)`` gives to a class and its members, which are those themselves."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "type" and len(node.args) == 3:
        yield node.args[0]
        if isinstance(node.args[2], ast.Dict):
            yield from (key for key in node.args[2].keys if key is not None)


def is_acting(decorator: ast.expr) -> bool:
    """Whether a decorator may do more than wrap what it is given."""
    return _name_of(decorator) not in _PLAIN_DECORATORS


def loaded_in(body: Sequence[ast.stmt], local: bool = False) -> Iterator[str]:
    """The names and attributes that code outside of functions and lambdas hands on: not what it imports and binds.

    Neither what it gives another name that is not ``local`` to a function, nor what it calls, and is done with: but for
    what makes something of a string.
    """
    pending: list[ast.AST] = list(body)
    while pending:
        node = pending.pop()
        if isinstance(node, (*_Function, ast.Lambda)):
            pending += [*node.args.defaults, *(each for each in node.args.kw_defaults if each is not None)]
            pending += [] if isinstance(node, ast.Lambda) else node.decorator_list
            continue
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and not local:
            continue
        if isinstance(node, ast.Call) and _name_of(node.func) not in DEFERRED:
            pending += [each for each in ast.iter_child_nodes(node) if each is not node.func]
            pending += [node.func.value] if isinstance(node.func, ast.Attribute) else []
            pending += [] if isinstance(node.func, (ast.Name, ast.Attribute)) else [node.func]
            continue
        if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
            yield _name_of(node)
        pending += ast.iter_child_nodes(node)


def kept_in(body: Sequence[ast.stmt]) -> frozenset[tuple[str, str]]:
    """The names that the top of a module keeps in a literal of containers, and uses for nothing else than to call them.

    Each with that of the container: ``KINDS = [Circle, shapes.Square]``.  A class's containers don't count, which a
    base from elsewhere may look at.
    """
    found: dict[ast.AST, Sequence[str]] = {}
    pending: list[ast.AST] = list(body)
    while pending:
        node = pending.pop()
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            if len(names) == len(targets):
                found |= dict.fromkeys(_held(node.value), names)
        elif isinstance(node, ast.stmt) and not isinstance(node, (*_Function, ast.ClassDef)):
            pending += ast.iter_child_nodes(node)
    others = frozenset(_used_in(body, found.keys())) if found else frozenset()
    pairs = ((_name_of(node), name) for node, names in found.items() if isinstance(node, ast.expr) for name in names)
    return frozenset((kept, name) for kept, name in pairs if kept not in others)


def _held(value: ast.expr | None) -> Iterator[ast.expr]:
    """The names in a literal of containers, with dots or without."""
    pending: list[ast.expr] = [value] if isinstance(value, _CONTAINERS) else []
    while pending:
        node = root = pending.pop()
        while isinstance(root, ast.Attribute):
            root = root.value
        if isinstance(root, ast.Name):
            yield node
        elif isinstance(node, _CONTAINERS):
            pending += [each for each in ast.iter_child_nodes(node) if isinstance(each, ast.expr)]


def _used_in(body: Sequence[ast.stmt], without: AbstractSet[ast.AST]) -> Iterator[str]:
    """The names that are loaded outside of functions' bodies, but for those of some nodes, and what is called."""
    pending: list[ast.AST] = list(body)
    while pending:
        node = pending.pop()
        if node in without:
            continue
        if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
            yield _name_of(node)
        children: list[ast.AST] = list(ast.iter_child_nodes(node))
        if isinstance(node, _Function):
            children = [each for each in children if each not in node.body]
        elif isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute)):
            children.remove(node.func)
            children += ast.iter_child_nodes(node.func)
        pending += children


def handed_on_in(body: Sequence[ast.stmt], prefix: str = "") -> Iterator[tuple[str, str]]:
    """The functions, by qualified name, with what they hand on, as :func:`loaded_in` tells of definitions."""
    for statement in body:
        if isinstance(statement, _Function):
            name = f"{prefix}{statement.name}"
            yield from ((name, each) for each in loaded_in(statement.body, local=True))
            yield from handed_on_in(statement.body, f"{name}.<locals>.")
        elif isinstance(statement, ast.ClassDef):
            yield from handed_on_in(statement.body, f"{prefix}{statement.name}.")
        else:
            inner = [each for each in ast.walk(statement) if isinstance(each, (*_Function, ast.ClassDef))]
            yield from handed_on_in(inner, prefix)


def _name_of(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
