"""Why a test is affected: the lines that were when its fact was recorded, and those that are."""

from __future__ import annotations

from support.engine import EngineStory, opened
from support.project import Project

_TEST = "tests/test_prices.py::test_gross"


def _lines(story: EngineStory) -> list[str]:
    explanation = story.engine.explain(_TEST)
    assert explanation.affected
    return [line for because in explanation.reasons for line in because.lines]


async def test_after_an_undo_the_text_before_it_is_not_what_was(shop: Project) -> None:
    async with opened(shop) as story:
        await story.save("shop/prices.py", "amount * 10", "amount * 11")
        await story.save("shop/prices.py", "amount * 11", "amount * 10")  # known: nothing runs
        story.engine.pause()
        await story.save("shop/prices.py", "amount * 10", "amount * 12")
        was, now = _lines(story)
        assert "amount * 10" in was
        assert "amount * 12" in now


async def test_what_nobody_ran_is_not_what_was(shop: Project) -> None:
    async with opened(shop) as story:
        story.engine.pause()
        await story.save("shop/prices.py", "amount * 10", "amount * 11")
        await story.save("shop/prices.py", "amount * 11", "amount * 12")
        was, now = _lines(story)
        assert "amount * 10" in was
        assert "amount * 12" in now
