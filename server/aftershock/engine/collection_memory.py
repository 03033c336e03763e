"""Remembers what the last whole collection depended on, so that a cold start knows whether the list of tests holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping

from aftershock.selection.snapshot import Snapshot
from aftershock.selection.symbols import symbol_of
from aftershock.store import Store


class CollectionMemory:
    """A digest of all definitions and of the function bodies that ran while pytest collected."""

    def __init__(self, store: Store) -> None:
        """Kept in ``store``."""
        self._store = store

    def remember(self, import_executed: Mapping[str, Collection[str]], snapshot: Snapshot) -> None:
        """A whole collection ended; ``import_executed`` has what ran meanwhile, by file."""
        ran = {path: sorted(names) for path, names in import_executed.items()}
        self._store.set_meta("collection ran", json.dumps(ran))
        self._store.set_meta("collection", self._digest(snapshot))

    def holds(self, snapshot: Snapshot) -> bool:
        """Whether a collection now would find the same tests."""
        return self._digest(snapshot) == self._store.get_meta("collection")

    def _digest(self, snapshot: Snapshot) -> str:
        ran: dict[str, list[str]] = json.loads(self._store.get_meta("collection ran") or "{}")
        parts = [snapshot.config]
        parts += [f"{path} {symbols.definition}" for path, symbols in sorted(snapshot.symbols.items())]
        for path, names in sorted(ran.items()):
            bodies = snapshot.symbols[path].bodies if path in snapshot.symbols else {}
            parts += [f"{path}::{name} {bodies.get(symbol_of(name, bodies) or '', '')}" for name in names]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]
