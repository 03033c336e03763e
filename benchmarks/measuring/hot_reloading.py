"""pytest-hot-reloading as people run it: a daemon of its own for the project, and a client for each answer."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.measuring.cold import count
from projects import Project

REQUIREMENTS = (
    "pytest-hot-reloading==0.1.0a19",
    "jurigged==0.5.8",
    "cachetools==5.5.2",
    "codefind==0.1.7",
    "ovld==0.3.9",
    "watchdog==6.0.0" if sys.version_info < (3, 11) else "watchdog==7.1.0",
    "blessed==1.52.0",
)
"""Its newest release, and what it needs: jurigged before 0.6."""

_START = 30.0  # seconds until the daemon must listen
_PATIENCE = 300.0  # seconds for one answer
_PLUGIN = ("-p", "pytest_hot_reloading.plugin", "--daemon-use-os-events")  # its README: quicker than to poll
_SETTLED = 5.0  # seconds until the daemon must have gone


class DaemonError(Exception):
    """The daemon didn't start; the text says why."""


@dataclass(frozen=True)
class Answer:
    """What the client said: seconds of its process, tests in its summary; ``problem``: why it is not right."""

    seconds: float
    tests: int
    problem: str = ""


class Daemon:
    """A warm process of pytest-hot-reloading's for one project; made by `running`."""

    def __init__(self, project: Project, port: int) -> None:
        self._command = [str(project.python), "-m", "pytest", *_PLUGIN, "--daemon-port", str(port)]
        self._project = project
        self._port = port
        self.process = subprocess.Popen(
            [*self._command, "--daemon"],
            cwd=project.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def wait(self) -> None:
        """Return when it listens; raises DaemonError."""
        deadline = time.monotonic() + _START
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("localhost", self._port), 1.0):
                return
            time.sleep(0.05)
        raise DaemonError(f"pytest-hot-reloading's daemon in {self._project.root.name} doesn't listen")

    def ask(self, tests: Sequence[str], sign: str | None) -> Answer:
        """Have it run tests (none: all), which pass; `sign` is what one of them prints when it runs the new code."""
        command = [*self._command, "-q", "-rfEP", *tests]
        started = time.perf_counter()
        try:
            done = subprocess.run(
                command, cwd=self._project.root, capture_output=True, text=True, check=False, timeout=_PATIENCE
            )
        except subprocess.TimeoutExpired:
            return Answer(_PATIENCE, 0, f"no answer in {_PATIENCE:.0f} s")
        seconds = time.perf_counter() - started
        ran = count(done.stdout)
        return Answer(seconds, ran, _problem(done, ran, len(tests), sign))

    def stop(self) -> None:
        """End it in its own way, so that its file with the process's number goes too; else kill it."""
        if self.process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                subprocess.run([*self._command, "--stop-daemon"], capture_output=True, check=False, timeout=_SETTLED)
                self.process.wait(_SETTLED)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def _problem(done: subprocess.CompletedProcess[str], ran: int, asked: int, sign: str | None) -> str:
    if done.returncode != 0:
        lines = (done.stdout + done.stderr).splitlines()
        told = next(
            (line for line in lines if re.match(r"(FAILED|ERROR|[\w.]*(Error|Exception):) ?", line)), "no error told"
        )
        return f"exit status {done.returncode}: {told}"
    if ran < asked:
        return f"ran {ran} of {asked} tests"
    if sign is not None and sign not in done.stdout.splitlines():
        return "passed, but with the old code"
    return ""


@contextlib.contextmanager
def running(project: Project) -> Iterator[Daemon]:
    """A daemon for a project, listening; ended with the context.  Raises DaemonError."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port: int = probe.getsockname()[1]
    daemon = Daemon(project, port)
    try:
        daemon.wait()
        yield daemon
    finally:
        daemon.stop()
