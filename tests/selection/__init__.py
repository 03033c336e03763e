"""Tests of selection: sources in, affected tests out; no files and no processes."""
