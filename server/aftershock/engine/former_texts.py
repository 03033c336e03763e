"""What the sources said when tests ran last, so that ``why`` can show what was and what is."""

from __future__ import annotations

import time
from collections.abc import Mapping

from aftershock.engine.background import Background
from aftershock.engine.sources import SourceFile
from aftershock.selection.changed_lines import changed_lines
from aftershock.selection.reasons import Reason
from aftershock.store import Store

_AT_ONCE = 200
"""Files that are written before others, who wait for the database, have a turn."""


class FormerTexts:
    """The last few texts of each source that tests ran with; in the database, for other processes too."""

    def __init__(self, store: Store, background: Background) -> None:
        """``store`` has what was remembered before."""
        self._store = store
        self._background = background
        self._known: dict[str, str] | None = None
        self._running: tuple[Mapping[str, SourceFile], float] | None = None

    def run_started(self, sources: Mapping[str, SourceFile]) -> None:
        """Tests run with these sources, by path, a mapping that stays as it is."""
        self._running = sources, time.time()

    def run_finished(self) -> None:
        """Write down what they ran with, now that nobody waits for a verdict."""
        if self._running is not None:
            sources, started = self._running
            self._background.do(lambda: self._keep(sources, started))

    def _keep(self, sources: Mapping[str, SourceFile], since: float) -> None:
        """Write down what is new; what can't be written, ``why`` can't show."""
        known = self._known = self._store.latest_texts() if self._known is None else self._known
        new = [file for path, file in sources.items() if known.get(path) != file.digest]
        for start in range(0, len(new), _AT_ONCE):
            self._store.keep_texts(new[start : start + _AT_ONCE], since)
        self._store.drop_texts(known.keys() - sources.keys())
        self._known = {path: file.digest for path, file in sources.items()}

    def changed(self, reason: Reason, recorded_at: float, present: bytes) -> tuple[str, ...]:
        """The lines that a reason is about, as they were for a fact recorded then, and as they are in ``present``."""
        if reason.key is None or not reason.names:
            return ()
        former = self._store.text_at(reason.key.path, recorded_at)
        return changed_lines(former, present, reason.names) if former is not None else ()
