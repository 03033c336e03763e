"""``aftershock watch``, without a terminal and in one."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
from collections.abc import Iterator
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

    def press(self, key: str) -> None:
        """Press a key."""
        assert self._keyboard is not None
        os.write(self._keyboard, key.encode())


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
def terminal(shop: Project) -> Iterator[Screen]:
    """Watching in a terminal."""
    ours, theirs = pty.openpty()
    environment = {**ENVIRONMENT, "TERM": "xterm"}
    process = subprocess.Popen(
        [*COMMAND, "watch"], cwd=shop.root, env=environment, stdin=theirs, stdout=theirs, start_new_session=True
    )
    os.close(theirs)
    with os.fdopen(ours, "rb", buffering=0) as output:
        yield Screen(process, output, ours)
        process.kill()
        process.wait(20)


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
