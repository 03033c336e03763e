"""A pytest plugin that writes what each test said, as JSON, to the file that FRESH_VERDICTS names.

`-p fresh_verdicts`, with this folder on PYTHONPATH.  Without the variable it only does what it always does: have
hypothesis draw the same few examples in every process, without a clock and without a memory on disk.
FRESH_VERDICTS_ONLY names a file with the node ids to run, a line each.  A test that hangs ends the process with exit
status HUNG.  It shares no code with the agent, whose answers are compared with its own.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import json
import os
import traceback
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

HUNG = 1  # what faulthandler ends the process with
_LIMIT = 8.0  # seconds
_STDERR = os.dup(2)  # while pytest captures the real one


def pytest_configure(config: pytest.Config) -> None:
    """Write verdicts if somebody asks for them."""
    target = os.environ.get("FRESH_VERDICTS")
    if target:
        config.pluginmanager.register(Verdicts(Path(target), config.rootpath), "fresh-verdicts")
    config.pluginmanager.register(Steady(), "steady-hypothesis")


class Steady:
    """Registered late, so that a conftest's own profile of hypothesis is there already."""

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        """Leave nothing to chance."""
        with contextlib.suppress(ImportError):
            hypothesis: Any = importlib.import_module("hypothesis")
            steady = {"derandomize": True, "database": None, "deadline": None, "max_examples": 10}
            checks = list(hypothesis.HealthCheck)
            hypothesis.settings.register_profile("steady", **steady, suppress_health_check=checks)
            hypothesis.settings.load_profile("steady")


class Verdicts:
    """Collects what the reports say."""

    def __init__(self, target: Path, root: Path) -> None:
        self._target = target
        self._root = str(root) + os.sep
        self._tests: dict[str, dict[str, Any]] = {}
        self._errors: dict[str, str] = {}
        self._all: list[str] = []

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the tests that are asked for, of those that options left."""
        self._all = [item.nodeid for item in items]
        only = os.environ.get("FRESH_VERDICTS_ONLY")
        if only:
            wanted = set(Path(only).read_text(encoding="utf-8").splitlines())
            items[:] = [item for item in items if item.nodeid in wanted]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that can't be collected."""
        if report.failed:
            self._errors[report.nodeid] = report.longreprtext

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Don't hang."""
        faulthandler.dump_traceback_later(_LIMIT, exit=True, file=_STDERR)
        try:
            return (yield)
        finally:
            faulthandler.cancel_dump_traceback_later()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase, or one subtest."""
        told = self._tests.setdefault(report.nodeid, {"outcome": "passed", "output": ""})
        told["output"] = "\n".join(text.rstrip() for _, text in report.sections if text.strip())
        if report.failed and told["outcome"] not in ("failed", "errored"):
            told["outcome"] = "failed" if report.when == "call" else "errored"
            told["text"] = report.longreprtext
            told["when"] = report.when
        elif report.skipped and told["outcome"] == "passed":
            told["outcome"] = "skipped"

    def pytest_exception_interact(
        self, call: pytest.CallInfo[None], report: pytest.TestReport | pytest.CollectReport
    ) -> None:
        """The exception of the phase that failed first; comes after its report."""
        told = self._tests.get(report.nodeid)
        if told is None or call.excinfo is None or told.get("when") != report.when or "exception" in told:
            return
        kind = call.excinfo.type
        told["exception"] = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
        frames = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(call.excinfo.tb)]
        own = [f"{path[len(self._root) :]}:{line}" for path, line in frames if path.startswith(self._root)]
        told["place"] = next((place for place in reversed(own) if not place.startswith(".venv")), "")

    def pytest_sessionfinish(self) -> None:
        """Write."""
        found = {"tests": self._tests, "errors": self._errors, "all": self._all}
        self._target.write_text(json.dumps(found), encoding="utf-8")
