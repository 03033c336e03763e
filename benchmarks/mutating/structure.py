"""Mutants of definitions themselves: decorators, bases, imports, and definitions added, deleted and moved."""

from __future__ import annotations

import ast
import copy
import textwrap
from collections.abc import Iterator
from random import Random

from benchmarks.editing.bodies import changed
from benchmarks.editing.definitions import DEFINITIONS
from benchmarks.editing.source import Definition, Function, Source, Splice, first_line

_OF_EVERY_OBJECT = ("__repr__", "__str__", "__eq__", "__hash__", "__format__", "__reduce__")
_DELETED = ("function removed", "method removed", "class removed", "constant removed", "class member removed")


def decorator(source: Source, chance: Random, number: int) -> Splice | None:
    """A decorator added, removed, or with another argument."""
    way = chance.choice(["added", "removed", "argument"])
    if way == "added":
        kind = chance.choice(["decorator added", "wrapper added", "class decorator added"])
        return DEFINITIONS[kind](source, chance, number)
    definitions: list[Definition] = [*source.functions, *source.classes]
    decorators = [each for definition in definitions for each in definition.decorator_list]
    if way == "removed":
        if not decorators:
            return None
        one = chance.choice(decorators)
        return Splice(source.line(one.lineno), source.line((one.end_lineno or one.lineno) + 1), b"")
    constants = [
        (node, after)
        for each in decorators
        for node in ast.walk(each)
        if isinstance(node, ast.Constant) and (after := changed(node, number)) is not None
    ]
    if not constants:
        return None
    node, after = chance.choice(constants)
    return Splice(*source.span(node), ast.unparse(after).encode())


def base(source: Source, chance: Random, number: int) -> Splice | None:
    """A base class added, removed, or another one in its place."""
    way = chance.choice(["base added", "base removed", "changed"])
    if way != "changed":
        return DEFINITIONS[way](source, chance, number)
    based = [(node, each) for node in source.classes for each in node.bases]
    if not based:
        return None
    node, old = chance.choice(based)
    above = [other.name for other in source.tree.body if isinstance(other, ast.ClassDef) and other.lineno < node.lineno]
    return Splice(*source.span(old), chance.choice([*above, "object"]).encode())


def imported(source: Source, chance: Random, number: int) -> Splice | None:
    """An import added, removed in whole or in part, or under another name."""
    way = chance.choice(["added", "removed", "name", "aliased", "aliased"])
    if way in ("added", "removed"):
        return DEFINITIONS[f"import {way}"](source, chance, number)
    imports = [node for node in source.tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    nodes = [node for node in imports if getattr(node, "module", "") != "__future__" and node.names[0].name != "*"]
    if way == "name":
        nodes = [node for node in nodes if len(node.names) > 1]
    if not nodes:
        return None
    node = chance.choice(nodes)
    after = copy.deepcopy(node)
    if way == "name":
        after.names.remove(chance.choice(after.names))
        return Splice(*source.span(node), ast.unparse(after).encode())
    alias = chance.choice(after.names)
    known, alias.asname = alias.asname or alias.name, f"edition_{number}"
    # With its old name given back nothing changes but how it gets it.
    given_back = "" if "." in known or chance.random() < 0.5 else f"\n{known} = edition_{number}"
    return Splice(*source.span(node), (ast.unparse(after) + given_back).encode())


def override(source: Source, chance: Random, number: int) -> Splice | None:
    """A method in a class that inherits one of that name: it calls that, raises, or returns nothing."""
    places = [(node, method) for node in source.classes for method in _inherited(source, node)]
    if not places or chance.random() < 0.2:
        places = [(node, _special(name)) for node in source.classes for name in _OF_EVERY_OBJECT]
    if not places:
        return None
    node, method = chance.choice(places)
    bodies = [f"return super().{method.name}(*args, **kwargs)"] * 2 + [f"raise ValueError({number})", "return None"]
    lines = [
        *(f"@{ast.unparse(each)}" for each in method.decorator_list),
        f"def {method.name}({method.args.args[0].arg}, *args, **kwargs):",
        f"    {chance.choice(bodies)}",
    ]
    return _into_class(source, chance, node, "\n".join(lines))


def _inherited(source: Source, node: ast.ClassDef) -> Iterator[Function]:
    """The methods that a class inherits from others of its module and doesn't define, properties left out."""
    known = {each.name: each for each in source.tree.body if isinstance(each, ast.ClassDef)}
    own = {each.name for each in node.body if isinstance(each, Function)}
    waiting, seen = [*node.bases], {node.name}
    while waiting:
        name = ast.unparse(waiting.pop(0))
        if name in seen or name not in known:
            continue
        seen.add(name)
        waiting += known[name].bases
        for method in known[name].body:
            if not isinstance(method, ast.FunctionDef) or not method.args.args or method.name in own:
                continue
            if all(ast.unparse(each) == "classmethod" for each in method.decorator_list):
                yield method


def _special(name: str) -> ast.FunctionDef:
    node = ast.parse(f"def {name}(self): pass").body[0]
    assert isinstance(node, ast.FunctionDef)
    return node


def added(source: Source, chance: Random, number: int) -> Splice | None:
    """A function or a method that nobody calls."""
    text = f"def edition_{number}(value, *others):\n    return [value, *others, {number}]"
    if source.classes and chance.random() < 0.5:
        return _into_class(source, chance, chance.choice(source.classes), text)
    nodes = [node for node in source.tree.body if isinstance(node, Definition)]
    if not nodes or chance.random() < 0.3:
        return source.appended(f"\n\n{text}\n")
    place = source.line(first_line(chance.choice(nodes)))
    return Splice(place, place, f"{text}\n\n\n".encode())


def _into_class(source: Source, chance: Random, node: ast.ClassDef, text: str) -> Splice:
    """Put a method before another one, or last."""
    text = textwrap.indent(text, " " * node.body[0].col_offset)
    methods = [each for each in node.body if isinstance(each, Function)]
    if methods and chance.random() < 0.6:
        place = source.line(first_line(chance.choice(methods)))
        return Splice(place, place, f"{text}\n\n".encode())
    place = source.lines(node.body[-1])[1]
    return Splice(place, place, f"\n{text}\n".encode())


def deleted(source: Source, chance: Random, number: int) -> Splice | None:
    """A function, method, class or constant less."""
    return DEFINITIONS[chance.choice(_DELETED)](source, chance, number)


def moved(source: Source, chance: Random, number: int) -> Splice | None:
    """A function or class elsewhere in its file, or two methods swapped."""
    if source.classes and chance.random() < 0.4:
        return _swapped(source, chance)
    nodes = [node for node in source.tree.body if isinstance(node, Definition)]
    if len(nodes) < 2:
        return None
    node, other = chance.sample(nodes, 2)
    (start, end), place = source.lines(node), source.line(first_line(other))
    text = source.text[start:end] + b"\n\n"
    if place <= start:
        return Splice(place, end, text + source.text[place:start])
    return Splice(start, place, source.text[end:place] + text)


def _swapped(source: Source, chance: Random) -> Splice | None:
    methods = [each for each in chance.choice(source.classes).body if isinstance(each, Function)]
    if len(methods) < 2:
        return None
    one, other = sorted(chance.sample(methods, 2), key=lambda method: method.lineno)
    (start, end), (from_, to) = source.lines(one), source.lines(other)
    text = source.text
    return Splice(start, to, text[from_:to] + text[end:from_] + text[start:end])
