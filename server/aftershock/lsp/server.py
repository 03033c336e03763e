"""The language server: which of the client's messages leads where, over stdio or TCP."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInternalError, JsonRpcInvalidParams, PyglsError
from pygls.io_ import StdinAsyncReader, StdoutWriter, run_async
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

from aftershock import __version__
from aftershock.engine.configuration import Configuration, ConfigurationError
from aftershock.engine.coverage_runs import CannotMeasure
from aftershock.lsp import protocol
from aftershock.lsp.client import Client
from aftershock.lsp.commands import COMMANDS, Command
from aftershock.lsp.progress import PREFIX
from aftershock.lsp.server_log import log_to_project
from aftershock.lsp.session import INTERNAL, Session

log = logging.getLogger(__name__)

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Server(LanguageServer):
    """Serves one workspace folder to one client."""

    def __init__(self) -> None:
        super().__init__(
            "aftershock",
            __version__,
            text_document_sync_kind=types.TextDocumentSyncKind.Incremental,
            protocol_cls=protocol.Protocol,
            converter_factory=protocol.converter,
        )
        self.client = Client(self)
        self.session: Session | None = None
        self._opening: asyncio.Task[None] | None = None
        _register(self)

    def open(self, params: types.InitializeParams) -> None:
        """Make the session of the client's folder; a folder or setting that won't do is told, not raised."""
        given = _folder(params)
        if given is None:
            self._refuse("Aftershock needs a folder to be open.")
            return
        options = params.initialization_options
        settings = _plain(_entry(options, "settings")) or {}
        try:
            configuration = Configuration.load(given, settings if isinstance(settings, Mapping) else {})
        except ConfigurationError as error:
            self._refuse(str(error))
            return
        log_to_project(configuration.root, configuration.log_level)
        explorer, debugger = _entry(options, "testExplorer") is not False, _entry(options, "attachDebugger") is True
        self.session = Session(self.client, configuration, given, explorer, debugger)

    def begin(self) -> None:
        """The client is ready to hear: start the session."""
        if self.session is not None:
            self._opening = asyncio.get_running_loop().create_task(self.session.start())

    async def end(self) -> None:
        """Close the session; doing it twice is harmless."""
        opening, self._opening = self._opening, None
        if opening is not None and not opening.done():
            opening.cancel()
            await asyncio.wait([opening])
        session, self.session = self.session, None
        if session is not None:
            await session.close()

    def report_server_error(self, error: Exception, source: type[PyglsError] | type[JsonRpcException]) -> None:
        """Log what pygls caught; the client is told in one sentence, and only of what nobody else answers for."""
        log.error("%s: %s", source.__name__, error, exc_info=error)

    def _refuse(self, message: str) -> None:
        log.error("%s", message)
        asyncio.get_running_loop().call_soon(self._tell_refusal, message)

    def _tell_refusal(self, message: str) -> None:
        self.client.show("error", message)
        self.client.notify(protocol.STATUS, protocol.Status("failed", message, 0, 0, 0))


def _register(server: Server) -> None:
    """Every message that the server understands."""
    _register_life(server)
    _register_documents(server)
    _register_lenses(server)
    _register_actions(server)
    _register_runs(server)
    _register_coverage(server)
    for name, command in COMMANDS.items():
        server.command(name)(_handler(server, command))


def _register_life(server: Server) -> None:
    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        server.open(params)

    @server.feature(types.INITIALIZED)
    def initialized(params: types.InitializedParams) -> None:
        server.begin()

    @server.feature(types.SHUTDOWN)
    async def shutdown(params: None) -> None:
        await server.end()


def _register_documents(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: types.DidOpenTextDocumentParams) -> None:
        if server.session is not None:
            server.session.places.note(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: types.DidChangeTextDocumentParams) -> None:
        session, uri = server.session, params.text_document.uri
        if session is not None:
            session.typed(uri, lambda: server.workspace.get_text_document(uri).source)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: types.DidCloseTextDocumentParams) -> None:
        if server.session is not None:  # all else that is shown of a file stays
            server.session.left(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def saved(params: types.DidSaveTextDocumentParams) -> None:
        path = to_fs_path(params.text_document.uri)
        if server.session is not None and path:
            server.session.left(params.text_document.uri)
            server.session.files_changed([Path(path)])


def _register_lenses(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_CODE_LENS, types.CodeLensOptions(resolve_provider=False))
    async def lenses(params: types.CodeLensParams) -> list[types.CodeLens]:
        session = server.session
        if session is None:
            return []
        await session.calm()
        uri = params.text_document.uri
        try:
            text = server.workspace.get_text_document(uri).source
        except OSError:
            return []  # never opened, and gone by now
        return session.lenses(uri, text)


def _register_actions(server: Server) -> None:
    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix])
    )
    def actions(params: types.CodeActionParams) -> list[types.CodeAction]:
        return server.session.actions(params) if server.session is not None else []


def _register_runs(server: Server) -> None:
    @server.feature(protocol.TEST_RUN)
    async def run(params: protocol.TestRunParams) -> protocol.TestRunResult:
        session = _opened(server)
        engine = session.engine
        work = engine.run_all() if params.tests is None else engine.run_tests(params.tests)
        return protocol.TestRunResult(await session.runs.ask(work))

    @server.feature(protocol.TEST_RUN_CANCEL)
    def cancel(params: protocol.TestRunCancelParams) -> None:
        session = server.session
        if session is not None and session.runs.active == params.run:
            session.engine.cancel()
        elif session is not None:
            session.coverage.cancel(params.run)

    @server.feature(types.WINDOW_WORK_DONE_PROGRESS_CANCEL)
    def cancel_progress(params: types.WorkDoneProgressCancelParams) -> None:
        if server.session is not None and str(params.token).startswith(PREFIX):
            server.session.engine.cancel()


def _register_coverage(server: Server) -> None:
    @server.feature(protocol.COVERAGE_RUN)
    async def run(params: protocol.TestRunParams) -> protocol.TestRunResult:
        try:
            number = await _opened(server).coverage.start(params.tests)
        except CannotMeasure as error:
            raise JsonRpcInternalError(str(error)) from None
        if number is None:
            raise JsonRpcInvalidParams("There are no such tests.")
        return protocol.TestRunResult(number)

    @server.feature(protocol.COVERAGE_DETAILS)
    def details(params: protocol.CoverageDetailsParams) -> protocol.CoverageDetails:
        return _opened(server).coverage.details(params)


def _handler(server: Server, command: Command) -> Callable[..., Awaitable[object]]:
    async def execute(*arguments: Any) -> object:
        try:
            return await command(_opened(server), arguments)
        except JsonRpcException:
            raise
        except Exception:
            log.exception("a command failed")
            raise JsonRpcInternalError(INTERNAL) from None

    return execute


def _opened(server: Server) -> Session:
    """The session, once it can be asked."""
    if server.session is None or not server.session.started:
        raise JsonRpcInternalError("Aftershock has not opened the project yet.")
    return server.session


def _folder(params: types.InitializeParams) -> Path | None:
    """The first folder on this machine that the client names."""
    uris = [folder.uri for folder in params.workspace_folders or []]
    if params.root_uri:
        uris.append(params.root_uri)
    paths = [path for uri in uris if uri.startswith("file:") and (path := to_fs_path(uri))]
    if params.root_path:
        paths.append(params.root_path)
    return Path(paths[0]) if paths else None


def _entry(options: object, name: str) -> object:
    return options.get(name) if isinstance(options, Mapping) else getattr(options, name, None)


def _plain(value: object) -> object:
    """Named tuples, which pygls makes of some JSON objects, as dicts."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: _plain(item) for name, item in value._asdict().items()}
    return value


# --- transports ------------------------------------------------------------------------------


def serve_stdio() -> int:
    """Serve on stdin and stdout until the client goes; returns the exit code."""
    reader, writer = sys.stdin.buffer, sys.stdout.buffer
    # A stray print must not reach the client's stream.
    sys.stdout = sys.stderr

    async def serve() -> None:
        server = Server()
        server.protocol.set_writer(StdoutWriter(writer))
        await _converse(server, StdinAsyncReader(reader, server.thread_pool))

    return _run(serve())


def serve_tcp(host: str, port: int) -> int:
    """Serve one client that connects to this address of the machine itself; returns the exit code.

    ``port`` 0 picks a free one; the address is told on stderr.  Raises ValueError for a host that others can reach.
    """
    if host not in _LOOPBACK:
        raise ValueError(
            f"{host} can be reached from outside: the server runs code, so it serves loopback only (127.0.0.1)."
        )

    async def serve() -> None:
        connected: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
        connected = asyncio.get_running_loop().create_future()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if connected.done():
                writer.close()  # one server, one client
            else:
                connected.set_result((reader, writer))

        listener = await asyncio.start_server(accept, host, port)
        address = listener.sockets[0].getsockname()
        print(f"aftershock: serving on {address[0]}:{address[1]}", file=sys.stderr, flush=True)
        reader, writer = await connected
        server = Server()
        server.protocol.set_writer(writer)
        await _converse(server, reader)

    return _run(serve())


async def _converse(server: Server, reader: Any) -> None:
    """Work off the client's messages until it goes, politely or not, and end what it started."""
    stop = threading.Event()
    try:
        await run_async(stop, reader, server.protocol, log, server.report_server_error)
    except (ConnectionError, asyncio.IncompleteReadError):
        log.info("the client is gone")
    finally:
        await server.end()
        server.shutdown()  # type: ignore[no-untyped-call]


def _run(serve: Any) -> int:
    try:
        asyncio.run(serve)
    except KeyboardInterrupt:
        return 130
    except SystemExit as end:
        # pygls ends the process so at the client's "exit": 0 after a shutdown, 1 without.
        return end.code if isinstance(end.code, int) else 1
    return 0
