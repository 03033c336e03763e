"""What importing a file does beyond binding names of its own: seen by nobody who compares what names are bound to.

A statement at the top of a module or class that only binds names acts through them.  One that calls something and
leaves what comes of it, or changes something that belongs to another module, may have changed what is not compared
(``logging.disable()``, ``registry.put(...)``, ``json.JSONEncoder.default = ...``): it is an *effect*.  So is a
decorator of another module of the project, and the body of a function that runs in an import and has such a statement
on something that its module imports.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aftershock.selection.module_level import is_acting

_Function = (ast.FunctionDef, ast.AsyncFunctionDef)
OWN = "."
"""Stands for the package of a relative import."""
DECORATOR = "@"
"""Begins the text of an effect that is a decorator's."""
_QUIET = frozenset({"suppress", "catch_warnings"})
"""Context managers that leave nothing behind."""


Root = str
"""A name on which something is called or changed, or that is handed to such a call; empty where that is no name."""


@dataclass(frozen=True)
class Effects:
    """What may be effects in a piece of a source, if their roots are names that are imported from elsewhere.

    ``statements`` are those at its top: each with its roots and its text; ``functions`` has the roots of each function.
    ``imported`` are the names that import statements at the top bind, each with the package that they come from.
    """

    statements: tuple[tuple[frozenset[Root], str], ...]
    functions: tuple[tuple[str, frozenset[Root]], ...]
    imported: tuple[tuple[str, str], ...]


def effects_of(body: Sequence[ast.stmt]) -> Effects:
    """The effects among the statements of a module."""
    statements = [(frozenset(roots), ast.unparse(statement)) for roots, statement in _effects(body)]
    return Effects(tuple(statements), tuple(_functions(body, "")), tuple(_imported(body)))


def _effects(body: Sequence[ast.stmt]) -> Iterator[tuple[set[Root], ast.stmt]]:
    """The effects among statements and those in them that run with them, not those in functions."""
    for statement in body:
        if isinstance(statement, ast.Expr):
            if not isinstance(statement.value, ast.Constant):
                yield set(_called(statement.value)), statement
        elif isinstance(statement, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Delete)):
            roots = set(_changed(statement))
            if roots:
                yield roots, statement
        elif isinstance(statement, (ast.With, ast.AsyncWith)):
            loud = [item.context_expr for item in statement.items if not _is_quiet(item.context_expr)]
            if loud:
                yield {root for each in loud for root in _called(each)}, statement
            yield from _effects(statement.body)
        else:
            yield from _decorations(statement)
            if not isinstance(statement, _Function):
                yield from _effects(list(_inside(statement)))


def _decorations(statement: ast.stmt) -> Iterator[tuple[set[Root], ast.stmt]]:
    if isinstance(statement, (*_Function, ast.ClassDef)):
        for decorator in filter(is_acting, statement.decorator_list):
            text = f"{DECORATOR}{ast.unparse(decorator)} {statement.name}"
            yield {_root(decorator)}, ast.Expr(ast.Name(text))


def _inside(statement: ast.stmt) -> Iterator[ast.stmt]:
    for _, value in ast.iter_fields(statement):
        for child in value if isinstance(value, list) else ():
            if isinstance(child, ast.stmt):
                yield child
            elif isinstance(child, (ast.ExceptHandler, ast.match_case)):
                yield from child.body


def _changed(statement: ast.stmt) -> Iterator[Root]:
    """The names at the roots of the attributes and elements that a statement sets or deletes."""
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    for target in targets:
        for each in target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]:
            if isinstance(each, (ast.Attribute, ast.Subscript)):
                yield _root(each)


def _root(node: ast.expr | None) -> Root:
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _is_quiet(node: ast.expr) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return name in _QUIET


def _called(node: ast.expr) -> Iterator[Root]:
    """The names at the roots of what is called and of what that is given."""
    if isinstance(node, ast.Await):
        node = node.value
    yield _root(node)
    for call in ast.walk(node):
        if isinstance(call, ast.Call):
            yield from (_root(argument) for argument in call.args if isinstance(argument, (ast.Name, ast.Attribute)))


def _functions(body: Sequence[ast.stmt], prefix: str) -> Iterator[tuple[str, frozenset[Root]]]:
    for statement in body:
        if isinstance(statement, _Function):
            roots = frozenset(root for root in _roots(statement) if root) - _arguments(statement)
            if roots:
                yield f"{prefix}{statement.name}", roots
            yield from _functions(statement.body, f"{prefix}{statement.name}.<locals>.")
        elif isinstance(statement, ast.ClassDef):
            yield from _functions(statement.body, f"{prefix}{statement.name}.")
        else:
            yield from _functions(list(_inside(statement)), prefix)


def _arguments(function: ast.FunctionDef | ast.AsyncFunctionDef) -> frozenset[str]:
    """Names that mean something else in a function than in its module."""
    return frozenset(node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg))


def _roots(function: ast.AST) -> Iterator[Root]:
    for node in ast.walk(function):
        if isinstance(node, ast.Expr) and isinstance(node.value, (ast.Call, ast.Await)):
            yield from _called(node.value)
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                yield from () if _is_quiet(item.context_expr) else _called(item.context_expr)
        elif isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Delete)):
            yield from _changed(node)


def _imported(body: Sequence[ast.stmt]) -> Iterator[tuple[str, str]]:
    for statement in body:
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                package = alias.name.partition(".")[0]
                yield alias.asname or package, package
        elif isinstance(statement, ast.ImportFrom):
            package = OWN if statement.level else (statement.module or "").partition(".")[0]
            yield from ((alias.asname or alias.name, package) for alias in statement.names)
        elif not isinstance(statement, (*_Function, ast.ClassDef)):
            yield from _imported(list(_inside(statement)))
