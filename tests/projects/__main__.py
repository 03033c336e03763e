"""`python -m projects NAME`: make a project ready, and print its folder and its interpreter, a line each."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from projects import RELEASES, FetchError, copy, fetch


def main() -> int:
    """Fetch, or copy, the project that the command line names; exit status 1, with the reason, on failure."""
    parser = argparse.ArgumentParser(prog="projects", description=__doc__)
    parser.add_argument("name", choices=sorted(RELEASES))
    parser.add_argument("--python", type=Path, help="the interpreter to test it with (default: this one)")
    parser.add_argument("--extra", action="append", default=[], help="a further requirement, as NAME==VERSION")
    parser.add_argument("--copy", type=Path, metavar="FOLDER", help="make a copy to edit there")
    arguments = parser.parse_args()
    try:
        if arguments.copy:
            project = copy(arguments.name, arguments.copy, arguments.python, arguments.extra)
        else:
            project = fetch(arguments.name, arguments.python, arguments.extra)
    except FetchError as error:
        print(error, file=sys.stderr)
        return 1
    print(project.root, project.python, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
