"""Mutants of what definitions hold: bodies, constants, class attributes, defaults, docstrings, comments."""

from __future__ import annotations

import ast
import io
import itertools
import tokenize
from collections.abc import Callable, Iterator, Sequence
from random import Random

from benchmarks.editing.bodies import BODIES, changed
from benchmarks.editing.definitions import DEFINITIONS
from benchmarks.editing.source import Function, Source, Splice, first_line

_BODIES = (
    "statement",
    "constant",
    "comparison",
    "return",
    "statement dropped",
    "raise",
    "generator",
    "inner import",
)

_SKIPPED_TOKENS = frozenset(("FSTRING_START", "FSTRING_END", "TSTRING_START", "TSTRING_END"))


def body(source: Source, chance: Random, number: int) -> Splice | None:
    """Another statement, value, comparison or result in some function."""
    return BODIES[chance.choice(_BODIES)](source, chance, number)


def constant(source: Source, chance: Random, number: int) -> Splice | None:
    """Another constant somewhere in what the module assigns, or None for all of it."""
    if chance.random() < 0.7:
        return DEFINITIONS["constant"](source, chance, number)
    return _emptied(source, chance, [source.tree])


def class_attribute(source: Source, chance: Random, number: int) -> Splice | None:
    """Another constant somewhere in what a class assigns, or None for all of it."""
    if chance.random() < 0.7:
        return DEFINITIONS["class constant"](source, chance, number)
    return _emptied(source, chance, source.classes)


def _emptied(source: Source, chance: Random, owners: Sequence[ast.Module | ast.ClassDef]) -> Splice | None:
    nodes = [node for owner in owners for node in owner.body if isinstance(node, (ast.Assign, ast.AnnAssign))]
    values = [node.value for node in nodes if node.value is not None]
    return Splice(*source.span(chance.choice(values)), b"None") if values else None


def default(source: Source, chance: Random, number: int) -> Splice | None:
    """Another default of some argument."""
    arguments = [node.args for node in source.functions]
    values = [value for each in arguments for value in (*each.defaults, *each.kw_defaults) if value is not None]
    if not values:
        return None
    value = chance.choice(values)
    after = changed(value, number) if isinstance(value, ast.Constant) else ast.Constant(None)
    return Splice(*source.span(value), ast.unparse(after or ast.Constant(number)).encode())


# --- what says nothing to the program -----------------------------------------------------------


def docstring(source: Source, chance: Random, number: int) -> Splice | None:
    """A docstring changed, added or removed, of a function, a class or the module."""
    owner: ast.Module | ast.ClassDef | Function = chance.choice([source.tree, *source.classes, *source.functions])
    text = f'"""Edition {number}."""'
    if not owner.body:
        return None
    first = owner.body[0]
    if ast.get_docstring(owner, clean=False) is not None:
        new = "pass" if chance.random() < 0.3 else text
        return Splice(*source.span(first), new.encode())
    place = source.line(first_line(first))
    return Splice(place, place, f"{' ' * first.col_offset}{text}\n".encode())


def comment(source: Source, chance: Random, number: int) -> Splice | None:
    """A comment, blank lines, or a line broken between brackets: nothing that a program can see but line numbers."""
    ways: list[Callable[[Source, Random, int], Splice | None]] = [_inside, _above, _behind, _closer, _broken]
    return chance.choice(ways)(source, chance, number)


def _inside(source: Source, chance: Random, number: int) -> Splice | None:
    owners = [*source.functions, *source.classes]
    return source.into_body(chance.choice(owners), f"# edition {number}") if owners else None


def _above(source: Source, chance: Random, number: int) -> Splice | None:
    if not source.tree.body:
        return None
    place = source.line(first_line(chance.choice(source.tree.body)))
    return Splice(place, place, chance.choice([b"# edition %d\n" % number, b"\n", b"\n\n\n"]))


def _behind(source: Source, chance: Random, number: int) -> Splice | None:
    tokens = list(_tokens(source))
    ends = [
        token
        for before, token in itertools.pairwise(tokens)
        if token.type == tokenize.NEWLINE and token.string and before.type != tokenize.COMMENT
    ]
    if not ends:
        return None
    place = _place(source, chance.choice(ends).start)
    return Splice(place, place, b"  # edition %d" % number)


def _closer(source: Source, chance: Random, number: int) -> Splice | None:
    blank = [token for token in _tokens(source) if token.type == tokenize.NL and not token.line.strip()]
    if not blank:
        return None
    row = chance.choice(blank).start[0]
    return Splice(source.line(row), source.line(row + 1), b"")


def _broken(source: Source, chance: Random, number: int) -> Splice | None:
    places: list[tuple[int, int]] = []
    depth = 0
    strings = 0
    for token in _tokens(source):
        name = tokenize.tok_name[token.type]
        if name in _SKIPPED_TOKENS:
            strings += 1 if name.endswith("START") else -1
        elif token.type == tokenize.OP and not strings:
            depth += (token.string in "([{") - (token.string in ")]}")
            if token.string == "," and depth and token.line[token.end[1] :].strip():
                places.append(token.end)
    if not places:
        return None
    place = _place(source, chance.choice(places))
    return Splice(place, place, b"\n" + b" " * chance.randrange(12))


def _tokens(source: Source) -> Iterator[tokenize.TokenInfo]:
    return tokenize.tokenize(io.BytesIO(source.text).readline)


def _place(source: Source, start: tuple[int, int]) -> int:
    """A token's place, whose column counts characters, in bytes."""
    line = source.text[source.line(start[0]) : source.line(start[0] + 1)].decode()
    return source.line(start[0]) + len(line[: start[1]].encode())
