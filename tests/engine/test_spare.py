"""The fork that waits for the next run: saves find it ready; whatever becomes of it, verdicts are those of the code."""

from __future__ import annotations

import random

import psutil
import pytest

from aftershock.engine import events
from support.engine import EngineStory, cold_outcomes, opened
from support.project import Project
from support.trouble import failing, session_of, spare_of

_SHOP = {
    "prices.py": """
        RATE = 2

        def net(amount):
            return amount * 10

        def gross(amount):
            return net(amount) * RATE
        """,
    "stock.py": """
        def left(sold):
            return 5 - sold
        """,
    "test_shop.py": """
        import os
        import pathlib

        import prices
        import stock

        def test_net():
            pathlib.Path("run").write_text(str(os.getpid()))
            assert prices.net(1) == 10

        def test_gross():
            assert prices.gross(1) == 20

        def test_left():
            assert stock.left(2) == 3
        """,
}
_ALL_PASS = {"test_net": "passed", "test_gross": "passed", "test_left": "passed"}


@pytest.fixture
def shop(project: Project) -> Project:
    """Two modules and three tests that pass; one of them tells its process."""
    return project.write(_SHOP)


def _rebuilds(story: EngineStory) -> int:
    return max(each.interpreter.rebuilds for each in story.of(events.StatusChanged) if each.interpreter)


async def test_it_becomes_the_next_run_and_another_takes_its_place(shop: Project) -> None:
    async with opened(shop) as story:
        for product in ("amount * 11", "amount * 12"):
            spare = await spare_of(story)
            before = shop.read("prices.py").split("return ")[1].split("\n")[0]
            await story.save("prices.py", before, product)
            assert story.outcomes() == {**_ALL_PASS, "test_net": "failed", "test_gross": "failed"}
            assert int(shop.read("run")) == spare.pid
            assert not spare.is_running()


_EDITS = (
    ("prices.py", "amount * 10", "amount * 11"),
    ("prices.py", "amount * 11", "amount * 10"),
    ("prices.py", "RATE = 2", "RATE = 3"),
    ("prices.py", "RATE = 3", "RATE = 2"),
    ("prices.py", "def net", "# a comment, which moves the lines\ndef net"),
    ("prices.py", "# a comment, which moves the lines\ndef net", "def net"),
    ("test_shop.py", "prices.gross(1) == 20", "prices.gross(1) == 30"),
    ("test_shop.py", "prices.gross(1) == 30", "prices.gross(1) == 20"),
    ("stock.py", "5 - sold", "6 - sold"),
    ("stock.py", "6 - sold", "5 - sold"),
)


@pytest.mark.parametrize("seed", range(3))
async def test_verdicts_are_those_of_a_fresh_process_whether_it_waits_or_not(shop: Project, seed: int) -> None:
    draw = random.Random(seed)
    async with opened(shop) as story:
        for _ in range(12):
            if draw.random() < 0.7:
                await spare_of(story)
            path, old, new = draw.choice([edit for edit in _EDITS if shop.read(edit[0]).count(edit[1]) == 1])
            await story.save(path, old, new)
            assert story.outcomes() == cold_outcomes(shop)


_LINES = """
    import pathlib

    def pytest_runtest_logreport(report):
        pathlib.Path(report.location[2]).write_text(str(report.location[1]))
    """


async def test_lines_that_a_save_moves_are_moved_in_what_is_told(shop: Project) -> None:
    shop.write({"conftest.py": _LINES})
    async with opened(shop) as story:
        for number in (1, 2):
            await spare_of(story)
            await story.save("test_shop.py", "import os\n", "import os\n\n")
            await spare_of(story)
            await story.save("prices.py", f"amount * {9 + number}", f"amount * {10 + number}")
            assert shop.read("test_net") == str(6 + number)
            verdict = story.engine.state_of("test_shop.py::test_net").verdict
            assert verdict is not None
            assert verdict.failure is not None
            assert [frame.line for frame in verdict.failure.frames] == [9 + number]


async def test_several_files_that_change_at_once_are_all_in_the_run(shop: Project) -> None:
    async with opened(shop) as story:
        await spare_of(story)
        shop.edit("prices.py", "amount * 10", "amount * 11")
        shop.edit("stock.py", "5 - sold", "6 - sold")
        await story.changed("prices.py", "stock.py")
        assert set(story.outcomes().values()) == {"failed"}
        assert _rebuilds(story) == 0


async def test_a_change_that_can_not_be_patched_ends_it_with_its_session(shop: Project) -> None:
    async with opened(shop) as story:
        spare = await spare_of(story)
        session = session_of(story)
        await story.save("prices.py", "def net(amount):", "def net(amount, more=1):")
        assert story.outcomes() == _ALL_PASS
        assert _rebuilds(story) == 1
        assert not spare.is_running()
        assert session_of(story) != session


async def test_killed_while_it_waits_it_is_missed_by_nobody(shop: Project) -> None:
    async with opened(shop) as story:
        spare = await spare_of(story)
        spare.kill()
        await story.save("prices.py", "amount * 10", "amount * 11")
        assert failing(story).keys() == {"test_shop.py::test_net", "test_shop.py::test_gross"}


async def test_killed_before_it_has_answered_it_takes_the_session_along_and_the_save_is_served(shop: Project) -> None:
    async with opened(shop) as story:
        spare = await spare_of(story)
        spare.suspend()
        shop.edit("prices.py", "amount * 10", "amount * 11")
        story.engine.files_changed([shop.path("prices.py")])
        spare.kill()
        await story.engine.settled()
        assert failing(story).keys() == {"test_shop.py::test_net", "test_shop.py::test_gross"}
        await spare_of(story)


async def test_it_goes_with_the_interpreter(shop: Project) -> None:
    async with opened(shop) as story:
        spare = await spare_of(story)
    assert not psutil.pid_exists(spare.pid)
