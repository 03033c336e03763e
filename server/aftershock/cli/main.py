"""Reads the command line, runs the command, and turns whatever happens into an exit code and one sentence."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from aftershock import __version__
from aftershock.cli import commands
from aftershock.cli.exits import Exit
from aftershock.cli.watch import watch
from aftershock.engine.configuration import Configuration, ConfigurationError

log = logging.getLogger(__name__)

_EXITS = """exit codes, as pytest's: 0 all passed, or nothing was affected; 1 tests failed, now or
before with nothing changed since; 2 interrupted;
3 an error of Aftershock's own, or no interpreter to run tests in; 4 wrong usage."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code; ``arguments`` default to the process's own."""
    options = _parser().parse_args(arguments)
    try:
        return _dispatch(options)
    except ConfigurationError as error:
        return _say(str(error), Exit.USAGE)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # The reader has gone (`| head`); without this Python complains once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.INTERRUPTED
    except Exception as error:
        log.debug("failed", exc_info=True)
        hint = "" if options.verbose else " (-v tells more)"
        return _say(f"an error of Aftershock's own: {type(error).__name__}: {error}{hint}", Exit.INTERNAL)


def _dispatch(options: argparse.Namespace) -> int:
    if options.command == "serve":
        return _serve(options)
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.DEBUG if options.verbose else logging.CRITICAL,
        format="%(levelname)s %(name)s: %(message)s",
    )
    root: Path = options.root
    if not root.is_dir():
        return _say(f"{root} is not a folder.", Exit.USAGE)
    overrides: dict[str, object] = {"initialBuild": "never"}
    if options.interpreter:
        overrides["interpreter"] = options.interpreter
    if getattr(options, "processes", None):
        overrides["parallel"] = options.processes
    configuration = Configuration.load(root, overrides)
    works = {
        "build": lambda: commands.build(configuration, options.all),
        "affected": lambda: commands.affected(configuration, options.json),
        "run": lambda: commands.run(configuration, options.json),
        "watch": lambda: watch(configuration),
        "why": lambda: commands.why(configuration, options.test),
        "status": lambda: commands.status(configuration),
        "timeline": lambda: commands.timeline(configuration, options.output),
    }
    return asyncio.run(works[options.command]())


def _serve(options: argparse.Namespace) -> int:
    """Serve LSP; imported here, since no other command needs pygls."""
    from aftershock.lsp.server import serve_stdio, serve_tcp
    from aftershock.lsp.server_log import log_to_stderr

    log_to_stderr("debug" if options.verbose else "info")
    if options.tcp is None:
        return serve_stdio()
    host, _, port = options.tcp.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        return _say(f"--tcp takes HOST:PORT, as 127.0.0.1:7070, not {options.tcp}.", Exit.USAGE)
    try:
        return serve_tcp(host, int(port))
    except (ValueError, OSError) as error:
        return _say(str(error), Exit.USAGE)


def _say(message: str, code: Exit) -> int:
    print(f"aftershock: {message}", file=sys.stderr)
    return code


class _Parser(argparse.ArgumentParser):
    """Says what is wrong and ends with pytest's code for wrong usage."""

    def error(self, message: str) -> NoReturn:
        """Print the usage and the message, and exit."""
        self.print_usage(sys.stderr)
        self.exit(Exit.USAGE, f"{self.prog}: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="aftershock",
        description="Runs exactly the Python tests that a change affects.",
        epilog=_EXITS,
    )
    parser.add_argument("--version", action="version", version=f"aftershock {__version__}")
    parser.add_argument(*("-C", "--root"), type=Path, default=Path(), metavar="DIR", help="the project (default: here)")
    parser.add_argument("--interpreter", nargs=1, metavar="PYTHON", help="the project's Python")
    parser.add_argument("-v", "--verbose", action="store_true", help="log to stderr")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    serve = subparsers.add_parser("serve", help="the language server, over stdio")
    serve.add_argument("--tcp", metavar="HOST:PORT", help="over TCP instead, on loopback only")
    build = subparsers.add_parser("build", help="run the tests that nothing is known of")
    build.add_argument("--all", action="store_true", help="run every test")
    _add_processes(build)
    listing = subparsers.add_parser("affected", help="list the affected tests, run nothing")
    listing.add_argument("--json", action="store_true", help="a list of objects with id and reasons")
    run = subparsers.add_parser("run", help="run the affected tests")
    run.add_argument("--json", action="store_true", help="a line of JSON per verdict, and a summary")
    _add_processes(run)
    subparsers.add_parser("watch", help="stay warm and run on every save")
    why = subparsers.add_parser("why", help="why a test is affected, or why it is not")
    why.add_argument("test", metavar="TEST", help="a test's id, as pytest prints it, or its end")
    subparsers.add_parser("status", help="what is known, affected and failing")
    timeline = subparsers.add_parser("timeline", help="a picture of the last run, as a page for a browser")
    timeline.add_argument(
        *("-o", "--output"), type=Path, metavar="FILE", help="the page (default: .aftershock/timeline.html)"
    )
    return parser


def _add_processes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-n", dest="processes", type=_processes, metavar="N", help="how many at once")


def _processes(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return int(text)
