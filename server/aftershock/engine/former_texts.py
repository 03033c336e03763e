"""What the sources said when tests ran last, so that ``why`` can show what was and what is."""

from __future__ import annotations

from collections.abc import Mapping

from aftershock.engine.background import Background
from aftershock.engine.sources import SourceFile
from aftershock.selection.changed_lines import changed_lines
from aftershock.selection.keys import KeyKind
from aftershock.selection.reasons import Reason
from aftershock.selection.symbols import parse_symbols
from aftershock.store import Store


class FormerTexts:
    """The last few texts of each source that tests ran with; in the database, for other processes too."""

    def __init__(self, store: Store, background: Background) -> None:
        """``store`` has what was remembered before."""
        self._store = store
        self._background = background
        self._known: dict[str, str] | None = None

    def run_starts(self, sources: Mapping[str, SourceFile]) -> None:
        """Tests run with these sources, by path, a mapping that stays as it is; they don't wait for this."""
        self._background.do(lambda: self._keep(sources))

    def _keep(self, sources: Mapping[str, SourceFile]) -> None:
        if self._known is None:
            self._known = self._store.latest_texts()
        new = [file for path, file in sources.items() if self._known.get(path) != file.digest]
        self._store.keep_texts(new)
        self._known.update((file.path, file.digest) for file in new)

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
