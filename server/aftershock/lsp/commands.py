"""The commands of ``workspace/executeCommand``: each run action that a user has."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from lsprotocol.types import Location, Position, Range
from pygls.exceptions import JsonRpcInternalError, JsonRpcInvalidParams

from aftershock.engine.debugging import CannotDebug
from aftershock.lsp import protocol
from aftershock.lsp.session import Session
from aftershock.timeline.page import page

Arguments = Sequence[Any]
Command = Callable[[Session, Arguments], Awaitable[object]]


async def _run_affected(session: Session, _: Arguments) -> None:
    session.spawn(session.engine.run_affected())


async def _run_all(session: Session, _: Arguments) -> None:
    session.spawn(session.engine.run_all())


async def _run_failed(session: Session, _: Arguments) -> None:
    session.spawn(session.engine.run_failed())


async def _run_tests(session: Session, arguments: Arguments) -> None:
    if not arguments or not all(isinstance(test, str) for test in arguments):
        raise JsonRpcInvalidParams(f"{protocol.RUN_TESTS} takes ids of tests.")
    session.spawn(session.engine.run_tests(list(arguments)))


async def _open_location(session: Session, arguments: Arguments) -> None:
    uri, line, character = arguments if len(arguments) == 3 else (None, None, None)
    if not (isinstance(uri, str) and isinstance(line, int) and isinstance(character, int)):
        raise JsonRpcInvalidParams(f"{protocol.OPEN_LOCATION} takes a URI, a line and a character.")
    place = Position(line, character)
    session.spawn(session.open_location(Location(uri, Range(place, place))))


async def _run_tests_for_symbol(session: Session, arguments: Arguments) -> None:
    session.spawn(session.engine.run_tests(session.tests_of(_reference(arguments))))


async def _show_tests_for_symbol(session: Session, arguments: Arguments) -> protocol.SymbolTests:
    return session.show_tests(_reference(arguments))


async def _show_tests_for_line(session: Session, arguments: Arguments) -> protocol.LineTests:
    uri, line = _entries(arguments, "uri", "line")
    if not isinstance(uri, str) or not isinstance(line, int):
        raise JsonRpcInvalidParams("This command takes a line: an object with uri and line.")
    return session.show_tests_of_line(uri, line)


async def _why(session: Session, arguments: Arguments) -> protocol.WhyResult:
    test = _test(protocol.WHY, arguments)
    try:
        explanation = session.engine.explain(test)
    except KeyError:
        raise JsonRpcInvalidParams(f"There is no test {test}.") from None
    reasons = [protocol.WhyReason(because.text, because.lines) for because in explanation.reasons]
    return protocol.WhyResult(test, explanation.affected, reasons, explanation.inputs)


async def _show_timeline(session: Session, _: Arguments) -> protocol.Timeline:
    # A page of 10,000 tests takes a moment to draw.
    return protocol.Timeline(await asyncio.to_thread(page, session.engine.last_run, secrets.token_urlsafe()))


async def _locate_test(session: Session, arguments: Arguments) -> protocol.TestPlace:
    test = _test(protocol.LOCATE_TEST, arguments)
    node = session.engine.tests.get(test)
    if node is None:
        raise JsonRpcInvalidParams(f"There is no test {test}.")
    return protocol.TestPlace(session.places.location(node.path, node.line))


async def _debug_test(session: Session, arguments: Arguments) -> protocol.DebugAddress:
    if not arguments or not all(isinstance(test, str) for test in arguments):
        raise JsonRpcInvalidParams(f"{protocol.DEBUG_TEST} takes ids of tests.")
    try:
        address = await session.debug(arguments)
    except CannotDebug as error:
        raise JsonRpcInternalError(str(error)) from None
    if address is None:
        raise JsonRpcInvalidParams(f"There is no test {arguments[0]}.")
    return protocol.DebugAddress(address.host, address.port)


async def _cancel(session: Session, _: Arguments) -> None:
    session.engine.cancel()


async def _pause(session: Session, _: Arguments) -> None:
    session.engine.pause()


async def _resume(session: Session, _: Arguments) -> None:
    session.engine.resume()


async def _rebuild(session: Session, _: Arguments) -> None:
    session.spawn(session.engine.rebuild())


async def _restart_interpreter(session: Session, _: Arguments) -> None:
    session.spawn(session.engine.restart_interpreter())


COMMANDS: Mapping[str, Command] = {
    protocol.RUN_AFFECTED: _run_affected,
    protocol.RUN_ALL: _run_all,
    protocol.RUN_FAILED: _run_failed,
    protocol.RUN_TESTS: _run_tests,
    protocol.OPEN_LOCATION: _open_location,
    protocol.RUN_TESTS_FOR_SYMBOL: _run_tests_for_symbol,
    protocol.SHOW_TESTS_FOR_SYMBOL: _show_tests_for_symbol,
    protocol.SHOW_TESTS_FOR_LINE: _show_tests_for_line,
    protocol.DEBUG_TEST: _debug_test,
    protocol.WHY: _why,
    protocol.SHOW_TIMELINE: _show_timeline,
    protocol.LOCATE_TEST: _locate_test,
    protocol.CANCEL: _cancel,
    protocol.PAUSE: _pause,
    protocol.RESUME: _resume,
    protocol.REBUILD: _rebuild,
    protocol.RESTART_INTERPRETER: _restart_interpreter,
}
"""By name.  Those that start a run answer at once; the run tells of itself."""


def _test(command: str, arguments: Arguments) -> str:
    """The id of a test that a command takes."""
    test = arguments[0] if arguments else None
    if not isinstance(test, str):
        raise JsonRpcInvalidParams(f"{command} takes the id of a test.")
    return test


def _reference(arguments: Arguments) -> protocol.SymbolReference:
    """The symbol that a lens's command carries."""
    uri, qualname = _entries(arguments, "uri", "qualname")
    if not isinstance(uri, str) or not isinstance(qualname, str):
        raise JsonRpcInvalidParams("This command takes a symbol: an object with uri and qualname.")
    return protocol.SymbolReference(uri, qualname)


def _entries(arguments: Arguments, *names: str) -> list[Any]:
    """Entries of the first argument, a JSON object, which pygls reads as a named tuple or as a dict."""
    given = arguments[0] if arguments else None
    return [given.get(name) if isinstance(given, Mapping) else getattr(given, name, None) for name in names]
