"""The Aftershock server: decides which tests a change affects, has them run, and tells.

Rooms: ``selection`` (pure decisions), ``store`` (SQLite), ``engine`` (drives both and the agent),
``lsp`` and ``cli`` (speak to people).  Imports point that way: lsp, cli -> engine -> selection, store.
"""

__version__ = "0.1.0"
