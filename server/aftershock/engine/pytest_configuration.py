"""A digest of the pytest configuration that applies to a project, so that changing it makes facts stale."""

from __future__ import annotations

import configparser
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILES = ("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "pyproject.toml", "tox.ini", "setup.cfg")
"""Where pytest looks for its configuration: https://docs.pytest.org/en/stable/reference/customize.html"""


def digest(root: Path, arguments: Sequence[str]) -> str:
    """Digest of the arguments and of what pytest would read of its configuration files in ``root``."""
    parts = [json.dumps(list(arguments))]
    parts += [f"{name}:{_relevant(root / name)}" for name in FILES]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def _relevant(path: Path) -> str:
    """The part of a file that pytest reads; the whole text where the file can't be parsed."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, IsADirectoryError, PermissionError):
        return ""
    try:
        if path.name == "pyproject.toml":
            return json.dumps(tomllib.loads(text).get("tool", {}).get("pytest", {}), sort_keys=True, default=str)
        if path.name in ("tox.ini", "setup.cfg"):
            parser = configparser.ConfigParser(interpolation=None)
            parser.read_string(text)
            sections = [name for name in ("pytest", "tool:pytest") if parser.has_section(name)]
            return json.dumps([sorted(parser.items(name)) for name in sections])
    except (tomllib.TOMLDecodeError, configparser.Error):
        return text
    return text
