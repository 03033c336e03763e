"""Hot reload: swaps the code of a file's functions in place, when nothing but function bodies changed.

Why it is safe.  A function object is its code plus what its ``def`` evaluated (defaults, decorators, annotations,
closure).  When the text outside function bodies compiles to the same instructions, those evaluate to the same, so
the new code in the old function is what an import would have made, provided that (1) no changed function has run
while the project was imported, or in a run in this process (its results would be stale), (2) arguments, flags and
free variables agree, and (3) the code found in memory is exactly what the old text compiles to, so nobody has
transformed it (a decorator, an import hook).  All other functions of the file are swapped too, for their line numbers.
Whatever fails a condition is refused as a whole, before anything is touched, and the server starts a new session.

Whole functions and classes compiled in their place, with ``__code__`` swapped, keep mangled names, ``super()`` and
PEP 695 right, where recompiling a lone function (as jurigged does) does not; pytest's assertion rewriting is applied to
files that had it.
"""

from __future__ import annotations

import contextlib
import gc
import linecache
import sys
from collections.abc import Iterable, Iterator
from types import CodeType, FunctionType, ModuleType

from aftershock_agent import messages
from aftershock_agent.code_lines import walk
from aftershock_agent.compiling import Compiler, Unpatchable
from aftershock_agent.recording import Recorder


class Patcher:
    """Patches the files of one session."""

    def __init__(self, recorder: Recorder) -> None:
        """``recorder`` learns the new code, so that runs record it."""
        self._recorder = recorder
        self._imported: dict[str, set[str]] = {}
        self._ran: dict[str, set[str]] = {}
        self._compiler = Compiler()
        self._ahead: dict[str, str] = {}
        self._last = ""
        self._patched: dict[str, str] = {}
        self._functions: dict[str, list[FunctionType]] | None = None
        self._modules: dict[str, list[ModuleType]] | None = None

    def note_imports(self, executed: messages.Executed) -> None:
        """Remember what ran while the project was imported and collected."""
        for path, names in executed.items():
            self._imported.setdefault(path, set()).update(names)

    def note_run(self, executed: messages.Executed) -> None:
        """Remember what tests ran in this process, and that they may have made functions."""
        for path, names in executed.items():
            self._ran.setdefault(path, set()).update(names)
        self.forget_functions()

    def patch(self, path: str, old: str | None, new: str | None, changed: Iterable[str]) -> int:
        """Swap the functions of ``path`` from the text ``old`` to ``new``; returns how many were swapped.

        Without ``old`` it is the text that was patched in last, without ``new`` the one that was compiled ahead.
        ``changed`` holds the qualified names of the functions whose bodies differ.  Raises Unpatchable, with
        nothing touched, when the result would not be what an import makes.
        """
        old = self._patched[path] if old is None else old
        new = self._ahead[path] if new is None else new
        self._refuse_imported(path, changed)
        loader = self._loader_of(path)
        before = self._compiler.compile(path, old, loader)
        after = self._compiler.compile(path, new, loader)
        swaps = list(_swaps(self._find_functions().get(path, ()), _pairs(before, after)))
        for function, code in swaps:
            function.__code__ = code
        self._patched[path] = new
        self._recorder.learn(after)
        linecache.checkcache(path)
        return len(swaps)

    def compile_ahead(self, path: str, text: str) -> None:
        """Compile a text that :meth:`patch` will probably be asked to bring in; the server digests it meanwhile."""
        self._ahead[path], self._last = text, path
        # If the patch is asked for all the same, it tells why it can't be.
        with contextlib.suppress(Unpatchable, SyntaxError, ValueError):
            self._compiler.compile(path, text, self._loader_of(path))

    def rehearse(self) -> None:
        """Patch the last file, all lines shifted, and back: in a fork the first write to each page takes longest."""
        path = self._last
        text = self._patched.get(path, self._ahead.get(path))
        if text is None:
            return
        shifted = f"\n{text}"
        with self._compiler.kept():
            try:
                self.patch(path, text, shifted, ())
            except (Unpatchable, SyntaxError, ValueError):
                return  # nor can it be patched when it must, which is told then
            self.patch(path, shifted, text, ())

    def prepare(self) -> None:
        """Find functions and modules while idle, so that no patch has to."""
        self._find_functions()
        self._find_modules()

    def _find_functions(self) -> dict[str, list[FunctionType]]:
        """All functions alive, by file; found once after each collection."""
        if self._functions is None:
            self._functions = {}
            gc.unfreeze()  # frozen objects are hidden from get_objects
            for thing in gc.get_objects():
                if type(thing) is FunctionType:
                    self._functions.setdefault(thing.__code__.co_filename, []).append(thing)
            gc.freeze()
        return self._functions

    def _find_modules(self) -> dict[str, list[ModuleType]]:
        """All modules, by file; to look through them once more takes longer than most patches."""
        if self._modules is None:
            self._modules = {}
            for module in {id(module): module for module in list(sys.modules.values())}.values():
                file = getattr(module, "__file__", None)
                if isinstance(file, str):
                    self._modules.setdefault(file, []).append(module)
        return self._modules

    def _loader_of(self, path: str) -> object:
        """What loaded the one module that was imported from ``path``."""
        found = self._find_modules().get(path, [])
        if len(found) != 1:
            raise Unpatchable(f"{len(found)} modules were imported from the file")
        return getattr(found[0].__spec__, "loader", None)

    def forget_functions(self) -> None:
        """Code was imported: functions and modules must be found anew."""
        self._functions = self._modules = None

    def _refuse_imported(self, path: str, changed: Iterable[str]) -> None:
        for ran, when in ((self._imported, "while the project was imported"), (self._ran, "in this process before")):
            names = ran.get(path, set())
            for name in changed:
                if name in names or any(other.startswith(f"{name}.<locals>.<") for other in names):
                    raise Unpatchable(f"{name} ran {when}")


def _pairs(before: CodeType, after: CodeType) -> dict[CodeType, CodeType | None]:
    """Each old code object with the new one of the same qualified name and ordinal, None where there is none."""
    new: dict[tuple[str, int], CodeType] = dict(_numbered(after))
    return {code: new.get(place) for place, code in _numbered(before)}


def _numbered(module: CodeType) -> Iterator[tuple[tuple[str, int], CodeType]]:
    seen: dict[str, int] = {}
    for qualname, code in walk(module):
        ordinal = seen[qualname] = seen.get(qualname, -1) + 1
        yield (qualname, ordinal), code


def _swaps(
    functions: Iterable[FunctionType], pairs: dict[CodeType, CodeType | None]
) -> Iterator[tuple[FunctionType, CodeType]]:
    """Each function with its new code."""
    for function in functions:
        code = function.__code__
        if code not in pairs:
            raise Unpatchable(f"the code of {function.__qualname__} isn't what its source compiles to")
        new = pairs[code]
        if new is None or _shape(new) != _shape(code):
            raise Unpatchable(f"{function.__qualname__} changed its arguments, its kind or its closure")
        yield function, new


def _shape(code: CodeType) -> tuple[object, ...]:
    """What of a code object the rest of a function object, and those who inspected it, rely on."""
    count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 0x04) + bool(code.co_flags & 0x08)
    return (
        code.co_name,
        code.co_flags,
        code.co_freevars,
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        code.co_varnames[:count],
    )
