"""The project as it is on disk, followed change by change."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from aftershock.engine import pytest_configuration, sources
from aftershock.engine.sources import SourceFile
from aftershock.engine.warm import Present
from aftershock.selection.details import Details, LazyDetails
from aftershock.selection.imports import Imports
from aftershock.selection.snapshot import Snapshot
from aftershock.store import CachedFile, Store

_PARSED = ("symbols", "imports", "details")


@dataclass(frozen=True)
class Change:
    """What a look at the disk found: relative paths of sources, and whether the pytest configuration changed."""

    changed: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()
    configuration: bool = False

    def __bool__(self) -> bool:
        return bool(self.changed or self.removed or self.configuration)


class Project:
    """Holds the present; every look at the disk replaces it as a whole."""

    def __init__(self, root: Path, arguments: Iterable[str], store: Store) -> None:
        """``arguments`` are pytest's; ``store`` remembers what was parsed, so that it isn't parsed again."""
        self._root = root
        self._arguments = tuple(arguments)
        self._store = store
        self.present = Present({}, Snapshot({}, {}, config="", distributions=""))

    async def scan(self, distributions: str) -> None:
        """Read the whole project, parsing in a thread; ``distributions`` is the digest of its environment."""
        cached = {file.path: file for file in self._store.cached_files()}
        files, fresh = await asyncio.to_thread(self._read_all, cached)
        self._store.cache_files(fresh)
        snapshot = Snapshot(
            {path: file.symbols for path, file in files.items()},
            {path: _imports(file) for path, file in files.items()},
            {path: _details(file) for path, file in files.items()},
            config=pytest_configuration.digest(self._root, self._arguments),
            distributions=distributions,
        )
        self.present = Present(files, snapshot)

    def look(self, paths: Iterable[Path], read: Callable[[SourceFile], None]) -> Change:
        """Look again at some paths (absolute: files or folders, there or gone), and take in what changed.

        ``read`` hears of each file with a new text, before it is parsed.
        """
        before = self.present.sources
        changes: dict[str, SourceFile | None] = {}
        configuration = False
        for path in paths:
            configuration |= path.parent == self._root and path.name in pytest_configuration.FILES
            for relative in self._below(path):
                file = sources.read(self._root, relative)
                old = before.get(relative)
                if (old.text if old else None) != (file.text if file else None):
                    changes[relative] = file
                    if file is not None and old is not None:
                        read(file)
                elif file is not None and old is not None and file.mtime_ns != old.mtime_ns:
                    self.present = Present(
                        {**self.present.sources, relative: _touched(old, file)}, self.present.snapshot
                    )
        return self._apply(changes, configuration)

    def set_distributions(self, distributions: str) -> bool:
        """The environment is known (anew); whether it differs."""
        snapshot = self.present.snapshot
        if snapshot.distributions == distributions:
            return False
        self.present = Present(self.present.sources, snapshot.with_environment(distributions=distributions))
        return True

    def _apply(self, changes: dict[str, SourceFile | None], configuration: bool) -> Change:
        files = {**self.present.sources, **changes}
        snapshot = self.present.snapshot
        if changes:
            entries = {
                path: (file.symbols, _imports(file), _details(file)) if file else None for path, file in changes.items()
            }
            snapshot = snapshot.with_files(entries)
        config = pytest_configuration.digest(self._root, self._arguments) if configuration else snapshot.config
        differs = config != snapshot.config
        if differs:
            snapshot = snapshot.with_environment(config=config)
        if changes or differs:
            self.present = Present({path: file for path, file in files.items() if file is not None}, snapshot)
        removed = frozenset(path for path, file in changes.items() if file is None)
        return Change(frozenset(changes) - removed, removed, differs)

    def _below(self, path: Path) -> list[str]:
        """The sources that a path stands for: itself, or all that were or are inside a folder."""
        relative = sources.relative(self._root, path.parent)
        here = path.name if path.parent == self._root else f"{relative}/{path.name}" if relative else None
        if here is None:
            return []
        if sources.is_source(here):
            return [here]
        known = {source for source in self.present.sources if source.startswith(here + "/")}
        if path.is_dir() and sources.is_source(f"{here}/x.py"):
            known |= {f"{here}/{inner}" for inner in sources.find(path)}
        return sorted(known)

    def _read_all(self, cached: Mapping[str, CachedFile]) -> tuple[dict[str, SourceFile], list[SourceFile]]:
        """All sources by path, and those that had to be parsed because the store didn't know their content."""
        files = {path: file for path in sources.find(self._root) if (file := sources.read(self._root, path))}
        fresh = []
        for path, file in files.items():
            known = cached.get(path)
            if known is not None and known.digest == file.digest:
                file.__dict__.update(symbols=known.symbols, imports=known.imports, details=known.details)
            else:
                fresh.append(file)
                _ = file.symbols, file.imports, file.details
        return files, fresh


def _imports(file: SourceFile) -> Imports | Callable[[], Imports]:
    known: Imports | None = file.__dict__.get("imports")
    return known or (lambda: file.imports)


def _details(file: SourceFile) -> LazyDetails:
    known: Details | None = file.__dict__.get("details")
    return known or (lambda: file.details)


def _touched(old: SourceFile, new: SourceFile) -> SourceFile:
    """The file with its new time stamp, and what was parsed of it."""
    file = dataclasses.replace(old, mtime_ns=new.mtime_ns, size=new.size)
    file.__dict__.update({name: old.__dict__[name] for name in _PARSED if name in old.__dict__})
    return file
