"""Functions that get at modules only by what a variable holds: ``sys.modules[cls.__module__]``.

Which modules these are is recorded when they run (:mod:`aftershock_agent.modules_got`), so that such a function doesn't
count for all modules.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

_Function = (ast.FunctionDef, ast.AsyncFunctionDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_LATER = (ast.Lambda, ast.ClassDef, *_COMPREHENSIONS)
"""What has code of its own (comprehensions before 3.12), in which nothing is recorded."""


def recorded_getters(body: Sequence[ast.stmt]) -> frozenset[str]:
    """The qualified names of functions among statements all of whose ways to ``sys.modules`` are recorded."""
    recorded, others = set[str](), set[str]()
    for name, function in _functions(body, ""):
        (recorded if any(True for _ in got_by_variables(function)) else others).add(name)
    return frozenset(recorded - others)  # of one name there may be several


def _functions(body: Sequence[ast.AST], prefix: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in body:
        if isinstance(node, _Function):
            yield f"{prefix}{node.name}", node
            yield from _functions(node.body, f"{prefix}{node.name}.<locals>.")
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node.body, f"{prefix}{node.name}.")
        else:
            yield from _functions([*ast.iter_child_nodes(node)], prefix)


def got_by_variables(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.AST]:
    """The expressions by which a function gets at modules so; none if it does more with ``sys.modules``."""
    found = list[ast.AST]()
    parents = {child: node for node in _own(function) for child in ast.iter_child_nodes(node)}
    for node in _own(function):
        if _is_named(node, "modules"):
            got = _got(node, parents)
            if got is None:
                return
            found += [got] if not isinstance(got, ast.Compare) else []
    yield from found


def _own(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.AST]:
    """The nodes of a function's own code, and of what belongs to it but for functions with names."""
    pending: list[ast.AST] = [*function.body]
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, _Function):
            pending += [*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)]
        else:
            pending += ast.iter_child_nodes(node)


def _is_named(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.alias):
        return name in (node.name, node.asname)
    return name == (node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", ""))


def _got(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> ast.AST | None:
    """The expression that gets at a module, or asks whether there is one; None for any other use of ``modules``."""
    if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("sys", "_sys")):
        return None
    if _is_later(node, parents):
        return None
    parent = parents.get(node)
    if isinstance(parent, ast.Compare) and node in parent.comparators:
        return parent if all(isinstance(each, (ast.In, ast.NotIn)) for each in parent.ops) else None
    if isinstance(parent, ast.Subscript) and parent.value is node:
        return parent if isinstance(parent.ctx, ast.Load) and _is_module_of_variable(parent.slice) else None
    call = parents.get(parent) if isinstance(parent, ast.Attribute) and parent.attr == "get" else None
    by_name = isinstance(call, ast.Call) and bool(call.args) and _is_module_of_variable(call.args[0])
    return call if by_name and isinstance(call, ast.Call) and call.func is parent else None


def _is_later(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    """Whether a node stands in code of another; what a comprehension goes through first, doesn't."""
    path = [node]
    while (outer := parents.get(path[-1])) is not None:
        goes_first = isinstance(outer, _COMPREHENSIONS) and outer.generators[0].iter in path
        if isinstance(outer, _LATER) and not goes_first:
            return True
        path.append(outer)
    return False


def _is_module_of_variable(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "__module__" and isinstance(node.value, ast.Name)
