"""For stories about tests that misbehave: a file with a culprit, what was told of it, and who is left."""

from __future__ import annotations

import asyncio
import textwrap
from pathlib import Path

import psutil

from aftershock.engine import events
from support.engine import EngineStory

CULPRIT = "test_three.py::test_culprit"
ONLY_THE_CULPRIT_FAILS = {"test_before": "passed", "test_culprit": "failed", "test_later": "passed"}
ALL_PASS = dict.fromkeys(ONLY_THE_CULPRIT_FAILS, "passed")


_HEAD = """\
import os, pathlib, resource, signal, subprocess, sys, threading, time
import pytest

here = pathlib.Path(__file__).parent

def test_before():
    pass

def test_culprit():
"""
_TAIL = """

def test_later():
    pass
"""


def three_tests(body: str) -> dict[str, str]:
    """A file of three tests whose middle one does `body`; `here` is the project's folder."""
    culprit = textwrap.indent(textwrap.dedent(body).strip("\n"), "    ")
    return {"test_three.py": f"{_HEAD}{culprit}{_TAIL}"}


def told_of(story: EngineStory, test: str = CULPRIT) -> str:
    """The message of a test's failure."""
    verdict = story.engine.state_of(test).verdict
    assert verdict is not None
    assert verdict.failure is not None
    return verdict.failure.message


def output_of(story: EngineStory, test: str = CULPRIT) -> str:
    """What the test printed in its last run."""
    return [event.output for event in story.of(events.TestFinished) if event.verdict.test == test][-1]


def agent_of(story: EngineStory) -> psutil.Process:
    """The base process of the story's interpreter."""
    children = psutil.Process().children()
    (agent,) = [child for child in children if str(story.project.root) in " ".join(child.cmdline())]
    return agent


def session_of(story: EngineStory) -> psutil.Process:
    """The process that holds the project imported, with nothing in it but, maybe, the fork that waits for a run."""
    session = session_in(story)
    assert len(session.children()) == len(_forks_of(session)) <= 1
    return session


def session_in(story: EngineStory) -> psutil.Process:
    """The process that holds the project imported, whatever else the project has started in it."""
    return psutil.Process(story.session_pid)


def _forks_of(session: psutil.Process) -> list[psutil.Process]:
    """The forks of a session: runs, and the one that waits for the next run."""
    alive = [child for child in session.children() if child.status() != psutil.STATUS_ZOMBIE]
    return [child for child in alive if child.cmdline() == session.cmdline()]


def started_by(session: psutil.Process) -> list[psutil.Process]:
    """What the project itself has started in its session."""
    forks = _forks_of(session)
    return [child for child in session.children() if child not in forks]


async def spare_of(story: EngineStory) -> psutil.Process:
    """Wait until the session has a fork that waits for the next run; idle work has one of its own."""
    while not (forks := _forks_of(session_in(story))):
        await asyncio.sleep(0.005)
    return forks[0]


def scratch_of(story: EngineStory) -> Path:
    """The folder for temporary files of the story's interpreter."""
    return Path(agent_of(story).cmdline()[-1])


def is_gone(pid: int) -> bool:
    """Whether a process has ended, and has been reaped."""
    return not psutil.pid_exists(pid)


async def until(path: Path) -> None:
    """Wait until a test has made a file: the test itself is the event."""
    while not path.exists():
        await asyncio.sleep(0.005)


def failing(story: EngineStory) -> dict[str, str]:
    """What was told of the tests that don't pass, by test; `affected` of those without a verdict that holds."""
    names = [test for test in story.engine.tests if story.outcomes()[test.split("::", 1)[1]] != "passed"]
    return {test: "affected" if story.engine.state_of(test).affected else told_of(story, test) for test in names}
