"""A seeded row of edits in one project: made, taken back in any order, stacked."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from benchmarks.editing.bodies import BODIES, TESTS, Kind
from benchmarks.editing.definitions import BREAKING, DEFINITIONS
from benchmarks.editing.source import Source, Splice

REVERT = "revert"
_MOST = 9
"""So many edits stand at once; another one takes an earlier one back, lest every test fail in the end."""
_CONTEXT = 60
"""Bytes around an edit that must still be there for it to be taken back."""

_FAMILIES: Sequence[tuple[Mapping[str, Kind], float]] = (
    (BODIES, 0.42),
    (DEFINITIONS, 0.42),
    (TESTS, 0.09),
    (BREAKING, 0.07),
)


@dataclass(frozen=True)
class Edit:
    """One change of one file, whose path is relative to the project's root."""

    kind: str
    path: str
    before: bytes
    after: bytes


@dataclass(frozen=True)
class _Standing:
    """An edit that can be taken back: what stood there, what stands there, and what is around it."""

    edit: Edit
    old: bytes
    new: bytes
    left: bytes
    right: bytes


class History:
    """Makes the edits of one project, one after another; whoever asks for one writes it to the disk."""

    def __init__(self, root: Path, sources: Sequence[str], tests: Sequence[str], seed: str) -> None:
        """``sources`` and ``tests`` are the files to edit, relative to ``root``; equal seeds make equal rows."""
        self._root = root
        self._sources = list(sources)
        self._tests = list(tests)
        self._chance = random.Random(seed)
        self._standing: list[_Standing] = []
        self._number = 0

    def next(self) -> Edit:
        """Another edit of the files as they are on disk, not yet written."""
        self._number += 1
        if self._standing and self._standing[-1].edit.kind in BREAKING:
            return self._reverted([self._standing[-1]])
        while True:
            edit = self._back() if self._chance.random() < self._pull() else self._forth()
            if edit is not None:
                return edit

    def drop(self, edit: Edit) -> None:
        """Forget an edit that was not written after all (a revert stays undone)."""
        self._standing = [each for each in self._standing if each.edit is not edit]

    def _pull(self) -> float:
        return 1.0 if len(self._standing) >= _MOST else 0.3 if self._standing else 0.0

    def _back(self) -> Edit | None:
        mostly_last = self._chance.sample(self._standing, len(self._standing))
        found = [each for each in mostly_last if self._place(each) is not None]
        if not found:
            self._standing.pop(0)  # overwritten by later ones: it stays
            return None
        return self._reverted(found)

    def _reverted(self, candidates: Sequence[_Standing]) -> Edit:
        standing = candidates[0]
        self._standing.remove(standing)
        text = self._read(standing.edit.path)
        place = self._place(standing)
        assert place is not None
        after = Splice(place, place + len(standing.new), standing.old).applied(text)
        if standing.edit.kind not in BREAKING and _error(after) is not None:
            after = text  # nothing to be done but an empty save
        return Edit(REVERT, standing.edit.path, text, after)

    def _place(self, standing: _Standing) -> int | None:
        text = self._read(standing.edit.path)
        wanted = standing.left + standing.new + standing.right
        return text.index(wanted) + len(standing.left) if text.count(wanted) == 1 else None

    def _forth(self) -> Edit | None:
        kinds, name = self._kind()
        wants_tests = kinds is TESTS or (kinds is DEFINITIONS and name.startswith("test "))
        paths = self._tests if wants_tests or self._chance.random() < 0.2 else self._sources
        path = self._chance.choice(paths)
        text = self._read(path)
        splice = self._splice(kinds[name], path, text)
        if splice is None:
            return None
        after = splice.applied(text)
        if after == text or (_error(after) is None) is (name == "syntax error"):
            return None
        edit = Edit(name, path, text, after)
        left, right = text[max(splice.start - _CONTEXT, 0) : splice.start], text[splice.end :][:_CONTEXT]
        self._standing.append(_Standing(edit, text[splice.start : splice.end], splice.new, left, right))
        return edit

    def _kind(self) -> tuple[Mapping[str, Kind], str]:
        weights = [weight for _, weight in _FAMILIES]
        kinds = self._chance.choices([family for family, _ in _FAMILIES], weights)[0]
        return kinds, self._chance.choice(list(kinds))

    def _splice(self, kind: Kind, path: str, text: bytes) -> Splice | None:
        if _error(text) is not None:
            return None
        return kind(Source(text, is_test=path in self._tests), self._chance, self._number)

    def _read(self, path: str) -> bytes:
        return (self._root / path).read_bytes()


def _error(text: bytes) -> str | None:
    """Why a text can't be compiled, if it can't."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "edited", "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        return str(error)
    return None


KINDS: Mapping[str, Callable[..., object]] = MappingProxyType({**BODIES, **TESTS, **DEFINITIONS, **BREAKING})
"""Every kind by name, reverts left out."""
