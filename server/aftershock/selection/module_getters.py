"""Functions that get at modules only by the ``__module__`` of a parameter: ``sys.modules[cls.__module__]``.

Which modules these are is recorded when they run (:mod:`aftershock_agent.modules_got`), so that such a function doesn't
count as one that lists all modules.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence, Set as AbstractSet

_Function = (ast.FunctionDef, ast.AsyncFunctionDef)
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_LATER = (ast.Lambda, ast.ClassDef, *_COMPREHENSIONS)
"""What has code of its own (comprehensions before 3.12), where a name may mean something else."""
_SUSPENDING = (ast.Import, ast.ImportFrom, ast.Yield, ast.YieldFrom, ast.Await)
"""What lets other code run, which may put another module in the place of one that was recorded."""
_TOLD_BY = ("modules", "__module__")

Getters = Mapping[str, AbstractSet[ast.AST]]
"""By qualified name, the expressions by which a function gets at modules."""


def getters_in(body: Sequence[ast.stmt]) -> Getters:
    """The functions among statements that get at modules so, and by no other use of ``sys.modules``."""
    recorded: dict[str, AbstractSet[ast.AST]] = {}
    others = {name for node in body for each in ast.walk(node) if isinstance(each, ast.Global) for name in each.names}
    for name, function in _functions(body, ""):
        got = _got_by(function)
        if got and name not in recorded:
            recorded[name] = got
        else:
            others.add(name)  # of one name there may be several
    return {name: got for name, got in recorded.items() if others.isdisjoint({name, name.rpartition(".")[2]})}


def _functions(body: Sequence[ast.AST], prefix: str) -> Iterator[tuple[str, FunctionNode]]:
    for node in body:
        if isinstance(node, _Function):
            yield f"{prefix}{node.name}", node
            yield from _functions(node.body, f"{prefix}{node.name}.<locals>.")
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node.body, f"{prefix}{node.name}.")
        else:
            yield from _functions([*ast.iter_child_nodes(node)], prefix)


def _got_by(function: FunctionNode) -> frozenset[ast.AST]:
    """The expressions by which a function gets at modules so; none if it may do more with ``sys.modules``."""
    found = set[ast.AST]()
    nodes = list(_own(function))
    parents = {child: node for node in nodes for child in ast.iter_child_nodes(node)}
    bound, parameters = set(_bound(function)), _parameters(function)
    fixed = parameters - bound
    if "sys" in bound | parameters or any(map(_may_change, nodes)):
        return frozenset()
    for node in nodes:
        if _is_named(node, "modules"):
            got = _got(node, parents, fixed)
            if got is None:
                return frozenset()
            found.add(got)
    return frozenset(each for each in found if not isinstance(each, ast.Compare))


def _may_change(node: ast.AST) -> bool:
    """Whether a part of a function may have it get at another module, or at more of them than it says."""
    if isinstance(node, ast.Attribute) and node.attr == "__module__" and not isinstance(node.ctx, ast.Load):
        return True
    # getattr(sys, "modules"), exec, case object(modules=found), setattr(cls, "__module__", name)
    return isinstance(node, _SUSPENDING) or any(name in text for text in _texts(node) for name in _TOLD_BY)


def _texts(node: ast.AST) -> Sequence[str]:
    if isinstance(node, ast.MatchClass):
        return node.kwd_attrs
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def _own(function: FunctionNode) -> Iterator[ast.AST]:
    """The nodes of a function's body, without the bodies of functions with names in it."""
    pending: list[ast.AST] = [*function.body]
    while pending:
        node = pending.pop()
        yield node
        pending += (
            child for child in ast.iter_child_nodes(node) if not (isinstance(node, _Function) and child in node.body)
        )


def _parameters(function: FunctionNode) -> set[str]:
    arguments = function.args
    return {each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}


def _bound(function: FunctionNode) -> Iterator[str]:
    """All names that anything in a function binds, or binds anew."""
    for node in (each for statement in function.body for each in ast.walk(statement)):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            yield from node.names
        else:
            fields = (getattr(node, field, None) for field in ("name", "asname", "rest", "arg"))
            yield from (each.partition(".")[0] for each in fields if isinstance(each, str))


def _is_named(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.alias):
        return name in (node.name, node.asname)
    return name == (node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", ""))


def _got(node: ast.AST, parents: Mapping[ast.AST, ast.AST], fixed: AbstractSet[str]) -> ast.AST | None:
    """The expression that gets at a module, or asks whether there is one; None for any other use of ``modules``."""
    if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "sys"):
        return None
    parent = parents.get(node)
    if _is_later(node, parents):
        return None
    if (
        isinstance(parent, ast.Compare)
        and [node] == parent.comparators
        and isinstance(parent.ops[0], (ast.In, ast.NotIn))
    ):
        return parent if _is_module_of(parent.left, fixed) else None
    if isinstance(parent, ast.Subscript) and parent.value is node and isinstance(parent.ctx, ast.Load):
        return parent if _is_module_of(parent.slice, fixed) else None
    call = parents.get(parent) if isinstance(parent, ast.Attribute) and parent.attr == "get" else None
    if isinstance(call, ast.Call) and call.func is parent and call.args and _is_module_of(call.args[0], fixed):
        return call
    return None


def _is_later(node: ast.AST, parents: Mapping[ast.AST, ast.AST]) -> bool:
    """Whether a node stands in code of another; what a comprehension goes through first, doesn't."""
    path = [node]
    while (outer := parents.get(path[-1])) is not None:
        goes_first = isinstance(outer, _COMPREHENSIONS) and outer.generators[0].iter in path
        if isinstance(outer, (*_LATER, *_Function)) and not goes_first:
            return True
        path.append(outer)
    return False


def _is_module_of(node: ast.AST, fixed: AbstractSet[str]) -> bool:
    if not (isinstance(node, ast.Attribute) and node.attr == "__module__"):
        return False
    return isinstance(node.value, ast.Name) and node.value.id in fixed
