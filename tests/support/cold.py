"""What a fresh pytest says of a project's tests, the measure of what a warm engine says."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from support.project import Project

Said = dict[str, tuple[str, str]]
"""Outcome and, of a skipped test, the reason, by test id."""

_BYTECODE = Path(__file__).resolve().parents[2] / ".cache" / "cold-bytecode"
"""Where the bytecode of pytest stays from run to run; compiling it takes longer than most of the runs."""

_PLUGIN = """
import json, os

FOUND = {}

def pytest_runtest_logreport(report):
    before = FOUND.get(report.nodeid)
    if report.failed and (before is None or before[0] != "failed"):
        FOUND[report.nodeid] = ["failed" if report.when == "call" else "errored", ""]
    elif report.skipped:
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
        FOUND.setdefault(report.nodeid, ["skipped", why.removeprefix("Skipped: ")])
    elif report.when == "call":
        FOUND.setdefault(report.nodeid, ["passed", ""])

def pytest_sessionfinish():
    with open(os.environ["SAID"], "w") as file:
        json.dump(FOUND, file)
"""


def cold(project: Project, arguments: Sequence[str] = ()) -> Said:
    """What it says of all tests that it can collect, run with ``arguments``; nothing where it can't even start."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        (scratch / "told.py").write_text(_PLUGIN, encoding="utf-8")
        environment = {
            **os.environ,
            "SAID": str(scratch / "said"),
            "PYTHONPATH": os.pathsep.join([folder, *filter(None, [os.environ.get("PYTHONPATH")])]),
            "PYTHONPYCACHEPREFIX": str(_BYTECODE),
        }
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "told", "-p", "no:cacheprovider"]
        subprocess.run(
            [*command, "--continue-on-collection-errors", *arguments],
            cwd=project.root,
            env=environment,
            capture_output=True,
            check=False,
        )
        # Python takes bytecode for fresh that was written in the second of the last edit, if the size agrees.
        for fleeting in (project.root, scratch):
            shutil.rmtree(_BYTECODE / fleeting.relative_to("/"), ignore_errors=True)
        if not (scratch / "said").exists():
            return {}
        found = json.loads((scratch / "said").read_text(encoding="utf-8"))
    return {test: (outcome, reason) for test, (outcome, reason) in found.items()}


def cold_outcomes(project: Project, arguments: Sequence[str] = ()) -> dict[str, str]:
    """The outcome of every test by its name without the file, as ``EngineStory.outcomes`` has it."""
    return {test.split("::", 1)[1]: outcome for test, (outcome, _) in cold(project, arguments).items()}
