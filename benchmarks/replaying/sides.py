"""The three that follow a history, each in a copy of its own: a cold pytest, testmon, and a warm engine."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from benchmarks.measuring import cold
from benchmarks.mutating.cold_runs import Said, run
from benchmarks.replaying.history import Repository, Tree
from projects import Project, copy

LIMIT = 300.0
"""Seconds that a whole suite may take."""
_NO_CACHE = ("-p", "no:cacheprovider")  # but testmon can't do without it


class Copy:
    """A project's environment around files that follow a history."""

    def __init__(self, repository: Repository, tree: Tree, project: Project) -> None:
        """The release's own files give way to those of ``tree``."""
        self.project = project
        for path in project.root.iterdir():
            if path.name not in (".venv", "pytest.ini"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        self._repository, self._tree = repository, tree
        repository.move(project.root, {}, tree)

    def move(self, tree: Tree) -> list[Path]:
        """Go to another state; returns the paths that differ."""
        before, self._tree = self._tree, tree
        return self._repository.move(self.project.root, before, tree)


class ColdSide:
    """Runs everything in a fresh pytest."""

    def __init__(self, copy: Copy, arguments: Sequence[str]) -> None:
        self._copy, self._arguments = copy, arguments

    def outcomes(self, tree: Tree, only: Collection[str] = ()) -> Said:
        """What it says of a state, of these tests ``only`` or of all; TimeoutError where the suite hangs or crashes."""
        self._copy.move(tree)
        said = run(self._copy.project, [*_NO_CACHE, *self._arguments], LIMIT, only)
        if said is None:
            raise TimeoutError("a cold run hung or crashed")
        return said


class TestmonSide:
    """Runs what testmon selects."""

    __test__ = False  # for pytest, which takes it for a test

    def __init__(self, copy: Copy, arguments: Sequence[str]) -> None:
        # With -k it selects nothing unless told to.
        self._select = "--testmon-forceselect" if "-k" in arguments else "--testmon"
        self._copy, self._arguments = copy, arguments

    def learn(self, tree: Tree) -> None:
        """Run everything, and have it all recorded."""
        self._copy.move(tree)
        run(self._copy.project, ["--testmon-noselect", *self._arguments], 2 * LIMIT)

    def selected(self, tree: Tree, known: Mapping[str, str]) -> set[str]:
        """The tests that it runs on a new state, or says it can't collect."""
        self._copy.move(tree)
        said = run(self._copy.project, [self._select, *self._arguments], 2 * LIMIT)
        return set() if said is None else {*said.outcomes, *said.uncollected(known)}


Sides = tuple[Copy, Copy, Copy]
"""The copies of the cold pytest, of testmon and of the engine."""


def copies(name: str, folder: Path, repository: Repository, tree: Tree, python: Path | None) -> Sides:
    """Make them; raises FetchError."""
    sides = {"cold": (), "testmon": (cold.TESTMON,), "warm": ()}
    first, second, third = (
        Copy(repository, tree, copy(name, folder / f"{name}-{side}", python, extra=extra))
        for side, extra in sides.items()
    )
    return first, second, third
