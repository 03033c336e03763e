"""What is made of a source's pieces is remembered for its last text alone: a day of edits takes no more memory."""

from __future__ import annotations

from aftershock.selection.compiling import MadeOfPieces, PieceText, piece_code


def _source(value: int) -> bytes:
    return f"X = 1\n\ndef one():\n    return {value}\n\ndef two():\n    return 2\n".encode()


def _make(made: list[str]) -> MadeOfPieces[str]:
    def make(piece: PieceText) -> str:
        piece_code(piece)
        made.append(piece.text)
        return piece.text

    return MadeOfPieces(make)


def test_after_an_edit_one_piece_is_made_and_after_its_undo_that_one_again() -> None:
    made: list[str] = []
    pieces = _make(made)
    pieces.of(_source(1), "a.py", repr)
    for value in (2, 1):
        made.clear()
        told = pieces.of(_source(value), "a.py", repr)
        assert [text for text in made if "return" in text] == made
        assert len(made) == 1
        assert told == _make([]).of(_source(value), "a.py", repr)


def test_a_syntax_error_in_between_costs_nothing() -> None:
    made: list[str] = []
    pieces = _make(made)
    pieces.of(_source(1), "a.py", repr)
    pieces.of(b"def one(:\n", "a.py", repr)
    made.clear()
    pieces.of(_source(1), "a.py", repr)
    assert made == []


def test_files_that_nobody_is_at_work_on_are_forgotten() -> None:
    made: list[str] = []
    pieces = _make(made)
    pieces.of(_source(1), "a.py", repr)
    for number in range(100):
        pieces.of(_source(number), f"m{number}.py", repr)
    made.clear()
    pieces.of(_source(1), "a.py", repr)
    assert len(made) == 3
