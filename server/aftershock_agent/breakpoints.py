"""breakpoint() in a run: a fork has no terminal, so the test ends there and says that it wants a debugger."""

from __future__ import annotations

from typing import Any, NoReturn

from _pytest.debugging import pytestPDB


class Breakpoint(BaseException):
    """A test has reached ``breakpoint()`` or ``pdb.set_trace()``.

    Not an Exception: what a test catches by ``except Exception`` must not hide it.  The server knows it by name.
    """


def divert() -> None:
    """Have pytest's own replacement of ``pdb.set_trace``, which ``breakpoint()`` calls, raise :class:`Breakpoint`.

    Left alone it would read end-of-file and end the whole run.
    """
    pytestPDB._init_pdb = classmethod(_stop)  # type: ignore[method-assign,assignment]


def _stop(cls: type[pytestPDB], method: str, *args: Any, **kwargs: Any) -> NoReturn:
    raise Breakpoint(
        "the test has reached a breakpoint. Debug it to stop there (Debug over the test, d in aftershock watch)."
    )
