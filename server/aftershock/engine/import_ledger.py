"""Turns what the agent tells of imports into facts: what each file's names are bound to, and what that rests on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from aftershock.engine.sources import inside
from aftershock.engine.warm import WarmSession
from aftershock.selection.concern_search import EFFECTS
from aftershock.selection.definitions import Definitions, ImportFact, import_inputs
from aftershock.selection.effects import DECORATOR, OWN
from aftershock.selection.imports import ImportGraph
from aftershock.selection.inputs import executed_keys
from aftershock.selection.keys import Key, KeyKind
from aftershock.selection.mentions import NAME
from aftershock.selection.relations import Table, table_digest
from aftershock.selection.snapshot import Snapshot
from aftershock.store import Store
from aftershock_agent import messages
from aftershock_agent.tables import OPAQUE, UNBOUND


class ImportLedger:
    """All imports of one project."""

    def __init__(self, store: Store, definitions: Definitions) -> None:
        """Reads the imports in ``store`` into ``definitions``."""
        self._store = store
        self._definitions = definitions
        self._uncommitted: list[tuple[ImportFact, Table]] = []
        self._stated: dict[str, Sequence[str]] = {}
        for fact, table in store.imports():
            definitions.add(fact, table)

    def take(self, session: WarmSession, modules: Sequence[messages.ImportedModule], graph: ImportGraph) -> None:
        """Take in the imports that ``session`` has made, in the order in which they ended.

        Where an earlier import speaks for the file already, it stands: what differs then does so by itself.
        """
        snapshot, self._stated = session.present.snapshot, {}
        for module in modules:
            path = inside(session.root, module.path)
            if path is None or path not in snapshot.symbols:
                continue
            session.ran_in[path] = ran = self._ran(session, path, module.executed)
            if UNBOUND in module.values:
                for key in ran:
                    session.ran_outside.setdefault(key.path, set()).add(key.name)
                if path not in session.tables:
                    self._take_failed(session, module, path, graph)
                continue
            known = self._definitions.of(path, snapshot)
            if known is None or not self._definitions.is_bound(known):
                fact, table = self._fact(session, path, module.values, graph)
                self._definitions.note_imported(fact, table, snapshot)
                self._uncommitted.append((fact, table))
                known = fact.table
            session.tables[path] = known
            session.unbound.discard(path)

    def _take_failed(
        self, session: WarmSession, module: messages.ImportedModule, path: str, graph: ImportGraph
    ) -> None:
        """Take in an import that has failed; its text counts, which says how."""
        snapshot = session.present.snapshot
        known = self._definitions.of(path, snapshot)
        if known is None or self._definitions.is_bound(known):
            how = f"{module.values[UNBOUND]} {snapshot.digest(Key(KeyKind.IMPORT, path))}"
            fact, table = self._fact(session, path, {**module.values, UNBOUND: how}, graph)
            self._definitions.note_failed(fact, table, snapshot)
            known = fact.table
        session.tables[path] = known
        session.unbound.add(path)
        session.loaded.add(path)  # an older Python's recorder only knows of modules that stay

    def note_patched(self, session: WarmSession) -> bool:
        """``session`` was patched: what it has imported is what an import would bind now, for nothing that ran changed.

        An earlier import that spoke for a file may have run more.  Returns whether that tells anything new.
        """
        snapshot = session.present.snapshot
        unknown = [path for path in session.tables if self._definitions.of(path, snapshot) is None]
        for path in unknown:
            self._definitions.note_present(path, session.tables[path], snapshot)
        return bool(unknown)

    def note_not_imported(self, session: WarmSession) -> None:
        """``session`` has collected everything: what it hasn't begun to import, and can't be told of, binds nothing."""
        snapshot = session.present.snapshot
        for path in snapshot.symbols.keys() - session.loaded:
            if self._definitions.of(path, snapshot) is None:
                self._definitions.note_not_begun(path, snapshot)

    def commit(self) -> None:
        """Write what was taken in to the disk."""
        imports, self._uncommitted = self._uncommitted, []
        self._store.record_imports(imports)

    def _ran(self, session: WarmSession, path: str, executed: messages.Executed) -> frozenset[Key]:
        """The functions that ran in an import, with the file's own definitions."""
        snapshot = session.present.snapshot
        found = {Key(KeyKind.BODY, path)}
        for name, functions in executed.items():
            file = inside(session.root, name)
            if file is not None and file in snapshot.symbols:
                found.update(executed_keys(file, functions, snapshot))
        return frozenset(found)

    def _fact(
        self, session: WarmSession, path: str, values: Mapping[str, str], graph: ImportGraph
    ) -> tuple[ImportFact, dict[str, str]]:
        snapshot = session.present.snapshot
        reached = graph.closure_of([path]) & session.tables.keys() - {path}
        # Files that import each other have no values yet when the first of them is imported: their texts count.
        mates = {other for other in reached if path in graph.closure_of([other])}
        extra = {*graph.names(path), *(Key(KeyKind.IMPORT, mate) for mate in mates)}
        ran = session.ran_in[path]
        inputs = import_inputs(
            path, {*ran, *(key for mate in mates for key in session.ran_in.get(mate, ()))}, extra, snapshot
        )
        tables = {other: session.tables[other] for other in reached - mates}
        stamp = _hash([f"{key} {digest}" for key, digest in sorted(inputs)], sorted(tables.items()))
        table = {name: f"{digest}{stamp}" if OPAQUE in digest[:2] else digest for name, digest in values.items()}
        effects = [*self._effects(session, path, table, snapshot)]
        for other in sorted(graph.closure_of([path])):
            effects += self._stated_effects(other, snapshot)
        if effects:
            table[EFFECTS] = _hash(effects)
        return ImportFact(path, self._definitions.variant, inputs, ran, tables, table_digest(table)), table

    def _effects(self, session: WarmSession, path: str, table: Mapping[str, str], snapshot: Snapshot) -> Iterator[str]:
        """What the effects of an import come from, beside their text: the values that they use, the bodies that ran."""
        counting = [text for packages, text in snapshot.details[path].effects if _counts(packages, text, snapshot)]
        names = {name for text in counting for name in NAME.findall(text)}
        yield from (f"{name} {table.get(name, '')}" for name in sorted(names))
        acting = sorted(key for key in session.ran_in[path] if _is_effectful(key, snapshot))
        for key in acting:
            there = snapshot.details[key.path]
            seen = self._definitions.table(session.tables.get(key.path, "")) or table
            yield f"{key} {snapshot.digest(key)}"
            yield from (f"{name} {seen.get(name, '')}" for name in sorted(there.mentions[key.name].names))
        if acting:
            yield from counting  # their order counts: what a registry of the project holds, its values tell

    def _stated_effects(self, path: str, snapshot: Snapshot) -> Sequence[str]:
        """The effects that a file's text tells of: statements, and imports from elsewhere; decorators in no order."""
        if path not in self._stated:
            details = snapshot.details.get(path)
            effects = details.effects if details is not None else ()
            stated = [f"{path} {text}" for packages, text in effects if _counts(packages, text, snapshot)]
            stated.sort(key=lambda each: each if each.startswith(f"{path} {DECORATOR}") else "")
            stated += [f"{path} import {name}" for name in sorted(snapshot.third_party(path))]
            self._stated[path] = stated
        return self._stated[path]


def _is_effectful(key: Key, snapshot: Snapshot) -> bool:
    details = snapshot.details.get(key.path)
    return details is not None and key.name in details.effectful


def _counts(packages: Iterable[str], text: str, snapshot: Snapshot) -> bool:
    """Whether an effect counts; of a decorator from elsewhere, what it makes of its function says all."""
    return not text.startswith(DECORATOR) or any(each == OWN or snapshot.is_ours(each) for each in packages if each)


def _hash(*parts: object) -> str:
    return hashlib.blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=9).hexdigest()
