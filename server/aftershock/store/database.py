"""Opening the database file: made anew when it isn't there, set aside when it can't be used."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from functools import cache
from pathlib import Path

VERSION = 10
BUSY_SECONDS = 10.0
"""How long a writer waits for another process (an editor and a terminal may share a project)."""

_DAMAGE_CODES = frozenset({11, 24, 26})  # SQLITE_CORRUPT, SQLITE_FORMAT, SQLITE_NOTADB
_DAMAGE_TEXTS = ("malformed", "not a database", "no such", "could not decode", "encrypted")


class UnusableError(Exception):
    """The file is no database of this program; ``reason`` is one word for its new name."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an error means that the file is broken, rather than busy, full or read-only."""
    code = getattr(error, "sqlite_errorcode", None)  # from Python 3.11 on
    text = str(error).lower()
    return (code is not None and code & 0xFF in _DAMAGE_CODES) or any(t in text for t in _DAMAGE_TEXTS)


def prepare(path: Path) -> None:
    """Make the folder, which git ignores and others can't read, and an empty file.  Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    ignore = path.parent / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    # SQLite gives its journal files the permissions of the database.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def connect(target: Path | None) -> sqlite3.Connection:
    """Open a database, in memory when there is no path, with the schema of this version.

    Raises UnusableError for a file that is something else, sqlite3.Error when it can't be opened now.
    """
    # One connection serves all of the store's threads, under its lock.
    connection = sqlite3.connect(
        target or ":memory:", timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        _configure(connection)
        _ensure_schema(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _configure(connection: sqlite3.Connection) -> None:
    for pragma in ("trusted_schema = OFF", "foreign_keys = ON", "synchronous = NORMAL"):
        connection.execute(f"PRAGMA {pragma}")
    with contextlib.suppress(sqlite3.OperationalError):
        # Changing the mode doesn't wait for another process that is doing the same; one succeeds.
        connection.execute("PRAGMA journal_mode = WAL")


def _ensure_schema(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        found = _objects(connection)
        if not found and version == 0:
            for statement in _statements():
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION:d}")
        elif version != VERSION:
            raise UnusableError(f"version-{version}", f"it is of version {version}, not {VERSION}")
        elif found != _expected():
            raise UnusableError("damaged", "its tables are not those of this version")
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):  # a broken file can't be rolled back either
            connection.execute("ROLLBACK")
        raise


@cache
def _statements() -> tuple[str, ...]:
    text = Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")
    plain = "\n".join(line.partition("--")[0] for line in text.splitlines())
    return tuple(statement.strip() for statement in plain.split(";") if statement.strip())


def _objects(connection: sqlite3.Connection) -> frozenset[tuple[str, ...]]:
    """All tables, indices, views and triggers: a file with others could make a query do anything."""
    rows = connection.execute("SELECT type, name, coalesce(sql, '') FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")
    return frozenset(rows.fetchall())


@cache
def _expected() -> frozenset[tuple[str, ...]]:
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        for statement in _statements():
            connection.execute(statement)
        return _objects(connection)


def set_aside(path: Path, reason: str) -> Path:
    """Rename a database and its journals to ``<name>.<reason>-<n>``; returns that path.  Raises OSError."""
    number = 1
    while (target := path.with_name(f"{path.name}.{reason}-{number}")).exists():
        number += 1
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):  # another process may have done the same
            path.with_name(path.name + suffix).rename(target.with_name(target.name + suffix))
    return target
