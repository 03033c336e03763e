"""Tells whether any process has looked at the project's sources in some time, by what it opened (Linux's inotify).

A process that imports a module, or runs or reads a source, opens that; to find a module, or none, it lists folders;
what asks for the state of many files at once (git, make) opens its index or its rules in a folder of the project.  So
what a program does depends on sources only where a folder that holds sources or leads to one, or anything in it, was
opened meanwhile.  Who opened it isn't told: the test itself, an editor or another run may have, which is taken for the
program.  Source: inotify(7).
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

_READ = 0x01 | 0x20  # IN_ACCESS, IN_OPEN
_MOVED = 0x04 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x800
"""IN_ATTRIB, IN_MOVED_FROM, IN_MOVED_TO, IN_CREATE, IN_DELETE, IN_DELETE_SELF, IN_MOVE_SELF."""
_LOST = _MOVED | 0x2000 | 0x4000 | 0x8000
"""With IN_UNMOUNT, IN_Q_OVERFLOW and IN_IGNORED: there may be folders now that aren't watched."""
_FOLDERS_ONLY = 0x01000000  # IN_ONLYDIR
_EVENT = struct.Struct("iIII")
_LOT = 1 << 16  # bytes
_GONE = (errno.ENOENT, errno.ENOTDIR)
_OWN = ".aftershock"
_BOOKS = (".git", ".hg", ".svn", ".jj")
# A test may have put something else in the place of these.
_close, _open, _read, _readlink = os.close, os.open, os.read, os.readlink


def folders_of(sources: Iterable[str], root: str) -> list[str]:
    """The folders to watch for ``sources`` (absolute paths): the root first, those that hold sources or lead to one.

    Also where their bytecode is kept, where symbolic links lead, and what version control keeps of the root.
    """
    found = {root: None}
    for folder in dict.fromkeys(os.path.dirname(source) for source in sources):
        for real in dict.fromkeys((folder, os.path.realpath(folder))):
            while real not in found and real.startswith(root + os.sep):
                found[real] = None
                real = os.path.dirname(real)
            found.setdefault(real)
    for source in sources:
        if os.path.islink(source):
            found.setdefault(os.path.dirname(os.path.realpath(source)))
    with_bytecode = [each for folder in found for each in (folder, os.path.join(folder, "__pycache__"))]
    return [*with_bytecode, *_books_of(Path(root))]


def _books_of(root: Path) -> Iterator[str]:
    """The folders in which version control keeps what it knows of the files."""
    for parent in (root, *root.parents):
        for books in (os.path.join(parent, name) for name in _BOOKS):
            if os.path.isdir(books):
                yield books
            elif os.path.isfile(books) and os.access(books, os.R_OK):  # a work tree or a submodule of git's
                text = Path(books).read_text("utf-8", "replace")
                yield os.path.join(parent, text.removeprefix("gitdir:").strip())


class SourceWatch:
    """Watches the ``folders``, which the session sets, in the process that has called :meth:`open`."""

    def __init__(self) -> None:
        """Nothing is watched yet."""
        self.folders: Sequence[str] = ()
        self._library = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
        self._descriptor = -1
        self._owner = 0

    def open(self) -> None:
        """Watch from now on, where that can be done; a fork watches nothing until it says so itself.

        Not for runs that don't need it: the kernel takes some 10 ms to end a watch.
        """
        if self._library is None or not self.folders:
            return
        self._descriptor, self._owner = self._library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC), os.getpid()
        self._watch_folders()

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
            self._watch_folders()
            self._take()
        return flags != 0 or not self.watching

    def sees(self) -> bool:
        """Whether the root, opened now, is noticed: the proof that what was heard before was all."""
        if not self.watching:
            return False
        with suppress(OSError):
            _close(_open(self.folders[0], os.O_RDONLY | os.O_DIRECTORY))
        return self._take() != 0

    def _watch_folders(self) -> None:
        library = self._library
        for folder in self.folders if library is not None else ():
            mask = _READ | _MOVED | _FOLDERS_ONLY
            added = library is not None and library.inotify_add_watch(self._descriptor, os.fsencode(folder), mask) >= 0
            if not added and ctypes.get_errno() not in _GONE:
                self._give_up()
                return

    def _give_up(self) -> None:
        if self._descriptor >= 0:
            _close(self._descriptor)
        self._descriptor = -1

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
                    if data[offset : offset + length].rstrip(b"\0") != _OWN.encode():
                        flags |= mask
                    offset += length
        return flags
