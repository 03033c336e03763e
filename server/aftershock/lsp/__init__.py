"""The language server: shows in an editor what the engine tells.  Only this package speaks LSP."""
