"""Hooks around runs, for libraries that need help to survive a fork."""

from __future__ import annotations

import subprocess
import sys

import pytest

from support.engine import opened
from support.project import Project

CONFTEST = """
    import pytest

    import pool


    @pytest.hookimpl(optionalhook=True)
    def pytest_aftershock_before_run(config):
        pool.connect(config.rootpath)


    @pytest.hookimpl(optionalhook=True)
    def pytest_aftershock_after_run(config):
        (config.rootpath / "after.txt").write_text(pool.state)
    """


@pytest.fixture
def pooled(project: Project) -> Project:
    """A library whose connection must be made in the process that uses it."""
    return project.write(
        {
            "pytest.ini": "[pytest]\npythonpath = .\n",
            "conftest.py": CONFTEST,
            "pool.py": """
                import os

                state, pid = "closed", 0


                def connect(path):
                    global state, pid
                    state, pid = "open", os.getpid()
                """,
            "test_pool.py": """
                import os

                import pool


                def test_connection():
                    assert (pool.state, pool.pid) == ("open", os.getpid())
                """,
        }
    )


async def test_a_conftest_prepares_each_run_in_its_own_process(pooled: Project) -> None:
    async with opened(pooled) as story:
        assert story.outcomes() == {"test_connection": "passed"}
        assert pooled.read("after.txt") == "open"

        await story.save("pool.py", 'state, pid = "open", os.getpid()', 'state, pid = "open", 0')

        assert story.ran() == ["test_connection"], "what a hook runs counts for the tests of its run"
        assert story.outcomes() == {"test_connection": "failed"}


async def test_a_hook_that_fails_makes_errors_of_the_tests(pooled: Project) -> None:
    pooled.edit("pool.py", "global state, pid", "raise OSError('no server')")
    async with opened(pooled) as story:
        assert story.outcomes() == {"test_connection": "errored"}
        verdict = story.engine.state_of("test_pool.py::test_connection").verdict
        assert verdict is not None
        assert verdict.failure is not None
        assert "no server" in verdict.failure.message


def test_plain_pytest_takes_no_offence_at_the_hooks(pooled: Project) -> None:
    pooled.edit("test_pool.py", '("open", os.getpid())', '("closed", 0)')
    done = subprocess.run([sys.executable, "-m", "pytest", "-q"], cwd=pooled.root, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout


async def test_a_breakpoint_ends_its_test_alone_and_says_what_to_do(project: Project) -> None:
    project.write(
        {
            "test_stops.py": """
                def test_stops():
                    try:
                        breakpoint()
                    except Exception:
                        pass


                def test_goes_on():
                    assert True
                """
        }
    )
    async with opened(project, pytestArgs=["--pdb", "--trace"]) as story:
        assert story.outcomes() == {"test_stops": "failed", "test_goes_on": "passed"}
        verdict = story.engine.state_of("test_stops.py::test_stops").verdict
        assert verdict is not None
        assert verdict.failure is not None
        assert verdict.failure.message.startswith("Breakpoint: the test has reached a breakpoint")
        assert verdict.failure.frames[-1].line == 3
