"""Tells whether any process has looked at a project in some time, by what it opened there (Linux's inotify).

A process that imports a module, or runs or reads a source, opens that, or lists the folder that it is in; what compares
many files by their age (git, make) opens its index or its rules.  So what a program does depends on sources only where
something in the project was opened meanwhile.  Who opened it isn't told: the test itself, an editor or another run may
have, which is taken for the program.  Source: inotify(7).
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress

from aftershock_agent.project_folders import is_ignored

_READ = 0x01 | 0x20  # IN_ACCESS, IN_OPEN
_MOVED = 0x04 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x800
"""IN_ATTRIB, IN_MOVED_FROM, IN_MOVED_TO, IN_CREATE, IN_DELETE, IN_DELETE_SELF, IN_MOVE_SELF."""
_LOST = _MOVED | 0x2000 | 0x4000 | 0x8000
"""With IN_UNMOUNT, IN_Q_OVERFLOW and IN_IGNORED: there may be places now that aren't watched."""
_EVENT = struct.Struct("iIII")
_LOT = 1 << 16  # bytes
_GONE = (errno.ENOENT, errno.ENOTDIR)
_MOST = 5000  # places: below what a kernel lets one user watch
_TRIES = 5  # of watching a project in which folders come and go
_OWN = b".aftershock"
_BOOKS = (".git", ".hg", ".svn", ".jj")
# A test may have put something else in the place of these.
_close, _open, _read, _readlink = os.close, os.open, os.read, os.readlink


def places_of(root: str) -> Iterator[str]:
    """What to watch of a project, the root first: its folders, and what else a source may be read by.

    That is bytecode, the places where symbolic links among the sources lead, sources that have other names too (hard
    links), and what version control keeps.
    """
    for parent in _parents(root):
        yield from _books_in(parent)
    for folder, folders, names in os.walk(root):
        yield folder
        yield os.path.join(folder, "__pycache__")
        yield from _books_in(folder)
        folders[:] = [name for name in folders if not is_ignored(os.path.join(folder, name))]
        for name in names:
            if name.endswith(".py"):
                yield from _other_ways_to(os.path.join(folder, name))


def _parents(folder: str) -> Iterator[str]:
    while (parent := os.path.dirname(folder)) != folder:
        yield parent
        folder = parent


def _books_in(folder: str) -> Iterator[str]:
    """The folder in which version control keeps what it knows of the files here and below."""
    for books in (os.path.join(folder, name) for name in _BOOKS):
        if os.path.isdir(books):
            yield books
        elif os.path.isfile(books) and os.access(books, os.R_OK):  # a work tree or a submodule of git's
            with open(books, encoding="utf-8", errors="replace") as stream:
                yield os.path.join(folder, stream.read().removeprefix("gitdir:").strip())


def _other_ways_to(source: str) -> Iterator[str]:
    with suppress(FileNotFoundError):
        status = os.lstat(source)
        if stat.S_ISLNK(status.st_mode):
            yield os.path.dirname(os.path.realpath(source))
        elif status.st_nlink > 1:
            yield source


class SourceWatch:
    """Watches the project below ``root``, in the process that has called :meth:`open`."""

    def __init__(self) -> None:
        """Nothing is watched yet; the session sets ``root``."""
        self.root = ""
        self._library = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
        self._descriptor = -1
        self._owner = 0

    def open(self) -> None:
        """Watch from now on, where that can be done; a fork watches nothing until it says so itself.

        Not for runs that don't need it: the kernel takes some 10 ms to end a watch.
        """
        if self._library is not None:
            self._descriptor, self._owner = self._library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC), os.getpid()
            self._follow()

    @property
    def watching(self) -> bool:
        """Whether :meth:`noticed` can tell; a test may have closed the descriptor, and another file have its number."""
        if self._descriptor < 0 or self._owner != os.getpid():
            return False
        with suppress(OSError):
            return _readlink(f"/proc/self/fd/{self._descriptor}").endswith("inotify")
        return False

    def noticed(self) -> bool:
        """Whether anything was opened since the last call, as far as can be told."""
        if not self.watching:
            return True
        flags = self._take()
        if flags & _LOST:
            self._follow()
        return flags != 0 or not self.watching

    def sees(self) -> bool:
        """Whether the root, opened now, is noticed: the proof that what was heard before was all."""
        if not self.watching:
            return False
        with suppress(OSError):
            _close(_open(self.root, os.O_RDONLY | os.O_DIRECTORY))
        return self.noticed() and self.watching

    def _follow(self) -> None:
        """Watch all places that there are now; what this itself opens is not to be told."""
        for _ in range(_TRIES):
            if not self._watch(list(places_of(self.root))):
                break
            if not self._take() & _LOST:
                return
        _close(self._descriptor)
        self._descriptor = -1

    def _watch(self, places: list[str]) -> bool:
        """Whether all of these that are there are watched."""
        library = self._library
        if library is None or self._descriptor < 0 or len(places) > _MOST:
            return False
        for place in places:
            added = library.inotify_add_watch(self._descriptor, os.fsencode(place), _READ | _MOVED)
            if added < 0 and ctypes.get_errno() not in _GONE:
                return False
        return True

    def _take(self) -> int:
        """What has happened since the last call, as inotify's flags."""
        flags = 0
        with suppress(BlockingIOError):
            while data := _read(self._descriptor, _LOT):
                offset = 0
                while offset < len(data):
                    _, mask, _, length = _EVENT.unpack_from(data, offset)
                    offset += _EVENT.size
                    # SQLite opens the folder of our own database to have it on the disk.
                    if data[offset : offset + length].rstrip(b"\0") != _OWN:
                        flags |= mask
                    offset += length
        return flags
