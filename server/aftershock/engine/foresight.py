"""What a save would affect, told from text that isn't saved yet: nothing is run or imported for it."""

from __future__ import annotations

from dataclasses import dataclass

from aftershock.engine.sources import changed_bodies
from aftershock.selection.affected import FactIndex
from aftershock.selection.snapshot import Snapshot
from aftershock.selection.symbols import parse_symbols


@dataclass(frozen=True)
class Foreseen:
    """The tests that a save would affect; ``at_most``: some of them may turn out unaffected when it is imported."""

    tests: frozenset[str] = frozenset()
    at_most: bool = False


def foresee(path: str, text: bytes, snapshot: Snapshot, index: FactIndex) -> Foreseen | None:
    """What saving ``text`` under a relative path would affect; None where that can't be told.

    That is so of what can't be parsed, and of a file that nobody knows.
    """
    saved, typed = snapshot.symbols.get(path), parse_symbols(text, path)
    if saved is None or saved.error is not None or typed.error is not None:
        return None
    if typed.definition != saved.definition:
        return Foreseen(frozenset(index.depending(path)), at_most=True)
    reached = index.reached(path)
    return Foreseen(frozenset().union(*(reached.get(name, ()) for name in changed_bodies(saved, typed))))
