"""Watches the project's folder for changes that no editor tells of: checkouts, rename-saves, other programs."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch
from watchdog.observers.polling import PollingObserver

from aftershock_agent.project_folders import IGNORED_FOLDERS

log = logging.getLogger(__name__)

_GATHER = 0.02  # seconds in which the steps of one save, or one checkout, become one change
_TELLING = frozenset(("created", "modified", "moved", "deleted", "closed"))


class Watcher:
    """Hands the paths that changed under ``root`` to ``changed``, on the loop that made it."""

    def __init__(self, root: Path, changed: Callable[[set[Path]], None]) -> None:
        """``root`` is resolved; nothing is watched before :meth:`start`."""
        self._root = root
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._observer: BaseObserver | None = None
        self._lock = threading.Lock()
        self._paths: set[Path] = set()
        self._watched: dict[Path, ObservedWatch] = {}

    def start(self) -> None:
        """Begin to watch; where the system has no watches left, look every second instead."""
        try:
            self._observer = self._observe(Observer())
        except OSError as error:
            log.warning("the system can't watch %s (%s): looking once a second instead", self._root, error)
            self._watched.clear()
            self._observer = self._observe(PollingObserver())

    def stop(self) -> None:
        """Watch no more; returns when the watching thread is gone."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join(timeout=2)
            self._observer = None

    def _observe(self, observer: BaseObserver) -> BaseObserver:
        """Watch the root itself and, below it, each folder that can hold sources.

        A recursive watch on the root would put one on every folder of environments and node_modules as well.
        """
        handler = _Handler(self)
        try:
            observer.schedule(handler, str(self._root), recursive=False)
            for folder in self._root.iterdir():
                self._watch_below(observer, handler, folder)
            observer.start()
        except OSError:
            observer.unschedule_all()
            raise
        return observer

    def _watch_below(self, observer: BaseObserver, handler: FileSystemEventHandler, folder: Path) -> None:
        if folder.is_dir() and not folder.is_symlink() and not self._ignored(folder):
            if folder in self._watched:
                return
            self._watched[folder] = observer.schedule(handler, str(folder), recursive=True)

    def _ignored(self, path: Path) -> bool:
        parts = path.relative_to(self._root).parts
        if not IGNORED_FOLDERS.isdisjoint(parts):
            return True
        return bool(parts) and (self._root / parts[0] / "pyvenv.cfg").exists()

    def take(self, event: FileSystemEvent, handler: FileSystemEventHandler) -> None:
        """Note an event; called on the watching thread."""
        if event.event_type not in _TELLING:
            return
        for name in (event.src_path, event.dest_path):
            path = Path(str(name)) if name else self._root
            if path == self._root or not path.is_relative_to(self._root) or self._ignored(path):
                continue
            if path.parent == self._root and event.is_directory:
                self._folder_changed(path, handler)
            # A folder's own "modified" repeats what is told of the files in it.
            if not (event.is_directory and event.event_type == "modified"):
                self._note(path)

    def _folder_changed(self, folder: Path, handler: FileSystemEventHandler) -> None:
        """A folder right below the root came or went: its watch with it."""
        if self._observer is None:
            return
        if folder in self._watched and not folder.is_dir():
            self._observer.unschedule(self._watched.pop(folder))
        else:
            try:
                self._watch_below(self._observer, handler, folder)
            except OSError as error:
                log.warning("%s can't be watched: %s", folder, error)

    def _note(self, path: Path) -> None:
        with self._lock:
            first = not self._paths
            self._paths.add(path)
        if first:
            try:
                self._loop.call_soon_threadsafe(self._loop.call_later, _GATHER, self._hand_over)
            except RuntimeError:
                log.debug("%s changed after the end", path)  # the loop is closed

    def _hand_over(self) -> None:
        with self._lock:
            paths, self._paths = self._paths, set()
        if paths and self._observer is not None:
            self._changed(paths)


class _Handler(FileSystemEventHandler):
    """Passes every event to its watcher."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher

    def on_any_event(self, event: FileSystemEvent) -> None:
        """An event of any kind, on the watching thread."""
        self._watcher.take(event, self)
