"""Several forks at once: how the work is shared out, and that wider fixtures are set up once."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from aftershock.engine import events
from aftershock.engine.schedule import Group, Schedule, groups_of, plan
from support.cold import cold_outcomes
from support.engine import opened
from support.project import Project


def _groups(*costs: float) -> list[Group]:
    return [Group((f"test_{number}.py::test",), cost) for number, cost in enumerate(costs)]


def _longest(parts: Sequence[Sequence[Group]]) -> float:
    return max(sum(group.cost for group in part) for part in parts)


def test_tests_of_a_file_and_files_that_share_a_fixture_are_one_group() -> None:
    tests = ["a/test_1.py::one", "b/test_2.py::two", "a/test_3.py::three", "a/test_1.py::four"]
    together = {"a/test_1.py::one": ["package a"], "a/test_3.py::three": ["package a"]}
    found = groups_of(tests, together, {"b/test_2.py::two": 3.0})
    assert {group.tests for group in found} == {
        ("a/test_1.py::one", "a/test_3.py::three", "a/test_1.py::four"),
        ("b/test_2.py::two",),
    }
    assert max(group.cost for group in found) == 3.0


@pytest.mark.parametrize(
    ("costs", "workers", "best"),
    [
        ((3, 3, 2, 2, 2), 2, 6),  # longest first alone makes 7 of it
        ((9, 1, 1, 1), 2, 9),
        ((5, 5, 4, 4, 3, 3, 3), 3, 9),
        ((1,) * 10, 4, 3),
    ],
)
def test_a_plan_is_as_short_as_can_be(costs: tuple[int, ...], workers: int, best: int) -> None:
    assert _longest(plan(_groups(*costs), workers)) == best


def test_a_plan_of_many_files_is_even() -> None:
    costs = [0.01 * (1 + number * 37 % 101) for number in range(300)]
    assert _longest(plan(_groups(*costs), 8)) <= sum(costs) / 8 * 1.02


def test_a_fork_whose_part_is_done_takes_over_from_the_one_with_most_left() -> None:
    tests = [f"test_{number}.py::test" for number in range(6)]
    schedule = Schedule(tests, {}, dict.fromkeys(tests, 1.0), 2)
    slow = schedule.take(0)
    others = [test for _ in range(5) for test in schedule.take(1)]
    assert sorted([*slow, *others]) == tests
    assert len(slow) == 1
    assert schedule.empty
    assert schedule.take(0) == []


def test_the_first_fork_begins_with_the_test_that_tells_the_most_though_others_take_longer() -> None:
    seconds = {"test_1.py::long": 1.0, "test_2.py::failed": 0.1, "test_3.py::long": 0.9}
    schedule = Schedule(["test_2.py::failed", "test_1.py::long", "test_3.py::long"], {}, seconds, 2)
    assert schedule.take(0) == ["test_2.py::failed"]


def test_a_little_work_stays_in_one_fork_in_the_order_that_was_asked_for() -> None:
    tests = ["test_2.py::failed", "test_1.py::one", "test_2.py::two"]
    schedule = Schedule(tests, {}, dict.fromkeys(tests, 0.01), 8)
    assert schedule.workers == 1
    assert schedule.take(0) == tests


_LOG = """
    import os
    from pathlib import Path

    def note(text):
        with open({log!r}, "a") as log:
            log.write(f"{{os.getpid()}} {{text}}\\n")
    """
_CONFTEST = """
    import pytest
    from log import note

    @pytest.fixture(scope="session", autouse=True)
    def whole():
        note("up session")
        yield
        note("down session")
    """
_PACKAGE = """
    import pytest
    from log import note

    @pytest.fixture(scope="package")
    def shared():
        note("up package")
        yield
        note("down package")
    """
_FILE = """
    import time
    import pytest
    from log import note

    @pytest.fixture(scope="module", autouse=True)
    def wide(request):
        note(f"up module {request.path.name}")
        yield
        note(f"down module {request.path.name}")

    class TestClass:
        @pytest.fixture(scope="class", autouse=True)
        def narrow(self, request):
            note(f"up class {request.path.name}")

        @pytest.mark.parametrize("number", range(4))
        def test_it(self, number):
            time.sleep(0.03)
    """


def _noted(project: Project) -> list[tuple[str, str]]:
    """What the project's fixtures noted in the last run, each with its process; the log begins anew."""
    log = project.path("noted")
    lines = [line.split(" ", 1) for line in log.read_text(encoding="utf-8").splitlines()]
    log.unlink()
    return [(process, text) for process, text in lines]


def _suite(project: Project) -> Project:
    project.write({"log.py": _LOG.format(log=str(project.path("noted"))), "conftest.py": _CONFTEST})
    project.write({"package/__init__.py": "", "package/conftest.py": _PACKAGE})
    project.write({f"test_{number}.py": _FILE for number in range(6)})
    uses_package = _FILE.replace("(self, number)", "(self, number, shared)")
    return project.write({f"package/test_in_{number}.py": uses_package for number in range(2)})


async def test_wider_fixtures_are_set_up_once_for_their_tests_and_a_sessions_once_in_each_fork(
    project: Project,
) -> None:
    async with opened(_suite(project), parallel=3) as story:
        _noted(project)
        await story.engine.build(everything=True)
        noted = _noted(project)
        assert len(story.ran()) == 32
    forks = {process for process, _ in noted}
    texts = [text for _, text in noted]
    assert len(forks) == 3
    for number in range(6):
        for text in (f"up module test_{number}.py", f"down module test_{number}.py", f"up class test_{number}.py"):
            assert texts.count(text) == 1
    for text in ("up package", "down package"):
        assert texts.count(text) == 1
    for fork in forks:
        own = [text for process, text in noted if process == fork]
        assert own.count("up session") == own.count("down session") == 1
        assert own[0] == "up session"
        assert own[-1] == "down session"


async def test_a_session_fixture_that_cannot_be_torn_down_is_an_error_as_in_pytest(project: Project) -> None:
    project.write({"conftest.py": _CONFTEST.replace('note("down session")', "raise RuntimeError('stuck')")})
    project.write({"log.py": _LOG.format(log=str(project.path("noted")))})
    project.write({f"test_{number}.py": _FILE for number in range(4)})
    assert list(cold_outcomes(project).values()).count("errored") == 1
    async with opened(project, parallel=2) as story:
        await story.engine.build(everything=True)
        finished = [event.verdict for event in story.of(events.TestFinished)]
        errors = [verdict for verdict in finished if verdict.outcome.value == "errored"]
        assert len(errors) == 2  # one for each fork
        for verdict in errors:
            assert verdict.failure is not None
            assert verdict.failure.message == "RuntimeError: stuck"
            told = story.engine.state_of(verdict.test).verdict
            assert told is not None
            assert told.outcome is verdict.outcome
