"""The project's Python files as they are on disk: found, read, and parsed once per content."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from aftershock.selection.details import Details, parse_details
from aftershock.selection.imports import Imports, parse_imports
from aftershock.selection.symbols import Symbols, parse_symbols
from aftershock_agent.project_folders import IGNORED_FOLDERS


@dataclass(frozen=True)
class SourceFile:
    """One file: ``path`` relative to the root, its text, and its state on disk when it was read."""

    path: str
    text: bytes
    mtime_ns: int
    size: int

    @cached_property
    def symbols(self) -> Symbols:
        """What its code defines, in digests."""
        return parse_symbols(self.text, self.path)

    @cached_property
    def imports(self) -> Imports:
        """What it imports; parsed when first asked for, which is off the way from save to verdict."""
        return parse_imports(self.text, self.path)

    @cached_property
    def details(self) -> Details:
        """Who mentions what in it; parsed when first asked for, as :attr:`imports`."""
        return parse_details(self.text, self.path)

    @cached_property
    def digest(self) -> str:
        """Digest of the text."""
        return digest_of(self.text)


def digest_of(text: bytes) -> str:
    """Digest of a file's text."""
    return hashlib.sha256(text).hexdigest()[:24]


def find(root: Path) -> Iterator[str]:
    """The relative paths of all Python files of the project, in order."""
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        folders[:] = sorted(name for name in folders if not _ignored(here / name))
        for name in sorted(names):
            if name.endswith(".py"):
                yield (here / name).relative_to(root).as_posix()


def _ignored(folder: Path) -> bool:
    return folder.name in IGNORED_FOLDERS or (folder / "pyvenv.cfg").exists()


def is_source(path: str) -> bool:
    """Whether a relative path can be a source of the project's own."""
    return path.endswith(".py") and not any(part in IGNORED_FOLDERS for part in path.split("/")[:-1])


def read(root: Path, path: str) -> SourceFile | None:
    """Read a file; None when it isn't there (or is no file)."""
    target = root / path
    try:
        with target.open("rb") as stream:
            status = os.fstat(stream.fileno())
            return SourceFile(path, stream.read(), status.st_mtime_ns, status.st_size)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError):
        return None


def is_current(root: Path, file: SourceFile) -> bool:
    """Whether the disk has the file's text still."""
    with contextlib.suppress(OSError):
        status = (root / file.path).stat()
        if (status.st_mtime_ns, status.st_size) == (file.mtime_ns, file.size):
            return True
    now = read(root, file.path)
    return now is not None and now.text == file.text


def relative(root: Path, path: str | Path) -> str | None:
    """A path relative to the root with forward slashes; None for one outside."""
    return inside(root, os.path.realpath(path))


def inside(root: Path, resolved: str) -> str | None:
    """As :func:`relative`, for a path that is resolved already: the agent's all are."""
    prefix = str(root) + os.sep
    return resolved[len(prefix) :].replace(os.sep, "/") if resolved.startswith(prefix) else None


def changed_bodies(old: Symbols, new: Symbols) -> list[str]:
    """The functions whose bodies differ between two states of a file with the same definitions."""
    names: Iterable[str] = {*old.bodies, *new.bodies}
    return sorted(name for name in names if old.bodies.get(name) != new.bodies.get(name))
