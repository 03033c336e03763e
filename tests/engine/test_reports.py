"""What a failure's report says is what a fresh pytest would say: nothing of ours in it, the first of several."""

from __future__ import annotations

import pytest

from aftershock.engine import events
from aftershock_agent.messages import Failure
from support.engine import EngineStory, opened
from support.project import Project


async def test_a_fixture_that_fails_elsewhere_is_reported_without_our_frames(project: Project) -> None:
    project.write(
        {
            "lenders.py": "def lend():\n    raise RuntimeError('nothing left')\n",
            "conftest.py": """
                import pytest
                from lenders import lend

                @pytest.fixture(scope="session")
                def loan():
                    return lend()
                """,
            "test_loan.py": "def test_loan(loan):\n    assert loan\n",
        }
    )
    async with opened(project) as story:
        failure = await failure_after(story, "lenders.py", "nothing left", "nothing at all")
        assert "nothing at all" in failure.text
        assert "aftershock" not in failure.text


@pytest.mark.skipif(int(pytest.__version__.split(".")[0]) < 9, reason="subtests are pytest's own from 9 on")
async def test_of_several_failing_subtests_the_first_is_told(project: Project) -> None:
    project.write(
        {
            "app.py": "LIMIT = 3\n",
            "test_app.py": """
                from app import LIMIT

                def test_limits(subtests):
                    for number in (1, 2):
                        with subtests.test(number=number):
                            assert LIMIT < number, f"number {number}"
                """,
        }
    )
    async with opened(project) as story:
        failure = await failure_after(story, "app.py", "3", "4")
        assert "number 1" in failure.message


async def failure_after(story: EngineStory, path: str, old: str, new: str) -> Failure:
    """The failure of the one test that an edit runs."""
    await story.save(path, old, new)
    [finished] = story.of(events.TestFinished)
    assert finished.verdict.failure is not None
    return finished.verdict.failure
