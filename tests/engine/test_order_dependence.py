"""Tests that say something else alone than after others are found while nobody waits, and named."""

from __future__ import annotations

import sys

import pytest

from aftershock.engine import events
from aftershock.selection.facts import Outcome
from support.engine import EngineStory, opened
from support.project import Project

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no test runs alone without forks")

_KEEPING = {
    "pytest.ini": "[pytest]\npythonpath = .\n",
    "kept.py": "THINGS = {}\n",
    "test_kept.py": """
        import kept

        def test_first(): assert True
        def test_put(): kept.THINGS["x"] = 1
        def test_between(): assert True
        def test_get(): assert kept.THINGS["x"] == 1
        def test_last(): assert True
        """,
}


async def told(story: EngineStory) -> list[tuple[str, str | None, bool]]:
    """What was found out, when there is nothing more to be found."""
    await story.engine.refined()
    found = story.of(events.OrderDependent)
    return [(each.test.partition("::")[2], (each.on or "").partition("::")[2] or None, each.steady) for each in found]


async def test_a_test_that_needs_another_one_is_named_with_it(project: Project) -> None:
    project.write(_KEEPING)
    async with opened(project) as story:
        assert await told(story) == [("test_get", "test_put", True)]
        (found,) = story.of(events.OrderDependent)
        assert (found.alone, found.standing) == (Outcome.FAILED, Outcome.PASSED)
        assert found.text == (
            "Depends on test_kept.py::test_put: alone it fails, in the whole run it passes (KeyError: 'x')."
        )


async def test_the_other_one_may_be_in_another_file(project: Project) -> None:
    project.write(
        {
            **_KEEPING,
            "test_before.py": "import kept\n\ndef test_dirt(): kept.THINGS['y'] = 1\n",
            "test_kept.py": "import kept\n\ndef test_clean(): assert kept.THINGS == {}\n",
        }
    )
    async with opened(project, parallel=1) as story:
        assert story.outcomes()["test_clean"] == "failed"
        assert await told(story) == [("test_clean", "test_dirt", True)]


async def test_what_was_found_is_remembered_and_goes_with_the_verdict(project: Project) -> None:
    project.write(_KEEPING)
    async with opened(project) as story:
        await story.engine.refined()
    async with opened(project, built=False) as story:
        (verdict,) = (story.engine.state_of(test).verdict for test in story.engine.tests if "test_get" in test)
        assert verdict is not None
        found = story.engine.order_dependence(verdict)
        assert found is not None
        assert found.on == "test_kept.py::test_put"
        assert await told(story) == []  # nothing is looked for twice
        await story.save("test_kept.py", '["x"] == 1', '.get("x", 1) == 1')
        assert await told(story) == []
        verdict = story.engine.state_of("test_kept.py::test_get").verdict
        assert verdict is not None
        assert story.engine.order_dependence(verdict) is None


async def test_a_test_that_says_now_this_and_now_that_depends_on_no_other(project: Project) -> None:
    project.write(
        {
            **_KEEPING,
            "test_kept.py": """
                import pathlib

                def test_turns():
                    count = pathlib.Path(__file__).parent / "count.txt"
                    turn = len(count.read_text()) if count.exists() else 0
                    count.write_text("x" * (turn + 1))
                    assert turn != 1
                def test_other(): assert True
                """,
        }
    )
    async with opened(project) as story:
        assert await told(story) == [("test_turns", None, False)]
        (found,) = story.of(events.OrderDependent)
        assert found.text == "Its outcome varies from run to run: alone it fails, in the whole run it passes."
