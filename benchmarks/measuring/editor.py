"""An editor without a screen: a language client that saves files and notes when each verdict arrives."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import attrs
from lsprotocol import types
from pygls.lsp.client import LanguageClient

from aftershock.lsp import protocol

SERVER = Path(__file__).resolve().parents[2] / "server"
_BUILD = 1800.0  # seconds for a first build: networkx's, on a busy machine
_BETWEEN_SAVES = 2.0  # seconds that somebody who saves often takes to write a few words
_VERDICTS = ("passed", "failed", "errored", "skipped")


class EditorError(Exception):
    """The server didn't do what an editor waits for; the text says what."""


class NoVerdict(EditorError):
    """A save affected no test, or none was run."""


@dataclass(frozen=True)
class Save:
    """What a save led to; times in seconds, from just before the file was written to the message's arrival."""

    first: float
    last: float
    end: float
    own: float
    """What the first test to have a verdict took itself: the sum of its phases."""
    tests: tuple[str, ...]
    outcomes: tuple[str, ...]
    testing: float
    """What the tests themselves took: the sum of their phases."""

    @property
    def overhead(self) -> float:
        """From the save to the first verdict, without what that test took itself."""
        return self.first - self.own


@attrs.define
class _Step:
    """The envelope of a step of a run."""

    params: protocol.TestRunProgress
    method: str = protocol.TEST_RUN_PROGRESS
    jsonrpc: str = "2.0"


@attrs.define
class _Status:
    """The envelope of a status."""

    params: protocol.Status
    method: str = protocol.STATUS
    jsonrpc: str = "2.0"


@attrs.define
class _Unread:
    """The envelope of a message that a benchmark has no use for: pygls would make a class for each."""

    params: Any
    method: str
    jsonrpc: str = "2.0"


_INCOMING: dict[str, type] = {
    protocol.TEST_RUN_PROGRESS: _Step,
    protocol.STATUS: _Status,
    protocol.TEST_MODULE: _Unread,
    protocol.TEST_MODULE_DELETE: _Unread,
    protocol.AFFECTED_TESTS: _Unread,
}


class _Protocol(protocol.Protocol):
    """The server's protocol, as its client reads it."""

    def get_message_type(self, method: str) -> type[Any] | None:  # type: ignore[override]
        """The class that a message of this method is read into."""
        return _INCOMING.get(method) or super().get_message_type(method)


class Editor:
    """One workspace folder, open in one server; built at the start, without a question: ``built`` tests had verdicts.

    Use it as an asynchronous context; leaving it ends the server.
    """

    def __init__(self, python: str, root: Path, patience: float = 300.0) -> None:
        """`python` runs the server; `patience` is how long to wait for any one answer but the build, in seconds."""
        self._python = python
        self._root = root.resolve()
        self._patience = patience
        self._client = LanguageClient("benchmark", "1", _Protocol, protocol.converter)
        self._steps: list[tuple[float, protocol.TestRunProgress]] = []
        self._ended = False
        self._settled = asyncio.Event()
        self._begun = asyncio.Event()
        self._problem = ""
        self.built = 0
        self._shown: str | None = None
        self._version = 0
        _listen(self._client, self._step, self._status, self._show_lenses)

    async def __aenter__(self) -> Editor:
        await self._client.start_io(
            # pygls never reads the server's stderr, and a full pipe would block it; .aftershock has the log.
            "/bin/sh",
            *("-c", 'exec "$0" "$@" 2>/dev/null', self._python, "-m", "aftershock", "serve"),
            env={**os.environ, "PYTHONPATH": str(SERVER)},
        )
        await self._client.initialize_async(self._greeting())
        self._client.initialized(types.InitializedParams())
        try:
            await self._settle("the first build", _BUILD)
        except EditorError:
            await self.__aexit__()
            raise
        self.built = sum(step.kind in _VERDICTS for _, step in self._steps)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.shutdown_async(None)
        self._client.exit(None)
        await self._client.stop()  # type: ignore[no-untyped-call]

    def show(self, path: Path) -> None:
        """Open a file, in the place of the one shown before, and ask for its lenses, as an editor does from then on."""
        if self._shown is not None:
            before = types.TextDocumentIdentifier(self._shown)
            self._client.text_document_did_close(types.DidCloseTextDocumentParams(before))
        self._shown, self._version = path.as_uri(), 1
        item = types.TextDocumentItem(self._shown, "python", self._version, path.read_text(encoding="utf-8"))
        self._client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        self._show_lenses()

    async def save(self, path: Path, text: str, patience: float | None = None) -> Save:
        """Type `text` into the file shown and save it; returns when the server is at rest again.

        NoVerdict is raised where no run begins within `patience` seconds, or one without a verdict.
        """
        self._type(text)
        self._steps.clear()
        self._ended = False
        self._settled.clear()
        self._begun.clear()
        identifier = types.TextDocumentIdentifier(path.as_uri())
        started = time.perf_counter()
        path.write_text(text, encoding="utf-8")
        self._client.text_document_did_save(types.DidSaveTextDocumentParams(identifier))
        if patience is not None:
            await self._begin(patience)
        await self._settle(f"the verdicts of a save of {path.name}")
        return _summary(started, self._steps)

    async def rest(self) -> None:
        """Leave the server the time that it has between two saves, then have it stop what it does in idle time.

        That would slow whatever is measured beside it.
        """
        await asyncio.sleep(_BETWEEN_SAVES)
        await self._execute(protocol.PAUSE)

    async def go_on(self) -> None:
        """End the rest: saves run tests again."""
        await self._execute(protocol.RESUME)

    async def _execute(self, command: str) -> None:
        await self._client.workspace_execute_command_async(types.ExecuteCommandParams(command))

    def _type(self, text: str) -> None:
        assert self._shown is not None, "a file is typed in only when it is shown"
        self._version += 1
        document = types.VersionedTextDocumentIdentifier(self._version, self._shown)
        change = types.TextDocumentContentChangeWholeDocument(text)
        self._client.text_document_did_change(types.DidChangeTextDocumentParams(document, [change]))

    def _greeting(self) -> types.InitializeParams:
        lenses = types.CodeLensWorkspaceClientCapabilities(refresh_support=True)
        settings = {"initialBuild": "auto", "logLevel": "debug"}  # debug: hot patches are told there
        return types.InitializeParams(
            capabilities=types.ClientCapabilities(types.WorkspaceClientCapabilities(code_lens=lenses)),
            workspace_folders=[types.WorkspaceFolder(self._root.as_uri(), self._root.name)],
            initialization_options={"settings": settings},
        )

    async def _begin(self, patience: float) -> None:
        try:
            await asyncio.wait_for(self._begun.wait(), patience)
        except asyncio.TimeoutError:
            raise NoVerdict(f"{self._root.name}: a save ran no test within {patience:.0f} s") from None

    async def _settle(self, what: str, patience: float | None = None) -> None:
        seconds = patience or self._patience
        try:
            await asyncio.wait_for(self._settled.wait(), seconds)
        except asyncio.TimeoutError:
            raise EditorError(f"{self._root.name}: waited {seconds:.0f} s for {what}") from None
        if self._problem:
            raise EditorError(f"{self._root.name}: the server failed: {self._problem}")

    def _step(self, step: protocol.TestRunProgress) -> None:
        self._steps.append((time.perf_counter(), step))
        self._begun.set()
        self._ended = self._ended or step.kind == "end"

    def _status(self, status: protocol.Status) -> None:
        self._problem = status.message if status.state == "failed" else ""
        if self._problem or (self._ended and status.state == "ready"):
            self._settled.set()

    def _show_lenses(self) -> None:
        if self._shown is not None:
            identifier = types.TextDocumentIdentifier(self._shown)
            self._client.text_document_code_lens(types.CodeLensParams(identifier))


def _listen(
    client: LanguageClient,
    step: Callable[[protocol.TestRunProgress], None],
    status: Callable[[protocol.Status], None],
    lenses: Callable[[], None],
) -> None:
    """Pass on what a client hears."""
    client.feature(protocol.TEST_RUN_PROGRESS)(lambda params: step(params))
    client.feature(protocol.STATUS)(lambda params: status(params))
    client.feature(types.WORKSPACE_CODE_LENS_REFRESH)(lambda params: lenses())
    for method in (protocol.TEST_MODULE, protocol.TEST_MODULE_DELETE, protocol.AFFECTED_TESTS):
        client.feature(method)(lambda params: None)
    for method in (types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS, types.WINDOW_LOG_MESSAGE, types.WINDOW_SHOW_MESSAGE):
        client.feature(method)(lambda params: None)


def _summary(started: float, steps: list[tuple[float, protocol.TestRunProgress]]) -> Save:
    verdicts = [(at - started, step) for at, step in steps if step.kind in _VERDICTS]
    if not verdicts:
        raise NoVerdict("a save ran no test")
    return Save(
        first=verdicts[0][0],
        own=verdicts[0][1].duration or 0.0,
        last=verdicts[-1][0],
        end=max(at for at, step in steps if step.kind == "end") - started,
        tests=tuple(step.test or "" for _, step in verdicts),
        outcomes=tuple(step.kind for _, step in verdicts),
        testing=sum(step.duration or 0.0 for _, step in verdicts),
    )
