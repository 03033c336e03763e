"""Crashes, hangs, kills and interruptions: each is told as what it is, and nothing that was committed is lost."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import psutil
import pytest

from aftershock.engine import events, scratch
from aftershock.engine.run_events import RunEvents
from support.engine import opened
from support.project import Project
from support.trouble import agent_of, session_in

_CULPRITS = {
    "os._exit(3)": "exit status 3",
    "os._exit(0)": "exit status 0",
    "os.kill(os.getpid(), 11)": "SIGSEGV",
    "os.killpg(0, 9)": "SIGKILL",
}


def _three_tests(body: str) -> dict[str, str]:
    """A test file whose middle test does something dreadful."""
    return {
        "test_three.py": f"""
            import os, sys, time

            def test_before():
                pass

            def test_culprit():
                {body}

            def test_later():
                pass
            """
    }


@pytest.mark.parametrize("body", _CULPRITS)
async def test_a_crash_is_told_on_the_test_that_did_it_and_the_rest_run(project: Project, body: str) -> None:
    project.write(_three_tests(body))
    async with opened(project) as story:
        assert story.outcomes() == {"test_before": "passed", "test_culprit": "failed", "test_later": "passed"}
        verdict = story.engine.state_of("test_three.py::test_culprit").verdict
        assert verdict is not None
        assert verdict.failure is not None
        assert _CULPRITS[body] in verdict.failure.message


async def test_a_hanging_test_is_stopped_at_its_limit_and_the_rest_run(project: Project) -> None:
    project.write(_three_tests("time.sleep(600)"))
    async with opened(project, testTimeout=0.5) as story:
        assert story.outcomes() == {"test_before": "passed", "test_culprit": "failed", "test_later": "passed"}
        verdict = story.engine.state_of("test_three.py::test_culprit").verdict
        assert verdict is not None
        assert verdict.failure is not None
        assert "longer than 0.5 s" in verdict.failure.message


async def test_sys_exit_in_a_test_is_an_ordinary_failure(project: Project) -> None:
    project.write(_three_tests("sys.exit(2)"))
    async with opened(project) as story:
        assert story.outcomes() == {"test_before": "passed", "test_culprit": "failed", "test_later": "passed"}


async def test_a_child_process_makes_a_test_depend_on_every_source(project: Project) -> None:
    project.write(
        {
            "tool.py": "print('one')\n",
            "unrelated.py": "X = 1\n",
            "test_tool.py": """
                import subprocess, sys

                def test_tool():
                    assert subprocess.check_output([sys.executable, "tool.py"]) == b"one\\n"

                def test_alone():
                    pass
                """,
        }
    )
    async with opened(project) as story:
        await story.save("tool.py", "one", "two")
        assert story.outcomes() == {"test_tool": "failed", "test_alone": "passed"}
        assert story.ran() == ["test_tool"]


async def test_a_killed_interpreter_loses_nothing_and_the_next_save_works(project: Project) -> None:
    project.write(_three_tests("pass"))
    async with opened(project) as story:
        agent = agent_of(story)
        family = [agent, *agent.children(recursive=True)]
        agent.kill()
        await asyncio.to_thread(psutil.wait_procs, family, 10)
        assert not any(process.is_running() for process in family)
        await story.save("test_three.py", "pass\n\ndef test_later", "assert 0\n\ndef test_later")
        assert story.outcomes() == {"test_before": "passed", "test_culprit": "failed", "test_later": "passed"}
        assert story.ran() == ["test_culprit"]


async def test_a_killed_session_is_replaced(project: Project) -> None:
    project.write(_three_tests("pass"))
    async with opened(project) as story:
        session = session_in(story)
        session.kill()
        await asyncio.to_thread(session.wait, 10)
        await story.save("test_three.py", "pass\n\ndef test_later", "assert 0\n\ndef test_later")
        assert story.outcomes()["test_culprit"] == "failed"


async def test_a_message_that_can_not_be_taken_in_ends_the_interpreter_not_the_patience(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write({"library.py": "X = 1\n", "test_x.py": "import library\n\ndef test_x():\n    assert library.X\n"})
    async with opened(project) as story:
        with monkeypatch.context() as patch:
            patch.delattr(RunEvents, "_by_file")
            await asyncio.wait_for(story.engine.run_all(), 60)
        assert story.engine.status.state is events.State.FAILED
        await story.save("library.py", "X = 1", "X = 0")
        assert story.outcomes() == {"test_x": "failed"}


async def test_closing_leaves_no_process_and_no_temporary_folder(project: Project, tmp_path: Path) -> None:
    project.write({"test_tmp.py": "def test_tmp(tmp_path):\n    (tmp_path / 'x').write_text('x')\n"})
    async with opened(project) as story:
        agent = agent_of(story)
        family = [agent, *agent.children(recursive=True)]
        scratch = Path(agent.cmdline()[-1])
        assert scratch.is_dir()
    assert not scratch.exists()
    assert not any(process.is_running() for process in family)


_SLOW = {
    "slow.py": "def speed():\n    return 1\n",
    "test_slow.py": """
        import pathlib, time
        from slow import speed

        def test_first():
            assert speed()

        def test_waiting():
            here = pathlib.Path(__file__).parent
            (here / "waiting").touch()
            while not (here / "go").exists():
                time.sleep(0.01)
            assert speed() == 1
        """,
}


async def _until(path: Path) -> None:
    """Wait until a test has made a file: the test itself is the event."""
    while not path.exists():
        await asyncio.sleep(0.005)


async def test_a_cancelled_build_keeps_what_has_finished_and_is_taken_up_again(project: Project) -> None:
    project.write(_SLOW)
    async with opened(project, built=False) as story:
        building = asyncio.ensure_future(story.engine.build())
        await _until(project.path("waiting"))
        story.engine.cancel()
        story.engine.cancel()
        finished = await building
        assert finished is not None
        assert finished.cancelled
        assert story.outcomes() == {"test_first": "passed", "test_waiting": "affected"}
        project.path("go").touch()
        story.forget()
        await story.engine.build()
        assert story.ran() == ["test_waiting"]


async def test_a_save_during_a_run_stops_what_is_out_of_date(project: Project) -> None:
    project.write(_SLOW)
    project.path("go").touch()
    async with opened(project) as story:
        project.delete("go")
        project.delete("waiting")
        project.edit("slow.py", "return 1", "return 2")
        story.engine.files_changed([project.path("slow.py")])
        await _until(project.path("waiting"))
        project.path("go").touch()
        await story.save("slow.py", "return 2", "return 3")
        assert story.outcomes() == {"test_first": "passed", "test_waiting": "failed"}
        verdict = story.engine.state_of("test_slow.py::test_waiting").verdict
        assert verdict is not None
        assert verdict.failure is not None
        assert verdict.failure.message.startswith("assert 3 == 1")


async def test_an_interpreter_without_pytest_is_told_with_what_to_do(project: Project) -> None:
    project.write(_three_tests("pass"))
    async with opened(project, built=False, interpreter=["/usr/bin/env", "python3", "-S"]) as story:
        await story.engine.settled()
        assert story.engine.status.state is events.State.FAILED
        assert "pytest is not installed" in story.engine.status.message


async def test_an_interpreter_that_is_not_there_is_told_with_what_to_do(project: Project) -> None:
    project.write(_three_tests("pass"))
    async with opened(project, built=False, interpreter=[str(project.path("no-python"))]) as story:
        assert story.engine.status.state is events.State.FAILED
        assert "aftershock.interpreter" in story.engine.status.message


async def test_what_a_killed_server_left_in_the_temporary_folder_is_swept(project: Project, tmp_path: Path) -> None:
    dead = psutil.Popen([sys.executable, "-c", ""])
    await asyncio.to_thread(dead.wait)
    theirs, ours = tmp_path / f"aftershock-{dead.pid}-abc", tmp_path / f"aftershock-{os.getpid()}-abc"
    for folder in (theirs, ours):
        (folder / "session-1-x").mkdir(parents=True)
    scratch.sweep(tmp_path)
    assert not theirs.exists()
    assert ours.exists()


async def test_a_wider_fixtures_child_process_counts_for_each_test_that_uses_it(project: Project) -> None:
    project.write(
        {
            "tool.py": "print('one')\n",
            "test_tool.py": """
                import subprocess, sys, pytest

                @pytest.fixture(scope="module")
                def said():
                    return subprocess.check_output([sys.executable, "tool.py"])

                def test_first(said):
                    assert said == b"one\\n"

                def test_second(said):
                    assert said == b"one\\n"
                """,
        }
    )
    async with opened(project) as story:
        await story.save("tool.py", "one", "two")
        assert story.outcomes() == {"test_first": "failed", "test_second": "failed"}
