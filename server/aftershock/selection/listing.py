"""Functions that list the members of what they have at hand, without naming any.

``dir(x)``, ``vars(x)``, ``x.__dict__``, ``inspect.getmembers(x)``: such code sees every member of a class come, go and
change.  Asking a namespace for one name (``x.__dict__["name"]``, ``"name" in vars(x)``) is no listing, and neither is
looking at an instance's own attributes (``self.__dict__``), where no member of a class is.  A signature and annotations
tell of no member but those that Python itself asks for.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence, Set as AbstractSet

from aftershock.selection.module_getters import Getters
from aftershock_agent.modules_got import UNTOLD

LAMBDAS = "<lambda>"
"""Stands for the lambdas and generators outside of functions, which may run later."""
MEMBERS = "<members>"
NAMESPACE = "<namespace>"
CLASSES = "<classes>"
SIGNATURES = "<signatures>"
OWN = "<own>"
"""Stand for subjects that can't be told: all members of an object, the namespace of a module or class, that of a class,
what a signature or annotations tell of a class; and for the names of the function's own module."""

_MEMBERS = frozenset({"dir", "getmembers", "getmembers_static"})
_SIGNATURES = frozenset({"signature", "get_annotations", "get_type_hints"})
_CALLS = frozenset({*_MEMBERS, *_SIGNATURES, "vars", "globals"})
_GLOBALS = ("__globals__", "f_globals")
_ONE_BY_NAME = frozenset({"get", "setdefault", "pop", "__contains__", "__getitem__"})
_FILLING = frozenset({"update", "clear"})
"""What only puts something into a namespace, or takes all out; that of a class has neither."""
_Function = (ast.FunctionDef, ast.AsyncFunctionDef)
_BRANCHES = (ast.ExceptHandler, ast.match_case)


Found = Iterator[tuple[str, frozenset[str]]]


def listers(body: Sequence[ast.stmt], getters: Getters) -> Found:
    """The functions among statements that list something, each with the classes whose families they list.

    Under a name of its own what one of ``getters`` lists of modules of which it is recorded which they are.
    """
    return _listers(body, "", None, getters)


def _listers(body: Sequence[ast.stmt], prefix: str, owner: ast.ClassDef | None, getters: Getters) -> Found:
    for statement in body:
        if isinstance(statement, _Function):
            name = f"{prefix}{statement.name}"
            recorded = getters.get(name, frozenset())
            subjects = frozenset(_subjects(statement, prefix.removesuffix("."), owner, recorded))
            if subjects:
                yield name, subjects
            untold = frozenset(_subjects(statement, prefix.removesuffix("."), owner)) if recorded else subjects
            if untold != subjects:
                yield name + UNTOLD, untold
            yield from _listers(statement.body, f"{prefix}{statement.name}.<locals>.", None, getters)
        elif isinstance(statement, ast.ClassDef):
            yield from _listers(statement.body, f"{prefix}{statement.name}.", statement, getters)
        else:
            children = list(ast.iter_child_nodes(statement))
            inner = [child for child in children if isinstance(child, ast.stmt)]
            branches = [child for child in children if isinstance(child, _BRANCHES)]
            inner += (each for branch in branches for each in branch.body)
            yield from _listers(inner, prefix, owner, getters)
            if "<locals>" not in prefix:
                yield from _listed_outside([each for each in children if not isinstance(each, (ast.stmt, *_BRANCHES))])


def _listed_outside(expressions: Sequence[ast.AST]) -> Iterator[tuple[str, frozenset[str]]]:
    """What expressions outside of functions list when they are evaluated, and their lambdas when they run."""
    for expression in expressions:
        late = [node for node in ast.walk(expression) if isinstance(node, (ast.Lambda, ast.GeneratorExp))]
        for name, node in [("", expression), *((LAMBDAS, each) for each in late)]:
            subjects = frozenset(_subjects(node, "", None))
            if subjects:
                yield name, subjects


def _subjects(
    node: ast.AST, owner_name: str, owner: ast.ClassDef | None, but: AbstractSet[ast.AST] = frozenset()
) -> Iterator[str]:
    """What a function lists, or a lambda or a statement outside of functions; of all that is not one of ``but``."""
    function = node if isinstance(node, _Function) else None
    arguments = [*function.args.posonlyargs, *function.args.args] if function is not None else []
    first = arguments[0].arg if arguments and owner is not None else None
    parents = {child: each for each in ast.walk(node) for child in ast.iter_child_nodes(each)}
    for each in ast.walk(node):
        subject, of_attributes = _listed(each)
        if subject is None or subject in but or _asks_for_one(each, parents.get(each)):
            continue
        kind = _kind(each, subject, node)
        if kind == SIGNATURES or function is None or first is None or owner is None or not _is_first(subject, first):
            yield kind
        elif not (of_attributes and isinstance(subject, ast.Name) and not _is_of_classes(function, owner)):
            yield owner_name


def _listed(node: ast.AST) -> tuple[ast.expr | None, bool]:
    """What a node lists, and whether only its own attributes, not its class's; None for any other node."""
    if isinstance(node, ast.Attribute) and node.attr == "__dict__" and isinstance(node.ctx, ast.Load):
        return node.value, True
    if isinstance(node, ast.Attribute) and node.attr in (*_GLOBALS, "__subclasses__"):
        return node.value, False
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in _CALLS:
            return (node.args[0] if node.args else ast.Constant(None)), name == "vars"
    return None, False


def _kind(node: ast.AST, subject: ast.expr, function: ast.AST) -> str:
    """What kind of subject a node lists that can't be told by itself."""
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name == "globals" or not node.args:
            return OWN
        return SIGNATURES if name in _SIGNATURES else MEMBERS if name in _MEMBERS else NAMESPACE
    if isinstance(node, ast.Attribute) and node.attr in _GLOBALS:
        return NAMESPACE
    while isinstance(subject, ast.Attribute):
        subject = subject.value
    stored = (inner for inner in ast.walk(function) if isinstance(inner, (ast.Name, ast.arg)))
    local = {
        inner.arg if isinstance(inner, ast.arg) else inner.id
        for inner in stored
        if isinstance(inner, ast.arg) or isinstance(inner.ctx, ast.Store)
    }
    is_global = isinstance(subject, ast.Name) and subject.id not in local
    return NAMESPACE if is_global or isinstance(subject, (ast.Subscript, ast.Call)) else CLASSES


def _asks_for_one(node: ast.AST, parent: ast.AST | None) -> bool:
    if isinstance(parent, ast.Subscript):
        return parent.value is node
    if isinstance(parent, ast.Attribute):
        return parent.attr in _ONE_BY_NAME | _FILLING
    return (
        isinstance(parent, ast.Compare)
        and node in parent.comparators
        and isinstance(parent.ops[0], (ast.In, ast.NotIn))
    )


def _is_first(subject: ast.expr, first: str) -> bool:
    """Whether it is the first argument of a method, or that one's class."""
    if isinstance(subject, ast.Call) and getattr(subject.func, "id", "") == "type" and len(subject.args) == 1:
        return _is_first(subject.args[0], first)
    if isinstance(subject, ast.Attribute) and subject.attr == "__class__":
        return _is_first(subject.value, first)
    return isinstance(subject, ast.Name) and subject.id == first


def _is_of_classes(function: ast.FunctionDef | ast.AsyncFunctionDef, owner: ast.ClassDef) -> bool:
    """Whether a method's first argument is, or may be, a class: a class method's, a metaclass's."""
    decorated = any(getattr(each, "id", "") == "classmethod" for each in function.decorator_list)
    made = function.name in ("__new__", "__init_subclass__", "__class_getitem__")
    bases = [base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "") for base in owner.bases]
    return decorated or made or any(base == "type" or base.endswith(("Meta", "Type")) for base in bases)
