"""``aftershock watch``, without a terminal and in one."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import subprocess
import termios
from collections.abc import Callable, Iterator
from typing import IO

import pytest
from cli.conftest import COMMAND, ENVIRONMENT

from support.project import Project

PATIENCE = 30.0  # seconds


class Screen:
    """What a watching process writes."""

    def __init__(self, process: subprocess.Popen[bytes], output: IO[bytes], keyboard: int | None) -> None:
        self.process = process
        self._output = output
        self._keyboard = keyboard
        self.text = ""

    def shows(self, wanted: str) -> None:
        """Wait until it has written this, after what was waited for before."""
        while wanted not in self.text:
            ready, _, _ = select.select([self._output], [], [], PATIENCE)
            assert ready, f"it never wrote {wanted!r}; it wrote {self.text!r}"
            chunk = os.read(self._output.fileno(), 4096)
            assert chunk, f"it ended without {wanted!r}; it wrote {self.text!r}"
            self.text += chunk.decode(errors="replace")
        self.text = self.text.partition(wanted)[2]

    def type(self, text: str) -> None:
        """Type a line."""
        self.press(text + "\n")

    def press(self, key: str) -> None:
        """Press a key."""
        assert self._keyboard is not None
        os.write(self._keyboard, key.encode())


OpenTerminal = Callable[[], Screen]


@pytest.fixture
def piped(shop: Project) -> Iterator[Screen]:
    """Watching with pipes for input and output."""
    process = subprocess.Popen(
        [*COMMAND, "watch"], cwd=shop.root, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    yield Screen(process, process.stdout, None)
    process.terminate()
    process.wait(20)
    process.stdout.close()


@pytest.fixture
def terminal_of(shop: Project) -> Iterator[OpenTerminal]:
    """Watch in a terminal, when called."""
    screens: list[Screen] = []
    with contextlib.ExitStack() as stack:

        def open_it() -> Screen:
            ours, theirs = pty.openpty()
            environment = {**ENVIRONMENT, "TERM": "xterm"}
            process = subprocess.Popen(
                [*COMMAND, "watch"],
                cwd=shop.root,
                env=environment,
                stdin=theirs,
                stdout=theirs,
                preexec_fn=lambda: _control(theirs),
            )
            os.close(theirs)
            output = stack.enter_context(os.fdopen(ours, "rb", buffering=0))
            screens.append(Screen(process, output, ours))
            return screens[-1]

        yield open_it
        for screen in screens:
            screen.process.kill()
            screen.process.wait(20)


@pytest.fixture
def terminal(terminal_of: OpenTerminal) -> Screen:
    """Watching in a terminal."""
    return terminal_of()


def _control(terminal: int) -> None:
    """Make it the terminal that the process is controlled by, so that its Ctrl+C is heard."""
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


def test_a_save_runs_what_it_affects(shop: Project, piped: Screen) -> None:
    piped.shows("3 passed")
    piped.shows("Waiting for a save.")

    shop.edit("prices.py", "gross // 10", "gross // 5")
    piped.shows("assert 20 == 10")
    piped.shows("2 failed")

    shop.edit("prices.py", "{amount} EUR", "EUR {amount}")
    piped.shows("✗ test_prices.py::test_label")

    piped.process.send_signal(signal.SIGINT)
    assert piped.process.wait(20) == 0


def test_keys_run_pause_and_quit(shop: Project, terminal: Screen) -> None:
    terminal.shows("Press a to run all 3 tests once.")
    terminal.press("a")
    terminal.shows("\x1b[2J")
    terminal.shows("3 passed")
    terminal.shows("Waiting for a save.")

    terminal.press("p")
    terminal.shows("Paused.")
    shop.edit("prices.py", "gross // 10", "gross // 5")
    terminal.press("p")
    terminal.shows("2 failed")

    terminal.press("f")
    terminal.shows("2 failed")
    terminal.press("q")
    assert terminal.process.wait(20) == 0


def test_a_breakpoint_gets_the_terminal_and_gives_it_back(shop: Project, terminal: Screen) -> None:
    _build(terminal)

    shop.edit("prices.py", "return gross // 10", "breakpoint()\n    return gross // 10")
    terminal.shows("the test has reached a breakpoint")
    terminal.shows("Debugging test_prices.py::test_")
    terminal.shows("(Pdb) ")
    terminal.type("p gross * 3 + 7")
    terminal.shows("307")
    terminal.type("continue")
    terminal.shows("1 passed")
    terminal.shows("Waiting for a save.")

    shop.edit("prices.py", "breakpoint()\n    return gross // 10", "return gross // 10 + 0")
    terminal.shows("2 passed")
    terminal.press("q")
    assert terminal.process.wait(20) == 0


def test_a_key_opens_the_first_failed_test_in_pdb(shop: Project, terminal: Screen) -> None:
    _build(terminal)
    terminal.press("d")
    terminal.shows("No test failed.")
    shop.edit("prices.py", "gross // 10", "gross // 5")
    terminal.shows("2 failed")
    terminal.shows("Waiting for a save.")

    terminal.press("d")
    terminal.shows("(Pdb) ")
    terminal.press("\x03")
    terminal.press("\n")  # where readline isn't waiting yet after its prompt, it hears of Ctrl+C with the next key
    terminal.shows("--KeyboardInterrupt--")
    terminal.type("p tax(1000) + 11")
    terminal.shows("211")
    shop.edit("prices.py", "gross // 5", "gross // 10 + 0")
    terminal.type("q")

    terminal.shows("2 passed")
    terminal.press("q")
    assert terminal.process.wait(20) == 0


def test_pdb_in_the_users_options_is_an_offer_and_hangs_nothing(shop: Project, terminal_of: OpenTerminal) -> None:
    shop.write({"pyproject.toml": '[tool.aftershock]\npytestArgs = ["--pdb"]\n'})
    terminal = terminal_of()
    _build(terminal)

    shop.edit("prices.py", "gross // 10", "gross // 5")
    terminal.shows("2 failed")
    terminal.shows("--pdb: press d")
    terminal.press("d")
    terminal.shows("(Pdb) ")
    terminal.press("\x04")
    terminal.shows("Waiting for a save.")


def test_a_breakpoint_without_a_terminal_is_a_failure_that_says_so(shop: Project, piped: Screen) -> None:
    piped.shows("Waiting for a save.")
    shop.edit("prices.py", "return gross // 10", "breakpoint()\n    return gross // 10")
    piped.shows("the test has reached a breakpoint")
    piped.shows("2 failed")
    piped.shows("Waiting for a save.")


def _build(terminal: Screen) -> None:
    terminal.shows("Press a to run all 3 tests once.")
    terminal.press("a")
    terminal.shows("3 passed")
    terminal.shows("Waiting for a save.")
