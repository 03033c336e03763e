"""A test that takes recording away: what it ran is unknown, and said to be; the tests after it are recorded again."""

from __future__ import annotations

import pytest

from support.engine import opened
from support.project import Project

_TAKE_AWAY = {
    "by freeing every tool": """
        sys.settrace(None)
        for tool in range(6) if hasattr(sys, "monitoring") else ():
            if sys.monitoring.get_tool(tool):
                sys.monitoring.free_tool_id(tool)
        """,
    "by freeing every tool and keeping their numbers": """
        sys.settrace(None)
        for tool in range(6) if hasattr(sys, "monitoring") else ():
            if sys.monitoring.get_tool(tool) == "aftershock":
                sys.monitoring.free_tool_id(tool)
                sys.monitoring.use_tool_id(tool, "the test's")
        """,
    "by replacing the callbacks": """
        sys.settrace(lambda *event: None)
        for tool in range(6) if hasattr(sys, "monitoring") else ():
            for event in (sys.monitoring.events.PY_START, sys.monitoring.events.PY_RESUME):
                sys.monitoring.register_callback(tool, event, lambda *event: None)
        """,
    "by switching the events off": """
        sys.settrace(None)
        for tool in range(6) if hasattr(sys, "monitoring") else ():
            if sys.monitoring.get_tool(tool):
                sys.monitoring.set_events(tool, 0)
        if hasattr(sys, "monitoring"):
            sys.monitoring.free_tool_id(4)
        """,
}

_LIBRARY = """
    def one():
        return 1

    def two():
        return 2

    def three():
        return 3
    """


def _files(take_away: str) -> dict[str, str]:
    return {
        "library.py": _LIBRARY,
        "test_library.py": f"""
            import sys, threading
            import library

            def test_before():
                assert library.one() == 1

            def test_culprit():
                {take_away.strip().replace(chr(10), chr(10) + "        ")}
                assert library.two() == 2

            def test_later():
                assert library.three() == 3
            """,
    }


@pytest.mark.parametrize("way", _TAKE_AWAY)
async def test_a_test_that_stops_recording_depends_on_everything_and_the_next_are_exact(
    project: Project, way: str
) -> None:
    project.write(_files(_TAKE_AWAY[way]))
    async with opened(project) as story:
        assert set(story.outcomes().values()) == {"passed"}
        await story.save("library.py", "return 2", "return 22")
        assert story.outcomes() == {"test_before": "passed", "test_culprit": "failed", "test_later": "passed"}
        assert story.ran() == ["test_culprit"]
        await story.save("library.py", "return 3", "return 33")
        assert story.ran() == ["test_culprit", "test_later"]


async def test_a_fixture_that_stops_recording_makes_all_its_tests_depend_on_everything(project: Project) -> None:
    project.write(
        {
            "library.py": _LIBRARY,
            "test_library.py": """
                import sys
                import pytest
                import library

                @pytest.fixture(scope="module")
                def place():
                    sys.settrace(None)
                    if hasattr(sys, "monitoring"):
                        sys.monitoring.free_tool_id(4), sys.monitoring.free_tool_id(5)
                    return library.two()

                def test_first(place):
                    assert place == 2

                def test_second(place):
                    assert place == 2
                """,
        }
    )
    async with opened(project) as story:
        await story.save("library.py", "return 2", "return 22")
        assert story.outcomes() == {"test_first": "failed", "test_second": "failed"}


async def test_a_rebuild_forgets_everything_and_reads_anew_what_tests_are_made_of(project: Project) -> None:
    project.write(
        {
            "names.txt": "one two",
            "test_names.py": """
                import pathlib
                import pytest

                NAMES = (pathlib.Path(__file__).parent / "names.txt").read_text().split()

                @pytest.mark.parametrize("name", NAMES)
                def test_name(name):
                    assert name != "two"
                """,
        }
    )
    async with opened(project) as story:
        assert story.outcomes() == {"test_name[one]": "passed", "test_name[two]": "failed"}
        project.write({"names.txt": "one three"})
        await story.engine.rebuild()
        await story.engine.settled()
        assert story.outcomes() == {"test_name[one]": "passed", "test_name[three]": "passed"}
