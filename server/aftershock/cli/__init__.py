"""The command line: the same engine as the editor's, in a terminal and in CI."""
