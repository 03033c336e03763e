"""Random projects and random edits of them: after each edit, every verdict is what a cold pytest says.

``AFTERSHOCK_EXAMPLES=N`` has N random ones tried instead of a short row that is always the same.
"""

from __future__ import annotations

import asyncio
import difflib
import itertools
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, note, settings

from support.cold import Said, cold
from support.engine import NEVER_RUN, opened
from support.programs.drawing import histories
from support.programs.programs import Program
from support.project import Project

_EXAMPLES = int(os.environ.get("AFTERSHOCK_EXAMPLES", "0"))
_PATIENCE = 120.0  # seconds for the engine to come to rest


@settings(
    max_examples=_EXAMPLES or 6,
    derandomize=not _EXAMPLES,
    database=None,
    deadline=None,
    phases=[Phase.generate, Phase.shrink] if _EXAMPLES else [Phase.generate],
    suppress_health_check=list(HealthCheck),
    print_blob=bool(_EXAMPLES),
)
@given(histories())
def test_every_verdict_is_what_a_cold_pytest_says(states: Sequence[Program]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder).resolve() / "project")
        project.root.mkdir()
        asyncio.run(_follow(project, [state.files() for state in states]))


async def _follow(project: Project, states: Sequence[Mapping[str, str]]) -> None:
    project.write(states[0])
    note(_shown(states[0]))
    async with opened(project) as story:
        await story.engine.refined()
        wrong = _wrong(story.said(), cold(project))
        assert not wrong, f"before any edit: {wrong}"
        for number, (before, now) in enumerate(itertools.pairwise(states), 1):
            changed = [path for path in now if before[path] != now[path]]
            note(f"edit {number}\n{_difference(before, now)}")
            project.write({path: now[path] for path in changed})
            await asyncio.wait_for(story.changed(*changed), _PATIENCE)
            wrong = _wrong(story.said(), cold(project))
            assert not wrong, f"after edit {number}: {wrong} {story.engine.status.message}"
            await asyncio.wait_for(story.engine.refined(), _PATIENCE)


def _wrong(here: Said, there: Said) -> dict[str, object]:
    """Tests of which the engine says something else.

    Those that can't be collected are not compared, and neither are those that nobody ever ran: no save runs them.
    """
    known = {test: said for test, said in there.items() if here.get(test) != NEVER_RUN}
    return {test: {"warm": here.get(test), "cold": said} for test, said in known.items() if here.get(test) != said}


def _shown(files: Mapping[str, str]) -> str:
    return "\n".join(f"--- {path}\n{text}" for path, text in files.items() if text.strip() and path != "see.py")


def _difference(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    return "\n".join(
        line.rstrip("\n")
        for path in now
        for line in difflib.unified_diff(
            before[path].splitlines(), now[path].splitlines(), path, path, n=0, lineterm=""
        )
    )
