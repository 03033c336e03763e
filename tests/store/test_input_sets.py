"""Sets of inputs in the database: stored once, found again, and not kept in memory for ever."""

from __future__ import annotations

import sqlite3
import weakref
from pathlib import Path

import pytest

from aftershock.selection.facts import InputSet
from aftershock.selection.keys import Key, KeyKind
from aftershock.store import Store, input_sets
from aftershock.store.input_sets import InputSets


def _inputs(number: int) -> InputSet:
    return frozenset({(Key(KeyKind.BODY, "shop.py", "price"), f"digest {number}")})


def test_sets_are_forgotten_when_they_are_many_and_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(input_sets, "REMEMBERED", 3)
    store, _ = Store.open(tmp_path / "facts.db")
    store.close()
    connection = sqlite3.connect(tmp_path / "facts.db")
    try:
        sets = InputSets(connection)
        sets.begin()
        first = _inputs(0)
        known = sets.id_of(first)
        kept = weakref.ref(first)
        del first
        others = [sets.id_of(_inputs(number)) for number in range(1, 5)]
        assert len({known, *others}) == 5
        sets.begin()
        assert kept() is None
        assert sets.id_of(_inputs(0)) == known
    finally:
        connection.close()
