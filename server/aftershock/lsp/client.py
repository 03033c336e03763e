"""The client as far as we use it, with whatever it lacks left out quietly."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from typing import TypeVar

from lsprotocol.types import (
    CodeLensWorkspaceClientCapabilities,
    Diagnostic,
    Location,
    MessageActionItem,
    MessageType,
    PublishDiagnosticsParams,
    ShowDocumentParams,
    ShowMessageParams,
    ShowMessageRequestParams,
)
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.progress import Progress

log = logging.getLogger(__name__)

T = TypeVar("T")

_LEVELS = {"error": MessageType.Error, "warning": MessageType.Warning, "info": MessageType.Info}


class Client:
    """What the server sends; lives from the client's ``initialize`` on."""

    def __init__(self, server: LanguageServer) -> None:
        """``server`` holds the connection and the client's capabilities."""
        self._server = server

    def notify(self, method: str, params: object) -> None:
        """Send one of our own notifications."""
        self._server.protocol.notify(method, params)

    def text(self, uri: str) -> str | None:
        """The text of a file as the client has it, saved or not; None where it isn't open and can't be read."""
        try:
            return self._server.workspace.get_text_document(uri).source
        except OSError:
            return None

    def publish(self, uri: str, diagnostics: Sequence[Diagnostic]) -> None:
        """Replace a file's diagnostics."""
        self._server.text_document_publish_diagnostics(PublishDiagnosticsParams(uri, list(diagnostics)))

    def show(self, level: str, message: str) -> None:
        """Show a sentence: ``level`` is error, warning or info."""
        self._server.window_show_message(ShowMessageParams(_LEVELS.get(level, MessageType.Info), message))

    async def ask(self, message: str, *actions: str, otherwise: str = "") -> str | None:
        """Ask, and return the chosen action; None where the client has no way to ask, or nothing was chosen.

        ``otherwise``: the level at which to show the message where the client has no way to ask.
        """
        items = [MessageActionItem(action) for action in actions]
        try:
            chosen = await _answer(
                self._server.window_show_message_request_async(
                    ShowMessageRequestParams(MessageType.Info, message, items)
                )
            )
        except JsonRpcException as error:
            log.info("the client can't ask: %s", error)
            if otherwise:
                self.show(otherwise, message)
            return None
        return chosen.title if chosen else None

    async def refresh_lenses(self) -> None:
        """Have the client fetch lenses again, where it can be told to; raises JsonRpcException if it objects."""
        workspace = self._server.client_capabilities.workspace
        lens: CodeLensWorkspaceClientCapabilities | None = workspace.code_lens if workspace else None
        if lens is not None and lens.refresh_support:
            await _answer(self._server.workspace_code_lens_refresh_async(None))

    async def open(self, location: Location) -> None:
        """Show a place, where the client can be told to; raises JsonRpcException if it objects."""
        window = self._server.client_capabilities.window
        if window is not None and window.show_document is not None and window.show_document.support:
            params = ShowDocumentParams(location.uri, take_focus=True, selection=location.range)
            await _answer(self._server.window_show_document_async(params))

    @property
    def progress(self) -> Progress | None:
        """Work-done progress, where the client shows it."""
        window = self._server.client_capabilities.window
        return self._server.work_done_progress if window and window.work_done_progress else None


async def _answer(request: Awaitable[T]) -> T:
    """A request's answer.  Shielded: pygls can't take an answer to a request that was cancelled on our side."""
    return await asyncio.shield(request)
