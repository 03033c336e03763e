"""Strategies for random projects and their edits; smaller ones come first, so that what fails shrinks to little."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from hypothesis import strategies as st

from support.programs.access import HUB_WAYS, USES, WAYS
from support.programs.programs import KINDS, Consumer, Piece, Program

_MODULES, _VARIANTS, _EXPRESSIONS = 4, 6, 6
_PIECES, _CONSUMERS = 7, 12
_EDITS = 5


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Projects with some pieces in up to four modules, and a test or more for each."""
    pieces: list[Piece] = []
    for number in range(draw(st.integers(2, _PIECES))):
        pieces.append(draw(_pieces(number, pieces)))
    consumers = [
        draw(_consumers(number if number < len(pieces) else draw(st.integers(0, len(pieces) - 1))))
        for number in range(draw(st.integers(len(pieces), _CONSUMERS)))
    ]
    return Program(tuple(pieces), tuple(consumers))


@st.composite
def _pieces(draw: st.DrawFn, number: int, earlier: Sequence[Piece]) -> Piece:
    kind = draw(st.sampled_from(sorted(KINDS)))
    target = draw(st.integers(-1, number - 1))
    lowest = earlier[target].module if target >= 0 else 0
    module = draw(st.integers(lowest, _MODULES - 1))
    there = draw(st.integers(0, 9)) < 9
    variant = draw(st.integers(0, _VARIANTS)) if there else -1
    return Piece(kind, module, variant, target, draw(st.integers(0, _EXPRESSIONS)), draw(st.sampled_from(list(WAYS))))


@st.composite
def _consumers(draw: st.DrawFn, piece: int) -> Consumer:
    use = draw(st.sampled_from(list(USES)))
    way = draw(st.sampled_from([*WAYS, *HUB_WAYS]))
    return Consumer(use, piece, draw(st.integers(0, _EXPRESSIONS)), way)


@st.composite
def histories(draw: st.DrawFn) -> list[Program]:
    """A project, and what each of two to five edits makes of it: another edit on top, or an earlier state again."""
    states = [draw(programs())]
    for _ in range(draw(st.integers(2, _EDITS))):
        if len(states) > 1 and draw(st.integers(0, 4)) == 4:
            states.append(draw(st.sampled_from(states[:-1])))
        else:
            states.append(draw(_edited(states[-1])))
    return states


@st.composite
def _edited(draw: st.DrawFn, program: Program) -> Program:
    """One edit: mostly another variant of a piece, that it comes or goes among them."""
    number = draw(st.integers(0, len(program.pieces) - 1))
    edit = draw(st.sampled_from([*[_another_variant] * 6, _moved, _remarked, _aimed, _looked]))
    return draw(edit(program, number))


@st.composite
def _another_variant(draw: st.DrawFn, program: Program, number: int) -> Program:
    variant = draw(st.integers(0, _VARIANTS)) if draw(st.integers(0, 7)) < 7 else -1
    return _with_piece(program, number, lambda piece: replace(piece, variant=variant))


@st.composite
def _moved(draw: st.DrawFn, program: Program, number: int) -> Program:
    rank = draw(st.integers(-1, 1))
    return _with_piece(program, number, lambda piece: replace(piece, rank=rank))


@st.composite
def _remarked(draw: st.DrawFn, program: Program, number: int) -> Program:
    remarks = draw(st.integers(0, 2))
    return _with_piece(program, number, lambda piece: replace(piece, remarks=remarks))


@st.composite
def _aimed(draw: st.DrawFn, program: Program, number: int) -> Program:
    """Another expression, or another way, for what fills its hole."""
    seen, way = draw(st.integers(0, _EXPRESSIONS)), draw(st.sampled_from(list(WAYS)))
    return _with_piece(program, number, lambda piece: replace(piece, seen=seen, way=way))


@st.composite
def _looked(draw: st.DrawFn, program: Program, number: int) -> Program:
    """A test that looks in another way."""
    consumers = list(program.consumers)
    consumers[number] = draw(_consumers(consumers[number].piece))
    return replace(program, consumers=tuple(consumers))


def _with_piece(program: Program, number: int, change: Callable[[Piece], Piece]) -> Program:
    pieces = list(program.pieces)
    pieces[number] = change(pieces[number])
    return replace(program, pieces=tuple(pieces))
