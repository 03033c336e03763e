"""What is remembered of the last run for its timeline: which worker ran what, when, and each phase's time."""

from __future__ import annotations

from itertools import pairwise

from aftershock.engine import events
from aftershock.selection.facts import Outcome
from aftershock.timeline.last_run import LastRun
from support.engine import EngineStory, opened
from support.project import Project

_FILE = """
    import time

    import pytest

    @pytest.fixture
    def slow():
        time.sleep(0.03)
        yield
        time.sleep(0.02)

    def test_phases(slow):
        time.sleep(0.04)

    @pytest.mark.parametrize("number", range(14))
    def test_quick(number):
        assert number >= 0
    """


def _last(story: EngineStory) -> LastRun:
    run = story.engine.last_run
    assert run is not None
    return run


def _told(story: EngineStory, path: str) -> list[str]:
    verdicts = [event.verdict.test for event in story.of(events.TestFinished)]
    return [test for test in verdicts if test.startswith(path)]


async def test_a_run_of_two_workers_is_remembered_with_its_phases_in_order(project: Project) -> None:
    project.write({"test_a.py": _FILE, "test_b.py": _FILE})
    async with opened(project, built=False, parallel=2) as story:
        assert story.engine.last_run is None
        await story.engine.build()
        run = _last(story)
        in_order = {path: _told(story, path) for path in ("test_a.py", "test_b.py")}

    assert (run.kind, run.counts, run.unfinished) == ("build", {Outcome.PASSED: 30}, 0)
    lanes = {worker: [test for test in run.tests if test.worker == worker] for worker in (0, 1)}
    assert sorted(in_order.values()) == sorted([test.test for test in lane] for lane in lanes.values())
    for lane in lanes.values():
        assert lane[0].start > 0
        assert lane[-1].end < run.seconds
        assert all(one.end <= other.start for one, other in pairwise(lane))
        assert all(test.end - test.start >= test.seconds for test in lane)
        [slow] = [test for test in lane if test.test.endswith("test_phases")]
        setup, call, teardown = slow.phases
        assert setup >= 0.03
        assert call >= 0.04
        assert teardown >= 0.02
        assert max(lane, key=lambda test: test.seconds) is slow


async def test_a_save_replaces_it_and_the_next_start_still_knows_it(shop: Project) -> None:
    async with opened(shop) as story:
        assert [test.worker for test in _last(story).tests] == [0, 0, 0]
        await story.save("shop/prices.py", "amount * 10", "amount * 11")
        run = _last(story)
        assert run.kind == "save"
        assert {test.test: test.outcome for test in run.tests} == {
            "tests/test_prices.py::test_net": Outcome.FAILED,
            "tests/test_prices.py::test_gross": Outcome.FAILED,
        }
    async with opened(shop, built=False) as story:
        assert _last(story).dumped() == run.dumped()


async def test_a_test_that_takes_its_process_along_is_drawn_until_it_was_gone(project: Project) -> None:
    project.write(
        {
            "test_end.py": """
                import os
                import time

                def test_before(): pass

                def test_ends():
                    time.sleep(0.05)
                    os._exit(3)

                def test_after(): pass
                """
        }
    )
    async with opened(project) as story:
        tests = {test.test.partition("::")[2]: test for test in _last(story).tests}
    assert tests.keys() == {"test_before", "test_ends", "test_after"}
    assert tests["test_ends"].outcome is Outcome.FAILED
    assert tests["test_ends"].phases[1] >= 0.05
    assert tests["test_before"].end <= tests["test_ends"].start
    assert tests["test_ends"].end <= tests["test_after"].start


async def test_what_could_not_be_collected_is_counted_and_takes_no_workers_time(project: Project) -> None:
    project.write({"test_whole.py": "def test_whole(): pass\n", "test_broken.py": "def test_broken(): pass\n"})
    async with opened(project) as story:
        await story.save("test_broken.py", "def", "import nothing_of_that_name\n\ndef")
        await story.engine.run_all()
        run = _last(story)
    assert run.counts == {Outcome.PASSED: 1, Outcome.ERRORED: 1}
    assert [test.test for test in run.tests] == ["test_whole.py::test_whole"]


async def test_a_suite_that_freezes_time_is_drawn_all_the_same(project: Project) -> None:
    freeze = """
        import time

        import pytest

        @pytest.fixture(scope="session", autouse=True)
        def frozen():
            time.perf_counter = time.monotonic = lambda: 0.0
        """
    project.write({"conftest.py": freeze, "test_it.py": "def test_one(): pass\ndef test_two(): pass\n"})
    async with opened(project) as story:
        run = _last(story)
    first, second = run.tests
    assert 0 < first.start < first.end <= second.start < second.end < run.seconds
