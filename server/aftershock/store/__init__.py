"""The store: facts and what was parsed, in SQLite.  The only room that knows SQL."""

from aftershock.store.rows import CachedFile, KnownTest, ParsedFile
from aftershock.store.store import Store

__all__ = ["CachedFile", "KnownTest", "ParsedFile", "Store"]
