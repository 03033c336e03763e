"""The exit codes, which are pytest's; documented in ``aftershock --help`` and docs/configuration.md."""

from __future__ import annotations

import enum

from aftershock.engine.events import RunFinished
from aftershock.selection.facts import Outcome


class Exit(enum.IntEnum):
    """What a command says to the shell."""

    OK = 0
    FAILED = 1
    INTERRUPTED = 2
    INTERNAL = 3
    USAGE = 4


def exit_of(finished: RunFinished | None) -> Exit:
    """The exit code of a run; no run at all is well, since nothing was affected."""
    if finished is None:
        return Exit.OK
    if finished.counts.get(Outcome.FAILED, 0) or finished.counts.get(Outcome.ERRORED, 0):
        return Exit.FAILED
    return Exit.INTERRUPTED if finished.cancelled or finished.unfinished else Exit.OK
