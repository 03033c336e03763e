"""Compiles a source piece by piece, so that after an edit only the piece that it lies in is compiled again.

A piece begins at a line that starts, at its very beginning, a function, a class or its first decorator, and reaches to
the next such line.  Why the pieces, each compiled by itself, are the file: a piece that compiles holds whole logical
lines, so nothing (a string, a bracket, a continued line) crosses its end, and the next one begins in column 0 with a
word that no earlier statement can take up again.  The file's tokens are then those of its pieces one after the other,
and so are its statements.  A line that only looks like a beginning (inside a string) leaves the piece before it
unfinished; that one is joined to the next.  What pieces could share is looked for, and such a file is compiled as one:
``from __future__`` past the first piece, and ``global`` statements of the module.  Both server and agent do this,
each with what it makes of a piece.
"""

from __future__ import annotations
import __future__

import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType
from typing import TypeVar

_BEGINNING = re.compile(r"^(?:(@)|(?:def|class|async)\b)", re.MULTILINE)
_SHARED = re.compile(r"^global\b", re.MULTILINE)
_FUTURE = re.compile(r"^from[ \t]+__future__\b", re.MULTILINE)
_COOKIE = re.compile(r"^[ \t\f]*#.*?coding[:=][ \t]*(?!utf-?8\b)[-\w.]", re.IGNORECASE)  # PEP 263
_FEATURES: int = sum(getattr(__future__, name).compiler_flag for name in set(__future__.all_feature_names))
_JOINED = 4
"""How many pieces to join to an unfinished one before finding out whether the file compiles at all."""

Made = TypeVar("Made")


@dataclass(frozen=True)
class Piece:
    """Some lines of a file: how many lines come before them, their text, and the file's ``__future__`` flags."""

    before: int
    text: str
    flags: int


def make_pieces(source: bytes, make: Callable[[Piece], Made]) -> list[Made] | None:
    """What ``make`` makes of each piece of a source; None where the source must be taken as one, or doesn't compile.

    ``make`` compiles its piece, and raises SyntaxError or ValueError for one that doesn't.
    """
    text = _text(source)
    if text is None:
        return None
    made: list[Made] = []
    try:
        texts = list(_split(text))
        flags, before = _flags(texts), 0
        while texts:
            piece, taken, count = _whole_lines(texts, before, flags, make, text)
            made.append(piece)
            before += count
            del texts[:taken]
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return None
    return made


def _text(source: bytes) -> str | None:
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    if any(_COOKIE.match(line) for line in text.split("\n", 2)[:2]) or _SHARED.search(text) or "\0" in text:
        return None
    return text.replace("\r\n", "\n").replace("\r", "\n")  # as the tokenizer does, which counts lines so


def _split(text: str) -> Iterator[str]:
    """Text from one beginning to the next; decorators stay with what they decorate."""
    start = 0
    decorated = False
    for match in _BEGINNING.finditer(text):
        if not decorated and match.start():
            yield text[start : match.start()]
            start = match.start()
        decorated = bool(match[1])
    yield text[start:]


def _flags(texts: list[str]) -> int:
    """The flags of the ``__future__`` imports, which only the first piece may hold; raises ValueError for others."""
    if any(_FUTURE.search(text) for text in texts[1:]):
        raise ValueError("a __future__ import past the first function or class")
    return _future_flags(texts[0]) if "__future__" in texts[0] else 0


@lru_cache(maxsize=64)
def _future_flags(text: str) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        code: CodeType = compile(text, "future", "exec", dont_inherit=True)
    return code.co_flags & _FEATURES


def _whole_lines(
    texts: list[str], before: int, flags: int, make: Callable[[Piece], Made], text: str
) -> tuple[Made, int, int]:
    """What is made of the first piece, joined to as many as it takes; how many texts and how many lines that took."""
    for taken in range(1, len(texts) + 1):
        joined = "".join(texts[:taken])
        try:
            return make(Piece(before, joined, flags)), taken, joined.count("\n")
        except SyntaxError:
            if taken == _JOINED:
                compile(text, "whole", "exec", dont_inherit=True)
    raise SyntaxError("the last piece is unfinished")
