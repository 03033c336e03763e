"""What the user doesn't want to be told again in this project; the database remembers it."""

from __future__ import annotations

from aftershock.store.store import Store

_NAME = "muted"


class Muted:
    """Topics of notices and questions."""

    def __init__(self, store: Store) -> None:
        """What was muted before still is."""
        self._store = store
        self._topics = set((store.get_meta(_NAME) or "").split())

    def __contains__(self, topic: str) -> bool:
        """Whether nobody wants to hear of a topic, which is one word."""
        return topic in self._topics

    def add(self, topic: str) -> None:
        """Tell no more of a topic."""
        self._topics.add(topic)
        self._store.set_meta(_NAME, " ".join(sorted(self._topics)))
