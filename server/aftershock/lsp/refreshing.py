"""Asks the client to fetch code lenses again, often enough to be live and never faster than it can follow."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from pygls.exceptions import JsonRpcException

from aftershock.lsp.timing import BLINK


class Refresher:
    """Sends one request for all that changes in a blink: a run of many short tests would ask for thousands."""

    def __init__(self, send: Callable[[], Awaitable[object]]) -> None:
        """``send`` makes the request and ends with its answer."""
        self._send = send
        self._wanted = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._work())

    def request(self) -> None:
        """Lenses changed."""
        self._wanted.set()

    def close(self) -> None:
        """Send nothing any more."""
        self._task.cancel()

    async def _work(self) -> None:
        while True:
            await self._wanted.wait()
            await asyncio.sleep(BLINK)
            self._wanted.clear()
            try:
                await self._send()
            except JsonRpcException:
                return  # the client says that it can, and can't: it still asks after each of its own changes
