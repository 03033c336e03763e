"""Loads the agent by path into any interpreter: ``python bootstrap.py CHANNEL_FD ROOT SCRATCH``.

``python bootstrap.py session ORDER ROOT SCRATCH CHANNEL_FD`` is base's way to a session where there is no fork.
``python bootstrap.py debug ORDER`` runs some tests for a debugger instead: see :mod:`aftershock_agent.debugging`.
``python bootstrap.py coverage CHANNEL_FD`` runs tests under coverage.py: see :mod:`aftershock_agent.coverage_run`.

The project's environment holds nothing of ours, and ``sys.path`` must not gain anything of ours either: so the
package is registered from its own location and started.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path

OLDEST_PYTHON = (3, 10)


def load() -> None:
    """Make ``aftershock_agent`` importable without touching ``sys.path``."""
    folder = Path(__file__).resolve().parent
    spec = importlib.util.spec_from_file_location(
        "aftershock_agent", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"the agent is not at {folder}")
    package = importlib.util.module_from_spec(spec)
    sys.modules["aftershock_agent"] = package
    spec.loader.exec_module(package)


if __name__ == "__main__":
    if sys.version_info < OLDEST_PYTHON:
        sys.exit(f"Aftershock needs Python 3.10 or later in the project, this is {sys.version.split()[0]}")
    sys.path.pop(0)
    load()
    if sys.argv[1] == "debug":
        importlib.import_module("aftershock_agent.debugging").main(sys.argv[2])
    elif sys.argv[1] == "coverage":
        importlib.import_module("aftershock_agent.coverage_run").main(int(sys.argv[2]))
    elif sys.argv[1] == "session":
        importlib.import_module("aftershock_agent.session").main(*sys.argv[2:])
    else:
        importlib.import_module("aftershock_agent.base").main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
