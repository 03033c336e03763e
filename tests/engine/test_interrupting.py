"""Saves and cancels during a run or an import: what is out of date stops, what is valid goes on, nothing is lost."""

from __future__ import annotations

import asyncio

import pytest

from aftershock.engine import events
from support.engine import EngineStory, opened
from support.project import Project
from support.trouble import agent_of, until

_TWO_LIBRARIES = {
    "fast.py": "def fast():\n    return 1\n",
    "slow.py": "def slow():\n    return 1\n",
    "test_both.py": """
        import pathlib, time
        from fast import fast
        from slow import slow

        here = pathlib.Path(__file__).parent

        def wait(name):
            with (here / "log").open("a") as log:
                log.write(f"{name} ")
            (here / name).touch()
            while not (here / f"go-{name}").exists():
                time.sleep(0.01)

        def test_1_finished():
            assert fast()

        def test_2_in_flight():
            wait("in-flight")
            assert IN_FLIGHT()

        def test_3_valid():
            wait("valid")
            assert fast()

        def test_4_outdated():
            wait("outdated")
            assert slow()

        def test_5_valid_too():
            wait("valid-too")
            assert fast()
        """,
}
_WAITING = ("in-flight", "valid", "outdated", "valid-too")


def _two_libraries(project: Project, in_flight: str) -> None:
    """Five tests of two libraries, each of the last four waiting for a file; the one in flight uses `in_flight`."""
    project.write(_TWO_LIBRARIES)
    project.edit("test_both.py", "IN_FLIGHT", in_flight)
    for name in _WAITING:
        project.path(f"go-{name}").touch()


async def _begin_all(story: EngineStory) -> asyncio.Future[events.RunFinished | None]:
    """Run all tests anew, until the one in flight waits."""
    project = story.project
    for name in _WAITING:
        project.delete(f"go-{name}")
        project.delete(name)
    project.delete("log")
    running = asyncio.ensure_future(story.engine.run_all())
    await until(project.path("in-flight"))
    return running


def _go(project: Project, *names: str) -> None:
    for name in names:
        project.path(f"go-{name}").touch()


async def test_a_save_stops_the_test_in_flight_that_it_outdates_and_the_valid_ones_go_on(project: Project) -> None:
    _two_libraries(project, "slow")
    async with opened(project, parallel=1) as story:
        running = await _begin_all(story)
        # The test in flight never ends by itself: only if it is stopped can the next one begin.
        project.edit("slow.py", "return 1", "return 0")
        story.engine.files_changed([project.path("slow.py")])
        await until(project.path("valid"))
        assert not project.path("outdated").exists()
        _go(project, *_WAITING)
        finished = await running
        await story.engine.settled()
        assert finished is not None
        assert finished.unfinished == ("test_both.py::test_2_in_flight", "test_both.py::test_4_outdated")
        assert story.outcomes() == {
            "test_1_finished": "passed",
            "test_2_in_flight": "failed",
            "test_3_valid": "passed",
            "test_4_outdated": "failed",
            "test_5_valid_too": "passed",
        }
        assert project.read("log") == "in-flight valid valid-too in-flight outdated "


async def test_a_save_lets_a_valid_test_in_flight_end_and_leaves_out_what_it_outdates(project: Project) -> None:
    _two_libraries(project, "fast")
    async with opened(project, parallel=1) as story:
        running = await _begin_all(story)
        project.edit("slow.py", "return 1", "return 0")
        story.engine.files_changed([project.path("slow.py")])
        _go(project, *_WAITING)
        finished = await running
        await story.engine.settled()
        assert finished is not None
        assert finished.unfinished == ("test_both.py::test_4_outdated",)
        assert story.outcomes()["test_4_outdated"] == "failed"
        began = project.read("log").split()
        assert began.count("in-flight") == 1
        assert began[-1] == "outdated"


async def test_a_save_that_no_running_test_sees_stops_nothing(project: Project) -> None:
    _two_libraries(project, "fast")
    project.write({"other.py": "OTHER = 1\n"})
    async with opened(project, parallel=1) as story:
        running = await _begin_all(story)
        project.edit("other.py", "OTHER = 1", "OTHER = 2")
        story.engine.files_changed([project.path("other.py")])
        _go(project, *_WAITING)
        finished = await running
        await story.engine.settled()
        assert finished is not None
        assert finished.unfinished == ()
        assert project.read("log") == "in-flight valid outdated valid-too "


_FIXTURES = """
    import pathlib, pytest, signal, time

    here = pathlib.Path(__file__).parent

    @pytest.fixture(scope="session")
    def wide():
        yield
        (here / "torn").open("a").write("wide ")

    @pytest.fixture
    def narrow(wide):
        yield
        (here / "torn").open("a").write("narrow ")

    def test_in_flight(narrow):
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        (here / "in-flight").touch()
        while not (here / "go").exists():
            time.sleep(0.01)

    @pytest.mark.parametrize("number", range(500))
    def test_later(narrow, number):
        pass
    """


async def test_a_cancel_lets_the_test_in_flight_end_and_tears_down_its_fixtures(project: Project) -> None:
    project.write({"test_fixtures.py": _FIXTURES})
    async with opened(project, built=False) as story:
        building = asyncio.ensure_future(story.engine.build())
        await until(project.path("in-flight"))
        story.engine.cancel()
        project.path("go").touch()
        finished = await building
        assert finished is not None
        # How many more begin before the word arrives is nobody's to say.
        outcomes, torn = story.outcomes(), project.read("torn").split()
        assert outcomes["test_in_flight"] == "passed"
        assert outcomes["test_later[499]"] == "affected"
        assert len(finished.unfinished) == list(outcomes.values()).count("affected")
        assert torn == ["narrow"] * list(outcomes.values()).count("passed") + ["wide"]


async def test_a_second_cancel_kills(project: Project) -> None:
    project.write({"test_fixtures.py": _FIXTURES})
    async with opened(project, built=False) as story:
        building = asyncio.ensure_future(story.engine.build())
        await until(project.path("in-flight"))
        story.engine.cancel()
        story.engine.cancel()
        finished = await building
        assert finished is not None
        assert len(finished.unfinished) == 501
        assert not project.path("torn").exists()


_ENDLESS = "(pathlib.Path(__file__).parent / 'importing').touch()\nwhile True:\n    pass\n"
_WAYS = {
    "in a test file": "test_endless.py",
    "in a module": "endless.py",
    "in conftest.py": "conftest.py",
}


def _endless(project: Project, place: str) -> str:
    """A project whose file `place` never ends to be imported; returns its name."""
    project.write(
        {
            "endless.py": "X = 1\n",
            "conftest.py": "Y = 1\n",
            "test_endless.py": "import endless\n\ndef test_endless():\n    assert endless.X\n",
            "test_other.py": "def test_other():\n    pass\n",
        }
    )
    return _WAYS[place]


@pytest.mark.parametrize("place", _WAYS)
async def test_an_import_that_never_ends_is_told_at_its_line_and_clears_with_its_repair(
    project: Project, place: str
) -> None:
    path = _endless(project, place)
    sound = project.read(path)
    async with opened(project, testTimeout=1) as story:
        project.write({path: "import pathlib\n\n" + _ENDLESS + sound})
        await story.changed(path)
        assert story.engine.status.state is events.State.FAILED
        (problem,) = story.engine.problems[path]
        assert problem.line in (4, 5)
        assert "longer than 10 s" in problem.message
        assert agent_of(story).children() == []
        project.write({path: sound + "Z = 1\n"})
        await story.changed(path)
        assert story.engine.problems == {}
        assert set(story.outcomes().values()) == {"passed"}


@pytest.mark.parametrize("place", _WAYS)
async def test_a_cancel_ends_an_import_that_never_ends(project: Project, place: str) -> None:
    path = _endless(project, place)
    sound = project.read(path)
    async with opened(project) as story:
        project.write({path: "import pathlib\n\n" + _ENDLESS + sound})
        story.engine.files_changed([project.path(path)])
        await until(project.path("importing"))
        story.engine.cancel()
        await story.engine.settled()
        assert story.engine.status.state is events.State.READY
        project.write({path: sound + "Z = 1\n"})
        await story.changed(path)
        assert set(story.outcomes().values()) == {"passed"}


async def test_a_cancel_ends_the_first_import_too(project: Project) -> None:
    _endless(project, "in a module")
    project.write({"endless.py": "import pathlib\n\n" + _ENDLESS})
    story = EngineStory(project, {})
    await story.engine.start()
    try:
        await until(project.path("importing"))
        story.engine.cancel()
        await story.engine.settled()
        assert story.engine.status.state is events.State.READY
        await story.save("endless.py", "while True:\n    pass", "X = 1")
        assert sorted(story.outcomes()) == ["test_endless", "test_other"]
    finally:
        await story.engine.close()


async def test_a_failure_that_shows_a_file_as_it_was_just_saved_is_not_remembered(project: Project) -> None:
    """The text of a failure is read from the disk, whatever code has run: after an undo it must tell the old lines."""
    project.write(
        {
            "library.py": "def value():\n    raise ValueError(1)\n",
            "test_library.py": """
                import pathlib
                from library import value

                here = pathlib.Path(__file__).parent

                def test_value():
                    if (here / "save").exists():
                        (here / "save").unlink()
                        text = (here / "library.py").read_text()
                        (here / "library.py").write_text("# one\\n# two\\n" + text)
                    value()
                """,
        }
    )
    async with opened(project) as story:
        project.path("save").touch()
        await story.engine.run_all()
        await story.until(lambda: len(story.of(events.TestFinished)) == 2)
        await story.engine.settled()
        project.write({"library.py": "def value():\n    raise ValueError(1)\n"})
        await story.changed("library.py")
        state = story.engine.state_of("test_library.py::test_value")
        assert not state.affected
        assert state.verdict is not None
        assert state.verdict.failure is not None
        assert ">       raise ValueError(1)" in state.verdict.failure.text


async def test_a_failing_test_that_writes_its_own_file_is_not_run_for_ever(project: Project) -> None:
    project.write(
        {
            "test_stamp.py": """
                import pathlib, time

                def test_stamp():
                    text = pathlib.Path(__file__).read_text().partition(chr(35))[0]
                    pathlib.Path(__file__).write_text(f"{text}{chr(35)} {time.time_ns()}")
                    assert False
                """
        }
    )
    async with opened(project) as story:
        assert story.outcomes() == {"test_stamp": "failed"}
