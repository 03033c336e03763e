"""What random edits of real projects brought to light, each as its own story, and a short row of such edits."""

from __future__ import annotations

from support.engine import cold_outcomes, opened
from support.project import Project


async def test_a_test_that_runs_nothing_has_a_verdict_that_holds_until_any_source_changes(project: Project) -> None:
    project.write({"test_late.py": "async def test_late():\n    assert 0\n", "other.py": "X = 1\n"})
    async with opened(project) as story:
        assert story.outcomes() == cold_outcomes(project) == {"test_late": "failed"}
        await story.save("other.py", "X = 1", "X = 2")
        assert story.ran() == ["test_late"]
        await story.save("test_late.py", "async def", "def")
        await story.save("test_late.py", "assert 0", "assert 1")
        assert story.outcomes() == cold_outcomes(project) == {"test_late": "passed"}
