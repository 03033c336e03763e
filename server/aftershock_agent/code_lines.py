"""From lines of a file to the qualified names of the functions on them, for recorders that see lines.

Before Python 3.11 a code object doesn't know its qualified name either, so both come from the same table.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType

from aftershock_agent.modules_got import OPTIMIZED, UNTOLD, may_get


class QualifiedNames:
    """The functions of one file, by line."""

    def __init__(self, module: CodeType | None) -> None:
        """``module`` is the file's compiled code, None for a file that doesn't compile."""
        self._by_start: dict[tuple[int, str], list[str]] = {}
        self._by_line: dict[int, list[str]] = {}
        for qualname, code in walk(module) if module else ():
            names = [qualname, qualname + UNTOLD] if may_get(code) else [qualname]  # lines don't tell what was got
            self._by_start.setdefault((code.co_firstlineno, code.co_name), []).extend(names)
            if code.co_flags & OPTIMIZED:
                for line in _body_lines(code):
                    self._by_line.setdefault(line, []).extend(names)

    def at(self, first_line: int, name: str) -> list[str]:
        """The qualified names of the code objects that begin at a line, by their plain name."""
        return self._by_start.get((first_line, name), [])

    def on(self, lines: Iterable[int]) -> list[str]:
        """The qualified names of the functions with one of ``lines`` in their body."""
        return sorted({name for line in lines for name in self._by_line.get(line, ())})


def walk(code: CodeType, prefix: str = "") -> Iterator[tuple[str, CodeType]]:
    """All code objects inside ``code`` with their qualified names, in order."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            qualname = prefix + constant.co_name
            yield qualname, constant
            inner = f"{qualname}.<locals>." if constant.co_flags & OPTIMIZED else f"{qualname}."
            yield from walk(constant, inner)


def _body_lines(code: CodeType) -> set[int]:
    """The lines of a function's body: without the line of its ``def``, unless that is all there is."""
    lines = {line for _, _, line in code.co_lines() if line}
    return (lines - {code.co_firstlineno}) or lines


_tables: dict[str, QualifiedNames] = {}
"""By absolute path; a fork inherits what its session has read."""


def learn(module: CodeType) -> None:
    """A file's functions were replaced by those of this compiled module: lines mean what it says."""
    _tables[module.co_filename] = QualifiedNames(module)


def qualified_names(path: str) -> QualifiedNames:
    """The table of a file; read from the disk the first time, so ask early: at import."""
    if path not in _tables:
        _tables[path] = _read(path)
    return _tables[path]


def _read(path: str) -> QualifiedNames:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return QualifiedNames(compile(Path(path).read_bytes(), path, "exec", dont_inherit=True))
    except (SyntaxError, ValueError, OSError):
        return QualifiedNames(None)
