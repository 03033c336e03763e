"""An editor without a screen: a real LSP client at a real server, which waits for what a user would see."""

from __future__ import annotations

import asyncio
import functools
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar, Union

from cattrs import Converter
from lsprotocol import types
from pygls.protocol.json_rpc import JsonRPCNotification
from pytest_lsp import LanguageClient, client_capabilities
from pytest_lsp.client import make_test_lsp_client

from support.project import Project

SERVER = Path(__file__).parents[2] / "server"
PATIENCE = 60.0  # seconds; a machine may be slow, a server that needs this long is broken
T = TypeVar("T")


@dataclass
class Editor:
    """One client with one project open; made by :func:`open_editor`."""

    project: Project
    client: LanguageClient
    answer: str | None
    """What is chosen when the server asks something; None: the question is dismissed."""
    questions: list[str] = field(default_factory=list)
    affected: dict[str, list[str]] = field(default_factory=dict)
    restored: list[str] = field(default_factory=list)
    modules: dict[str, Any] = field(default_factory=dict)
    steps: list[Any] = field(default_factory=list)
    coverage: list[Any] = field(default_factory=list)
    status: Any = None
    statuses: list[Any] = field(default_factory=list)
    refreshes: int = 0
    shown: list[tuple[str, int]] = field(default_factory=list)
    process: asyncio.subprocess.Process | None = None
    promised: types.ServerCapabilities = field(default_factory=types.ServerCapabilities)
    _versions: dict[str, int] = field(default_factory=dict)
    _heard: asyncio.Event = field(default_factory=asyncio.Event)

    # --- what a user does -----------------------------------------------------------------------

    def uri(self, path: str) -> str:
        """The URI of a project file."""
        return self.project.path(path).as_uri()

    def open(self, path: str) -> None:
        """Open a file in a tab."""
        self._versions[path] = 1
        document = types.TextDocumentItem(self.uri(path), types.LanguageKind.Python, 1, self.project.read(path))
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(document))

    def type(self, path: str, old: str, new: str) -> str:
        """Change the unsaved text of an open file, which so far equals that on disk; returns the new text."""
        text = self.project.read(path)
        assert text.count(old) == 1, f"{path} has {text.count(old)} places that read {old!r}"
        return self.retype(path, text.replace(old, new))

    def retype(self, path: str, text: str) -> str:
        """Replace the unsaved text of an open file."""
        self._versions[path] += 1
        document = types.VersionedTextDocumentIdentifier(self._versions[path], self.uri(path))
        change = types.TextDocumentContentChangeWholeDocument(text)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(document, [change]))
        return text

    def close(self, path: str) -> None:
        """Close a file's tab, and lose what isn't saved."""
        document = types.TextDocumentIdentifier(self.uri(path))
        self.client.text_document_did_close(types.DidCloseTextDocumentParams(document))

    def save(self, path: str, text: str) -> None:
        """Write an open file's text to the disk, and tell."""
        self.project.path(path).write_text(text, encoding="utf-8")
        document = types.TextDocumentIdentifier(self.uri(path))
        self.client.text_document_did_save(types.DidSaveTextDocumentParams(document))

    def edit(self, path: str, old: str, new: str) -> None:
        """Type and save."""
        self.save(path, self.type(path, old, new))

    async def command(self, name: str, *arguments: Any) -> Any:
        """Run a command of the server, and return its answer."""
        params = types.ExecuteCommandParams(name, list(arguments))
        return await self.client.workspace_execute_command_async(params)

    async def request(self, method: str, params: dict[str, Any]) -> Any:
        """Send a request of our own, and return its answer."""
        return await self.client.protocol.send_request_async(method, params)  # type: ignore[no-untyped-call]

    # --- what a user sees -----------------------------------------------------------------------

    async def lenses(self, path: str) -> dict[int, list[str]]:
        """The lens texts by one-based line."""
        found = await self.lens_commands(path)
        return {line: [command.title for command in commands] for line, commands in found.items()}

    async def lens_commands(self, path: str) -> dict[int, list[types.Command]]:
        """The lenses' commands by one-based line."""
        params = types.CodeLensParams(types.TextDocumentIdentifier(self.uri(path)))
        found: dict[int, list[types.Command]] = {}
        for lens in await self.client.text_document_code_lens_async(params) or []:
            assert lens.command is not None
            found.setdefault(lens.range.start.line + 1, []).append(lens.command)
        return found

    async def shows_lens(self, path: str, line: int, wanted: Callable[[str], bool]) -> str:
        """Wait until the first lens over a line reads as wanted, asking again when the server says so."""
        while True:
            seen = self.refreshes
            texts = (await self.lenses(path)).get(line, [""])
            if wanted(texts[0]):
                return texts[0]
            await self.until(functools.partial(self._refreshed_since, seen), f"a lens in line {line}; it reads {texts}")

    def _refreshed_since(self, seen: int) -> bool:
        return self.refreshes > seen

    def diagnostics(self, path: str, severity: types.DiagnosticSeverity | None = None) -> list[types.Diagnostic]:
        """What is shown of a file now; all of it, or that of one severity."""
        shown = self.client.diagnostics.get(self.uri(path), ())
        return [diagnostic for diagnostic in shown if severity in (None, diagnostic.severity)]

    def errors(self, path: str) -> list[types.Diagnostic]:
        """The errors of a file."""
        return self.diagnostics(path, types.DiagnosticSeverity.Error)

    async def shows_errors(self, path: str, count: int) -> list[types.Diagnostic]:
        """Wait until a file shows so many errors."""
        await self.until(lambda: len(self.errors(path)) == count, f"{count} errors in {path}")
        return self.errors(path)

    async def ready(self) -> None:
        """Wait until the project is open and nothing runs."""
        await self.until(lambda: self.status is not None and self.status.state == "ready", "readiness")

    async def fresh(self) -> None:
        """Wait until nothing runs and no test is affected."""

        def seen() -> bool:
            return self.status.state == "ready" and not self.status.affected and not self.affected

        await self.until(seen, "freshness")

    async def until(self, seen: Callable[[], bool], what: str) -> None:
        """Wait until something can be seen; AssertionError, with the last status, when it never is."""

        async def wait() -> None:
            while not seen():
                self._heard.clear()
                await self._heard.wait()

        try:
            await asyncio.wait_for(wait(), PATIENCE)
        except asyncio.TimeoutError:
            raise AssertionError(f"waited in vain for {what}; status {self.status}") from None

    def progress(self) -> list[Sequence[Any]]:
        """The reports of each progress that the server opened."""
        return list(self.client.progress_reports.values())

    # --- what the server sends ------------------------------------------------------------------

    def listen(self) -> None:
        """Hear all that the server sends."""
        features = self.client.protocol.fm.features
        for name in (types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS, types.PROGRESS, types.WINDOW_SHOW_MESSAGE):
            features[name] = self._then_wake(features[name])
        self._register(types.WINDOW_SHOW_MESSAGE_REQUEST, self._asked)
        self._register(types.WORKSPACE_CODE_LENS_REFRESH, self._refresh)
        features[types.WINDOW_SHOW_DOCUMENT] = self._then_wake(self._show)
        self._register("aftershock/status", self._status)
        self._register("aftershock/affectedTests", self._affected)
        self._register("aftershock/testModule", lambda params: self.modules.update({params.uri: params.tests}))
        self._register("aftershock/testModuleDelete", lambda params: self.modules.pop(params.uri, None))
        self._register("aftershock/testRunProgress", self.steps.append)
        self._register("aftershock/coverage", self.coverage.append)

    def _register(self, name: str, handler: Callable[[Any], T]) -> None:
        self.client.feature(name)(self._then_wake(handler))

    def _then_wake(self, handler: Callable[..., T]) -> Callable[..., T]:
        def handle(*arguments: Any) -> T:
            try:
                return handler(*arguments)
            finally:
                self._heard.set()

        return handle

    def _asked(self, params: types.ShowMessageRequestParams) -> types.MessageActionItem | None:
        self.questions.append(params.message)
        return types.MessageActionItem(self.answer) if self.answer else None

    def _refresh(self, _: Any) -> None:
        self.refreshes += 1

    def _show(self, params: types.ShowDocumentParams) -> types.ShowDocumentResult:
        assert params.selection is not None
        self.shown.append((params.uri, params.selection.start.line))
        return types.ShowDocumentResult(True)

    def _status(self, params: Any) -> None:
        self.status = params
        self.statuses.append(params)

    def _affected(self, params: Any) -> None:
        self.affected = {test.id: list(test.reasons) for test in params.tests}
        self.restored = list(params.restored)


async def open_editor(
    project: Project,
    transport: str = "stdio",
    answer: str | None = "Run All Tests",
    settings: dict[str, Any] | None = None,
    capabilities: types.ClientCapabilities | None = None,
) -> Editor:
    """Start a server over ``transport`` (stdio or tcp) and open a project in it."""
    editor = Editor(project, make_test_lsp_client(), answer)
    editor.listen()
    _read_code_actions(editor.client.protocol._converter)
    _read_quickly(editor.client.protocol._converter)
    command = (sys.executable, "-m", "aftershock", "serve")
    environment = {**os.environ, "PYTHONPATH": str(SERVER)}
    if transport == "stdio":
        await editor.client.start_io(*command, env=environment, cwd=project.root)
        editor.process = editor.client._server
    else:
        editor.process = await asyncio.create_subprocess_exec(
            *(*command, "--tcp", "127.0.0.1:0"), env=environment, cwd=project.root, stderr=asyncio.subprocess.PIPE
        )
        await editor.client.start_tcp("127.0.0.1", await _port(editor.process))
    begun = await editor.client.initialize_session(
        types.InitializeParams(
            capabilities or client_capabilities("visual-studio-code"),
            workspace_folders=[types.WorkspaceFolder(project.root.as_uri(), "project")],
            initialization_options={"settings": settings or {}, "testExplorer": True},
        )
    )
    editor.promised = begun.capabilities
    return editor


def _read_code_actions(converter: Converter) -> None:
    """Have a client take an action with a command for an action, as VS Code does; lsprotocol takes it for a command."""

    def read(given: Any, _: object) -> types.Command | types.CodeAction:
        is_command = isinstance(given.get("command"), str)
        kind: type[types.Command | types.CodeAction] = types.Command if is_command else types.CodeAction
        return converter.structure(given, kind)

    converter.register_structure_hook(Union[types.Command, types.CodeAction], read)  # noqa: UP007  # as it is named there


def _read_quickly(converter: Converter) -> None:
    """Have a client take notifications of our own as plain objects.

    pygls makes a class for each object in them, which takes it a quarter of a millisecond; an editor takes none.
    """

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return SimpleNamespace(**{name: plain(each) for name, each in value.items()})
        return [plain(each) for each in value] if isinstance(value, list) else value

    def read(given: Any, _: object) -> JsonRPCNotification:
        return JsonRPCNotification(given["method"], given["jsonrpc"], plain(given.get("params")))

    converter.register_structure_hook(JsonRPCNotification, read)


async def close_editor(editor: Editor) -> int | None:
    """Shut the server down as an editor does; returns its exit code."""
    await editor.client.shutdown_session()
    assert editor.process is not None
    code = await asyncio.wait_for(editor.process.wait(), PATIENCE)
    await editor.client.stop()  # type: ignore[no-untyped-call]
    return code


async def _port(server: asyncio.subprocess.Process) -> int:
    """The port that the server says it listens on; its later words go to our own stderr."""
    assert server.stderr is not None
    while line := (await server.stderr.readline()).decode():
        if "serving on" in line:
            editor_log = asyncio.create_task(_forward(server.stderr))
            _FORWARDERS.add(editor_log)
            editor_log.add_done_callback(_FORWARDERS.discard)
            return int(line.rpartition(":")[2])
    raise AssertionError("the server ended before it listened")


_FORWARDERS: set[asyncio.Task[None]] = set()


async def _forward(stream: asyncio.StreamReader) -> None:
    while line := await stream.readline():
        sys.stderr.write(line.decode(errors="replace"))
