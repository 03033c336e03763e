"""The server's side of a generated project: facts of all tests, none of which ran, and what a save is worked out with.

All but the running is real: the files are on disk, the imports are made and their values digested as the agent does it,
and facts, their index and the affected set are the engine's.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from aftershock.engine.agent import Agent
from aftershock.engine.events import AffectedChanged
from aftershock.engine.ledger import Ledger
from aftershock.engine.project import Project
from aftershock.engine.standing import Standing
from aftershock.engine.warm import WarmSession
from aftershock.store import Store
from aftershock_agent import messages
from aftershock_agent.recording import Project as OwnFiles
from aftershock_agent.values import Values
from benchmarks.generating.sources import Generated


class Server:
    """What the server has in memory of a project; close it."""

    def __init__(self, root: Path, generated: Generated) -> None:
        """``root`` is an empty folder, resolved."""
        self._root, self._tests = root, generated.tests
        generated.write(root)
        self._store, notice = Store.open(root / ".aftershock" / "facts.db")
        assert notice is None
        self._project = Project(root, (), self._store)
        self._own = OwnFiles(str(root))
        self._digests: dict[str, dict[str, str]] = {}
        for test in generated.tests:
            self._digests.setdefault(test.partition("::")[0], {})[test] = "fixtures parameters"

    async def open(self) -> None:
        """Read the project, import it, and take in a fact of each test."""
        await self._project.scan("packages")
        self._ledger = Ledger(self._store, "python", self._project.present.snapshot)
        self._standing = Standing(self._ledger, lambda: self._tests, lambda: self._digests)
        session = self._session()
        self._ledger.learn(session, self.collected())
        for test, executed in self._tests.items():
            absolute = {str(self._root / path): list(names) for path, names in executed.items()}
            event = messages.TestFinished(0, 0, test, "passed", {"call": 0.001}, executed=absolute)
            self._ledger.record(event, session, alone=True)
        self._ledger.commit()
        self._standing.refresh(self._project.present.snapshot)

    def close(self) -> None:
        """Forget what was imported, and close the database."""
        self._forget_modules()
        self._store.close()

    def save(self, path: str, text: str) -> None:
        """Write a file; the server isn't told."""
        (self._root / path).write_text(text, encoding="utf-8")

    def look(self, path: str) -> AffectedChanged:
        """What the server does when it is told of a save, before it runs anything."""
        self._project.look([self._root / path], lambda _: None)
        return self._standing.refresh(self._project.present.snapshot)

    def learn(self, collected: messages.Collected) -> AffectedChanged:
        """What the server does when a new session tells of its imports."""
        self._ledger.learn(self._session(), collected)
        return self._standing.refresh(self._project.present.snapshot)

    def collected(self) -> messages.Collected:
        """Import all files as they are now, and tell what they bind, as a new session does."""
        self._forget_modules()
        values, found = Values(self._own), []
        sys.path[:0] = folders = [str(self._root), str(self._root / "tests")]
        try:
            for path in sorted(self._project.present.sources, key=lambda path: (path.startswith("tests/"), path)):
                module = importlib.import_module(_module_name(path))
                absolute = str(self._root / path)
                table = values.table(module, absolute, not path.startswith("tests/"))
                found.append(messages.ImportedModule(absolute, table, {absolute: ["<module>"]}))
        finally:
            del sys.path[: len(folders)]
        tests = [
            messages.CollectedTest(test, str(self._root / path), 1, [test.partition("::")[2]], [], [], digest)
            for path, digests in self._digests.items()
            for test, digest in digests.items()
        ]
        return messages.Collected(0, None, tests, [], found, {}, [])

    def _session(self) -> WarmSession:
        agent = Agent([sys.executable], self._root, self._root, {})  # never started
        present = self._project.present
        return WarmSession(agent, self._root, (), present, frozenset({"", "tests"}))

    def _forget_modules(self) -> None:
        for path in self._project.present.sources:
            sys.modules.pop(_module_name(path), None)
        importlib.invalidate_caches()


def _module_name(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").removeprefix("tests/").replace("/", ".")
