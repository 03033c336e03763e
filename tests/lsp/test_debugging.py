"""Debugging a test from an editor: a real debugpy, and a client that speaks enough of its protocol."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pygls.exceptions import JsonRpcException

from support.editor import Editor, close_editor
from support.project import Project

PATIENCE = 60.0  # seconds
TEST_NET = "tests/test_prices.py::test_net"
OpenEditor = Callable[..., Awaitable[Editor]]


class Debugger:
    """A client of the Debug Adapter Protocol."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._number = 0
        self.output = ""

    @staticmethod
    async def attach(address: Any) -> Debugger:
        """Connect, initialise and attach; breakpoints may be set until :meth:`go`."""
        debugger = Debugger(*await asyncio.open_connection(address["host"], address["port"]))
        debugger.send("initialize", adapterID="aftershock", linesStartAt1=True)
        await debugger.hears("response", "initialize")
        debugger.send("attach", redirectOutput=True, justMyCode=True)
        await debugger.hears("event", "initialized")
        return debugger

    def send(self, command: str, **arguments: object) -> None:
        """Send a request."""
        self._number += 1
        request = {"seq": self._number, "type": "request", "command": command, "arguments": arguments}
        body = json.dumps(request).encode()
        self._writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    async def break_at(self, path: str, line: int) -> None:
        """Set a breakpoint."""
        self.send("setBreakpoints", source={"path": path}, breakpoints=[{"line": line}])
        await self.hears("response", "setBreakpoints")

    async def hears(self, kind: str, name: str) -> Any:
        """Wait for a message of this type and name, and return it."""
        while True:
            message = await asyncio.wait_for(self._message(), PATIENCE)
            if message.get("event") == "output":
                self.output += message["body"]["output"]
            if message["type"] == kind and message.get("command", message.get("event")) == name:
                return message

    async def _message(self) -> Any:
        header = await self._reader.readuntil(b"\r\n\r\n")
        length = next(line for line in header.split(b"\r\n") if line.lower().startswith(b"content-length"))
        return json.loads(await self._reader.readexactly(int(length.partition(b":")[2])))


async def test_a_debugger_stops_at_a_breakpoint_in_what_runs_at_import(open_shop: OpenEditor, shop: Project) -> None:
    shop.edit("prices.py", "def net(gross):", "RATE = 10\n\n\ndef net(gross):")
    editor = await _ready(open_shop)

    debugger = await Debugger.attach(await editor.command("aftershock.debugTest", TEST_NET))
    await debugger.break_at(str(shop.path("prices.py")), 1)
    debugger.send("configurationDone")

    stopped = await debugger.hears("event", "stopped")
    assert stopped["body"]["reason"] == "breakpoint"
    debugger.send("continue", threadId=stopped["body"]["threadId"])
    await debugger.hears("event", "terminated")
    assert "1 passed" in debugger.output


async def test_a_lens_offers_to_debug_a_test_and_a_class_of_tests(editor: Editor) -> None:
    lenses = await editor.lens_commands("tests/test_basket.py")
    offered = {line: command for line, commands in lenses.items() for command in commands if command.title == "Debug"}

    debugger = await Debugger.attach(await editor.command(offered[4].command, *offered[4].arguments or ()))
    debugger.send("configurationDone")

    await debugger.hears("event", "terminated")
    assert "2 passed" in debugger.output


async def test_the_users_own_options_hold_but_for_those_that_get_in_the_way(open_shop: OpenEditor) -> None:
    editor = await _ready(open_shop, settings={"pytestArgs": ["--pdb", "-v", "tests"]})

    debugger = await Debugger.attach(await editor.command("aftershock.debugTest", TEST_NET))
    debugger.send("configurationDone")

    await debugger.hears("event", "terminated")
    assert "::test_net PASSED" in debugger.output
    assert "test_basket" not in debugger.output


async def test_a_debugged_test_ends_with_the_server(editor: Editor) -> None:
    address = await editor.command("aftershock.debugTest", TEST_NET)
    debugger = await Debugger.attach(address)

    assert await close_editor(editor) == 0

    await debugger.hears("event", "terminated")


async def test_without_debugpy_one_sentence_says_what_to_do(open_shop: OpenEditor, shop: Project) -> None:
    shop.write({"hidden/debugpy.py": "raise ImportError('hidden')\n"})
    editor = await _ready(open_shop, settings={"env": {"PYTHONPATH": str(shop.path("hidden"))}})

    with pytest.raises(JsonRpcException) as told:
        await editor.command("aftershock.debugTest", TEST_NET)

    assert str(told.value) == (
        f"debugpy is not installed for {sys.executable}. Install it there (pip install debugpy), then debug again."
    )


async def test_a_test_that_is_not_there_cannot_be_debugged(editor: Editor) -> None:
    with pytest.raises(JsonRpcException, match=r"There is no test nowhere::nothing\."):
        await editor.command("aftershock.debugTest", "nowhere::nothing")


async def test_other_editors_are_told_where_the_test_waits(editor: Editor) -> None:
    address = await editor.command("aftershock.debugTest", TEST_NET)

    await editor.until(lambda: bool(editor.client.messages), "a message")

    assert f"127.0.0.1:{address['port']}" in editor.client.messages[-1].message


async def _ready(open_shop: OpenEditor, **options: Any) -> Editor:
    editor = await open_shop(**options)
    await editor.ready()
    return editor
