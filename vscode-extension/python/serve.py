"""Starts the language server for the extension, from the interpreter's own packages or the bundled ones.

``serve.py --probe STRATEGY`` prints one JSON object that says what would be started; ``serve.py SOURCE`` starts
it over stdio.  The bundled packages go on ``sys.path`` alone: in PYTHONPATH they would reach the user's tests.
This file must parse and probe on any Python 3, so that an old one can say how old it is.
"""

import importlib
import json
import os
import runpy
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
LIBS = os.path.join(HERE, "libs")


def environment_serves():
    # type: () -> bool
    """Whether the interpreter's own packages hold a server whose imports work."""
    try:
        importlib.import_module("aftershock.lsp")
        importlib.import_module("pygls")
        importlib.import_module("lsprotocol.types")
    except ImportError:
        return False
    return True


def probe(strategy):
    # type: (str) -> None
    """Print the interpreter, its version, and the source of the server: ``environment`` or ``bundled``."""
    modern = sys.version_info >= (3, 10)
    fits = modern and strategy == "fromEnvironment" and environment_serves()
    found = {
        "executable": sys.executable,
        "version": list(sys.version_info[:3]),
        "source": "environment" if fits else "bundled",
    }
    print(json.dumps(found))


def serve(source):
    # type: (str) -> None
    """Run ``aftershock serve`` until the client is gone."""
    if source == "bundled":
        sys.path.insert(0, LIBS)
    sys.argv = ["aftershock", "serve"]
    runpy.run_module("aftershock", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    # Python put this script's folder first; the server's modules are not in it.
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != HERE]
    if sys.argv[1] == "--probe":
        probe(sys.argv[2])
    else:
        serve(sys.argv[1])
