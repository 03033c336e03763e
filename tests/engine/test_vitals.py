"""What the warm interpreter says of itself: what it has done, and why it had to begin anew."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from aftershock.engine import memory, vitals
from aftershock.engine.events import Interpreter, StatusChanged
from aftershock.engine.rebuilding import what_changed
from aftershock_agent import processes
from support.engine import EngineStory, opened
from support.project import Project

SERVER = Path(__file__).parents[2] / "server"


@pytest.fixture
def shop(project: Project) -> Project:
    """A constant, a function and a test."""
    return project.write(
        {
            "pytest.ini": "[pytest]\npythonpath = .\n",
            "prices.py": "RATE = 10\n\n\ndef tax(gross):\n    return gross // RATE\n",
            "test_prices.py": "from prices import tax\n\n\ndef test_tax():\n    assert tax(100) == 10\n",
        }
    )


async def _told(story: EngineStory, wanted: Callable[[Interpreter], bool]) -> Interpreter:
    """Wait until the engine says so of its interpreter."""

    def told() -> list[Interpreter]:
        return [event.interpreter for event in story.of(StatusChanged) if event.interpreter is not None]

    await story.until(lambda: bool(told()) and wanted(told()[-1]))
    return told()[-1]


async def test_status_counts_patches_and_says_why_the_last_session_was_needed(shop: Project) -> None:
    async with opened(shop) as story:
        await story.save("prices.py", "gross // RATE", "gross // RATE + 0")
        patched = await _told(story, lambda told: told.memory is not None and told.patches == 1)
        assert (patched.sessions, patched.rebuilds, patched.rebuilt) == (1, 0, "")

        await story.save("prices.py", "RATE = 10", "RATE = 20")
        rebuilt = await _told(story, lambda told: bool(told.rebuilt))
        assert (rebuilt.sessions, rebuilt.patches, rebuilt.rebuilds) == (2, 1, 1)
        assert rebuilt.rebuilt == "prices.py: RATE changed"

        [known] = vitals.running(shop.root)
        assert known.pid == rebuilt.pid
        assert known.rebuilt == rebuilt.rebuilt
        assert sys.platform != "linux" or (known.memory or 0) > 1_000_000
        assert f"warm: process {known.pid} for 0 min" in await _status(shop)
        [file] = shop.path(".aftershock").glob("warm-*.json")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not list(vitals.running(shop.root))


async def _status(project: Project) -> str:
    """What `aftershock status` says, in a process of its own."""
    command = (sys.executable, "-m", "aftershock", "status")
    environment = {**os.environ, "PYTHONPATH": str(SERVER)}
    done = await asyncio.create_subprocess_exec(*command, cwd=project.root, env=environment, stdout=subprocess.PIPE)
    output, _ = await done.communicate()
    return output.decode()


async def test_what_a_dead_server_left_is_not_believed(shop: Project) -> None:
    dead = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await dead.wait()
    shop.write(
        {f".aftershock/warm-{dead.pid}.json": '{"pid": 1, "since": 0, "sessions": 1, "patches": 0, "rebuilds": 0}'}
    )

    assert not list(vitals.running(shop.root))
    assert not shop.path(f".aftershock/warm-{dead.pid}.json").exists()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("A = 1\n", "A = 2\n", "A changed"),
        ("def f(a):\n    pass\n", "def f(a, b):\n    pass\n", "f changed outside its body"),
        ("class C:\n    a = 1\n", "class C:\n    a = 2\n", "class C changed outside its methods"),
        (
            "class C:\n    def f(self): pass\n",
            "class C:\n    def f(self): pass\n    def g(self): pass\n",
            "C.g was added",
        ),
        ("import os\nA = 1\n", "A = 1\n", "the import of os was removed"),
        ("A = 1\n", "from b import c\nA = 1\n", "the import of b: c was added"),
        ("A = 1\n", "A = (\n", "it can't be parsed"),
    ],
)
def test_the_reason_names_the_definition_that_changed(old: str, new: str, told: str) -> None:
    assert what_changed(old.encode(), new.encode()) == told


def test_a_process_of_another_user_counts_for_nothing_and_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("self", "7"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "smaps_rollup").write_text("Pss:  3 kB\n")
    (tmp_path / "8" / "smaps_rollup").mkdir(parents=True)  # can't be read: as root, who runs these tests, may read all
    monkeypatch.setattr(memory, "_PROCESSES", tmp_path)
    monkeypatch.setattr(processes, "children", {7: {8}, 8: set()}.__getitem__)

    assert memory.tree_memory(7) == 3 << 10
