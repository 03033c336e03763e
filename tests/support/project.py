"""A small Python project on disk, which a test writes, edits and looks at as a user would."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Project:
    """A project's files, under `root`; paths given to methods are relative to it, with forward slashes."""

    root: Path

    def path(self, relative: str) -> Path:
        """Return the absolute path of a file, whether or not it is there."""
        return self.root / relative

    def read(self, relative: str) -> str:
        """Return a file's text; FileNotFoundError where there is none."""
        return self.path(relative).read_text(encoding="utf-8")

    def write(self, files: Mapping[str, str]) -> Project:
        """Create or replace files; each text is dedented and loses the line break that it starts with.

        Folders are made as needed. Returns the project itself, so that a story can start in one line.
        """
        for relative, text in files.items():
            path = self.path(relative)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text).removeprefix("\n"), encoding="utf-8")
        return self

    def edit(self, relative: str, old: str, new: str) -> Path:
        """Replace the one place where `old` stands; AssertionError where there is none, or several."""
        text = self.read(relative)
        found = text.count(old)
        assert found == 1, f"{relative} has {found} places that read {old!r}, not one"
        path = self.path(relative)
        path.write_text(text.replace(old, new), encoding="utf-8")
        return path

    def possible(self, edits: Iterable[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
        """Return those of some edits (path, old, new) that :meth:`edit` can make now."""
        return [edit for edit in edits if self.read(edit[0]).count(edit[1]) == 1]

    def delete(self, relative: str) -> Path:
        """Remove a file, or a folder and all in it; FileNotFoundError where there is none."""
        path = self.path(relative)
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
        return path

    def rename(self, relative: str, new: str) -> Path:
        """Move a file or folder, over an existing file too, as editors that save by renaming do."""
        target = self.path(new)
        target.parent.mkdir(parents=True, exist_ok=True)
        return self.path(relative).replace(target)
