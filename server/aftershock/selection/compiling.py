"""Compiling a source: what both its symbols and its imports are read from."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType


@dataclass(frozen=True)
class SyntaxProblem:
    """Why a source can't be compiled; ``line`` and ``column`` are one-based."""

    message: str
    line: int
    column: int


@lru_cache(maxsize=4)  # symbols and imports of a file are asked for one soon after the other
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
