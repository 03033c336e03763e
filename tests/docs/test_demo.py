"""`make demo`, up to the point where it opens an editor."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from support.project import Project

ROOT = Path(__file__).parents[2]


def test_the_demo_tells_a_save_of_a_real_project() -> None:
    told = _demo()

    assert told.returncode == 0, told.stderr
    assert re.search(r"^Saved\. \d+ of 1,\d{3} tests are affected", told.stdout, re.MULTILINE)
    assert re.search(r"^\d+ passed, 2 failed: first verdict after \d+ ms", told.stdout, re.MULTILINE)
    assert re.search(r"tests by a cold pytest: .* times as long", told.stdout)
    assert "fresh again from memory" in told.stdout


def test_the_demo_of_ones_own_project_leaves_its_files_alone(project: Project) -> None:
    files = {
        "pytest.ini": f"[pytest]\npythonpath = .\ncache_dir = {project.root.parent / 'cache'}\n",
        "sums.py": "def add(a, b):\n    return a + b\n",
        "test_sums.py": "from sums import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n",
    }
    project.write(files)
    stamps = {path: project.path(path).stat().st_mtime_ns for path in files}

    told = _demo(PROJECT=str(project.root))

    assert told.returncode == 0, told.stderr
    assert "Were you to edit add in sums.py and save" in told.stdout
    assert {path: project.path(path).stat().st_mtime_ns for path in files} == stamps
    assert {path.name for path in project.root.iterdir()} <= {*files, ".aftershock", "__pycache__"}


def test_the_demo_of_a_project_without_tests_says_so(project: Project) -> None:
    told = _demo(PROJECT=str(project.root))
    assert told.returncode == 1
    assert told.stderr == "demo: pytest collects no tests here.\n"


def _demo(**environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {**os.environ, "PYTHONPATH": str(ROOT / "server"), "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "demo.py")],
        env={**inherited, "PROJECT": "", "DEMO": "terminal", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
