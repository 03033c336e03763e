"""Single mutants of real projects: the tests that Aftershock selects, beside those that change, and testmon's.

    python benchmarks/oracle.py [--project NAME ...] [--mutants N] [--seed N] [--kind KIND ...] [--truth-only]

Needs this repository's development environment. See docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.extend(str(Path(__file__).resolve().parents[1] / folder) for folder in ("", "server", "tests"))

from benchmarks.fidelity import PROJECTS
from benchmarks.mutating.judging import judged
from benchmarks.mutating.mutants import KINDS
from benchmarks.mutating.trials import Trials
from projects import FetchError

ORDER = ("marshmallow", "mistune", "toolz", "sqlparse", "attrs")
"""The projects, whose arguments for pytest are those of the other oracle."""


def main() -> int:
    """Judge, print, and exit with 1 where a bound was missed."""
    options = _options()
    kinds = options.kind or list(KINDS)
    try:
        with tempfile.TemporaryDirectory(prefix="aftershock-benchmark-", ignore_cleanup_errors=True) as folder:
            for name in options.project or ORDER:
                trials = Trials(name, PROJECTS[name], Path(folder), options.python)
                list(judged(name, trials, kinds, options.mutants, options.seed, options.jobs, not options.no_testmon))
    except FetchError as error:
        print(f"oracle.py: {error}", file=sys.stderr)
        return 2
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--project", action="append", choices=ORDER, help="these alone")
    parser.add_argument("--kind", action="append", choices=list(KINDS), help="these mutants alone")
    parser.add_argument("--mutants", type=int, default=100, help="of each project")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--python", type=Path, help="the interpreter to test the projects with (default: this one)")
    parser.add_argument("--no-testmon", action="store_true", help="don't ask testmon")
    parser.add_argument("--truth-only", action="store_true", help="ask the cold ways alone, and remember")
    parser.add_argument("--jobs", type=int, default=1, choices=(1, 2), help="cold runs at once")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
