"""Runs side by side: which tests must stay in one process, and how tests tell their process from the others."""

from __future__ import annotations

from typing import Any

import pytest


def shared_beyond_file(item: pytest.Item) -> list[str]:
    """Names for what a test shares with tests of other files: a package's fixtures, a group marked for pytest-xdist."""
    groups = [str(mark.args[0] if mark.args else mark.kwargs.get("name")) for mark in item.iter_markers("xdist_group")]
    declared: dict[str, Any] = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    # Elsewhere pytest keeps a fixture of this scope for the whole session.
    inside = {node.nodeid for node in item.listchain() if isinstance(node, pytest.Package)}
    packages = {
        f"package {fixturedef.baseid}"
        for group in declared.values()
        for fixturedef in group
        if fixturedef.scope == "package" and fixturedef.baseid in inside
    }
    return [*(f"group {name}" for name in groups), *sorted(packages)]
