"""What the benchmarks share: edits, a client, timed pytest processes, tables."""
