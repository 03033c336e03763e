"""Edits outside of function bodies: signatures, classes, constants, imports, and what breaks them."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

from benchmarks.editing.bodies import Kind, changed
from benchmarks.editing.source import Definition, Function, Source, Splice

D = TypeVar("D", bound=Definition)


def _expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _header(change: Callable[[Function, int], bool]) -> Kind:
    """Change the head of some function; ``change`` tells whether it did."""

    def kind(source: Source, chance: Random, number: int) -> Splice | None:
        return _rewritten(source, chance, source.functions, lambda node: change(node, number))

    return kind


def _class_header(change: Callable[[ast.ClassDef, int], bool]) -> Kind:
    def kind(source: Source, chance: Random, number: int) -> Splice | None:
        return _rewritten(source, chance, source.classes, lambda node: change(node, number))

    return kind


def _rewritten(source: Source, chance: Random, nodes: Sequence[D], change: Callable[[D], bool]) -> Splice | None:
    for node in chance.sample(nodes, len(nodes)):
        after = copy.deepcopy(node)
        if change(after):
            return source.header(node, after)
    return None


def _default(node: Function, number: int) -> bool:
    for place in (node.args.defaults, node.args.kw_defaults):
        for index, value in enumerate(place):
            after = changed(value, number) if isinstance(value, ast.Constant) else None
            if after is not None:
                place[index] = after
                return True
    return False


def _argument(node: Function, number: int) -> bool:
    node.args.kwonlyargs.append(ast.arg(f"edition_{number}"))
    node.args.kw_defaults.append(ast.Constant(number))
    return True


def _renamed_argument(node: Function, number: int) -> bool:
    if not node.args.args:
        return False
    node.args.args[-1].arg += "_"
    return True


def _annotation(node: Function, number: int) -> bool:
    node.returns = ast.Constant(f"edition {number}")
    return True


def _decorated(text: str) -> Callable[[Definition, int], bool]:
    def change(node: Definition, number: int) -> bool:
        node.decorator_list.insert(0, _expression(text.replace("NUMBER", str(number))))
        return True

    return change


def _undecorated(node: Definition, number: int) -> bool:
    return bool(node.decorator_list) and node.decorator_list.pop() is not None


def _generic(node: Definition, number: int) -> bool:
    if getattr(node, "type_params", None) != []:
        return False  # it has some, or this Python knows none
    node.__dict__["type_params"] = [vars(ast)["TypeVar"](f"Edition{number}")]
    return True


def _asynchronous(source: Source, chance: Random, number: int) -> Splice | None:
    """``def`` becomes ``async def``, or the other way round."""
    if not source.functions:
        return None
    node = chance.choice(source.functions)
    other = ast.FunctionDef if isinstance(node, ast.AsyncFunctionDef) else ast.AsyncFunctionDef
    return source.header(node, other(**dict(ast.iter_fields(node)), lineno=1, col_offset=0))


def _based(node: ast.ClassDef, number: int) -> bool:
    node.bases.insert(0, _expression(f"type('Edition', (), {{'edition': {number}}})"))
    return True


def _unbased(node: ast.ClassDef, number: int) -> bool:
    return bool(node.bases) and node.bases.pop() is not None


def _into_class(text: str) -> Kind:
    def kind(source: Source, chance: Random, number: int) -> Splice | None:
        if not source.classes:
            return None
        node = chance.choice(source.classes)
        place = source.lines(node.body[-1])[1]
        indent = " " * node.body[0].col_offset
        lines = [indent + line + "\n" for line in text.replace("NUMBER", str(number)).splitlines()]
        break_ = "" if source.text[:place].endswith(b"\n") else "\n"
        return Splice(place, place, (break_ + "".join(lines)).encode())

    return kind


def _bindings(scope: ast.Module | ast.ClassDef) -> list[ast.Assign | ast.AnnAssign]:
    return [node for node in scope.body if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None]


def _class_constant(source: Source, chance: Random, number: int) -> Splice | None:
    return _rebound(source, chance, [node for owner in source.classes for node in _bindings(owner)], number)


def _module_constant(source: Source, chance: Random, number: int) -> Splice | None:
    return _rebound(source, chance, _bindings(source.tree), number)


def _rebound(source: Source, chance: Random, nodes: Sequence[ast.Assign | ast.AnnAssign], number: int) -> Splice | None:
    """Change a constant somewhere in what is assigned, a member of ``__slots__`` too."""
    constants = [
        (inner, after)
        for node in nodes
        if node.value is not None and not any(isinstance(each, ast.JoinedStr) for each in ast.walk(node.value))
        for inner in ast.walk(node.value)
        if isinstance(inner, ast.Constant) and (after := changed(inner, number)) is not None
    ]
    if not constants:
        return None
    inner, after = chance.choice(constants)
    return Splice(*source.span(inner), ast.unparse(after).encode())


def _removed(*kinds: type[ast.stmt], inside: bool = False) -> Kind:
    """Take away some definition of the module, or of a class that has others."""

    def kind(source: Source, chance: Random, number: int) -> Splice | None:
        owners = [owner for owner in source.classes if len(owner.body) > 1] if inside else [source.tree]
        nodes = [node for owner in owners for node in owner.body if isinstance(node, kinds) and not _future(node)]
        return Splice(*source.lines(chance.choice(nodes)), b"") if nodes else None

    return kind


def _future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _renamed(source: Source, chance: Random, number: int) -> Splice | None:
    """A function under another name."""

    def change(node: Function) -> bool:
        node.name += f"_{number}"
        return True

    return _rewritten(source, chance, source.functions, change)


def _redefined(source: Source, chance: Random, number: int) -> Splice | None:
    """A function of the module once more at its end, over the first."""
    nodes = [node for node in source.tree.body if isinstance(node, Function)]
    if not nodes:
        return None
    start, end = source.lines(chance.choice(nodes))
    return source.appended("\n\n" + source.text[start:end].decode())


def _appended(*texts: str) -> Kind:
    def kind(source: Source, chance: Random, number: int) -> Splice | None:
        return source.appended("\n\n" + chance.choice(texts).replace("NUMBER", str(number)) + "\n")

    return kind


def _atop(*texts: bytes) -> Kind:
    """Shift every line."""

    def kind(source: Source, chance: Random, number: int) -> Splice | None:
        start = source.line(2) if source.text.startswith(b"#") else 0
        return Splice(start, start, chance.choice(texts))

    return kind


def _imported(source: Source, chance: Random, number: int) -> Splice | None:
    nodes = [node for node in source.tree.body if isinstance(node, (ast.Import, ast.ImportFrom)) and not _future(node)]
    place = source.lines(chance.choice(nodes))[1] if nodes else len(source.text)
    return Splice(place, place, b"import fractions\n")


def _test_added(source: Source, chance: Random, number: int) -> Splice | None:
    text = f"\n\ndef test_edition_{number}():\n    assert {number} % 2 == 0\n"
    return source.appended(text) if source.is_test else None


def _marked(source: Source, chance: Random, number: int) -> Splice | None:
    """Skip a test, expect its failure, or run it several times."""
    mark = chance.choice(["skip(reason='edition')", "xfail", "usefixtures('tmp_path')", "usefixtures('edition')"])
    return _rewritten(
        source, chance, source.tests, lambda node: _decorated(f"__import__('pytest').mark.{mark}")(node, number)
    )


_WRAPPER = "lambda function: lambda *args, **kwargs: function(*args, **kwargs)"

DEFINITIONS: dict[str, Kind] = {
    "default": _header(_default),
    "argument added": _header(_argument),
    "argument renamed": _header(_renamed_argument),
    "annotation": _header(_annotation),
    "decorator added": _header(_decorated("lambda function: function")),
    "wrapper added": _header(_decorated(_WRAPPER)),
    "decorator removed": _header(_undecorated),
    "type parameter": _header(_generic),
    "class type parameter": _class_header(_generic),
    "async": _asynchronous,
    "base added": _class_header(_based),
    "base removed": _class_header(_unbased),
    "class decorator added": _class_header(_decorated("lambda cls: cls")),
    "class decorator removed": _class_header(_undecorated),
    "class constant": _class_constant,
    "class constant added": _into_class("edition = NUMBER"),
    "field added": _into_class("edition: int = NUMBER"),
    "method added": _into_class("def edition(self):\n    return NUMBER"),
    "repr added": _into_class("def __repr__(self):\n    return 'edition NUMBER'"),
    "method removed": _removed(ast.FunctionDef, inside=True),
    "class member removed": _removed(ast.Assign, ast.AnnAssign, inside=True),
    "constant": _module_constant,
    "constant added": _appended("EDITION_A = NUMBER\nEDITION_B = EDITION_A + 1"),
    "constant removed": _removed(ast.Assign, ast.AnnAssign),
    "import added": _imported,
    "import removed": _removed(ast.Import, ast.ImportFrom),
    "function added": _appended("def edition_NUMBER():\n    return NUMBER"),
    "function removed": _removed(ast.FunctionDef, ast.AsyncFunctionDef),
    "class removed": _removed(ast.ClassDef),
    "function renamed": _renamed,
    "function redefined": _redefined,
    "call at import": _appended("print('edition NUMBER')", "__import__('sys').modules[__name__].EDITION = NUMBER"),
    "lines shifted": _atop(b"\n", b"# edition\n", b"\n\n\n"),
    "test added": _test_added,
    "test marked": _marked,
}
"""Edits that a new session is needed for, most of them."""

BREAKING: dict[str, Kind] = {
    "raises at import": _appended("raise RuntimeError('edition NUMBER')", "import no_such_edition", "NUMBER / 0"),
    "syntax error": _appended("def edition(:\n    pass", "edition = (NUMBER"),
}
"""Edits that are taken back by the next one."""
