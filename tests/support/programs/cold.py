"""What a cold pytest and a warm engine say of each test: its outcome, and why it was skipped, which tells values."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from support.engine import EngineStory
from support.project import Project

Said = dict[str, tuple[str, str]]
"""Outcome and reason by test."""

NEVER_RUN = "never run", ""

_PLUGIN = """
import json, os

FOUND = {}

def pytest_runtest_logreport(report):
    before = FOUND.get(report.nodeid)
    if report.failed and (before is None or before[0] != "failed"):
        FOUND[report.nodeid] = ["failed" if report.when == "call" else "errored", ""]
    elif report.skipped:
        FOUND.setdefault(report.nodeid, ["skipped", report.longrepr[2].removeprefix("Skipped: ")])
    elif report.when == "call":
        FOUND.setdefault(report.nodeid, ["passed", ""])

def pytest_sessionfinish():
    with open(os.environ["SAID"], "w") as file:
        json.dump(FOUND, file)
"""


def cold(project: Project) -> Said:
    """What a fresh pytest says of all tests that it can collect; nothing where it can't even start."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        (scratch / "told.py").write_text(_PLUGIN, encoding="utf-8")
        path = os.pathsep.join([folder, *filter(None, [os.environ.get("PYTHONPATH")])])
        # Python takes bytecode for fresh that was written in the second of the last edit, if the size agrees.
        for compiled in project.root.rglob("__pycache__"):
            shutil.rmtree(compiled, ignore_errors=True)
        environment = {"SAID": str(scratch / "said")}
        command = [sys.executable, "-B", "-m", "pytest", "-q", "-p", "told", "-p", "no:cacheprovider"]
        subprocess.run(
            [*command, "--continue-on-collection-errors"],
            cwd=project.root,
            env={**os.environ, **environment, "PYTHONPATH": path},
            capture_output=True,
            check=False,
        )
        if not (scratch / "said").exists():
            return {}
        found = json.loads((scratch / "said").read_text(encoding="utf-8"))
    return {test: (outcome, reason) for test, (outcome, reason) in found.items()}


def warm(story: EngineStory) -> Said:
    """How each test stands; ``affected`` where no verdict holds."""
    said: Said = {}
    for test in story.engine.tests:
        state = story.engine.state_of(test)
        if state.verdict is None:
            said[test] = NEVER_RUN
        elif state.affected:
            said[test] = "affected", ""
        else:
            reason = state.verdict.reason.removeprefix("Skipped: ") if state.verdict.outcome.value == "skipped" else ""
            said[test] = state.verdict.outcome.value, reason
    return said
