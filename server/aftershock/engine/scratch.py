"""Folders for the tests' temporary files, which go with the interpreter, even one whose server was killed."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from pathlib import Path

_NAME = re.compile(r"aftershock-(\d+)-\w+")


def make() -> Path:
    """A new folder of this process's own; what dead servers of this user have left behind goes meanwhile."""
    sweep(Path(tempfile.gettempdir()))
    return Path(tempfile.mkdtemp(prefix=f"aftershock-{os.getpid()}-"))


def remove(folder: Path) -> None:
    """Remove a folder; what a test made unremovable stays for the system to sweep."""
    shutil.rmtree(folder, ignore_errors=True)


def sweep(place: Path) -> None:
    """Remove the folders in ``place`` that belong to this user and to a process that is gone."""
    for folder in place.glob("aftershock-*"):
        match = _NAME.fullmatch(folder.name)
        with contextlib.suppress(FileNotFoundError):  # another server sweeps, too
            if match and folder.stat().st_uid == os.getuid() and not alive(int(match[1])):
                remove(folder)


def alive(pid: int) -> bool:
    """Whether there is a process of this number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
