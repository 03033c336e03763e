"""The warm session: kept equal to the files on disk by the cheapest sound step, patch or new session."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from aftershock.engine.agent import Agent, Collection, PatchAnswer
from aftershock.engine.rebuilding import Rebuild
from aftershock.engine.sources import SourceFile, changed_bodies, inside, is_current, is_source, relative
from aftershock.selection.inputs import Imported
from aftershock.selection.keys import Key
from aftershock.selection.snapshot import Snapshot
from aftershock_agent import messages

log = logging.getLogger(__name__)

_SYNTAX = "it has a syntax error"


@dataclass(frozen=True)
class Present:
    """The project as it is: its files by relative path, and what selection makes of them."""

    sources: Mapping[str, SourceFile]
    snapshot: Snapshot


class Outdated(Exception):
    """Files changed on disk while the session imported them: look again."""

    def __init__(self, paths: Sequence[str]) -> None:
        super().__init__(", ".join(paths))
        self.paths = paths


@dataclass
class WarmSession:
    """What the server knows of the session in the agent; ``present`` is the project as the session has it.

    ``import_executed`` is all that ran while pytest collected, of it ``ran_outside`` what did so in no import that
    came to its end, and ``ran_in`` the rest, by import; ``tables`` are the digests of what files' names are bound to,
    ``unbound`` the files among these whose import has failed, ``items`` are the digests of tests.
    """

    agent: Agent
    root: Path
    args: Sequence[str]
    present: Present
    search_path: frozenset[str] = frozenset()
    python_files: tuple[str, ...] = ()
    loaded: set[str] = field(default_factory=set)
    edges: dict[str, frozenset[str]] = field(default_factory=dict)
    import_executed: dict[str, set[str]] = field(default_factory=dict)
    ran_outside: dict[str, set[str]] = field(default_factory=dict)
    ran_in: dict[str, frozenset[Key]] = field(default_factory=dict)
    tables: dict[str, str] = field(default_factory=dict)
    unbound: set[str] = field(default_factory=set)
    items: dict[str, str] = field(default_factory=dict)
    collected: set[str] = field(default_factory=set)
    together: dict[str, Sequence[str]] = field(default_factory=dict)
    one_worker: bool = False
    complete: bool = False
    failed: bool = False
    patches: int = 0
    _foretold: dict[str, bytes] = field(default_factory=dict)
    _patched: dict[str, bytes] = field(default_factory=dict)
    given_up: Rebuild | None = None
    _begun: tuple[Present, SourceFile, PatchAnswer] | None = None

    @staticmethod
    async def open(
        agent: Agent,
        root: Path,
        args: Sequence[str],
        present: Present,
        prepared: messages.SessionPrepared | None = None,
    ) -> WarmSession:
        """Start a session on the files as they are, from the one that was ``prepared`` if there is one.

        Raises SessionBroken, AgentDied or Outdated.
        """
        sources = [str(root / path) for path in present.sources]
        ready = await agent.open_session(args, sources, prepared.session if prepared else 0)
        log.debug("session %d is process %d", ready.session, ready.pid)
        found = (relative(root, path) if path != str(root) else "" for path in ready.search_path)
        search_path = frozenset(path for path in found if path is not None)
        session = WarmSession(agent, root, args, present, search_path, tuple(ready.python_files))
        session.note_loaded(prepared.loaded if prepared else ())
        return session

    def begin_to_follow(self, present: Present) -> None:
        """Send off the patch that :meth:`follow` would, where it is but one; the session must be at rest.

        One that can't follow is ended, for that takes some time; ``given_up`` tells why.  Not while a file can't be
        parsed: it may soon be what it was.
        """
        if self._begun is not None or self.agent.deaf or self.agent.asked:
            return
        patches = list(self._patches(present))
        rebuilds = [each for each in patches if isinstance(each, Rebuild)]
        if rebuilds and all(each.cause != _SYNTAX for each in rebuilds):
            self.given_up = rebuilds[0]
            self.agent.end_session()
        elif len(patches) == 1 and not isinstance(patches[0], Rebuild):
            self._begun = present, patches[0][1], self._send_patch(*patches[0])

    async def follow(self, present: Present) -> Rebuild | None:
        """Make the session equal to ``present`` in place; returns why only a new session can, None when it is done."""
        begun, self._begun = self._begun, None
        if begun is not None:
            if why := await self._take_patch(*begun[1:]):
                return why
            self.present = begun[0]
            if self.present is present:
                return None
        patches = list(self._patches(present))
        for patch in patches:
            if isinstance(patch, Rebuild):
                return patch
        for patch in patches:
            if not isinstance(patch, Rebuild) and (why := await self._take_patch(patch[1], self._send_patch(*patch))):
                return why
        self.present = present
        return None

    def _patches(self, present: Present) -> Iterable[tuple[SourceFile, SourceFile] | Rebuild]:
        """The files to patch, old and new; a reason for a change that can't be patched.

        After a failed import any change may be its repair: which files it had read is not known for sure.
        """
        if present.snapshot.config != self.present.snapshot.config:
            yield Rebuild("", "pytest's configuration changed")
        before, after = self.present.sources, present.sources
        for path in sorted(before.keys() ^ after.keys()):
            yield Rebuild(path, "the file was added" if path in after else "the file was removed")
        if self.failed:
            yield Rebuild("", "the last import had failed, and any change may be its repair")
        for path in before.keys() & after.keys():
            old, new = before[path], after[path]
            if old is new or old.text == new.text or path not in self.loaded:
                continue
            same = old.symbols.definition == new.symbols.definition
            if new.symbols.error:
                yield Rebuild(path, _SYNTAX)
            elif not _is_utf8(old.text) or not _is_utf8(new.text):
                yield Rebuild(path, "it is not UTF-8")
            else:
                yield (old, new) if same else Rebuild(path, texts=(old.text, new.text))

    def foretell(self, file: SourceFile) -> None:
        """A file that is loaded has a new text: the session may begin to compile it, unless it is at work."""
        if self.agent.deaf or not _is_utf8(file.text):
            return
        self._foretold[file.path] = file.text
        self.agent.compile(str(self.root / file.path), file.text.decode("utf-8"))

    def _send_patch(self, old: SourceFile, new: SourceFile) -> PatchAnswer:
        path = old.path
        before = None if self._patched.get(path) == old.text else old.text.decode("utf-8")
        after = None if self._foretold.get(path) == new.text else new.text.decode("utf-8")
        return self.agent.patch(str(self.root / path), before, after, changed_bodies(old.symbols, new.symbols))

    async def _take_patch(self, file: SourceFile, coming: PatchAnswer) -> Rebuild | None:
        answer = await coming
        if not isinstance(answer, messages.Patched):
            return Rebuild(file.path, "the session ended")
        if not answer.patched:
            return Rebuild(file.path, answer.reason)
        self._patched[file.path] = file.text
        self.patches += 1
        return None

    async def collect(self, paths: Iterable[str] | None) -> Collection:
        """Collect files not collected yet (None: everything).

        Raises SessionBroken, AgentDied, and Outdated when what was imported isn't what ``present`` holds.
        """
        wanted = None if paths is None else [str(self.root / path) for path in paths]
        collection = await self.agent.collect(wanted)
        result = collection.result
        self.complete |= paths is None
        self.failed |= bool(collection.failures)
        self.collected.update(paths or ())
        self.one_worker |= result.one_worker
        self.together.update({test.id: test.together for test in result.tests if test.together})
        self._note_executed(result.executed, self.import_executed)
        self._note_executed({path: _wide(names) for path, names in result.executed.items()}, self.ran_outside)
        for module in result.imports:
            self._note_executed(module.executed, self.import_executed)
        self.note_loaded(result.loaded)
        return collection

    @cached_property
    def imported(self) -> Imported:
        """What facts rest on besides what their tests ran; it grows with each collection."""
        return Imported(self.tables, self.ran_outside, self.unbound)

    def _note_executed(self, executed: messages.Executed, *where: dict[str, set[str]]) -> None:
        for path, names in executed.items():
            found = relative(self.root, path)
            for known in where if found is not None else ():
                known.setdefault(str(found), set()).update(names)

    def note_loaded(self, files: Iterable[messages.LoadedFile]) -> list[str]:
        """Take in what was loaded, and the observed import edges; returns the relative paths.

        Raises Outdated for files whose state on disk at that time isn't the one of ``present``.
        """
        paths, outdated = [], []
        for file in files:
            path = inside(self.root, file.path)
            if path is None or not is_source(path):
                continue
            paths.append(path)
            self.loaded.add(path)
            importer = inside(self.root, file.importer) if file.importer else None
            if importer is not None:
                self.edges[importer] = self.edges.get(importer, frozenset()) | {path}
            known = self.present.sources.get(path)
            if known is None or (known.mtime_ns, known.size) != (file.mtime_ns, file.size):
                outdated.append(path)
        if outdated:
            raise Outdated(outdated)
        return paths

    def check_quoted(self, paths: Iterable[str]) -> None:
        """A failure shows lines of these files, which pytest reads from the disk, whatever code it has run.

        Raises Outdated for files that the disk has otherwise than ``present`` by now.
        """
        known = [file for path in paths if (file := self.present.sources.get(path)) is not None]
        outdated = [file.path for file in known if not is_current(self.root, file)]
        if outdated:
            raise Outdated(outdated)


def _wide(names: Iterable[str]) -> list[str]:
    """The functions that may have done something to every test when they ran while pytest collected.

    Pytest asks modules for names that they don't have, and what ``pytest_generate_tests`` does shows in the tests.
    """
    return [name for name in names if name.rpartition(".")[2] not in ("__getattr__", "pytest_generate_tests")]


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
