"""What the sources said when tests ran last, so that ``why`` can show what was and what is."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from aftershock.engine.sources import SourceFile
from aftershock.selection.changed_lines import changed_lines
from aftershock.selection.keys import KeyKind
from aftershock.selection.reasons import Reason
from aftershock.selection.symbols import parse_symbols
from aftershock.store import Store

log = logging.getLogger(__name__)


class FormerTexts:
    """The last few texts of each source that tests ran with; in the database, for other processes too."""

    def __init__(self, store: Store) -> None:
        """``store`` has what was remembered before."""
        self._store = store
        self._writer = ThreadPoolExecutor(1, "former-texts")
        self._known: dict[str, str] | None = None

    def run_starts(self, sources: Mapping[str, SourceFile]) -> None:
        """Tests run with these sources, by path, a mapping that stays as it is; they don't wait for this."""
        self._writer.submit(self._keep, sources).add_done_callback(_log_failure)

    def _keep(self, sources: Mapping[str, SourceFile]) -> None:
        if self._known is None:
            self._known = self._store.latest_texts()
        new = [file for path, file in sources.items() if self._known.get(path) != file.digest]
        self._store.keep_texts(new)
        self._known.update((file.path, file.digest) for file in new)

    def close(self) -> None:
        """Wait until everything is written."""
        self._writer.shutdown()

    def changed(self, reason: Reason, present: bytes) -> tuple[str, ...]:
        """The lines that a reason is about, as they were and as they are in the ``present`` text of its file."""
        if reason.key is None or not reason.names:
            return ()
        for former in self._store.texts(reason.key.path):
            lines = changed_lines(former, present, reason.names)
            if lines and _may_be_meant(former, reason):
                return lines
        return ()


def _may_be_meant(former: bytes, reason: Reason) -> bool:
    """Whether a fact may have been recorded with this text: of a body its digest tells, of values nothing does."""
    key = reason.key
    if key is None or key.kind is not KeyKind.BODY:
        return True
    return parse_symbols(former, "").bodies.get(key.name) == reason.recorded


def _log_failure(written: Future[None]) -> None:
    error = written.exception()
    if error is not None:
        log.error("the sources of a run could not be remembered", exc_info=error)
