"""What selection must know of a file's code when values are compared: who mentions what, and what its import does.

Read from the same pieces as the symbols, when somebody asks, which is off the way from a save to its verdicts.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import CodeType

from aftershock.selection.compiling import MadeOfPieces, PieceText, SyntaxProblem, code_objects, piece_code
from aftershock.selection.effects import Effects, effects_of
from aftershock.selection.listing import LAMBDAS, listers
from aftershock.selection.mentions import COMPUTING, NOTHING, Mentions, is_evaluating, joined, mentions_of
from aftershock.selection.module_getters import getters_in
from aftershock.selection.module_level import handed_on_in, hinted_in, kept_in, loaded_in, strings_in
from aftershock.selection.symbols import Bodies, bodies_in
from aftershock_agent.modules_got import UNTOLD

DEFINITIONS = ""
"""Stands for all code of a file that isn't a function's body: what its import runs."""
STRINGS = "<strings>"
"""Stands for the strings in it, which may be names that code asks for when it has the file's values.

After the name of a function: the strings of that one, which may be asked for where it hands them on to.
"""
IMPORTED = "<imported>"
"""Stands for whoever has imported the file, whatever code of it has run."""
LOADED = "<loaded>"
"""Stands for what it hands on of all that it mentions, and does not call; after a function's name, for that one's."""


@dataclass(frozen=True)
class Details:
    """The details of one source.

    ``mentions`` is by function, and under :data:`DEFINITIONS`, :data:`LAMBDAS`, :data:`STRINGS`, :data:`LOADED` those
    of the rest.  ``effects`` are the statements with which importing the file may do more than bind names, each with
    the packages on which it does so, an empty one where that can't be told; ``effectful`` are the functions that may
    wherever they run.  ``listers`` are the functions that list members, with the classes whose families they list.
    ``aliases`` are names with the other names that statements give to what they stand for, ``kept`` names with those of
    containers in which the top of the file keeps what they stand for, ``hinted`` the words that annotations may have.
    ``star``: the file imports all names of a module.
    """

    mentions: Mapping[str, Mentions] = field(default_factory=dict)
    effects: Sequence[tuple[frozenset[str], str]] = ()
    effectful: frozenset[str] = frozenset()
    listers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    aliases: frozenset[tuple[str, str]] = frozenset()
    kept: frozenset[tuple[str, str]] = frozenset()
    hinted: frozenset[str] = frozenset()
    star: bool = False

    @cached_property
    def by_name(self) -> Mapping[str, Sequence[str]]:
        """The functions that mention each name of the module."""
        return _inverted(self.mentions, lambda mentions: mentions.names)

    @cached_property
    def by_attribute(self) -> Mapping[str, Sequence[str]]:
        """The functions that mention each attribute."""
        return _inverted(self.mentions, lambda mentions: mentions.attributes)

    @cached_property
    def by_handed(self) -> Mapping[str, Sequence[str]]:
        """The functions that hand on what each name stands for."""
        return _inverted(self.mentions, lambda mentions: mentions.handed)

    @cached_property
    def by_string(self) -> Mapping[str, Sequence[str]]:
        """The functions that have each string which is a name."""
        return _inverted(self.mentions, lambda mentions: mentions.strings)

    @cached_property
    def by_fragment(self) -> Mapping[str, Sequence[str]]:
        """The functions that make up names, by what those begin or end with."""
        return _inverted(self.mentions, lambda mentions: mentions.fragments)

    @cached_property
    def by_kept(self) -> Mapping[str, Sequence[str]]:
        """The containers in which the top of the file keeps what each name stands for."""
        found: dict[str, list[str]] = {}
        for name, container in sorted(self.kept):
            found.setdefault(name, []).append(container)
        return found

    @cached_property
    def by_class(self) -> Mapping[str, Sequence[str]]:
        """The functions within each class or function of a plain name."""
        found: dict[str, list[str]] = {}
        for function in self.mentions:
            for part in set(function.split(".")[:-1]):
                found.setdefault(part, []).append(function)
        return found


LazyDetails = Details | Callable[[], Details]


def _inverted(mentions: Mapping[str, Mentions], names: Callable[[Mentions], frozenset[str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for function, each in mentions.items():
        for name in names(each):
            found.setdefault(name, []).append(function)
    return found


def parse_details(source: bytes, path: str) -> Details:
    """The details of a source; none of one that can't be compiled.  Never raises for any content."""

    def whole(code: CodeType) -> _Piece:
        return _piece(code, source, ast.parse(source).body)

    pieces = _PIECES.of(source, path, whole)
    if isinstance(pieces, SyntaxProblem):
        return Details()
    several: dict[str, list[Mentions]] = {}
    for piece in pieces:
        for name, mentions in piece.mentions.items():
            several.setdefault(name, []).append(mentions)
    found = {name: joined(each) for name, each in several.items()}
    listing: dict[str, frozenset[str]] = {}
    for name, subjects in (each for piece in pieces for each in piece.listers):
        listing[name] = listing.get(name, frozenset()) | subjects
    for name in [name for name, each in several.items() if len(each) > 1 and name + UNTOLD in listing]:
        # Of several functions of one name, each may get at modules otherwise.
        listing[name] = listing.get(name, frozenset()) | listing.pop(name + UNTOLD)
    effects, effectful = _effects([piece.effects for piece in pieces])
    return Details(
        found,
        effects,
        effectful,
        listing,
        frozenset[tuple[str, str]]().union(*(piece.aliases for piece in pieces)),
        frozenset[tuple[str, str]]().union(*(piece.kept for piece in pieces)),
        frozenset[str]().union(*(piece.hinted for piece in pieces)),
        any(piece.star for piece in pieces),
    )


@dataclass(frozen=True)
class _Piece:
    mentions: Mapping[str, Mentions]
    effects: Effects
    listers: tuple[tuple[str, frozenset[str]], ...]
    aliases: frozenset[tuple[str, str]]
    kept: frozenset[tuple[str, str]]
    hinted: frozenset[str]
    star: bool


def _piece_details(piece: PieceText) -> _Piece:
    source = piece.text.encode("utf-8", "surrogatepass")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _piece(piece_code(piece), source, ast.parse(piece.text).body)


_PIECES = MadeOfPieces(_piece_details)


def _piece(code: CodeType, source: bytes, body: Sequence[ast.stmt]) -> _Piece:
    mentions = _mentions(code, source)
    strings = frozenset(strings_in(body))
    pieces = frozenset(name for name in strings if name.strip("_") and (name.startswith("_") or name.endswith("_")))
    mentions[STRINGS] = Mentions(attributes=strings, fragments=pieces)
    mentions[LOADED] = Mentions(names=frozenset(loaded_in(body)))
    for function, name in handed_on_in(body):
        if name in COMPUTING:
            known = mentions.get(function + LOADED, NOTHING)
            mentions[function + LOADED] = known.joined(Mentions(frozenset({name})))
    kept = kept_in(body)
    if kept:  # whoever gets at the container has what is in there
        before = mentions.get(DEFINITIONS, NOTHING)
        mentions[DEFINITIONS] = before._replace(handed=before.handed - {name for name, _ in kept})
    by_modules = any("modules" in each.attributes for each in mentions.values())
    getters = getters_in(body) if by_modules else {}
    listing = tuple(listers(body, getters))
    aliases = frozenset(pair for statement in body for pair in _aliases(statement))
    star = any(isinstance(node, ast.alias) and node.name == "*" for each in body for node in ast.walk(each))
    return _Piece(mentions, effects_of(body), listing, aliases, kept, frozenset(hinted_in(body)), star)


def _aliases(node: ast.AST, local: bool = False) -> Iterator[tuple[str, str]]:
    """A variable of a function is no alias: the function itself has handed on what the name stands for."""
    if isinstance(node, ast.alias) and node.asname:
        yield node.name.rpartition(".")[2], node.asname
    elif isinstance(node, ast.Assign) and isinstance(node.value, (ast.Name, ast.Attribute)) and not local:
        name = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
        for target in node.targets:
            if isinstance(target, ast.Name):
                yield name, target.id
    local |= isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
    for child in ast.iter_child_nodes(node):
        yield from _aliases(child, local)


def _mentions(code: CodeType, source: bytes) -> dict[str, Mentions]:
    evaluated = any(map(is_evaluating, code_objects(code)))
    found: dict[str, list[Mentions]] = {}
    bodies: Bodies = bodies_in(code, source)
    for function, codes in bodies.items():
        for each in codes:
            late = function == DEFINITIONS and each.co_name in ("<lambda>", "<genexpr>")
            found.setdefault(LAMBDAS if late else function, []).append(mentions_of(each, evaluated))
    return {function: joined(mentions) for function, mentions in found.items()}


def _effects(pieces: Sequence[Effects]) -> tuple[list[tuple[frozenset[str], str]], frozenset[str]]:
    """A file's effects, their roots turned into the packages that these come from, and its effectful functions."""
    imported = {name: package for piece in pieces for name, package in piece.imported}

    def packages(roots: frozenset[str]) -> frozenset[str]:
        return frozenset(imported.get(root, root) for root in roots if not root or root in imported)

    statements = [(found, text) for piece in pieces for roots, text in piece.statements if (found := packages(roots))]
    functions = (name for piece in pieces for name, roots in piece.functions if not roots.isdisjoint(imported))
    return statements, frozenset(functions)
