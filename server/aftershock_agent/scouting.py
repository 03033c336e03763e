"""Watches what a process does that others would notice, and what it reads: how far a session can be prepared.

What is prepared must be the same whenever it is done, and be seen by nobody: no file written, no process or thread
started, nothing said over a socket.  A scout goes the way of a session to come and halts before the first thing of that
kind, which Python's audit events tell.  It isn't the session itself, as an audit hook can't be taken away again, and
makes some code (``copy.deepcopy``) take twice its time; so here other functions may be replaced too.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from typing import Any

import _pytest

from aftershock_agent import messages
from aftershock_agent.recording import is_installed, state_of

_EFFECTS = frozenset(
    {
        *("os.chmod", "os.chown", "os.link", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.truncate"),
        *("os.utime", "os.setxattr", "os.removexattr", "os.exec", "os.fork", "os.forkpty", "os.kill", "os.killpg"),
        *("os.posix_spawn", "os.spawn", "os.system", "pty.spawn", "subprocess.Popen", "signal.pthread_kill"),
        *("_thread.start_new_thread", "_thread.start_joinable_thread", "fcntl.flock", "fcntl.lockf", "os.lockf"),
        *("socket.connect", "socket.sendmsg", "socket.sendto", "syslog.openlog", "syslog.syslog"),
    }
)
"""Audit events of what others notice (docs.python.org, audit events table); some more are looked at closely."""

_UNHEARD = (
    *(("_posixsubprocess", "fork_exec"), ("_posixshmem", "shm_open"), ("os", "mkfifo"), ("os", "mknod")),
    *(("_thread", "start_new_thread"), ("threading", "_start_new_thread")),
)
"""What others notice too, and raises no event; threads do from Python 3.12 on."""

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_KERNEL = ("/proc/", "/sys/", "/dev/")
_FINDERS = ("<frozen importlib", os.path.dirname(importlib.__file__), os.path.dirname(_pytest.__file__))
"""Who lists folders for modules, distributions and tests, the likes of which are compared anyway."""
_FINDING = ("_get_default_tempdir", "TemporaryFile", "opener")
"""Functions of ``tempfile`` whose files nobody sees: they have no name, or lose it at once."""


class Scout:
    """Halts before the first thing that others would notice."""

    def __init__(self, root: str, halt: Callable[[str], None]) -> None:
        """``root`` is the project's; ``halt``, which doesn't return, is told what would have happened."""
        self._root = root.rstrip(os.sep) + os.sep
        self._halt = halt
        self._watching = False
        folders = {path for name, path in sysconfig.get_paths().items() if name.endswith(("stdlib", "lib"))}
        ours = {*folders, os.path.dirname(__file__), os.path.dirname(os.__file__), sys.pycache_prefix or os.devnull}
        self._libraries = tuple(os.path.realpath(folder) + os.sep for folder in ours)
        self._read: dict[str, None] = {}
        self._asked: dict[str, bool] = {}

    def begin(self) -> None:
        """Watch from now on."""
        sys.addaudithook(self._hear)
        for module, name in _UNHEARD:
            self._replace(module, name, self._stopping(f"{module}.{name}"))
        for name in ("stat", "lstat", "access"):
            self._replace("os", name, self._noting(getattr(os, name)))
        self._watching = True

    def end(self) -> None:
        """Watch no more, though the hook itself stays."""
        self._watching = False

    def read(self) -> list[messages.LoadedFile]:
        """The files and folders, outside of libraries, whose contents or whose being there may have been seen."""
        seen = [state_of(path) for path in self._read]
        asked = (
            (path, messages.EXISTS if there else 0) for path, there in self._asked.items() if path not in self._read
        )
        return [*seen, *(messages.LoadedFile(path, state, state) for path, state in asked)]

    def _replace(self, module: str, name: str, function: Callable[..., Any]) -> None:
        # Not every system has all of these, nor every Python.
        with contextlib.suppress(ImportError):
            home = importlib.import_module(module)
            if hasattr(home, name):
                setattr(home, name, function)

    def _stopping(self, what: str) -> Callable[..., None]:
        return lambda *args, **named: self._stop(what)

    def _noting(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """One of ``os`` that tells whether there is a file; who asks may do something else when it comes or goes."""

        def asks(path: Any, *args: Any, **named: Any) -> Any:
            if self._watching and isinstance(path, (str, bytes, os.PathLike)):
                self._watching = False
                name = os.path.abspath(os.fsdecode(path))
                if not self._is_foreign(name):
                    self._asked.setdefault(name, os.path.exists(name))
                self._watching = True
            return function(path, *args, **named)

        return asks

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if not self._watching:
            return
        self._watching = False  # what follows raises events of its own
        try:
            noticed = self._is_noticed(event, args)
        except Exception as error:
            noticed, args = True, (error,)
        self._watching = True
        if noticed:
            self._stop(f"{event} {args!r:.200}")

    def _stop(self, noticed: str) -> None:
        if self._watching:
            self._halt(noticed)

    def _is_noticed(self, event: str, args: tuple[Any, ...]) -> bool:
        if event == "open":
            return self._is_opened(*args)
        if event in ("os.listdir", "os.scandir"):
            self._note_listing(args[0])
        if event == "os.mkdir":
            return not os.path.isdir(args[0]) and not _is_bytecode(args[0])
        if event == "socket.bind":
            return not (isinstance(args[1], tuple) and args[1][1] == 0)  # any free port: nobody knows which
        if event == "sqlite3.connect":
            return bool(args[0] != ":memory:")
        effect = event in _EFFECTS or event.startswith(("shutil.", "tempfile."))
        return effect and not any(map(_is_bytecode, args)) and not _is_finding()

    def _is_opened(self, path: object, mode: object, flags: int) -> bool:
        """Whether a file is opened for writing; what is read is noted."""
        if isinstance(path, int) or path == os.devnull or _is_finding():
            return False
        if flags & _WRITING:
            return not _is_bytecode(path)
        self._note(os.fsdecode(path))  # type: ignore[arg-type]
        return False

    def _note_listing(self, path: object) -> None:
        asking = sys._getframe(3).f_code.co_filename
        if not asking.startswith(_FINDERS) and not isinstance(path, int):
            self._note(os.fsdecode(path or "."))  # type: ignore[arg-type]

    def _note(self, path: str) -> None:
        name = os.path.abspath(path)
        if name.endswith(".pyc"):
            name = _source_of(name)
        if not self._is_foreign(name):
            self._read[name] = None

    def _is_foreign(self, name: str) -> bool:
        """Whether a file is a library's or the kernel's: what is installed is compared as a whole."""
        real = os.path.realpath(name)
        kernel = real.startswith(_KERNEL) and not real.startswith(("/dev/shm/", self._root))
        return kernel or (real + os.sep).startswith(self._libraries) or is_installed(real)


def _is_finding() -> bool:
    """Whether it is ``tempfile`` that looks for a folder, or makes a file without a name."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename == _is_finding.__code__.co_filename:
        frame = frame.f_back
    code = frame.f_code
    return code.co_filename == tempfile.__file__ and code.co_name in _FINDING


def _source_of(compiled: str) -> str:
    """The file that a cached ``.pyc`` is of, Python's or pytest's."""
    folder, last = os.path.split(compiled)
    if sys.pycache_prefix is not None and compiled.startswith(sys.pycache_prefix):
        folder = folder.removeprefix(sys.pycache_prefix)
    elif os.path.basename(folder) == "__pycache__":
        folder = os.path.dirname(folder)
    return os.path.join(folder, last.partition(".")[0] + ".py")


def _is_bytecode(path: object) -> bool:
    """Whether it is a cached ``.pyc`` or their folder, which any import may write."""
    if not isinstance(path, (str, bytes, os.PathLike)):
        return False
    name = os.fsdecode(path)
    folder, last = os.path.split(name)
    ours = sys.pycache_prefix is not None and name.startswith(sys.pycache_prefix)
    return ours or "__pycache__" in (last, os.path.basename(folder))
