"""Which folders below a project's root never hold sources of its own."""

from __future__ import annotations

import os

IGNORED_FOLDERS = frozenset(
    {
        *(".git", ".hg", ".svn", ".aftershock", "__pycache__", "node_modules", "site-packages", ".tox", ".nox"),
        *(".venv", "venv", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".eggs", ".cache"),
    }
)
"""Their names."""


def is_ignored(folder: str) -> bool:
    """Whether a folder (a path) never holds sources: by its name, or as a virtual environment under any name."""
    return os.path.basename(folder) in IGNORED_FOLDERS or os.path.exists(os.path.join(folder, "pyvenv.cfg"))
