"""Keeps stale bytecode from being imported.

Python trusts a ``.pyc`` whose recorded source time (whole seconds) and size agree with the source, so two edits of
one size within a second can leave old code behind.  A ``.pyc`` that was written before its source was last
modified is certainly not of that source, and one of the second after may be of what was there before: they are
removed before a session imports anything.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterable
from pathlib import Path

_WHOLE_SECOND = 10**9  # nanoseconds: the resolution of the source time in a .pyc


def drop_stale(sources: Iterable[str]) -> None:
    """Remove cached bytecode (Python's and pytest's) that is not newer than its source (absolute paths)."""
    cached: dict[str, dict[str, list[os.DirEntry[str]]]] = {}
    for source in sources:
        folder = os.path.dirname(importlib.util.cache_from_source(source))
        if folder not in cached:
            cached[folder] = _by_stem(folder)
        for entry in cached[folder].get(Path(source).stem, ()):
            _drop_if_stale(entry, source)


def _by_stem(folder: str) -> dict[str, list[os.DirEntry[str]]]:
    """The ``.pyc`` files of a cache folder by their module's name."""
    found: dict[str, list[os.DirEntry[str]]] = {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(".pyc"):
                    found.setdefault(entry.name.split(".")[0], []).append(entry)
    except OSError:
        return {}  # no cache, nothing stale
    return found


def _drop_if_stale(entry: os.DirEntry[str], source: str) -> None:
    try:
        if entry.stat().st_mtime_ns <= os.stat(source).st_mtime_ns + _WHOLE_SECOND:
            os.unlink(entry.path)
    except FileNotFoundError:
        return  # another process was quicker, or the source is gone: nothing to import then
