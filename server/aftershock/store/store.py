"""The store: what the engine remembers between two starts."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from aftershock.selection.definitions import KEPT_IMPORTS, ImportFact
from aftershock.selection.facts import Fact, InputSet
from aftershock.selection.history import KEPT_FACTS
from aftershock.selection.relations import Table
from aftershock.selection.symbols import ALGORITHM
from aftershock.store import database, rows
from aftershock.store.input_sets import InputSets
from aftershock.store.rows import CachedFile, KnownTest, MalformedError, ParsedFile, TextFile
from aftershock_agent.messages import CollectedTest

log = logging.getLogger(__name__)

T = TypeVar("T")
KEPT_TEXTS = 4
"""Former texts kept of each file."""
_SLACK = 1000  # unused input sets that are not worth a sweep


class Store:
    """One project's database.

    Each method that writes is one transaction, durable against the death of this process.  No method fails
    for what is wrong with the file: a damaged one is set aside and begun anew, one that can't be written
    costs its memory; ``notify`` is told, one sentence each time.  Any thread may call.
    """

    def __init__(self, path: Path, notify: Callable[[str], None] = log.warning) -> None:
        """Opens the database; see :meth:`open` for the way that returns what went wrong."""
        self._path = path
        self._lock = threading.RLock()
        self.notify = notify
        self._told: set[str] = set()
        self._connection = self._connect()
        self._sets = InputSets(self._connection)

    @classmethod
    def open(cls, path: Path) -> tuple[Store, str | None]:
        """The store at ``path``, and a notice for the user when what was there could not be used."""
        notices: list[str] = []
        store = cls(path, notices.append)
        store.notify = log.warning
        return store, " ".join(notices) or None

    def close(self) -> None:
        """Close the file; the store can't be used any more."""
        with self._lock:
            self._connection.close()

    # --- facts -----------------------------------------------------------------------------------

    def facts(self) -> Iterator[Fact]:
        """All facts; of each test, those that haven't spoken for longest come first."""
        return iter(self._do(self._read_facts, list))

    def record(self, fact: Fact, spoke: Fact | None = None) -> None:
        """Commit a fact; it replaces one of the same test, variant and inputs, or that which spoke longest ago.

        ``spoke`` is the fact that spoke for the test until then.
        """
        self.record_all([(fact, spoke)])

    def record_all(self, facts: Iterable[tuple[Fact, Fact | None]]) -> None:
        """Commit several facts at once, each with the one that spoke until then."""

        def work(connection: sqlite3.Connection) -> None:
            for fact, spoke in facts:
                self._insert(connection, fact, spoke)

        self._write(work)

    def extend(self, test: str, inputs: InputSet) -> None:
        """Add an input set to the test's latest fact; does nothing for a test without one."""
        latest = "SELECT id FROM fact WHERE test = ? ORDER BY recorded_at DESC, id DESC LIMIT 1"

        def work(connection: sqlite3.Connection) -> None:
            row = connection.execute(latest, (rows.bindable(test),)).fetchone()
            if row is not None:
                count = len(self._ids(connection, row[0]))
                link = "INSERT OR IGNORE INTO fact_input_set VALUES (?, ?, ?)"
                connection.execute(link, (row[0], self._sets.id_of(inputs), count))

        self._write(work)

    def forget_facts(self) -> None:
        """Drop all facts and their inputs."""

        def work(connection: sqlite3.Connection) -> None:
            for table in ("fact_input_set", "fact", "input_set", "input", "import", "module_values"):
                connection.execute(f"DELETE FROM {table}")
            self._sets = InputSets(connection)

        self._write(work)

    def sweep(self) -> None:
        """Drop input sets that no fact uses any more; for idle time."""

        def work(connection: sqlite3.Connection) -> None:
            self._sets.sweep()
            used = "SELECT digest FROM input WHERE kind = 'def' UNION SELECT \"values\" FROM import"
            connection.execute(f"DELETE FROM module_values WHERE digest NOT IN ({used})")

        self._write(work)

    def _read_facts(self, connection: sqlite3.Connection) -> list[Fact]:
        connection.execute("BEGIN")  # so that another process's fact isn't seen without its inputs
        try:
            sets = self._sets.read()
            links = connection.execute("SELECT fact, input_set FROM fact_input_set ORDER BY position").fetchall()
            columns = "test, outcome, durations, failure, reason, recorded_at, variant, exact, id"
            found = connection.execute(f"SELECT {columns} FROM fact ORDER BY spoke_at, id").fetchall()
        finally:
            connection.execute("ROLLBACK")
        used: dict[int, list[InputSet]] = {}
        for fact, input_set in links:
            if input_set not in sets:
                raise MalformedError(f"no input set {input_set}")
            used.setdefault(fact, []).append(sets[input_set])
        if len(sets) > 2 * len({input_set for _, input_set in links}) + _SLACK:
            self.sweep()
        return [_fact(row, tuple(used.get(row[-1], ()))) for row in found]

    def _insert(self, connection: sqlite3.Connection, fact: Fact, spoke: Fact | None) -> None:
        ids = list(dict.fromkeys(self._sets.id_of(inputs) for inputs in fact.inputs))
        verdict, now = rows.verdict_row(fact.verdict), fact.verdict.recorded_at
        if spoke is not None:
            statement = "UPDATE fact SET spoke_at = ? WHERE test = ? AND recorded_at = ?"
            connection.execute(statement, (now, verdict[0], spoke.verdict.recorded_at))
        statement = (
            "INSERT INTO fact (test, outcome, durations, failure, reason, recorded_at, variant, exact, spoke_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        )
        new = connection.execute(statement, (*verdict, fact.variant, int(fact.exact), now)).lastrowid
        links = [(new, each, position) for position, each in enumerate(ids)]
        connection.executemany("INSERT INTO fact_input_set VALUES (?, ?, ?)", links)
        older = connection.execute(
            "SELECT id, variant FROM fact WHERE test = ? AND id <> ? ORDER BY spoke_at DESC, id DESC",
            (verdict[0], new),
        ).fetchall()
        same = [old for old, variant in older if variant == fact.variant and self._ids(connection, old) == set(ids)]
        surplus = [old for old, _ in older if old not in same][KEPT_FACTS - 1 :]
        connection.executemany("DELETE FROM fact WHERE id = ?", [(old,) for old in (*same, *surplus)])

    def _ids(self, connection: sqlite3.Connection, fact: int) -> set[int]:
        found = connection.execute("SELECT input_set FROM fact_input_set WHERE fact = ?", (fact,))
        return {row[0] for row in found}

    # --- files -----------------------------------------------------------------------------------

    def cached_files(self) -> tuple[CachedFile, ...]:
        """What is remembered of parsed files; nothing of those that another Python's server parsed."""
        query = "SELECT path, mtime_ns, size, digest, symbols, imports, details FROM file WHERE algorithm = ?"

        def work(connection: sqlite3.Connection) -> tuple[CachedFile, ...]:
            return tuple(rows.file_from(row) for row in connection.execute(query, (ALGORITHM,)))

        return self._do(work, tuple)

    def cache_file(self, file: ParsedFile) -> None:
        """Remember a parsed file."""
        self.cache_files([file])

    def cache_files(self, files: Iterable[ParsedFile]) -> None:
        """Remember parsed files."""
        new = [
            (
                *(rows.bindable(file.path), file.mtime_ns, file.size, file.digest, ALGORITHM),
                *(rows.symbols_text(file.symbols), rows.imports_text(file.imports)),
                rows.details_text(file.details),
            )
            for file in files
        ]
        statement = "INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        if new:
            self._write(lambda connection: connection.executemany(statement, new))

    def drop_file(self, path: str) -> None:
        """Forget a file."""
        self._write(lambda connection: connection.execute("DELETE FROM file WHERE path = ?", (rows.bindable(path),)))

    def text_at(self, path: str, time: float) -> bytes | None:
        """What a file said when tests ran last before some time; None where that isn't remembered."""
        query = "SELECT text FROM former_text WHERE path = ? AND since <= ? ORDER BY since DESC, id DESC LIMIT 1"

        def work(connection: sqlite3.Connection) -> bytes | None:
            row = connection.execute(query, (rows.bindable(path), time)).fetchone()
            return None if row is None else rows.unpacked(row[0])

        return self._do(work, lambda: None)

    def latest_texts(self) -> dict[str, str]:
        """The digests of the latest texts that are remembered, by path."""
        query = "SELECT path, digest FROM former_text ORDER BY id"

        def work(connection: sqlite3.Connection) -> dict[str, str]:
            return {rows.checked(path, str): rows.checked(digest, str) for path, digest in connection.execute(query)}

        return self._do(work, dict)

    def keep_texts(self, files: Iterable[TextFile], since: float) -> None:
        """Remember what files say since some time, and forget the oldest texts of each."""
        packed = ((rows.bindable(file.path), file.digest, since, rows.packed(file)) for file in files)
        new = [row for row in packed if row[-1]]
        surplus = "SELECT id FROM former_text WHERE path = ? ORDER BY id DESC LIMIT -1 OFFSET ?"

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany("INSERT INTO former_text (path, digest, since, text) VALUES (?, ?, ?, ?)", new)
            bounds = [(path, KEPT_TEXTS) for path, *_ in new]
            connection.executemany(f"DELETE FROM former_text WHERE id IN ({surplus})", bounds)

        if new:
            self._write(work)

    def drop_texts(self, paths: Iterable[str]) -> None:
        """Forget all that some files said."""
        gone = [(rows.bindable(path),) for path in paths]
        if gone:
            self._write(lambda connection: connection.executemany("DELETE FROM former_text WHERE path = ?", gone))

    # --- imports ---------------------------------------------------------------------------------

    def imports(self) -> tuple[tuple[ImportFact, Table], ...]:
        """The imports that are remembered, oldest first, each with what it bound."""

        def work(connection: sqlite3.Connection) -> tuple[tuple[ImportFact, Table], ...]:
            found = connection.execute("SELECT digest, names FROM module_values").fetchall()
            tables = {rows.checked(digest, str): rows.text_table(rows.loaded(names, dict)) for digest, names in found}
            query = 'SELECT path, variant, inputs, "values" FROM import ORDER BY id'
            facts = [rows.import_from(row) for row in connection.execute(query)]
            return tuple((fact, tables[fact.table]) for fact in facts if fact.table in tables)

        return self._do(work, tuple)

    def record_imports(self, imports: Iterable[tuple[ImportFact, Table]]) -> None:
        """Remember imports, and forget the oldest ones of their files."""
        new = list(imports)

        def work(connection: sqlite3.Connection) -> None:
            for fact, table in new:
                path = rows.bindable(fact.path)
                values = "INSERT OR IGNORE INTO module_values VALUES (?, ?)"
                connection.execute(values, (fact.table, rows.dumped(dict(table))))
                row = path, fact.variant, rows.import_text(fact), fact.table
                statement = 'INSERT INTO import (path, variant, inputs, "values") VALUES (?, ?, ?, ?)'
                connection.execute(statement, row)
                surplus = "SELECT id FROM import WHERE path = ? ORDER BY id DESC LIMIT -1 OFFSET ?"
                connection.execute(f"DELETE FROM import WHERE id IN ({surplus})", (path, KEPT_IMPORTS))

        if new:
            self._write(work)

    # --- tests -----------------------------------------------------------------------------------

    def tests(self) -> tuple[CollectedTest, ...]:
        """The tests as last collected, file by file, in order."""
        query = "SELECT id, path, line, chain, markers, digest FROM test ORDER BY path, position"

        def work(connection: sqlite3.Connection) -> tuple[CollectedTest, ...]:
            return tuple(rows.test_from(row) for row in connection.execute(query))

        return self._do(work, tuple)

    def replace_tests(self, path: str, tests: Iterable[KnownTest]) -> None:
        """Remember the tests of a file, in place of those remembered before."""
        new = [
            (
                *(rows.bindable(test.id), rows.bindable(test.path), test.line),
                *(rows.dumped(list(test.chain)), rows.dumped(list(test.markers)), test.digest, position),
            )
            for position, test in enumerate(tests)
        ]

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM test WHERE path = ?", (rows.bindable(path),))
            connection.executemany("INSERT OR REPLACE INTO test VALUES (?, ?, ?, ?, ?, ?, ?)", new)

        self._write(work)

    # --- meta ------------------------------------------------------------------------------------

    def get_meta(self, name: str) -> str | None:
        """A remembered value."""

        def work(connection: sqlite3.Connection) -> str | None:
            row = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
            return None if row is None else rows.checked(row[0], str)

        return self._do(work, lambda: None)

    def set_meta(self, name: str, value: str) -> None:
        """Remember a value."""
        values = (name, rows.bindable(value))
        self._write(lambda connection: connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", values))

    # --- the file --------------------------------------------------------------------------------

    def _do(self, work: Callable[[sqlite3.Connection], T], otherwise: Callable[[], T]) -> T:
        """Do some work; a second time on a new database if the file turns out to be damaged."""
        with self._lock:
            try:
                return work(self._connection)
            except (sqlite3.Error, MalformedError) as error:
                if not (isinstance(error, MalformedError) or database.is_damage(error)):
                    self._tell(f"The database of facts ({self._path.name}) can't be used at the moment: {error}.")
                    return otherwise()
                self._renew("damaged", str(error))
                return work(self._connection)

    def _write(self, work: Callable[[sqlite3.Connection], object]) -> None:
        """Do some work as one transaction."""

        def transaction(connection: sqlite3.Connection) -> None:
            connection.execute("BEGIN IMMEDIATE")
            try:
                self._sets.begin()
                work(connection)
                connection.execute("COMMIT")
            except BaseException:
                self._sets.forget_ids()
                with contextlib.suppress(sqlite3.Error):  # a failed COMMIT may have rolled back by itself
                    connection.execute("ROLLBACK")
                raise

        self._do(transaction, lambda: None)

    def _renew(self, reason: str, why: str) -> None:
        """Set the file aside and go on with a new one."""
        with contextlib.suppress(sqlite3.Error):  # closing writes the journal back, which a broken file refuses
            self._connection.close()
        self._aside(reason, why)
        self._connection = self._connect()
        self._sets = InputSets(self._connection)

    def _connect(self) -> sqlite3.Connection:
        for _ in range(3):
            try:
                database.prepare(self._path)
                return database.connect(self._path)
            except database.UnusableError as error:
                self._aside(error.reason, str(error))
            except (sqlite3.Error, OSError) as error:
                if not (isinstance(error, sqlite3.Error) and database.is_damage(error)):
                    return self._in_memory(error)
                self._aside("damaged", str(error))
        return self._in_memory("it could not be renewed")

    def _in_memory(self, why: object) -> sqlite3.Connection:
        self._tell(f"The database of facts ({self._path}) can't be opened: {why}. Facts last until the server stops.")
        return database.connect(None)

    def _aside(self, reason: str, why: str) -> None:
        try:
            kept = database.set_aside(self._path, reason)
        except OSError as error:
            self._tell(f"The database of facts could not be set aside: {error}.")
            return
        self._tell(f"The database of facts could not be used ({why}); it is now {kept.name}, and a new one is begun.")

    def _tell(self, message: str) -> None:
        """Notify, but of the same thing only once."""
        if message not in self._told:
            self._told.add(message)
            self.notify(message)


def _fact(row: tuple[object, ...], inputs: tuple[InputSet, ...]) -> Fact:
    if not inputs:
        raise MalformedError("a fact without inputs")
    variant, exact = rows.checked(row[6], str), rows.checked(row[7], int)
    return Fact(rows.verdict_from(row[:6]), variant, inputs, bool(exact))
