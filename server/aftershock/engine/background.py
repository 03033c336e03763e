"""Writing that nobody waits for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

log = logging.getLogger(__name__)


class Background:
    """Does one piece of work after another in a thread; the log tells of one that fails."""

    def __init__(self) -> None:
        """Starts no thread before there is work."""
        self._thread = ThreadPoolExecutor(1, "background")

    def do(self, work: Callable[[], None]) -> None:
        """Do some work after all that was given before."""
        self._thread.submit(work).add_done_callback(_log_failure)

    def close(self) -> None:
        """Wait until all is done."""
        self._thread.shutdown()


def _log_failure(done: Future[None]) -> None:
    error = done.exception()
    if error is not None:
        log.error("work in the background failed", exc_info=error)
