"""Compiles the text of a project file as its import did, quickly where most of it is known.

The first text of a file is compiled whole.  Of a later one, only the pieces (see ``pieces``) that are new are compiled;
the functions of the others are taken from memory, moved to the lines that they have now.  What comes out holds the
functions that an import of the text would make; it isn't fit to be run itself.

One thing in a module's text reaches into the code of all functions: calls on names that the module imports compile
otherwise (``is_import_originated`` in CPython's compile.c), though to the same effect.  So a piece is compiled below an
import of those names, and a text in which a piece with imports changed is compiled whole.
"""

from __future__ import annotations

import ast
import dis
import inspect
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import CodeType

from _pytest.assertion.rewrite import AssertionRewritingHook, rewrite_asserts

from aftershock_agent.pieces import Piece, make_pieces

_TEXTS = 2  # of each file: the one in memory, and the one to come


class Unpatchable(Exception):
    """The change can't be patched soundly; the message says why."""


@dataclass(frozen=True)
class _Compiled:
    """The code objects at the top of a piece, where it stood, and whether it has imports that the module sees."""

    before: int
    codes: tuple[CodeType, ...]
    imports: bool


@dataclass(frozen=True)
class _File:
    """A text as compiled: its pieces by text and flags, and the names that the module imports."""

    pieces: Mapping[tuple[str, int], _Compiled]
    names: frozenset[str]


class Compiler:
    """Remembers of each file its last texts as compiled, and the pieces of the last one."""

    def __init__(self) -> None:
        """Nothing is known."""
        self._texts: dict[str, dict[str, CodeType]] = {}
        self._files: dict[str, _File] = {}

    def compile(self, path: str, text: str, loader: object) -> CodeType:
        """Code that holds all functions of a file as if ``loader`` had imported that text.

        Raises Unpatchable for a loader that isn't known, and what ``compile`` raises.
        """
        texts = self._texts.setdefault(path, {})
        if text in texts:
            texts[text] = texts.pop(text)  # the latest comes last
        else:
            rewriter = _rewriter(loader)
            code = self._by_pieces(path, text, rewriter)
            texts[text] = self._whole(path, text, rewriter) if code is None else code
        for old in list(texts)[:-_TEXTS]:
            del texts[old]
        return texts[text]

    @contextmanager
    def kept(self) -> Iterator[None]:
        """What is compiled in the meantime is forgotten again."""
        texts, files = {path: dict(known) for path, known in self._texts.items()}, dict(self._files)
        try:
            yield
        finally:
            self._texts, self._files = texts, files

    def _whole(self, path: str, text: str, rewriter: AssertionRewritingHook | None) -> CodeType:
        code = _compiled(text, path, 0, rewriter)
        self._files.pop(path, None)
        # A docstring of the file's may forbid rewriting, which a piece below it doesn't know.
        pieces = None if "PYTEST_DONT_REWRITE" in text else make_pieces(text.encode(), _parsed)
        if pieces is not None:
            self._files[path] = _File(_shared_out(code, pieces), _imported(code))
        return code

    def _by_pieces(self, path: str, text: str, rewriter: AssertionRewritingHook | None) -> CodeType | None:
        """None where the text must be compiled whole."""
        file = self._files.get(path)
        if file is None:
            return None
        pieces: dict[tuple[str, int], _Compiled] = {}

        def make(piece: Piece) -> tuple[CodeType, ...]:
            key = piece.text, piece.flags
            known = file.pieces.get(key)
            pieces[key] = _moved_to(piece.before, known) or _compiled_piece(piece, path, file.names, rewriter)
            return pieces[key].codes

        made = make_pieces(text.encode(), make)
        gone = file.pieces.keys() - pieces.keys()
        if made is None or any(file.pieces[key].imports for key in gone):
            return None
        self._files[path] = _File(pieces, file.names)
        return _nothing(path).replace(co_consts=tuple(code for codes in made for code in codes))


def _parsed(piece: Piece) -> Piece:
    """The piece itself, when it is one: parsing costs a third of compiling."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ast.parse(piece.text)
    return piece


def _shared_out(module: CodeType, pieces: list[Piece]) -> dict[tuple[str, int], _Compiled]:
    """The code objects of a module, each with the piece whose lines it begins on."""
    codes = [each for each in module.co_consts if isinstance(each, CodeType)]
    importing = {line for line, _ in _imports(module)}
    found = {}
    for piece in pieces:
        lines = range(piece.before + 1, piece.before + piece.text.count("\n") + (not piece.text.endswith("\n")) + 1)
        own = tuple(code for code in codes if code.co_firstlineno in lines)
        found[piece.text, piece.flags] = _Compiled(piece.before, own, any(line in lines for line in importing))
    return found


def _compiled_piece(
    piece: Piece, path: str, names: frozenset[str], rewriter: AssertionRewritingHook | None
) -> _Compiled:
    """A new piece, compiled on its own; raises ValueError for one that the whole file must be compiled for."""
    if not piece.before:
        raise ValueError("no line is free above the piece for the names")
    line = f"import {', '.join(sorted(names))}\n" if names else "\n"
    code = _compiled(line + "\n" * (piece.before - 1) + piece.text, path, piece.flags, rewriter)
    if any(line > 1 for line, _ in _imports(code)):
        raise ValueError("the piece has imports of its own")
    return _Compiled(piece.before, tuple(each for each in code.co_consts if isinstance(each, CodeType)), False)


def _imported(module: CodeType) -> frozenset[str]:
    """The names that a module's own statements bind by importing; not those of pytest's rewriting."""
    return frozenset(name for _, name in _imports(module))


def _imports(module: CodeType) -> list[tuple[int, str]]:
    """Line and name of each binding by an import."""
    found = []
    imported = line = 0
    for each in dis.get_instructions(module):
        line = (each.starts_line if type(each.starts_line) is int else getattr(each, "line_number", 0)) or line
        if each.opname in ("IMPORT_NAME", "IMPORT_FROM"):
            imported = True
        elif each.opname in ("IMPORT_STAR", "CALL_INTRINSIC_1"):
            imported = False
        elif each.opname == "STORE_NAME":
            if imported and each.argval.isidentifier():
                found.append((line, each.argval))
            imported = False
    return found


def _rewriter(loader: object) -> AssertionRewritingHook | None:
    """Pytest's import hook where it loaded the file, None for Python's own loader."""
    if isinstance(loader, AssertionRewritingHook):
        return loader
    if type(loader).__name__ != "SourceFileLoader":
        raise Unpatchable(f"the file was imported by {type(loader).__name__}")
    return None


def _compiled(text: str, path: str, flags: int, rewriter: AssertionRewritingHook | None) -> CodeType:
    """The code of a text, with pytest's assertions where ``rewriter`` is given; raises what ``compile`` raises."""
    source = text.encode()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if rewriter is None:
            code: CodeType = compile(source, path, "exec", flags=flags, dont_inherit=True)
            return code
        tree = ast.parse(source, filename=path)
        rewrite_asserts(tree, source, path, rewriter.config)
        rewritten: CodeType = compile(tree, path, "exec", flags=flags, dont_inherit=True)
        return rewritten


def _nothing(path: str) -> CodeType:
    code: CodeType = compile("", path, "exec")
    return code


def _moved_to(before: int, piece: _Compiled | None) -> _Compiled | None:
    """A piece at other lines; None where it must be compiled anew."""
    if piece is None or piece.before == before:
        return piece
    if not all(map(_movable, piece.codes)):
        return None
    return _Compiled(before, tuple(_moved(code, before - piece.before) for code in piece.codes), piece.imports)


def _movable(code: CodeType) -> bool:
    """Whether no function in it makes a class: from 3.13 on, the code of a class's body holds its first line."""
    inner = [each for each in code.co_consts if isinstance(each, CodeType)]
    function = code.co_flags & inspect.CO_OPTIMIZED
    return all(_movable(each) and not (function and "__firstlineno__" in each.co_names) for each in inner)


def _moved(code: CodeType, lines: int) -> CodeType:
    """The same code some lines further down: all line numbers are told from the first."""
    constants = tuple(_moved(each, lines) if isinstance(each, CodeType) else each for each in code.co_consts)
    return code.replace(co_firstlineno=code.co_firstlineno + lines, co_consts=constants)
