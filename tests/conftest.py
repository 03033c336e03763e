"""Fixtures that every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return an empty project, in a folder of its own within the test's `tmp_path`."""
    root = tmp_path / "project"
    root.mkdir()
    return Project(root)
