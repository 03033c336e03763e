"""Real projects that nobody here wrote, for tests, benchmarks and the demo.

Each is a pinned source release, fetched through pip into the ignored `.cache/projects`, with an
environment of its own in which its suite passes. `fetch` makes both ready; `copy` makes a scratch copy.

    from projects import copy
    project = copy("marshmallow", tmp_path / "marshmallow")
    subprocess.run([project.python, "-m", "pytest", "-q"], cwd=project.root)

A copy imports its own source, not the installed release: its `.venv` holds nothing but a pointer to the
copy's source folder and, after it, to the shared environment's packages. So making a copy takes well under a
second, and the interpreter is where an editor looks for one.
"""

from __future__ import annotations

from projects.fetching import FetchError, Project, copy, fetch
from projects.releases import RELEASES, Release

__all__ = ["RELEASES", "FetchError", "Project", "Release", "copy", "fetch"]
