"""Random projects as values: what stands where, how it is written to disk, and how edits make another of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import Template

from support.programs.access import CONFTEST, HUB_WAYS, READING, TESTS, USES, WAYS, Access
from support.programs.classes import CLASSES
from support.programs.functions import FUNCTIONS
from support.programs.hooks import HOOKS
from support.programs.parts import HOLES, Part
from support.programs.records import RECORDS
from support.programs.values import VALUES

KINDS: Mapping[str, Part] = {part.kind: part for part in (*VALUES, *FUNCTIONS, *CLASSES, *HOOKS, *RECORDS)}
"""All kinds of pieces."""

FILES = 3
"""Test files, each with a module between it and the pieces."""

_HEADS = {
    READING: "",
    CONFTEST: "import pytest\n",
    TESTS: "import pytest, unittest\nimport reading$j\nfrom see import see\n",
}
_SEE = '''
import pytest, re, zlib

def see(value):
    """End in one of many ways, by the value: skipped with it as the reason, or passed."""
    shown = re.sub(" at 0x[0-9a-f]+", "", repr(value))
    if zlib.crc32(shown.encode()) % 4:
        pytest.skip(shown)
'''


@dataclass(frozen=True)
class Piece:
    """A part in a module, by number; ``variant`` -1: it isn't there.

    ``target`` is the number of an earlier piece that fills its hole, or -1, ``seen`` the expression and ``way`` the
    access to that one.  ``remarks`` are comments above it, and ``rank`` moves it in its module.
    """

    kind: str
    module: int
    variant: int = 0
    target: int = -1
    seen: int = 0
    way: str = "from"
    remarks: int = 0
    rank: int = 0


@dataclass(frozen=True)
class Consumer:
    """A test that sees an expression of a piece, by number."""

    use: str
    piece: int
    seen: int = 0
    way: str = "from"


@dataclass(frozen=True)
class Program:
    """A whole project."""

    pieces: tuple[Piece, ...]
    consumers: tuple[Consumer, ...]

    def files(self) -> dict[str, str]:
        """The texts by path."""
        files = min(FILES, len(self.consumers))
        texts = {_filled(path, each): [_filled(head, each)] for path, head in _HEADS.items() for each in range(files)}
        modules = sorted({piece.module for piece in self.pieces})
        texts["see.py"] = [_SEE]
        texts["hub.py"] = [f"from {_module(number)} import *\n" for number in modules]
        for number in modules:
            texts[f"{_module(number)}.py"] = list(self._module_text(number))
        for number, consumer in enumerate(self.consumers):
            for path, text in self._consumer_texts(number, consumer):
                texts[path].append(text)
        return {path: "".join(_lines_first(text)) for path, text in texts.items()}

    def name(self, number: int) -> str:
        """The name of a piece."""
        return f"{self.pieces[number].kind}_{number}"

    def _module_text(self, module: int) -> Iterator[str]:
        found = [number for number, piece in enumerate(self.pieces) if piece.module == module]
        for number in sorted(found, key=lambda number: (self.pieces[number].rank, number)):
            yield from self._piece_text(number)

    def _piece_text(self, number: int) -> Iterator[str]:
        piece = self.pieces[number]
        part = KINDS[piece.kind]
        if piece.variant < 0:
            return
        text = part.variants[piece.variant % len(part.variants)]
        holes, lines = dict(HOLES), list[str]()
        for hole in holes:
            if f"${hole}" in text and (access := self._filling(hole, piece)) is not None:
                holes[hole] = access.expression
                lines += access.lines
        yield from (f"{line}\n" for line in lines)
        yield from (f"# remark {each}\n" for each in range(piece.remarks))
        yield Template(text).safe_substitute(it=self.name(number), **holes)

    def _filling(self, hole: str, piece: Piece) -> Access | None:
        """What fills a hole; None where the target doesn't fit."""
        if piece.target < 0:
            return None
        target = self.pieces[piece.target]
        if hole != "value" and KINDS[target.kind].fits != hole:
            return None
        same = target.module == piece.module
        name = self.name(piece.target)
        access = Access((), name) if same else WAYS[piece.way](_module(target.module), name)
        if hole != "value":
            return access
        return Access(access.lines, _seen(target.kind, piece.seen, access.expression))

    def _consumer_texts(self, number: int, consumer: Consumer) -> Iterator[tuple[str, str]]:
        piece, use, file = self.pieces[consumer.piece], USES[consumer.use], number % FILES
        ways = {**WAYS, **HUB_WAYS}
        access = ways[consumer.way](_module(piece.module), self.name(consumer.piece))
        seen = _seen(piece.kind, consumer.seen, access.expression)
        for path, text in ((READING, use.reading), (CONFTEST, use.conftest), (TESTS, use.tests)):
            if path == use.where:
                yield from ((_filled(path, file), f"{line}\n") for line in access.lines)
            if text:
                yield _filled(path, file), Template(text).safe_substitute(k=str(number), j=str(file), seen=seen)


def _filled(text: str, file: int) -> str:
    return text.replace("$j", str(file))


def _module(number: int) -> str:
    return f"module{number}"


def _seen(kind: str, seen: int, expression: str) -> str:
    """An expression that sees a piece."""
    every = KINDS[kind].seen
    return Template(every[seen % len(every)]).safe_substitute(it=expression)


def _lines_first(pieces: Sequence[str]) -> Iterator[str]:
    """Imports at the top, each once, as people have them; the rest in order."""
    lines = "".join(pieces).splitlines(keepends=True)
    imports = dict.fromkeys(line for line in lines if re.match(r"(import|from) ", line))
    yield from imports
    yield from (line for line in lines if line not in imports)
