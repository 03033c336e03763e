"""What the benchmarks share: edits, a client, timed pytest processes, tables."""

import os

# Users' interpreters keep their bytecode; where this machine's environment says otherwise, every import would compile.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
