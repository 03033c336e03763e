"""A pytest plugin that writes each test's outcome, as JSON, to the file that OUTCOMES names.

`-p outcomes`, with this folder on PYTHONPATH.  OUTCOMES_ONLY names a file with the node ids to run, a line each.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

_BY_WEIGHT = ("passed", "xpassed", "skipped", "xfailed", "failed", "error")


def pytest_configure(config: pytest.Config) -> None:
    """Write outcomes if somebody asks for them."""
    target = os.environ.get("OUTCOMES")
    if target:
        config.pluginmanager.register(Outcomes(Path(target)), "outcomes-written")


class Outcomes:
    """Collects the weightiest outcome of each test's phases, and what could not be collected."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._tests: dict[str, str] = {}
        self._errors: list[str] = []

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the tests that are asked for."""
        only = os.environ.get("OUTCOMES_ONLY")
        if only:
            wanted = set(Path(only).read_text(encoding="utf-8").splitlines())
            items[:] = [item for item in items if item.nodeid in wanted]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file, or a class, that can't be collected."""
        if report.failed:
            self._errors.append(report.nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase, or one subtest."""
        before = self._tests.get(report.nodeid, "passed")
        self._tests[report.nodeid] = max(before, _outcome(report), key=_BY_WEIGHT.index)

    def pytest_sessionfinish(self) -> None:
        """Write."""
        self._target.write_text(json.dumps({"tests": self._tests, "errors": self._errors}), encoding="utf-8")


def _outcome(report: pytest.TestReport) -> str:
    if report.failed:
        return "failed" if report.when == "call" else "error"
    if hasattr(report, "wasxfail"):
        return "xfailed" if report.skipped else "xpassed"
    return "skipped" if report.skipped else "passed"
