"""The present state of a project, as digests: what facts are compared with."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Mapping
from functools import cached_property

from aftershock.selection.details import Details, LazyDetails
from aftershock.selection.facts import InputSet
from aftershock.selection.keys import TEXT, Key, KeyKind
from aftershock.selection.resolver import ABSENT, Resolver
from aftershock.selection.statements import Imports, LazyImports, LazyTable
from aftershock.selection.symbols import Symbols

UNKNOWN = ""
"""The digest of what a snapshot can't tell: it matches nothing, so whatever depends on it is never fresh."""


class Snapshot:
    """An immutable view of all Python files of a project and its configuration.

    ``config`` and ``distributions`` are digests, ``roots`` the ``sys.path`` entries inside the project,
    relative to it. ``imports`` and ``details`` may hold callables: a snapshot itself never needs what they parse.
    ``definitions`` are digests of what the files' names are bound to, where that is known; ``collected`` has of each
    file the digests of its tests, by id, as they were last collected.
    """

    def __init__(
        self,
        symbols: Mapping[str, Symbols],
        imports: Mapping[str, LazyImports] | LazyTable[Imports],
        details: Mapping[str, LazyDetails] | LazyTable[Details] | None = None,
        config: str = "",
        distributions: str = "",
        roots: frozenset[str] = frozenset(),
        definitions: Mapping[str, str] | None = None,
        collected: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self.symbols = symbols
        self.imports = imports if isinstance(imports, LazyTable) else LazyTable(imports)
        self.details = details if isinstance(details, LazyTable) else LazyTable(details or {})
        self.definitions = definitions or {}
        self.collected = collected or {}
        self.config = config
        self.distributions = distributions
        self.roots = roots
        self._pairs: dict[Key, tuple[Key, str]] = {}
        self._third_party: dict[str, frozenset[str]] = {}
        self.closures: dict[frozenset[str], tuple[object, InputSet]] = {}
        """Memo of :mod:`aftershock.selection.inputs`, here because it is as valid as the snapshot."""

    def with_files(self, changes: Mapping[str, tuple[Symbols, LazyImports, LazyDetails] | None]) -> Snapshot:
        """The snapshot after files changed, appeared or (None) went away; costs a shallow copy."""
        symbols = dict(self.symbols)
        for path, change in changes.items():
            if change is None:
                symbols.pop(path, None)
            else:
                symbols[path] = change[0]
        imports = self.imports.replaced({p: c[1] if c is not None else None for p, c in changes.items()})
        details = self.details.replaced({p: c[2] if c is not None else None for p, c in changes.items()})
        snapshot = Snapshot(symbols, imports, details, self.config, self.distributions, self.roots)
        if symbols.keys() == self.symbols.keys() and "resolver" in self.__dict__:
            snapshot.__dict__["resolver"] = self.resolver
        return snapshot

    def with_environment(
        self,
        config: str | None = None,
        distributions: str | None = None,
        roots: frozenset[str] | None = None,
    ) -> Snapshot:
        """The snapshot with another configuration, installation or search path; None keeps what there is."""
        return Snapshot(
            self.symbols,
            self.imports,
            self.details,
            self.config if config is None else config,
            self.distributions if distributions is None else distributions,
            self.roots if roots is None else roots,
        )

    def with_imports(self, definitions: Mapping[str, str], collected: Mapping[str, Mapping[str, str]]) -> Snapshot:
        """The snapshot when it is known what these files' names are bound to, and which tests are in them."""
        environment = self.config, self.distributions, self.roots
        snapshot = Snapshot(self.symbols, self.imports, self.details, *environment, definitions, collected)
        if "resolver" in self.__dict__:
            snapshot.__dict__["resolver"] = self.resolver
        return snapshot

    def is_in_same_world(self, other: Snapshot) -> bool:
        """Whether all but the contents of files is the same."""
        world = (self.config, self.distributions, self.roots) == (other.config, other.distributions, other.roots)
        return world and self.symbols.keys() == other.symbols.keys()

    @cached_property
    def resolver(self) -> Resolver:
        """What module names mean in this snapshot."""
        return Resolver(self.symbols.keys(), self.roots)

    def third_party(self, path: str) -> frozenset[str]:
        """The packages from elsewhere, but the standard library, that a file imports: those may do anything."""
        if path not in self._third_party:
            names = {name.partition(".")[0] for name in self.imports[path].absolute} - sys.stdlib_module_names
            self._third_party[path] = frozenset(name for name in names if not self.is_ours(name))
        return self._third_party[path]

    def is_ours(self, name: str) -> bool:
        """Whether a dotted name may mean a module of the project."""
        return bool(self.resolver.files(name)) or self.resolver.is_namespace(name)

    @cached_property
    def _project(self) -> str:
        return _digest(f"{path} {symbols.digest}" for path, symbols in sorted(self.symbols.items()))

    @cached_property
    def _listing(self) -> str:
        return _digest(sorted(self.resolver.sources))

    def digest(self, key: Key) -> str:
        """The key's digest at present; UNKNOWN for what only a run can tell."""
        kind = key.kind
        if kind is KeyKind.BODY:
            symbols = self.symbols.get(key.path)
            return symbols.bodies.get(key.name, ABSENT) if symbols else ABSENT
        if kind is KeyKind.DEF:
            return self.definitions.get(key.path, UNKNOWN) if key.path in self.symbols else ABSENT
        if kind is KeyKind.COLLECT:
            return self.collected.get(key.path, {}).get(f"{key.path}::{key.name}", ABSENT)
        if kind is KeyKind.IMPORT:
            return self._definition(key.path)
        if kind is KeyKind.ABSENT:
            return self.resolver.resolves(key.name) if key.name else self.resolver.resolves_path(key.path)
        if kind is KeyKind.FILE:
            symbols = self.symbols.get(key.path)
            return (symbols.text if key.name == TEXT else symbols.digest) if symbols else UNKNOWN
        if kind is KeyKind.DIR:
            return self._listing if not key.path else UNKNOWN
        totals = {KeyKind.CONFIG: self.config, KeyKind.DIST: self.distributions}
        return self._project if kind is KeyKind.PROJECT else totals.get(kind, UNKNOWN)

    def _definition(self, path: str) -> str:
        symbols = self.symbols.get(path)
        if symbols is None:
            return ABSENT
        # A package beside a module of its name is imported in its stead.
        package = path.removesuffix(".py") + "/__init__.py"
        return f"{symbols.definition} behind {package}" if package in self.symbols else symbols.definition

    def pair(self, key: Key) -> tuple[Key, str]:
        """The key with its digest, as one shared object: input sets hold the same pairs by the thousand."""
        pair = self._pairs.get(key)
        if pair is None:
            pair = self._pairs[key] = (key, self.digest(key))
        return pair


def _digest(lines: Iterable[str]) -> str:
    return hashlib.blake2b("\n".join(lines).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
