"""Replays real commits: the tests that Aftershock runs at each, beside those whose outcome changes, and testmon's.

    python benchmarks/replay.py [--project NAME ...] [--commits N] [--repository NAME=ORIGIN ...]

Clones the repositories into the ignored cache; needs this repository's development environment.  See
docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.extend(str(Path(__file__).resolve().parents[1] / folder) for folder in ("", "server", "tests"))

from benchmarks.fidelity import PROJECTS, heard_steps
from benchmarks.measuring import figures
from benchmarks.replaying.comparing import Record, Replay
from benchmarks.replaying.history import HistoryError, Repository
from benchmarks.replaying.sides import copies
from projects import FetchError


@dataclass(frozen=True)
class Origin:
    """Where a project's history is, the last commit of the replay, and the folder of its sources."""

    address: str
    last: str
    source: str


ORIGINS: Mapping[str, Origin] = {
    "mistune": Origin("https://github.com/lepture/mistune.git", "v3.3.4", "src/"),
    "sqlparse": Origin("https://github.com/andialbrecht/sqlparse.git", "0.6.0", "sqlparse/"),
    "marshmallow": Origin("https://github.com/marshmallow-code/marshmallow.git", "3.23.0", "src/"),
}
_CLONES = Path(__file__).resolve().parents[1] / ".cache" / "history"


async def replay(name: str, options: argparse.Namespace) -> list[Record]:
    """A project's records; raises FetchError, HistoryError and TimeoutError."""
    origin = ORIGINS[name]
    repository = Repository(dict(options.repository).get(name, origin.address), _CLONES / f"{name}.git")
    steps = repository.steps(origin.last, options.commits, origin.source)
    sides = copies(name, options.folder, repository, steps[0].before, options.python)
    with heard_steps():  # the engine's log is not for the terminal
        return [record async for record in Replay(name, steps, PROJECTS[name], sides).records()]


def main() -> int:
    """Replay, print, and exit with 1 where a test was missed."""
    options = _options()
    facts = figures.machine()
    found: dict[str, list[Record]] = {}
    try:
        with tempfile.TemporaryDirectory(prefix="aftershock-benchmark-", ignore_cleanup_errors=True) as folder:
            options.folder = Path(folder)
            for name in options.project or ORIGINS:
                found[name] = asyncio.run(replay(name, options))
    except (FetchError, HistoryError, TimeoutError) as error:
        print(f"replay.py: {error}", file=sys.stderr)
        return 2
    return _report(found, facts)


def _report(found: Mapping[str, Sequence[Record]], facts: dict[str, object]) -> int:
    summaries = {name: _summary(records) for name, records in found.items()}
    head = ["", *next(iter(summaries.values()))]
    print(figures.describe(facts))
    print(figures.table(head, [[name, *summary.values()] for name, summary in summaries.items()]))
    missed = [f"{name}: {record}" for name, records in found.items() for record in records if record.missed]
    return figures.conclude({"benchmark": "replay", "machine": facts, "projects": summaries}, missed)


def _summary(records: Sequence[Record]) -> dict[str, object]:
    """Shares of the suite are means over the commits, in percent; recalls are by tests."""
    truth = sum(record.truth for record in records)
    return {
        "commits": len(records),
        "truth %": _percent([record.truth / record.suite for record in records]),
        "ours %": _percent([record.ours / record.suite for record in records]),
        "testmon %": _percent([record.testmon / record.suite for record in records]),
        "changed": truth,
        "missed": sum(len(record.missed) for record in records),
        "testmon missed": truth - sum(record.testmon_found for record in records),
        "doubtful": sum(record.doubtful for record in records),
    }


def _percent(shares: Sequence[float]) -> float:
    return round(statistics.mean(shares) * 100, 2)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--project", action="append", choices=list(ORIGINS), help="these alone")
    parser.add_argument("--commits", type=int, default=40, help="of each project, that touch its source")
    parser.add_argument(
        "--repository",
        action="append",
        default=[],
        type=lambda text: tuple(text.split("=", 1)),
        metavar="NAME=ORIGIN",
        help="where to clone a project from instead: an address or a folder",
    )
    parser.add_argument("--python", type=Path, help="the interpreter to test the projects with (default: this one)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
