"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.project import Project

# The projects of the stories have no use for them, and each pytest that is started takes twice to four times as long to
# import them as all else.
os.environ["PYTEST_ADDOPTS"] = "-p no:pytest-lsp -p no:hypothesispytest"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return an empty project, in a folder of its own within the test's `tmp_path`."""
    root = tmp_path / "project"
    root.mkdir()
    return Project(root)
