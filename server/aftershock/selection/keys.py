"""Keys: what a test can depend on."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class KeyKind(str, Enum):
    """The kinds of key; the values are what the database and ``--json`` hold."""

    BODY = "body"
    DEF = "def"
    IMPORT = "import"
    COLLECT = "collect"
    ABSENT = "absent"
    FILE = "file"
    DIR = "dir"
    ENV = "env"
    DIST = "dist"
    CONFIG = "config"
    WORLD = "world"
    PROJECT = "project"

    # Enum's own is a Python call, and indices hash keys by the 100,000.
    __hash__ = str.__hash__


TEXT = "text"


class Key(NamedTuple):
    """One thing that a test can depend on.

    ``path`` is relative to the project root, with forward slashes.  ``name`` is a qualified name for ``BODY``, a
    dotted module name for ``ABSENT``.  ``DEF`` is what a file's names were bound to when it had been imported,
    ``IMPORT`` the text of its definitions.  ``PROJECT`` stands
    for all of the project's Python sources: what a test depends on when recording couldn't see.  ``FILE`` with the
    name ``TEXT`` counts comments and lines too.
    """

    kind: KeyKind
    path: str = ""
    name: str = ""

    def __str__(self) -> str:
        subject = f"{self.path}::{self.name}" if self.path and self.name else self.path or self.name
        return f"{self.kind.value} {subject}".rstrip()
