"""A repository's history, as steps from one state of its files to the next."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.mutating.cold_runs import write

Tree = Mapping[str, str]
"""The regular files of a state: git's object of each, by path."""

_REGULAR = ("100644", "100755")
_NOTHING = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"  # git's object for an empty folder


class HistoryError(Exception):
    """A repository can't be had, or has no such history; the text says why."""


@dataclass(frozen=True)
class Step:
    """A commit that touches Python sources, from the state before it.

    ``before`` has its files already but for the Python ones, so that only those are new in ``after``: what tests read
    besides code is another matter.
    """

    commit: str
    subject: str
    before: Tree
    after: Tree


class Repository:
    """A bare clone."""

    def __init__(self, origin: str, folder: Path) -> None:
        """Clone ``origin``, an address or a path, to ``folder`` unless it is there; raises HistoryError."""
        self._folder = folder
        if not folder.exists():
            _git("clone", "--quiet", "--bare", origin, str(folder))

    def steps(self, last: str, count: int, source: str) -> list[Step]:
        """The last ``count`` commits up to ``last`` (a name) that change Python files under ``source``, oldest first.

        Those of the main line: what a merge brought is one step.  Raises HistoryError.
        """
        found: list[Step] = []
        for commit in self._told("rev-list", "--first-parent", last).split():
            step = self._step(commit)
            if any(path.startswith(source) for path in changed(step.before, step.after)):
                found.append(step)
            if len(found) == count:
                break
        return found[::-1]

    def _step(self, commit: str) -> Step:
        after, parents = self._tree(commit), self._told("log", "-1", "--format=%P", commit).split()
        parent = self._tree(parents[0] if parents else _NOTHING)
        code = {path: blob for path, blob in parent.items() if _is_python(path)}
        rest = {path: blob for path, blob in after.items() if not _is_python(path)}
        return Step(commit[:9], self._told("log", "-1", "--format=%s", commit).strip(), {**rest, **code}, after)

    def _tree(self, commit: str) -> Tree:
        lines = self._told("ls-tree", "-r", "-z", commit).split("\0")
        entries = ((line.partition("\t")[2], line.split()) for line in lines if line)
        return {path: blob for path, (mode, _, blob, *_) in entries if mode in _REGULAR}

    def move(self, root: Path, before: Tree, after: Tree) -> list[Path]:
        """Bring the files under ``root`` from one state to another; returns the paths written and removed."""
        paths = sorted(changed(before, after))
        for path in paths:
            target = root / path
            if path in after:
                target.parent.mkdir(parents=True, exist_ok=True)
                write(target, _git("-C", str(self._folder), "cat-file", "blob", after[path]))
            else:
                target.unlink()
        return [(root / path).resolve() for path in paths]

    def _told(self, *arguments: str) -> str:
        return _git("-C", str(self._folder), *arguments).decode("utf-8", "replace")


def changed(before: Tree, after: Tree) -> Iterator[str]:
    """The paths whose content differs."""
    return (path for path in before.keys() | after.keys() if before.get(path) != after.get(path))


def _is_python(path: str) -> bool:
    return path.endswith(".py")


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], capture_output=True, check=False)
    if done.returncode:
        raise HistoryError(f"git {' '.join(arguments)}: {done.stderr.decode('utf-8', 'replace').strip()}")
    return done.stdout
