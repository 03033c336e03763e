"""Follows the imports of the project's modules: what ran in each, and what its names came to be bound to.

Both are taken at the very moment an import ends, before anything imported later can touch them, so that they are the
same whatever else a session imports.  The function that Python calls to run a module's code, and the method of pytest's
assertion rewriting that does so, are replaced by ones that tell us.  They pass for what they replace in tracebacks:
CPython cuts the frames of its import machinery out of them by file and function (``remove_importlib_frames``), pytest
those of its own files.
"""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import CodeType, ModuleType
from typing import Any

from _pytest.assertion import rewrite

from aftershock_agent import messages
from aftershock_agent.recording import Project, Recorder
from aftershock_agent.tables import OPAQUE, UNBOUND, UNREADABLE
from aftershock_agent.test_files import is_test_file
from aftershock_agent.values import Values
from aftershock_agent.written import Written

_STANDARD = """
def _call_with_frames_removed(f, *args, **kwds):
    if f is not execute:
        return f(*args, **kwds)
    with imported(*args):
        return f(*args, **kwds)
"""
_REWRITTEN = """
def exec_module(self, module):
    with imported(None, module.__dict__):
        return original(self, module)
"""


@dataclass(eq=False)
class _Import:
    """One import under way."""

    path: str
    executed: list[int] = field(default_factory=list)


class Imports:
    """The imports since the last :meth:`take`, and what ran outside of any."""

    def __init__(self, project: Project, recorder: Recorder, log: Callable[[str], None]) -> None:
        """Nothing is followed before :meth:`follow`, nor unless ``following``: what a test imports is the test's.

        ``log`` hears of a module whose values can't be told.
        """
        self.following = True
        self._log = log
        self._project = project
        self._recorder = recorder
        self._values = Values(project)
        self._written = Written(project, self._values)
        self._open: dict[int, list[_Import]] = {}
        self._outside: list[int] = []
        self._done: list[messages.ImportedModule] = []

    def follow(self) -> None:
        """From now on, in this process."""
        import importlib._bootstrap as bootstrap  # type: ignore[import-not-found, unused-ignore]

        machinery: Any = bootstrap
        call = machinery._call_with_frames_removed
        names = {"execute": exec, "imported": self._importing}
        replaced = _made(_STANDARD, call.__code__.co_filename, "_call_with_frames_removed", names)
        machinery._call_with_frames_removed = replaced
        hook: Any = rewrite.AssertionRewritingHook
        names = {"original": hook.exec_module, "imported": self._importing}
        hook.exec_module = _made(_REWRITTEN, rewrite.__file__, "exec_module", names)

    def take(self) -> tuple[list[messages.ImportedModule], list[int]]:
        """The modules whose import has ended since the last call, and the functions that ran outside of imports."""
        self._outside += self._recorder.take()
        done, outside = self._done, self._outside
        self._done, self._outside = [], []
        self._written.rest()
        return done, outside

    @contextmanager
    def _importing(self, code: CodeType | None, names: dict[str, Any]) -> Iterator[None]:
        module = sys.modules.get(names.get("__name__", ""))
        file = code.co_filename if isinstance(code, CodeType) else names.get("__file__")
        path = self._project.path_of(file) if isinstance(file, str) else None
        if not self.following or path is None or module is None or vars(module) is not names:
            yield
            return
        self._note_executed()
        done = _Import(path)
        self._open.setdefault(threading.get_ident(), []).append(done)
        failure: BaseException | None = None
        try:
            yield
        except BaseException as error:
            failure = error
            raise
        finally:
            self._note_executed()
            self._open[threading.get_ident()].remove(done)
            self._end(module, done, failure)
            del failure  # it holds this frame

    def _end(self, module: ModuleType, done: _Import, failure: BaseException | None) -> None:
        executed = self._recorder.functions.by_file(done.executed)
        try:
            values = self._table(module, done.path, executed, failure)
        except Exception:  # an import must not fail for what we make of it
            self._log(f"what {done.path} binds can't be told\n{traceback.format_exc()}")
            values = {UNREADABLE: OPAQUE} if failure is None else {UNREADABLE: OPAQUE, UNBOUND: "failed"}
        self._done.append(messages.ImportedModule(done.path, values, executed))

    def _table(
        self, module: ModuleType, path: str, executed: messages.Executed, failure: BaseException | None
    ) -> dict[str, str]:
        if failure is not None:
            self._values.forget()
            found = {UNBOUND: self._values.digest((type(failure).__qualname__, failure.args))}
        else:
            found = self._values.table(module, path, not is_test_file(path))
            self._written.begin(path, module, found)
        return {**found, **self._written.since(path, module, executed)}

    def _note_executed(self) -> None:
        """What has run since the last look did so in the innermost import."""
        under_way = self._open.get(threading.get_ident())
        innermost = under_way[-1].executed if under_way else self._outside
        innermost += self._recorder.take()


def _made(text: str, filename: str, name: str, names: dict[str, Any]) -> Callable[..., Any]:
    """The function of this name, as if it stood in that file."""
    names = {**names, "__name__": name}
    exec(compile(text, filename, "exec"), names)
    made: Callable[..., Any] = names[name]
    return made
