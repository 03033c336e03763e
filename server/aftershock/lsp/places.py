"""Where things are, in the client's terms: URIs for paths, ranges for lines."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from lsprotocol.types import Location, Position, Range
from pygls.uris import from_fs_path, to_fs_path

from aftershock.engine.sources import relative


@dataclass
class Places:
    """The project's files as the client names them.

    ``root`` is resolved; ``given`` is the folder as the client spelt it, so that a workspace behind a symbolic
    link gets diagnostics under the URIs that it knows.
    """

    root: Path
    given: Path
    _spelt: dict[str, str] = field(default_factory=dict)
    _texts: dict[str, tuple[tuple[int, int], list[str]]] = field(default_factory=dict)

    def path(self, uri: str) -> str | None:
        """The path of a URI relative to the root; None for what is not a file of the project."""
        absolute = to_fs_path(uri)
        return relative(self.root, absolute) if absolute else None

    def note(self, uri: str) -> None:
        """Remember how the client spells the URI of a file that it has opened."""
        path = self.path(uri)
        if path is not None:
            self._spelt[path] = uri

    def uri(self, path: str) -> str:
        """The URI of a path that is relative to the root, or absolute (a frame outside of the project)."""
        if path in self._spelt:
            return self._spelt[path]
        found: str | None = from_fs_path(os.fspath(self.given / path))
        if found is None:
            raise ValueError(f"{path} has no URI")
        return found

    def inside(self, absolute: str) -> str | None:
        """A frame's path relative to the root; None for one outside of it."""
        return relative(self.root, absolute)

    def line(self, path: str, line: int) -> Range:
        """The range of a line (one-based), from its first non-blank to its end; zero wide where it is missing."""
        lines = self._lines(path)
        text = lines[line - 1] if 0 < line <= len(lines) else ""
        return line_range(text, line)

    def location(self, path: str, line: int) -> Location:
        """The line as a location."""
        return Location(self.uri(path), self.line(path, line))

    def text(self, path: str) -> str | None:
        """The file's text on disk; None when it can't be read."""
        try:
            return (self.root / path).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None

    def _lines(self, path: str) -> list[str]:
        try:
            status = (self.root / path).stat()
        except OSError:
            return []
        stamp = (status.st_mtime_ns, status.st_size)
        known = self._texts.get(path)
        if known is None or known[0] != stamp:
            known = self._texts[path] = (stamp, (self.text(path) or "").split("\n"))
        return known[1]


def line_range(text: str, line: int) -> Range:
    """The range of a line's text: ``line`` is one-based, the columns are UTF-16 code units."""
    stripped = text.rstrip()
    start = len(stripped) - len(stripped.lstrip())
    row = max(line - 1, 0)
    return Range(Position(row, units(stripped[:start])), Position(row, units(stripped)))


def units(text: str) -> int:
    """The length of a text in UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
