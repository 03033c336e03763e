"""The server's log: stderr, which the client shows, and ``.aftershock/server.log`` in the project."""

from __future__ import annotations

import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_SIZE = 1_000_000  # bytes, of each of two files


def log_to_stderr(level: str = "info") -> None:
    """Log to stderr, from the start."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(_FORMAT))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(level.upper())
    # They tell every message and every file event.
    for name in ("pygls", "watchdog", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)


def log_to_project(root: Path, level: str) -> None:
    """Log into the project too, as soon as it is known; a folder that can't be written gets none."""
    logging.getLogger().setLevel(level.upper())
    try:
        folder = root / ".aftershock"
        folder.mkdir(exist_ok=True)
        handler = RotatingFileHandler(folder / "server.log", maxBytes=_SIZE, backupCount=1, encoding="utf-8")
    except OSError as error:
        logging.getLogger(__name__).warning("no log in the project: %s", error)
        return
    handler.setFormatter(logging.Formatter(_FORMAT))
    logging.getLogger().addHandler(handler)
