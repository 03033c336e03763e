"""What a Python source means, in digests: one for each function's body, one for all the rest.

The digests are of compiled code, with positions left out: it is exactly what runs, comments and formatting
vanish by themselves, and compiling is several times quicker than walking a syntax tree.

- A function's **body** is its bytecode with the names and constants that it uses.  A function nested in it
  has a body of its own; a class, lambda or comprehension in it belongs to it.
- The file's **definition** is everything else: the module's and its classes' code, and of each function its
  name, arguments, flags, closure and docstring, in order.

A file is compiled piece by piece, and what a piece came to is remembered by its text: after an edit, one piece is
compiled and digested.

A file whose definition is unchanged can be patched by swapping ``__code__`` by qualified name and order.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import re
import sys
import warnings
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import CodeType

from aftershock.selection.bytecode import Instructions
from aftershock.selection.compiling import MadeOfPieces, PieceText, SyntaxProblem, piece_code

__all__ = ["ALGORITHM", "Symbols", "SyntaxProblem", "parse_symbols", "symbol_of"]

_VERSION = 4
ALGORITHM = f"{_VERSION}/{sys.version_info[0]}.{sys.version_info[1]}"
"""Names the digests: those of another algorithm, or another Python's bytecode, never match these."""

_HAS_DOCSTRING = 0x4000000  # CO_HAS_DOCSTRING, from Python 3.14 on
_NO_FREE = 0x40  # CO_NOFREE, before 3.11: set by what the body does with its variables, not by the signature
_LAZY_SCOPES = re.compile(rb"(^|[;:])\s*type\s+\w|\b(def|class)\s+\w+\s*\[", re.MULTILINE)


@dataclass(frozen=True)
class Symbols:
    """The digests of one source.

    ``bodies`` is by qualified name as Python's own ``co_qualname``; functions of one name (a property and its
    setter, overloads, redefinitions) share a digest.  ``enclosed`` names the code that isn't a function's but
    belongs to the definition: class bodies, lambdas outside functions.  A source with an ``error`` has no
    bodies, and its definition is that of its text.  ``text`` is the digest of the whole, comments and lines included.
    """

    definition: str
    bodies: Mapping[str, str] = field(default_factory=dict)
    enclosed: frozenset[str] = frozenset()
    error: SyntaxProblem | None = None
    text: str = field(default="", compare=False)

    @property
    def digest(self) -> str:
        """Of the whole: equal only when nothing observable changed."""
        return _digest(self.definition, *(f"{name}={body}" for name, body in sorted(self.bodies.items())))

    def knows(self, qualname: str) -> bool:
        """Whether executed code of this name is covered by a body here or by the definition."""
        if symbol_of(qualname, self.bodies) is not None:
            return True
        plain = ".".join(part for part in qualname.split(".") if not part.startswith("<"))
        return not plain or plain in self.enclosed or plain.rpartition(".")[2] == "__annotate__"


def symbol_of(qualname: str, bodies: Container[str]) -> str | None:
    """The function that executed code of this qualified name belongs to; None: it is the definition's.

    ``bodies`` tells functions from classes: the longest prefix that is one of them wins.
    """
    while qualname:
        if qualname in bodies:
            return qualname
        qualname = qualname.rpartition(".")[0]
    return None


def parse_symbols(source: bytes, path: str) -> Symbols:
    """The digests of a source.  ``path`` only serves messages.  Never raises for any content."""
    pieces = _PIECES.of(source, path, lambda code: _Walk(_lazy_scopes(source)).walk(code))
    text = hashlib.blake2b(source, digest_size=12).hexdigest()
    if isinstance(pieces, SyntaxProblem):
        return Symbols(_digest("unreadable", text), error=pieces, text=text)
    return _joined(pieces, text)


@dataclass(frozen=True)
class _PieceSymbols:
    """The digests of a piece, those of functions of one name in order."""

    definition: str
    bodies: Mapping[str, Sequence[str]]
    enclosed: frozenset[str]


def _joined(pieces: Sequence[_PieceSymbols], text: str) -> Symbols:
    """The symbols of a file from those of its pieces, in order."""
    several: dict[str, list[str]] = {}
    for piece in pieces:
        for name, digests in piece.bodies.items():
            several.setdefault(name, []).extend(digests)
    bodies = {
        name: digests[0] if len(digests) == 1 else _digest("several", *digests) for name, digests in several.items()
    }
    nothing = _nothing()
    definition = _digest("file", *(piece.definition for piece in pieces if piece != nothing))
    return Symbols(definition, bodies, frozenset[str]().union(*(piece.enclosed for piece in pieces)), text=text)


def _piece_symbols(piece: PieceText) -> _PieceSymbols:
    return _Walk(_lazy_scopes(piece.text.encode("utf-8", "surrogatepass"))).walk(piece_code(piece))


_PIECES = MadeOfPieces(_piece_symbols)


@cache
def _nothing() -> _PieceSymbols:
    """What comments above the first function come to."""
    return _piece_symbols(PieceText("", 0))


def _lazy_scopes(source: bytes) -> frozenset[tuple[str, int]] | None:
    return _function_lines(source) if _LAZY_SCOPES.search(source) else None


def _function_lines(source: bytes) -> frozenset[tuple[str, int]]:
    """Each function's name with its first line, decorators included, as ``co_firstlineno`` has it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nodes = ast.walk(ast.parse(source))
    functions = (node for node in nodes if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))
    return frozenset((f.name, min(n.lineno for n in (f, *f.decorator_list))) for f in functions)


Bodies = Mapping[str, Sequence[CodeType]]
"""Code objects by the function that they belong to; those of definitions under an empty name."""


def bodies_in(module: CodeType, source: bytes) -> Bodies:
    """All code objects of a module, or of a piece of one, whose text is ``source``."""
    walk = _Walk(_lazy_scopes(source))
    found: dict[str, list[CodeType]] = {}
    pending = [(module, "", "")]
    while pending:
        code, qualname, owner = pending.pop()
        found.setdefault(owner, []).append(code)
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                inner = _qualname(constant, qualname, code)
                pending.append((constant, inner, inner if walk.is_function(constant) else owner))
    return found


class _Walk:
    """One pass over the code objects of a module, or of a piece of one."""

    def __init__(self, defs: frozenset[tuple[str, int]] | None) -> None:
        # Type aliases and type parameters' bounds compile to code that looks like a function of their name;
        # where a source may hold some, ``defs`` lists what really is one.
        self._defs = defs
        self._bodies: dict[str, list[str]] = {}
        self._enclosed: set[str] = set()

    def walk(self, module: CodeType) -> _PieceSymbols:
        definition = _digest("module", *self._content(module, ""))
        return _PieceSymbols(definition, self._bodies, frozenset(self._enclosed))

    def _content(self, code: CodeType, qualname: str) -> Iterator[str]:
        """All that code says except its signature; of functions nested in it, just their signatures."""
        instructions = Instructions(code)
        yield instructions.text
        yield repr((code.co_names, code.co_varnames[_argument_count(code) :], code.co_cellvars))
        constants = [
            self._nested(constant, qualname, code) if isinstance(constant, CodeType) else _exact(constant)
            for constant in code.co_consts
        ]
        yield from (constants[index] for index in instructions.constants)

    def _nested(self, code: CodeType, prefix: str, parent: CodeType) -> str:
        """What a code object adds to the code that holds it; a function's body is put among the bodies."""
        qualname = _qualname(code, prefix, parent)
        if self.is_function(code):
            signature = _digest("def", *_signature(code), _exact(_docstring(code)))
            body = _digest("body", *self._content(code, qualname))
            self._bodies.setdefault(qualname, []).append(body)
            return signature
        self._enclosed.add(qualname)
        return _digest("code", *_signature(code), *self._content(code, qualname))

    def is_function(self, code: CodeType) -> bool:
        """Whether code is a function's, not a class's, a lambda's or the compiler's."""
        if code.co_name.startswith("<") or not code.co_flags & inspect.CO_NEWLOCALS:
            return False  # a lambda, a comprehension, type parameters; a class body
        if code.co_name == "__annotate__" and code.co_posonlyargcount == 1 and code.co_varnames[:1] == ("format",):
            return False  # written by the compiler, from 3.14 on
        return self._defs is None or (code.co_name, code.co_firstlineno) in self._defs


def _signature(code: CodeType) -> tuple[str, ...]:
    """What the code's callers, decorators and enclosing scope can see."""
    counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags & ~_NO_FREE)
    return (
        code.co_name,
        repr(counts),
        repr(code.co_varnames[: _argument_count(code)]),
        repr(code.co_freevars),
    )


def _argument_count(code: CodeType) -> int:
    """How many of ``co_varnames`` are arguments, ``*args`` and ``**kwargs`` included."""
    stars = bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    return code.co_argcount + code.co_kwonlyargcount + stars


def _docstring(code: CodeType) -> str | None:
    """A function's docstring: the first constant, marked by a flag from 3.14 on, by being a string before."""
    if sys.version_info >= (3, 14) and not code.co_flags & _HAS_DOCSTRING:
        return None
    first = code.co_consts[0] if code.co_consts else None
    return first if isinstance(first, str) else None


def _qualname(code: CodeType, prefix: str, parent: CodeType) -> str:
    """``co_qualname``, or before 3.11 the same by nesting, save for functions declared global."""
    if sys.version_info >= (3, 11):
        return code.co_qualname
    if not prefix:
        return code.co_name
    is_function = parent.co_flags & inspect.CO_NEWLOCALS and not parent.co_name.endswith(("comp>", "expr>"))
    return f"{prefix}.{'<locals>.' if is_function else ''}{code.co_name}"


def _exact(constant: object) -> str:
    """A constant's text, another one for any other type or value (``1``, ``True``, ``1.0``, ``-0.0``)."""
    if isinstance(constant, tuple):
        return f"({','.join(map(_exact, constant))})"
    if isinstance(constant, frozenset):
        return f"{{{','.join(sorted(map(_exact, constant)))}}}"
    if isinstance(constant, slice):
        return f"slice{_exact((constant.start, constant.stop, constant.step))}"
    if type(constant) is int:
        return hex(constant)  # decimal text of a huge int raises ValueError
    return repr(constant)


def _digest(*parts: str) -> str:
    """96 bits over length-prefixed parts and the algorithm, in hexadecimal."""
    text = "".join(f"{len(part)}:{part}" for part in parts)
    data = text.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=12, person=ALGORITHM.encode()).hexdigest()
