"""Which folders below a project's root never hold sources of its own."""

IGNORED_FOLDERS = frozenset(
    {
        *(".git", ".hg", ".svn", ".aftershock", "__pycache__", "node_modules", "site-packages", ".tox", ".nox"),
        *(".venv", "venv", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".eggs", ".cache"),
    }
)
"""Their names; nor do virtual environments under other names."""
