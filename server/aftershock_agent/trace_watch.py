"""Notices that a test has touched ``sys.settrace``, which recording before Python 3.12 rests on."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

_TRACERS = os.sep + "coverage" + os.sep


class TraceWatch:
    """Hears of ``sys.settrace`` from the interpreter's audit events (PEP 578); a test may put back what it took."""

    def __init__(self) -> None:
        """Keep the trace function that is set now."""
        self._tracer = sys.gettrace()
        self._touched = False
        sys.addaudithook(self._listener())

    def mend(self) -> str:
        """``sys.settrace`` if it was called since the last time, else an empty string; sets ours again."""
        if not self._touched:
            return ""
        if sys.gettrace() is not self._tracer:
            sys.settrace(self._tracer)
            _call()
        self._touched = False
        return "sys.settrace"

    def _listener(self) -> Callable[[str, object], None]:
        """A plain function, for the reason that ChildProcesses gives."""

        def hear(event: str, arguments: object) -> None:
            # coverage.py calls it itself, in each new thread.
            if event == "sys.settrace" and _TRACERS not in sys._getframe(1).f_code.co_filename:
                self._touched = True

        return hear


def _call() -> None:
    """Nothing but a call: at its first one, coverage.py's tracer sets itself anew, the quicker way, and is heard."""
