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

from aftershock_agent.project_folders import IGNORED_FOLDERS

# linux/inotify.h
_ACCESS, _ATTRIB, _OPEN, _MOVED_FROM, _MOVED_TO, _CREATE, _DELETE = 0x01, 0x04, 0x20, 0x40, 0x80, 0x100, 0x200
_DELETE_SELF, _MOVE_SELF, _UNMOUNT, _OVERFLOW, _IGNORED, _IS_FOLDER = 0x400, 0x800, 0x2000, 0x4000, 0x8000, 0x40000000
_WATCHED = _ACCESS | _OPEN | _ATTRIB | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE | _DELETE_SELF | _MOVE_SELF
_CAME = _CREATE | _MOVED_TO
_WENT = _DELETE_SELF | _MOVE_SELF | _UNMOUNT | _OVERFLOW | _IGNORED
_EVENT = struct.Struct("iIII")
_LOT = 1 << 16  # bytes
_GONE = (errno.ENOENT, errno.ENOTDIR)
_MOST = 5000  # places: below what a kernel lets one user watch
_TRIES = 5  # of watching a project in which folders come and go
_SOURCE = ".py"
_OWN = b".aftershock"
_BOOKS = (".git", ".hg", ".svn", ".jj")
# A test may have put something else in the place of these.
_close, _open, _read, _readlink = os.close, os.open, os.read, os.readlink


def places_of(root: str) -> Iterator[str]:
    """What to watch of a project, the root first: its folders, and what else a source may be read by.

    That is bytecode, the places where symbolic links among the sources lead, sources that have other names too (hard
    links), and what version control keeps.
    """
    for folder, folders, names in os.walk(root):
        if "pyvenv.cfg" in names and folder != root:
            folders.clear()
            continue
        yield folder
        if "__pycache__" in folders:
            yield os.path.join(folder, "__pycache__")
        for name in _BOOKS:
            if name in folders or name in names:
                yield from _books(os.path.join(folder, name))
        folders[:] = [name for name in folders if name not in IGNORED_FOLDERS]
        for name in names:
            if name.endswith(_SOURCE):
                yield from _other_ways_to(os.path.join(folder, name))
    for parent in _parents(root):
        for name in _BOOKS:
            yield from _books(os.path.join(parent, name))


def _parents(folder: str) -> Iterator[str]:
    while (parent := os.path.dirname(folder)) != folder:
        yield parent
        folder = parent


def _books(place: str) -> Iterator[str]:
    """The folder in which version control keeps what it knows of the files, or the file that tells where that is."""
    if os.path.isdir(place):
        yield place
    elif os.path.isfile(place) and os.access(place, os.R_OK):  # a work tree or a submodule of git's
        with open(place, encoding="utf-8", errors="replace") as stream:
            yield os.path.join(os.path.dirname(place), stream.read().removeprefix("gitdir:").strip())


def _other_ways_to(source: str) -> Iterator[str]:
    """Where else a source may be opened: at the target of a link, or under another name."""
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
        self._places: dict[int, str] = {}
        self._lost = False
        self._renewed: set[str] = set()

    def open(self) -> None:
        """Watch from now on, where that can be done; a fork watches nothing until it says so itself.

        Not for runs that don't need it: the kernel takes some 10 ms to end a watch.
        """
        if self._library is not None:
            self._descriptor, self._owner = self._library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC), os.getpid()
            self._places = {}
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
        noticed = self._take()
        if self._lost:
            self._follow()
        else:
            renewed, self._renewed = self._renewed, set()
            self._watch([way for source in renewed for way in _other_ways_to(source)])
        return noticed or not self.watching

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
            self._lost, self._renewed = False, set()
            self._watch(list(places_of(self.root)))
            if not self.watching:
                return
            self._take()
            if not self._lost:
                return
        self._give_up()

    def _watch(self, places: list[str]) -> None:
        """Watch these places, those that are there, or nothing at all where that can't be done."""
        library = self._library
        if library is None or max(len(self._places), len(places)) > _MOST:
            self._give_up()
            return
        for place in places:
            number = library.inotify_add_watch(self._descriptor, os.fsencode(place), _WATCHED)
            if number >= 0:
                self._places[number] = place
            elif ctypes.get_errno() not in _GONE:
                self._give_up()
                return

    def _give_up(self) -> None:
        if self._descriptor >= 0:
            _close(self._descriptor)
        self._descriptor = -1

    def _take(self) -> bool:
        """Whether anything has happened since the last call; notes what of it asks for more to be watched."""
        happened = False
        with suppress(BlockingIOError):
            while data := _read(self._descriptor, _LOT):
                offset = 0
                while offset < len(data):
                    number, mask, _, length = _EVENT.unpack_from(data, offset)
                    offset += _EVENT.size
                    name = data[offset : offset + length].rstrip(b"\0")
                    offset += length
                    # SQLite opens the folder of our own database to have it on the disk.
                    if name != _OWN:
                        happened = True
                        self._heed(number, mask, os.fsdecode(name))
        return happened

    def _heed(self, number: int, mask: int, name: str) -> None:
        """A folder that came or went has to be looked for; a source that came may be a link, or have other names."""
        if mask & _WENT or (mask & _IS_FOLDER and mask & _CAME):
            self._lost = True
        elif mask & (_CAME | _ATTRIB) and name.endswith(_SOURCE):
            self._renewed.add(os.path.join(self._places[number], name))
