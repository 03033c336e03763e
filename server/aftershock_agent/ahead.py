"""How far a session can be prepared before it is ordered: up to a file that may change, or what others would notice.

A session to come imports the project in idle time, and halts before the first file that is likely to be edited.  What
it does until then must be the same whenever it is done, and be seen by nobody: no file written, no process or thread
started, nothing said over a socket.  A scout finds out how far that holds: a process that goes the same way under an
audit hook, and ends before the first thing of that kind.  It isn't the session itself, as such a hook can't be taken
away again, and makes some code (``copy.deepcopy``) take twice its time.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any

from aftershock_agent.recording import Project

_EFFECTS = (
    *("os.chmod", "os.chown", "os.link", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.truncate", "os.utime"),
    *("os.exec", "os.fork", "os.forkpty", "os.kill", "os.killpg", "os.posix_spawn", "os.spawn", "os.startfile"),
    *("os.system", "pty.spawn", "subprocess.Popen", "_thread.start_new_thread", "_thread.start_joinable_thread"),
    *("fcntl.flock", "fcntl.lockf", "os.lockf", "shutil.", "signal.", "sqlite3.connect", "syslog.", "winreg."),
    *("socket.bind", "socket.connect", "socket.sendmsg", "socket.sendto", "tempfile."),
)
"""Audit events of what others notice; a name ends with a dot for all that begin so (docs.python.org, audit events)."""

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_UNNAMED: int = getattr(os, "O_TMPFILE", 0)
"""Linux alone has files without a name."""
_EVERYWHERE = ("/proc/", "/sys/", "/dev/")


class Ahead:
    """Halts before the import of any of some files; ``latest`` is the project file whose import began last."""

    def __init__(self, project: Project, before: Collection[str], halt: Callable[[], None]) -> None:
        """``before`` holds resolved paths; ``halt`` is called at most once."""
        self._project = project
        self._before = before
        self._halt = halt
        self.latest = ""

    def begin(self) -> None:
        """Look at all imports from now on."""
        sys.meta_path.insert(0, self)

    def end(self) -> None:
        """Look at no more imports."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(self, name: str, path: Any = None, target: object = None) -> ModuleSpec | None:
        """What Python asks before an import; never finds anything itself."""
        spec = PathFinder.find_spec(name, path)
        file = self._project.path_of(spec.origin) if spec is not None and spec.origin is not None else None
        if file in self._before:
            self.end()
            self._halt()
        self.latest = file or self.latest
        return None


class Scout:
    """Halts before the first thing that others would notice, and tells what data was read until then."""

    def __init__(self, halt: Callable[[str], None]) -> None:
        """``halt``, which mustn't return, is told what would have happened."""
        self._halt = halt
        self._watching = False
        self._ours = tuple(os.path.realpath(prefix) + os.sep for prefix in {sys.prefix, sys.base_prefix})
        self.read: dict[str, None] = {}

    def begin(self) -> None:
        """Watch from now on."""
        self._watching = True
        sys.addaudithook(self._hear)

    def end(self) -> None:
        """Watch no more, though the hook itself stays."""
        self._watching = False

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if not self._watching:
            return
        self._watching = False  # what follows raises events of its own
        if event == "open":
            noticed = self._opened(*args)
        elif event == "os.mkdir":
            noticed = not os.path.isdir(args[0]) and not _of_bytecode(args[0])
        else:
            noticed = any(event == each or (each[-1] == "." and event.startswith(each)) for each in _EFFECTS)
            noticed = noticed and not any(map(_of_bytecode, args))
        if noticed:
            self._halt(f"{event}{args}")
        self._watching = True

    def _opened(self, path: object, mode: object, flags: int) -> bool:
        """Whether a file is opened for writing; notes it otherwise, if it is data."""
        if isinstance(path, int) or path == os.devnull or (_UNNAMED and flags & _UNNAMED == _UNNAMED):
            return False
        if flags & _WRITING:
            return not _of_bytecode(path)
        name = os.path.abspath(os.fsdecode(path))  # type: ignore[arg-type]
        if not name.endswith((".py", ".pyc")) and not os.path.realpath(name).startswith((*self._ours, *_EVERYWHERE)):
            self.read[name] = None
        return False


def _of_bytecode(path: object) -> bool:
    """Whether it is a cached ``.pyc`` or their folder, which any import may write."""
    if not isinstance(path, (str, bytes, os.PathLike)):
        return False
    folder, name = os.path.split(os.fsdecode(path))
    return "__pycache__" in (name, os.path.basename(folder))
