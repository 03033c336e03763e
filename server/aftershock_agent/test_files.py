"""Which files hold tests, as far as their names tell."""

from __future__ import annotations


def is_test_file(path: str) -> bool:
    """Whether pytest's own defaults would collect the file, or load it as a conftest."""
    name = path.rpartition("/")[2]
    return name.startswith("test_") or name.endswith("_test.py") or name == "conftest.py"
