"""Why a warm session had to be made anew: the reason as a value, put into words when somebody asks."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

_Function = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Rebuild:
    """One reason.  ``path`` is relative, or empty where no file is to blame.

    ``texts`` are a changed file's before and after, from which ``str`` tells what changed when no ``cause`` does: that
    takes a parse, which must not be on the way from a save to its verdicts.
    """

    path: str
    cause: str = ""
    texts: tuple[bytes, bytes] = field(default=(b"", b""), repr=False, compare=False)

    def __str__(self) -> str:
        cause = self.cause or what_changed(*self.texts)
        return f"{self.path}: {cause}" if self.path else cause


def what_changed(old: bytes, new: bytes) -> str:
    """The first definition that differs between two texts of a file, in words."""
    try:
        before, after = (dict(_outline(ast.parse(text).body)) for text in (old, new))
    except (SyntaxError, ValueError):
        return "it can't be parsed"
    for name, shape in after.items():
        if name not in before:
            return f"{name} was added"
        if before[name] != shape:
            return f"{name} changed{_outside(shape)}"
    removed = [name for name in before if name not in after]
    return f"{removed[0]} was removed" if removed else "its definitions changed"


def _outline(statements: Iterable[ast.stmt], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Each definition with all that is not a function's body; several of one name come last."""
    for number, statement in enumerate(statements):
        if isinstance(statement, _Function):
            docstring = ast.get_docstring(statement, clean=False)
            statement.body = [ast.Expr(ast.Constant(docstring))]
            yield f"{prefix}{statement.name}", ast.dump(statement)
        elif isinstance(statement, ast.ClassDef):
            name = f"{prefix}{statement.name}"
            members = [member for member in statement.body if isinstance(member, (*_Function, ast.ClassDef))]
            statement.body = [member for member in statement.body if member not in members]
            yield f"class {name}", ast.dump(statement)
            yield from _outline(members, f"{name}.")
        else:
            yield _name(statement, number), ast.dump(statement)


def _name(statement: ast.stmt, number: int) -> str:
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        module = (
            "." * statement.level + (statement.module or "") + ": " if isinstance(statement, ast.ImportFrom) else ""
        )
        return f"the import of {module}{', '.join(alias.name for alias in statement.names)}"
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    return ", ".join(names) or f"statement {number + 1}"


def _outside(shape: str) -> str:
    if shape.startswith("ClassDef"):
        return " outside its methods"
    return " outside its body" if shape.startswith(("FunctionDef", "AsyncFunctionDef")) else ""
