"""Input sets in the database: each stored once, by content."""

from __future__ import annotations

import sqlite3
import sys
from array import array

from aftershock.selection.facts import InputSet
from aftershock.selection.keys import Key
from aftershock.store.rows import MalformedError, bindable, checked, key_from

REMEMBERED = 1024
"""Sets whose ids are kept in memory; each save makes new ones, and most go with the facts that they were for."""


class InputSets:
    """The ids of inputs and of sets of them, kept in memory as long as no other process writes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._inputs: dict[tuple[Key, str], int] = {}
        self._sets: dict[InputSet, int] = {}
        self._version = -1

    def begin(self) -> None:
        """To be called as a transaction begins: forgets ids if others wrote meanwhile, or if there are too many."""
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        if version != self._version or len(self._sets) > REMEMBERED:
            self.forget_ids()
            self._version = version

    def forget_ids(self) -> None:
        """Trust no id: their transaction was undone, or another process may have deleted some."""
        self._inputs.clear()
        self._sets.clear()

    def id_of(self, inputs: InputSet) -> int:
        """The id of a set, stored if it is new.  Within a transaction only."""
        known = self._sets.get(inputs)
        if known is None:
            members = _packed(sorted({self._input(pair) for pair in inputs}))
            query = "SELECT id FROM input_set WHERE members = ?"
            row = self._connection.execute(query, (members,)).fetchone()
            known = row[0] if row else self._insert("INSERT INTO input_set (members) VALUES (?)", (members,))
            self._sets[inputs] = known
        return known

    def _input(self, pair: tuple[Key, str]) -> int:
        known = self._inputs.get(pair)
        if known is None:
            key, digest = pair
            values = (key.kind.value, bindable(key.path), bindable(key.name), digest)
            query = "SELECT id FROM input WHERE kind = ? AND path = ? AND name = ? AND digest = ?"
            row = self._connection.execute(query, values).fetchone()
            insert = "INSERT INTO input (kind, path, name, digest) VALUES (?, ?, ?, ?)"
            known = self._inputs[pair] = row[0] if row else self._insert(insert, values)
        return known

    def _insert(self, statement: str, values: tuple[object, ...]) -> int:
        return checked(self._connection.execute(statement, values).lastrowid, int)

    def read(self) -> dict[int, InputSet]:
        """All sets by id.  Raises MalformedError."""
        query = "SELECT id, kind, path, name, digest FROM input"
        inputs = {
            checked(id_, int): (key_from(kind, path, name), checked(digest, str))
            for id_, kind, path, name, digest in self._connection.execute(query)
        }
        found: dict[int, InputSet] = {}
        for id_, members in self._connection.execute("SELECT id, members FROM input_set"):
            try:
                found[id_] = frozenset(inputs[each] for each in _unpacked(checked(members, bytes)))
            except (KeyError, ValueError) as error:
                raise MalformedError(f"input set {id_} is broken") from error
        return found

    def sweep(self) -> None:
        """Drop what no fact uses any more.  Within a transaction only."""
        self.forget_ids()
        self._connection.execute("DELETE FROM input_set WHERE id NOT IN (SELECT input_set FROM fact_input_set)")
        members = self._connection.execute("SELECT members FROM input_set").fetchall()
        used = {each for (packed,) in members for each in _unpacked(checked(packed, bytes))}
        unused = [row for row in self._connection.execute("SELECT id FROM input") if row[0] not in used]
        self._connection.executemany("DELETE FROM input WHERE id = ?", unused)


def _packed(ids: list[int]) -> bytes:
    packed = array("I", ids)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def _unpacked(members: bytes) -> array[int]:
    """The ids in a blob.  Raises ValueError for one of no whole number of them."""
    ids = array("I", members)
    if sys.byteorder == "big":
        ids.byteswap()
    return ids
