"""The tests that exist, as pytest last collected them, and the problems of files that it could not collect."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set as AbstractSet
from pathlib import Path

from aftershock.engine import events
from aftershock.engine.agent import Collection
from aftershock.engine.sources import relative
from aftershock.store import Store
from aftershock_agent import messages

_ROOT = "."
"""The key of what keeps the root itself from being collected; an empty one is that of what is outside, or of all."""


class KnownTests:
    """Tests by file; every change is told to the listener and kept in the store."""

    def __init__(self, root: Path, store: Store, tell: Callable[[events.Event], None]) -> None:
        """Starts with the tests that the store remembers."""
        self._root = root
        self._store = store
        self._tell = tell
        self._by_path: dict[str, tuple[events.TestNode, ...]] = {}
        self._import_problems: dict[str, tuple[str, events.Problem]] = {}
        self._syntax_problems: dict[str, events.Problem] = {}
        self.nodes: dict[str, events.TestNode] = {}
        self._places: dict[str, int] = {}
        for test in store.tests():
            node = events.TestNode(test.id, test.path, test.line, tuple(test.chain), tuple(test.markers), test.digest)
            self._by_path[node.path] = (*self._by_path.get(node.path, ()), node)
            self.nodes[node.id] = node
        self.digests: dict[str, dict[str, str]] = {}
        """By file, as test ids begin with it, the digest of each test."""
        for path, nodes in self._by_path.items():
            self._note_digests(path, nodes)

    def announce(self) -> None:
        """Tell of all tests, for a listener that has just come."""
        for path, nodes in self._by_path.items():
            self._tell(events.ModuleDiscovered(path, nodes))

    @property
    def paths(self) -> Iterable[str]:
        """The files that hold tests."""
        return self._by_path.keys()

    @property
    def broken_sources(self) -> frozenset[str]:
        """The files with a syntax error."""
        return frozenset(self._syntax_problems)

    def of(self, path: str) -> tuple[events.TestNode, ...]:
        """The tests of a file."""
        return self._by_path.get(path, ())

    def place(self, test: str) -> int:
        """Where a test stands among all of them, as they were collected; raises KeyError for an unknown one."""
        if not self._places:
            self._places = {each: number for number, each in enumerate(self.nodes)}
        return self._places[test]

    def take(self, collection: Collection, paths: Iterable[str] | None) -> list[str]:
        """Take in what collecting ``paths`` (None: everything) found; returns the ids that are new."""
        found: dict[str, list[events.TestNode]] = {}
        for test in collection.result.tests:
            path = relative(self._root, test.path) or test.id.split("::", 1)[0]
            node = events.TestNode(test.id, path, test.line, tuple(test.chain), tuple(test.markers), test.digest)
            found.setdefault(path, []).append(node)
        covered = set(paths) if paths is not None else {*self._by_path, *self._import_problems, *found}
        failures = {path: failure for failure in collection.failures for path in self._failed_with(failure, covered)}
        failed = failures.keys()
        collected = covered - failed
        self._clear_problems(key for key in self._import_problems if _is_in(collected, key) and key not in failed)
        for path, failure in failures.items():
            self._note_failure(path, failure)
        fresh = [node.id for nodes in found.values() for node in nodes if node.id not in self.nodes]
        for path in sorted((covered | found.keys()) - failed):
            self._replace(path, tuple(found.get(path, ())))
        return fresh

    def drop(self, path: str) -> None:
        """The file is gone."""
        self._clear_problems({path})
        self._replace(path, ())

    def problems(self) -> Mapping[str, tuple[events.Problem, ...]]:
        """All problems by file; a syntax error hides the import error that it causes."""
        found: dict[str, tuple[events.Problem, ...]] = {}
        for path, problem in self._import_problems.values():
            if path not in self._syntax_problems and problem not in found.get(path, ()):
                found[path] = (*found.get(path, ()), problem)
        found.update({path: (problem,) for path, problem in self._syntax_problems.items()})
        return found

    def note_syntax(self, path: str, problem: events.Problem | None) -> None:
        """The file has a syntax error, or has none (any more)."""
        if problem is None and path not in self._syntax_problems:
            return
        if problem is None:
            del self._syntax_problems[path]
        else:
            self._syntax_problems[path] = problem
        self._tell_problems(path)

    def note_broken(self, failure: messages.Failure, culprit: str) -> None:
        """Nothing can be collected: ``culprit`` names the file where no frame of the failure is the project's."""
        path, line = self._deepest(failure) or (culprit, 1)
        self._import_problems[""] = (path, events.Problem("import", failure.message, line))
        self._tell_problems(path)

    def clear_broken(self) -> None:
        """A session could be opened again."""
        self._clear_problems({""})

    def failure_of(self, path: str) -> events.Problem | None:
        """The problem that kept a test file from being collected."""
        entry = self._import_problems.get(path)
        return entry[1] if entry else None

    def _failed_with(self, failure: messages.CollectFailed, covered: AbstractSet[str]) -> AbstractSet[str]:
        """The files that couldn't be collected for a failure: its own, or those below its folder, if any are known."""
        path = _ROOT if Path(failure.path) == self._root else relative(self._root, failure.path) or ""
        return {each for each in covered if each != path and _is_in([each], path)} or {path}

    def _note_failure(self, collected: str, failure: messages.CollectFailed) -> None:
        path, line = self._deepest(failure.failure) or (collected, failure.line)
        self._import_problems[collected] = (path, events.Problem("import", failure.failure.message, line))
        self._tell_problems(path)

    def _deepest(self, failure: messages.Failure) -> tuple[str, int] | None:
        for frame in reversed(failure.frames):
            path = relative(self._root, frame.path)
            if path is not None and not path.startswith((".venv/", "venv/")):
                return path, frame.line
        return None

    def _clear_problems(self, collected: Iterable[str]) -> None:
        shown = {self._import_problems.pop(path)[0] for path in set(collected) & self._import_problems.keys()}
        for path in shown:
            self._tell_problems(path)

    def _tell_problems(self, path: str) -> None:
        self._tell(events.ProblemsChanged(path, self.problems().get(path, ())))

    def _note_digests(self, path: str, nodes: tuple[events.TestNode, ...]) -> None:
        place = nodes[0].id.partition("::")[0] if nodes else path
        self.digests = {**self.digests, place: {node.id: node.digest for node in nodes}}

    def _replace(self, path: str, nodes: tuple[events.TestNode, ...]) -> None:
        before = self._by_path.get(path, ())
        if nodes == before:
            return
        self._places = {}
        self._note_digests(path, nodes)
        for node in before:
            self.nodes.pop(node.id, None)
        if nodes:
            self._by_path[path] = nodes
            self.nodes.update({node.id: node for node in nodes})
            self._tell(events.ModuleDiscovered(path, nodes))
        else:
            self._by_path.pop(path, None)
            self._tell(events.ModuleRemoved(path))
        self._store.replace_tests(path, nodes)


def _is_in(files: Iterable[str], place: str) -> bool:
    """Whether one of some files is this one, or is in this folder."""
    return any(file == place or place == _ROOT or file.startswith(f"{place}/") for file in files)
