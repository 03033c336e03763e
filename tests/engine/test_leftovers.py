"""Processes and files that a test leaves behind go with its run, and with the session, and with the interpreter."""

from __future__ import annotations

import asyncio
import textwrap
from pathlib import Path

import psutil
import pytest

from support.engine import EngineStory, opened
from support.project import Project
from support.trouble import (
    ALL_PASS,
    ONLY_THE_CULPRIT_FAILS,
    agent_of,
    is_gone,
    scratch_of,
    session_in,
    session_of,
    spare_of,
    started_by,
    three_tests,
    told_of,
    until,
)

_DAEMON = """
ready, told = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.write(told, b"%d" % os.getpid())
        {lives_on}
        time.sleep(600)
    os._exit(0)
number = os.read(ready, 100)
(here / "left").write_bytes(number)
"""
_LEFT = {
    "a child": "child = subprocess.Popen(['sleep', '600'])\n(here / 'left').write_text(str(child.pid))",
    "a child in a session of its own": (
        "child = subprocess.Popen(['sleep', '600'], start_new_session=True)\n(here / 'left').write_text(str(child.pid))"
    ),
    "a forked child": (
        "child = os.fork()\nif child == 0:\n    time.sleep(600)\n(here / 'left').write_text(str(child))"
    ),
    "a daemon": _DAEMON.format(lives_on=""),
    "a daemon that handles signals": _DAEMON.format(lives_on="signal.signal(signal.SIGTERM, signal.SIG_IGN)"),
    "a daemon with daemons": _DAEMON.format(lives_on="os.fork(), os.setsid() if os.getpgrp() != os.getpid() else 0"),
}
_THEN = {
    "passes": "",
    "crashes": "os._exit(7)",
    "hangs": "time.sleep(600)",
}


@pytest.mark.parametrize(
    ("left", "then"), [*((left, then) for left in _LEFT for then in ("passes", "crashes")), ("a daemon", "hangs")]
)
async def test_a_process_that_a_test_starts_ends_with_its_run(project: Project, left: str, then: str) -> None:
    files = three_tests(_LEFT[left])
    files["test_three.py"] = files["test_three.py"].replace("\ndef test_later", f"    {_THEN[then]}\n\ndef test_later")
    project.write(files)
    async with opened(project, built=False, testTimeout=1 if then == "hangs" else 60) as story:
        session = session_of(story)
        await story.engine.build()
        assert story.outcomes() == (ALL_PASS if then == "passes" else ONLY_THE_CULPRIT_FAILS)
        assert is_gone(int(project.read("left")))
        assert session_of(story) == session
        await story.engine.refined()
        spare = await spare_of(story)
        assert session.children() == [spare]
        assert psutil.Process().children() == [agent_of(story)]


async def test_a_daemon_lives_as_long_as_its_run_and_its_end_shows(project: Project) -> None:
    project.write(
        {
            "test_daemon.py": f"""
                import os, pathlib, signal, time

                here = pathlib.Path(__file__).parent

                def test_start():
{textwrap.indent(_DAEMON.format(lives_on=""), " " * 20)}
                def test_use():
                    os.kill(int((here / "left").read_text()), 0)

                def test_stop():
                    number = int((here / "left").read_text())
                    os.kill(number, signal.SIGTERM)
                    while True:
                        try:
                            os.kill(number, 0)
                        except ProcessLookupError:
                            return
                        time.sleep(0.01)
                """
        }
    )
    async with opened(project, testTimeout=20) as story:
        assert story.outcomes() == {"test_start": "passed", "test_use": "passed", "test_stop": "passed"}


async def test_a_child_that_the_project_starts_at_import_serves_every_run(project: Project) -> None:
    files = three_tests("os.kill(service.pid, 0)")
    files["service.py"] = "import subprocess\n\nservice = subprocess.Popen(['sleep', '600'])\n"
    files["test_three.py"] = files["test_three.py"].replace("import pytest\n", "from service import service\n")
    project.write(files)
    async with opened(project) as story:
        assert story.outcomes() == ALL_PASS
        (service,) = started_by(session_in(story))
        await story.engine.run_all()
        await story.engine.refined()
        await spare_of(story)
        await story.engine.run_all()
        assert story.outcomes() == ALL_PASS
        assert service.is_running()
        await story.save("service.py", "'600'", "'601'")
        assert story.outcomes() == ALL_PASS
        assert is_gone(service.pid)
        (another,) = started_by(session_in(story))
    assert is_gone(another.pid)


_TEMPORARY = """
    import os, time

    def test_temporary(tmp_path, tmp_path_factory):
        (tmp_path / "x").write_text("x")
        (tmp_path_factory.mktemp("more") / "y").write_text("y")
        {then}
    """


@pytest.mark.parametrize("then", _THEN)
async def test_a_runs_temporary_folder_goes_with_it(project: Project, then: str) -> None:
    project.write({"test_temporary.py": _TEMPORARY.format(then=_THEN[then])})
    async with opened(project, testTimeout=1 if then == "hangs" else 60) as story:
        assert len(story.outcomes()) == 1
        assert _files_in(story) == []


async def test_a_killed_sessions_temporary_folder_goes_with_it(project: Project) -> None:
    project.write({"test_temporary.py": _TEMPORARY.format(then="os.kill(os.getppid(), 9)")})
    async with opened(project) as story:
        assert "went away" in told_of(story, "test_temporary.py::test_temporary")
        assert _files_in(story) == []


def _files_in(story: EngineStory) -> list[Path]:
    """What is in the interpreter's temporary folder beside the one of the session that lives."""
    return sorted(path for path in scratch_of(story).rglob("*") if path.parent != scratch_of(story))


async def test_a_retired_session_leaves_no_folder(project: Project) -> None:
    project.write(three_tests("pass"))
    async with opened(project) as story:
        for number in range(3):
            await story.save("test_three.py", "\ndef test_later", f"\nX{number} = 1\n\ndef test_later")
        assert len(list(scratch_of(story).iterdir())) == 1


@pytest.mark.parametrize("left", ["a child", "a forked child", "a daemon"])
async def test_nothing_outlives_the_interpreter(project: Project, left: str) -> None:
    project.write(three_tests(_LEFT[left] + "\n(here / 'up').touch()\ntime.sleep(600)"))
    async with opened(project, built=False) as story:
        building = asyncio.ensure_future(story.engine.build())
        await until(project.path("up"))
        family = agent_of(story).children(recursive=True)
        scratch = scratch_of(story)
    assert await building is None
    assert is_gone(int(project.read("left")))
    assert not any(process.is_running() for process in family)
    assert not scratch.exists()
