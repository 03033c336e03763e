"""Compiling a source: what both its symbols and its imports are read from.

What one makes of a piece of a source is remembered by the piece's text, so that after an edit one piece is compiled.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType
from typing import Generic, TypeVar

from aftershock_agent.pieces import Piece, make_pieces

Made = TypeVar("Made")

_FILES = 32
"""So many files, each as it was last, have their pieces remembered: the files that somebody is at work on."""


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


class MadeOfPieces(Generic[Made]):
    """What is made of the pieces of sources, remembered for those of the files that were asked for last."""

    def __init__(self, make: Callable[[PieceText], Made]) -> None:
        """``make`` raises what ``compile`` raises; one that needs a piece's code has it from :func:`piece_code`."""
        self._make = make
        self._known: dict[str, dict[PieceText, Made]] = {}

    def of(self, source: bytes, path: str, make_whole: Callable[[CodeType], Made]) -> list[Made] | SyntaxProblem:
        """What is made of each piece of a source, or ``make_whole`` of one that must be taken as a whole.

        Never raises for any content.
        """
        made = self.of_pieces(source, path)
        if made is not None:
            return made
        code = compiled(source, path)
        return code if isinstance(code, SyntaxProblem) else [make_whole(code)]

    def of_pieces(self, source: bytes, path: str) -> list[Made] | None:
        """What is made of each piece; None of a source that must be taken as a whole, or doesn't compile."""
        before, now = self._known.pop(path, {}), dict[PieceText, Made]()

        def make(piece: Piece) -> Made:
            text = PieceText(piece.text, piece.flags)
            if text not in now:
                now[text] = before[text] if text in before else self._make(text)
            return now[text]

        made = make_pieces(source, make)
        self._known[path] = before if made is None else now
        if len(self._known) > _FILES:
            del self._known[next(iter(self._known))]
        return made


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
