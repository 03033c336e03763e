"""What random edits of real projects brought to light, each as its own story, and a short row of such edits."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from support.cold import cold_outcomes
from support.engine import opened
from support.project import Project

_BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "fidelity.py"


def test_a_short_row_of_random_edits_finds_no_difference() -> None:
    command = [sys.executable, str(_BENCHMARK), "--project", "specimens", "--edits", "10", "--seed", "87"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])["projects"]["specimens"]
    assert found["edits"] == 10
    assert found["verdicts_compared"] > 100
    assert found["patched"]
    assert found["rebuilt"]


async def test_a_test_that_runs_nothing_has_a_verdict_that_holds_until_any_source_changes(project: Project) -> None:
    project.write({"test_late.py": "async def test_late():\n    assert 0\n", "other.py": "X = 1\n"})
    async with opened(project) as story:
        assert story.outcomes() == cold_outcomes(project) == {"test_late": "failed"}
        await story.save("other.py", "X = 1", "X = 2")
        assert story.ran() == ["test_late"]
        await story.save("test_late.py", "async def", "def")
        await story.save("test_late.py", "assert 0", "assert 1")
        assert story.outcomes() == cold_outcomes(project) == {"test_late": "passed"}


_FAILING = {
    "shop.py": """
        def price(amount):
            raise ValueError(amount)

        def other():
            return 1
        """,
    "test_shop.py": """
        import shop

        def test_price():
            try:
                shop.price(3)
            except ValueError as error:
                raise KeyError("price") from error

        def test_other():
            assert shop.other()
        """,
}


async def test_a_failure_tells_the_lines_as_they_are_after_a_comment_above_them(project: Project) -> None:
    project.write(_FAILING)
    async with opened(project) as story:
        await story.save("shop.py", "def price", "# one line more\ndef price")
        assert story.ran() == ["test_price"]
        verdict = story.engine.state_of("test_shop.py::test_price").verdict
        assert verdict is not None
        assert verdict.failure is not None
        assert "shop.py:3: ValueError" in verdict.failure.text
        await story.save("shop.py", "# one line more\n", "")
        assert story.ran() == []
        verdict = story.engine.state_of("test_shop.py::test_price").verdict
        assert verdict is not None
        assert verdict.failure is not None
        assert "shop.py:2: ValueError" in verdict.failure.text


async def test_the_fixtures_of_a_folder_are_there_for_files_that_are_collected_later(project: Project) -> None:
    project.write(
        {
            "one.py": "LIMIT = 1\n",
            "two.py": "def twice(value):\n    return value * 2\n",
            "tests/conftest.py": "import pytest\n\n@pytest.fixture\ndef base():\n    return 3\n",
            "tests/test_one.py": "import one\n\ndef test_one(base):\n    assert base > one.LIMIT\n",
            "tests/test_two.py": "import two\n\ndef test_two(base):\n    assert two.twice(base) == 6\n",
        }
    )
    async with opened(project) as story:
        await story.save("one.py", "LIMIT = 1", "LIMIT = 2")
        assert story.ran() == ["test_one"]
        await story.save("two.py", "value * 2", "value + value")
        assert story.ran() == ["test_two"]
        assert story.outcomes() == cold_outcomes(project) == {"test_one": "passed", "test_two": "passed"}
