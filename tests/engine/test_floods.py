"""A test that prints without end: what is shown is bounded, and so are memory, the log and the disk."""

from __future__ import annotations

import pytest

from support.engine import opened
from support.project import Project
from support.trouble import ALL_PASS, ONLY_THE_CULPRIT_FAILS, output_of, three_tests, told_of

_FLOOD = """
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    os.write({descriptor}, b"the beginning")
    for number in range(100):
        os.write({descriptor}, b"x" * (1 << 20))
    os.write({descriptor}, b"the end")
    """
_ROOM = 30_000  # kilobytes, of which pytest's report takes a few hundred


def _flooding(descriptor: int) -> dict[str, str]:
    """Three tests: the second prints 100 MB, the third looks at the memory that reading it back has taken."""
    files = three_tests(_FLOOD.format(descriptor=descriptor))
    text = (
        files["test_three.py"]
        .replace("import os,", "import resource, os,")
        .replace("before =", "global before\n    before =")
    )
    later = f"def test_later():\n    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < before + {_ROOM}"
    return {"test_three.py": text.replace("def test_later():\n    pass", later)}


@pytest.mark.parametrize("descriptor", [1, 2])
@pytest.mark.parametrize("arguments", [[], ["-s"], ["--capture=tee-sys"]])
async def test_a_flood_is_shown_from_both_ends(project: Project, descriptor: int, arguments: list[str]) -> None:
    project.write(_flooding(descriptor))
    async with opened(project, built=False, pytestArgs=arguments) as story:
        await story.engine.build()
        assert story.outcomes() == ALL_PASS
        assert project.path(".aftershock/agent.log").stat().st_size < 10_000
        if arguments != ["--capture=tee-sys"]:  # which leaves descriptors alone
            output = output_of(story)
            assert len(output) < 110_000
            assert "the beginning" in output
            assert "left out 104,797,620 bytes" in output
            assert output.endswith("the end")


_BESIDE = {
    "a thread prints on and on": """
        def chatter():
            while True:
                os.write(1, b"x" * 10_000)
        threading.Thread(target=chatter, daemon=True).start()
        """,
    "the log flows over": """
        import logging
        for number in range(20):
            logging.warning("x" * (1 << 20))
        assert False
        """,
    "an assertion compares giants": """
        assert "x" * (1 << 20) == "y" * (1 << 20)
        """,
    "an exception has a giant text": """
        raise ValueError("x" * (1 << 24))
        """,
}


@pytest.mark.parametrize("way", _BESIDE)
async def test_what_is_told_of_a_test_is_bounded(project: Project, way: str) -> None:
    project.write(three_tests(_BESIDE[way]))
    async with opened(project, built=False) as story:
        await story.engine.build()
        assert story.outcomes()["test_later"] == "passed"
        assert len(str(story.heard)) < 1_500_000
        assert project.path(".aftershock/agent.log").stat().st_size < 10_000


async def test_what_s_would_let_through_is_shown_with_the_verdict(project: Project) -> None:
    project.write(three_tests("print('hello')"))
    async with opened(project, built=False, pytestArgs=["-s"]) as story:
        await story.engine.build()
        assert "hello" in output_of(story)


async def test_a_test_that_prints_on_and_on_is_stopped_and_the_rest_run_on(project: Project) -> None:
    project.write(three_tests('while True:\n    os.write(1, b"x" * (1 << 20))'))
    async with opened(project, built=False) as story:
        await story.engine.build()
        assert story.outcomes() == ONLY_THE_CULPRIT_FAILS
        assert "printed more than 512 MB" in told_of(story)
