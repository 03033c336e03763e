"""Tells whether any process has opened one of the project's source folders, or a file there, in some time (Linux).

A process that imports a module, or runs or reads a source file, opens that; to find a module, or to find none, it lists
the folders where it may be.  So what a child process does depends on sources only where something was opened meanwhile.
Who opened it isn't told: the test itself, an editor or another run may have, which is taken for the child.  Source:
inotify(7).
"""

from __future__ import annotations

import ctypes
import os
import select
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import PurePath

_OPENED, _FOLDERS_ONLY = 0x20, 0x01000000  # IN_OPEN, IN_ONLYDIR
_LOT = 1 << 16  # bytes
# A test may have put something else in the place of these.
_close, _open, _poll, _read, _readlink = os.close, os.open, select.poll, os.read, os.readlink


def folders_of(sources: Iterable[str], root: str) -> list[str]:
    """The root, and all folders that hold sources (absolute paths) or lead to one; the root comes first."""
    found = {root: None}
    for folder in dict.fromkeys(os.path.dirname(source) for source in sources):
        within = [parent for parent in (PurePath(folder), *PurePath(folder).parents) if str(parent) not in found]
        found.update(dict.fromkeys(str(parent) for parent in within if parent.is_relative_to(root)))
    return list(found)


class SourceWatch:
    """Watches folders, from :meth:`begin` on, in the process that has called :meth:`open`."""

    def __init__(self) -> None:
        """Nothing is watched yet."""
        self.folders: Sequence[str] = ()
        self._library = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
        self._descriptor = -1
        self._owner = 0
        self._has_begun = False

    def open(self) -> None:
        """Have a descriptor, before any test could count descriptors; the folders are looked up when it's needed."""
        if self._library is not None and self._owner != os.getpid():
            self._descriptor = self._library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
            self._owner, self._has_begun = os.getpid(), False

    def begin(self) -> bool:
        """Watch from now on; False where that can't be done."""
        with suppress(OSError):  # what is told by False
            if not self._is_ours():
                return False
            if not self._has_begun:
                for folder in self.folders:
                    self._add(folder)
                self._has_begun = True
            self._drain()
            return len(self.folders) > 0
        return False

    def was_quiet(self) -> bool:
        """Whether nothing has been opened since the watch began, as far as can be told."""
        with suppress(OSError):  # what is told by False
            if not self._is_ours() or self._drain():
                return False
            # The proof that the watch still sees something.
            _close(_open(self.folders[0], os.O_RDONLY | os.O_DIRECTORY))
            return self._drain()
        return False

    def _add(self, folder: str) -> None:
        library = self._library
        if library is None:
            return
        if library.inotify_add_watch(self._descriptor, os.fsencode(folder), _OPENED | _FOLDERS_ONLY) < 0:
            raise OSError(ctypes.get_errno(), "can't watch", folder)

    def _is_ours(self) -> bool:
        """Whether the descriptor is there, and isn't another one's: a test may close any."""
        if self._descriptor < 0 or self._owner != os.getpid():
            return False
        return _readlink(f"/proc/self/fd/{self._descriptor}").endswith("inotify")

    def _drain(self) -> bool:
        """Take all that there is to be told; whether there was anything."""
        poll = _poll()
        poll.register(self._descriptor, select.POLLIN)
        told = False
        while poll.poll(0):
            told = bool(_read(self._descriptor, _LOT)) or told
        return told
