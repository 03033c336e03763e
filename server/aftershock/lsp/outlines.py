"""Where functions and classes stand in a text, remembered from the last time that it could be parsed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from aftershock.selection.outline import OutlineNode, outline, walk


@dataclass
class Outlines:
    """The last good outline of each file, so that lenses stay put while the user types."""

    _known: dict[str, tuple[str, tuple[OutlineNode, ...]]] = field(default_factory=dict)

    def of(self, path: str, text: str | None) -> tuple[OutlineNode, ...]:
        """The functions and classes of ``text``, in order, or the last good ones where it doesn't parse.

        None for ``text``: whatever is known.  What is defined inside a function is left out.
        """
        known = self._known.get(path)
        if text is None or (known is not None and known[0] == text):
            return known[1] if known else ()
        found = outline(text, path)
        if found is None:
            return known[1] if known else ()
        plain = tuple(node for node in walk(found) if "<locals>" not in node.qualname)
        self._known[path] = (text, plain)
        return plain

    def known(self, path: str, read: Callable[[], str | None]) -> tuple[OutlineNode, ...]:
        """The last good outline, whatever became of the text since; read and parsed where there is none yet."""
        known = self._known.get(path)
        return known[1] if known else self.of(path, read())
