"""Compiling a source: what both its symbols and its imports are read from.

What one makes of a piece of a source is remembered by the piece's text, so that after an edit one piece is compiled.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType
from typing import TypeVar

from aftershock_agent.pieces import make_pieces

Made = TypeVar("Made")


@dataclass(frozen=True)
class SyntaxProblem:
    """Why a source can't be compiled; ``line`` and ``column`` are one-based."""

    message: str
    line: int
    column: int


@dataclass(frozen=True)
class PieceText:
    """A piece of a source wherever it stands, and the source's ``__future__`` flags."""

    text: str
    flags: int


def made_of_pieces(
    source: bytes, path: str, make: Callable[[PieceText], Made], make_whole: Callable[[CodeType], Made]
) -> list[Made] | SyntaxProblem:
    """What ``make`` makes of each piece of a source, or ``make_whole`` of one that must be taken as a whole.

    ``make`` gets the code of its piece from :func:`piece_code`.  Never raises for any content.
    """
    made = make_pieces(source, lambda piece: make(PieceText(piece.text, piece.flags)))
    if made is not None:
        return made
    code = compiled(source, path)
    return code if isinstance(code, SyntaxProblem) else [make_whole(code)]


@lru_cache(maxsize=64)  # symbols and imports of a file are asked for one soon after the other
def piece_code(piece: PieceText) -> CodeType:
    """The code of a piece, lines counted from its beginning; raises what ``compile`` raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        code: CodeType = compile(piece.text, "piece", "exec", flags=piece.flags, dont_inherit=True, optimize=0)
    return code


@lru_cache(maxsize=4)
def compiled(source: bytes, path: str) -> CodeType | SyntaxProblem:
    """The code of a module, or why there is none.  ``path`` only serves messages.  Never raises for any content."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return compile(source, path, "exec", dont_inherit=True, optimize=0)
    except SyntaxError as error:
        return SyntaxProblem(error.msg, error.lineno or 1, max(error.offset or 1, 1))
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        # Null bytes before 3.12, code nested too deep for the compiler.
        return SyntaxProblem(str(error) or type(error).__name__, 1, 1)


def code_objects(code: CodeType) -> Iterator[CodeType]:
    """The code object and all in it."""
    pending = [code]
    while pending:
        code = pending.pop()
        yield code
        pending += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
