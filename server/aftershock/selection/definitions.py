"""What the modules' names are bound to, known without importing anything where an earlier import tells.

An import is a fact too: this file, with these inputs, bound these values.  Its inputs are its own definitions, the
bodies of the functions that ran in it, and of each file that it had imported what that one's names were bound to, as
far as the code that ran mentions them.  While they are as they were, another import would come to the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from aftershock.selection.computed_names import ByString, by_string
from aftershock.selection.concern import Concern, seen_by_import
from aftershock.selection.concern_search import concern_of
from aftershock.selection.facts import InputSet
from aftershock.selection.keys import Key, KeyKind
from aftershock.selection.name_index import NameIndex
from aftershock.selection.relations import Delta, Relations, Table, Told, delta_of, table_digest, told_by
from aftershock.selection.snapshot import Snapshot
from aftershock_agent.tables import OPAQUE, UNBOUND

KEPT_IMPORTS = 8
"""Imports remembered of each file, as facts are of each test."""


@dataclass(frozen=True)
class ImportFact:
    """An import of ``path`` that bound the values of ``table`` (a digest).

    ``variant``: as a test fact's.  ``inputs``: keys with their digests; ``ran``: the functions that ran, with the
    file's own definitions; ``tables``: what the files imported before bound, by path.
    """

    path: str
    variant: str
    inputs: InputSet
    ran: frozenset[Key]
    tables: Mapping[str, str]
    table: str

    @cached_property
    def paths(self) -> frozenset[str]:
        """All files that it depends on."""
        return frozenset({self.path, *self.tables, *(key.path for key, _ in self.inputs)})

    @cached_property
    def seen(self) -> frozenset[Key]:
        """What it has seen of code, as concerns tell of that."""
        return seen_by_import(self.ran, self.paths)


_OLD_PYTHON = re.compile(r"\D*3\.(?:\d|1[01])\b")
"""Begins the variant of facts that were recorded by lines."""


class Definitions:
    """The imports known of each file, and which of them speak for the present."""

    def __init__(self) -> None:
        """Nothing is known."""
        self.variant = ""
        self._facts: dict[str, list[ImportFact]] = {}
        self._failed: dict[str, ImportFact] = {}
        self._spoke: dict[str, ImportFact] = {}
        self._tables: dict[str, Table] = {}
        self._deltas: dict[tuple[str, str], Delta] = {}
        self._opaque: dict[str, bool] = {}
        self._told: dict[str, Told] = {}
        self._ran: frozenset[Key] | None = None
        self._by_string: ByString | None = None
        self._index = NameIndex()
        self._related: tuple[object, Relations] | None = None
        self._snapshot: Snapshot | None = None
        self._present: dict[str, str] = {}
        self._rests_on: dict[str, frozenset[str]] = {}
        self._asked: set[str] = set()
        self._concerns: dict[tuple[str, Delta], Concern] = {}

    def add(self, fact: ImportFact, table: Table) -> None:
        """Take in an import; when there are too many of its file, that gives way which hasn't spoken for longest."""
        self._tables[fact.table] = table
        spoke = self._spoke.get(fact.path)
        kept = sorted((old for old in self._facts.get(fact.path, ()) if old != fact), key=lambda each: each is spoke)
        self._facts[fact.path] = [*kept, fact][-KEPT_IMPORTS:]
        self._failed.pop(fact.path, None)
        self._ran = self._by_string = None

    def forget(self) -> None:
        """Drop all that is known."""
        self.__dict__.update(vars(Definitions()), variant=self.variant)

    def table(self, digest: str) -> Table | None:
        """The table with this digest, if it is known."""
        return self._tables.get(digest)

    def note_present(self, path: str, table: str, snapshot: Snapshot) -> None:
        """On ``snapshot`` the file's names are bound to this: whatever depends on it may hold again."""
        self._follow(snapshot)
        self._present[path] = table
        self._asked = set(self._present)

    def note_imported(self, fact: ImportFact, table: Table, snapshot: Snapshot) -> None:
        """An import on ``snapshot`` has come to this."""
        self.add(fact, table)
        self._note_fact(fact, snapshot)

    def note_failed(self, fact: ImportFact, table: Table, snapshot: Snapshot) -> None:
        """An import on ``snapshot`` has failed: another one will, until an input of it changes."""
        self._tables[fact.table] = table
        self._failed[fact.path] = fact
        self._note_fact(fact, snapshot)

    def _note_fact(self, fact: ImportFact, snapshot: Snapshot) -> None:
        self.note_present(fact.path, fact.table, snapshot)
        self._rests_on[fact.path] = fact.paths

    def note_not_begun(self, path: str, snapshot: Snapshot) -> None:
        """On ``snapshot`` nobody begins to import the file."""
        table = {UNBOUND: "not begun"}
        digest = table_digest(table)
        self._tables[digest] = table
        self.note_present(path, digest, snapshot)

    def is_bound(self, table: str | None) -> bool:
        """Whether this is the digest of what an import has bound."""
        return table is not None and UNBOUND not in self._tables.get(table, {})

    def of(self, path: str, snapshot: Snapshot) -> str | None:
        """The digest of what an import of the file would bind on ``snapshot``; None where only an import can tell."""
        self._follow(snapshot)
        if path in self._asked:
            return self._present.get(path)
        self._asked.add(path)  # a circle of imports is not to be told from outside
        failed = self._failed.get(path)
        for fact in (*([failed] if failed else []), *reversed(self._facts.get(path, ()))):
            if self._holds(fact, snapshot):
                self._present[path], self._rests_on[path] = fact.table, fact.paths
                self._spoke[path] = fact
                return fact.table
        return None

    def present(self, snapshot: Snapshot) -> Mapping[str, str]:
        """Of all files for which it is known."""
        found = {path: digest for path in snapshot.symbols if (digest := self.of(path, snapshot)) is not None}
        self._concerns = {}  # those asked for until now didn't know yet how all classes hang together
        return found

    def changed(self, before: str, now: str) -> Delta | None:
        """The names that two tables (digests) tell apart; None where one of them isn't known."""
        if (before, now) not in self._deltas:
            old, new = self._tables.get(before), self._tables.get(now)
            if old is None or new is None:
                return None
            self._deltas[before, now] = delta_of(old, new)
        return self._deltas[before, now]

    def concern(self, path: str, before: str, now: str, snapshot: Snapshot) -> Concern | None:
        """Whom it concerns that the names of ``path`` were bound to one thing and are to another; None: unknown."""
        delta = self.changed(before, now)
        if delta is None:
            return None
        self._follow(snapshot)
        known = self._concerns.get((path, delta))
        if known is None:
            relations = self._relations(path, before)
            calm = self._calm(path, before, now, relations) if delta.plain else frozenset()
            ran = self._ran_in_imports()
            self._index.follow(snapshot)
            known = self._concerns[path, delta] = concern_of(
                path, delta, relations, snapshot, self._index, calm, ran, self._asking_by_string
            )
        return known

    def _asking_by_string(self) -> ByString:
        """The code that makes names of strings: the same for all that differs."""
        if self._by_string is None:
            self._by_string = by_string(self._index, self._ran_in_imports())
        return self._by_string

    def _calm(self, path: str, before: str, now: str, relations: Relations) -> frozenset[tuple[Key, str]]:
        """Code that ran in imports before and after plain functions came or went, which bound the same both times.

        Each with a class that it had at hand then, as far as can be told: one that the import defines.  Before Python
        3.12 runs are recorded by lines, and a function that is on one line with its body seems to have run.
        """
        if _OLD_PYTHON.match(self.variant):
            return frozenset()
        calm, moved = set[tuple[Key, str]](), set[Key]()
        for other, facts in self._facts.items():
            was = next((fact for fact in facts if fact.tables.get(path, fact.table) == before), None)
            is_now = next((fact for fact in facts if fact.tables.get(path, fact.table) == now), None)
            if was is None or is_now is None:
                continue
            both = was.ran & is_now.ran
            if other != path and was.table != is_now.table:
                moved |= both
                continue
            defined = relations.classes.get(other, ())
            calm |= {(key, cls) for key in both for cls in defined}
        return frozenset((key, cls) for key, cls in calm if key not in moved)

    def _relations(self, path: str, before: str) -> Relations:
        """The relations of all that is known now, and of ``path`` as it was."""
        known = dict(self._present)
        place = before, frozenset(known.items())
        if self._related is None or self._related[0] != place:
            relations = Relations()
            # Of a file that has to be imported anew, what its last import told is better than nothing.
            last = {each: facts[-1].table for each, facts in self._facts.items()}
            for each, digest in dict.fromkeys((*last.items(), *known.items(), (path, before))):
                relations.add(each, self._told_by(digest))
            self._related = place, relations
        return self._related[1]

    def _ran_in_imports(self) -> frozenset[Key]:
        if self._ran is None:
            self._ran = frozenset(key for facts in self._facts.values() for fact in facts for key in fact.ran)
        return self._ran

    def _told_by(self, digest: str) -> Told:
        if digest not in self._told:
            self._told[digest] = told_by(self._tables.get(digest, {}))
        return self._told[digest]

    def _holds(self, fact: ImportFact, snapshot: Snapshot) -> bool:
        if fact.variant != self.variant or any(snapshot.digest(key) != digest for key, digest in fact.inputs):
            return False
        for path, before in fact.tables.items():
            now = self.of(path, snapshot)
            if now is None or (now != before and self._is_opaque(fact.table)):
                return False
            if now != before:
                concern = self.concern(path, before, now, snapshot)
                if concern is None or concern.is_of(fact.seen):
                    return False
        return True

    def _is_opaque(self, table: str) -> bool:
        """Whether something in a table couldn't be looked into."""
        if table not in self._opaque:
            self._opaque[table] = any(OPAQUE in digest[:2] for digest in self._tables.get(table, {}).values())
        return self._opaque[table]

    def _follow(self, snapshot: Snapshot) -> None:
        """Begin anew on another snapshot, but for files that rest on nothing that differs."""
        last = self._snapshot
        if last is snapshot:
            return
        self._snapshot = snapshot
        self._concerns, self._by_string = {}, None
        left = self._rests_on if last is not None and last.is_in_same_world(snapshot) else {}
        moved = {path for path, symbols in snapshot.symbols.items() if last and last.symbols.get(path) is not symbols}
        while moved:  # what rests on a file that is asked again may be told something else
            still = {path: paths for path, paths in left.items() if path not in moved and paths.isdisjoint(moved)}
            moved, left = left.keys() - still.keys(), still
        self._rests_on = dict(left)
        self._present = {path: self._present[path] for path in left}
        self._asked = set(self._present)


def import_inputs(path: str, ran: Iterable[Key], extra: Iterable[Key], snapshot: Snapshot) -> InputSet:
    """The inputs of an import but for other files' values: its definitions, what ran, and ``extra`` keys."""
    keys = {Key(KeyKind.IMPORT, path), Key(KeyKind.CONFIG), Key(KeyKind.DIST), *extra}
    bodies = {key for key in ran if key.name}
    return frozenset((key, snapshot.digest(key)) for key in keys | bodies)
