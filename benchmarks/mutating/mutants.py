"""Seeded rows of single mutants of a project, one row for each kind."""

from __future__ import annotations

import difflib
import hashlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import MappingProxyType

from benchmarks.editing.bodies import Kind
from benchmarks.editing.source import Source
from benchmarks.mutating import structure, suites, values
from projects import Project

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "body": values.body,
        "constant": values.constant,
        "class attribute": values.class_attribute,
        "default": values.default,
        "decorator": structure.decorator,
        "base": structure.base,
        "import": structure.imported,
        "override": structure.override,
        "added": structure.added,
        "deleted": structure.deleted,
        "moved": structure.moved,
        "docstring": values.docstring,
        "comment": values.comment,
        "fixture": suites.fixture,
        "parametrize": suites.parametrize,
        "test": suites.test,
    }
)
"""Every kind of mutant by name."""

OF_TESTS = frozenset(("fixture", "parametrize", "test"))
"""The kinds whose place is a test file or a conftest."""

_ATTEMPTS = 300  # in a row without another mutant: there are no more


@dataclass(frozen=True)
class Mutant:
    """One change of one file of a pristine project; the path is relative to its root."""

    kind: str
    path: str
    before: bytes
    after: bytes

    @property
    def digest(self) -> str:
        """What tells it from all other mutants of the release."""
        return hashlib.sha256(self.path.encode() + b"\0" + self.after).hexdigest()[:24]

    @property
    def line(self) -> int:
        """The first line that differs, one-based."""
        pairs = zip(self.before.splitlines(), self.after.splitlines(), strict=False)
        return next((number for number, (old, new) in enumerate(pairs, 1) if old != new), 0) or (
            min(self.before.count(b"\n"), self.after.count(b"\n")) + 1
        )

    @property
    def diff(self) -> str:
        """What differs, without context, cut short."""
        old, new = (text.decode("utf-8", "replace").splitlines() for text in (self.before, self.after))
        lines = [line for line in difflib.unified_diff(old, new, n=0, lineterm="") if line[:3] not in ("---", "+++")]
        return "\n".join([*lines[:12], *(["..."] if len(lines) > 12 else [])])

    def __str__(self) -> str:
        return f"{self.kind} in {self.path}:{self.line}"


@dataclass(frozen=True)
class Files:
    """A project's files that can be mutated, relative to its root: its code, its tests, and its conftests."""

    sources: tuple[str, ...]
    tests: tuple[str, ...]
    conftests: tuple[str, ...]


def files_of(project: Project, tests: Sequence[str]) -> Files:
    """What there is to mutate; ``tests`` are the ids of the suite, which tell the test files."""
    release, root = project.release, project.root
    folders = [path.parent for path in (root / release.source).glob("*/__init__.py")]
    folders = [folder for folder in folders if folder.name not in ("tests", "docs", "benchmarks", "examples")]
    paths = {path for folder in [*folders, root / release.tests] for path in folder.rglob("*.py")}
    names = sorted(path.relative_to(root).as_posix() for path in paths)
    collected = {test.split("::", 1)[0] for test in tests}
    conftests = [name for name in names if name.endswith("conftest.py")]
    sources = [
        name
        for name in names
        if name not in collected and name not in conftests and not Path(name).name.startswith("test_")
    ]
    return Files(tuple(sources), tuple(name for name in names if name in collected), tuple(conftests))


class Nursery:
    """Makes the mutants of one project; equal seeds make equal rows."""

    def __init__(self, root: Path, files: Files, seed: str) -> None:
        self._root = root
        self._files = files
        self._seed = seed

    def row(self, kind: str) -> Iterator[Mutant]:
        """Mutants of a kind, each once, as long as there are any."""
        chance = Random(f"{self._seed} {kind}")
        paths, weights = self._paths(kind)
        seen: set[str] = set()
        number = failures = 0
        while paths and failures < _ATTEMPTS:
            number += 1
            mutant = self._mutant(kind, chance.choices(paths, weights)[0], chance, number)
            if mutant is None or mutant.digest in seen:
                failures += 1
                continue
            failures = 0
            seen.add(mutant.digest)
            yield mutant

    def _paths(self, kind: str) -> tuple[list[str], list[float]]:
        """Where the kind has its places, longer files more often; of fixtures, conftests as often as all else."""
        paths = list(self._files.tests if kind in OF_TESTS else self._files.sources)
        weights = [float((self._root / path).stat().st_size) for path in paths]
        if kind == "fixture":
            conftests = self._files.conftests
            paths, weights = [*paths, *conftests], [*weights, *[sum(weights) / max(len(conftests), 1)] * len(conftests)]
        return paths, weights

    def _mutant(self, kind: str, path: str, chance: Random, number: int) -> Mutant | None:
        before = (self._root / path).read_bytes()
        splice = KINDS[kind](Source(before, is_test=path in self._files.tests), chance, number)
        after = before if splice is None else splice.applied(before)
        if after == before or not _compiles(after):
            return None
        return Mutant(kind, path, before, after)


def _compiles(text: bytes) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "mutant", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True
