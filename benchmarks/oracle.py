"""Single mutants of real projects: the tests that Aftershock selects, beside those that change, and testmon's.

    python benchmarks/oracle.py [--project NAME ...] [--mutants N] [--seed N] [--kind KIND ...] [--truth-only]

Needs this repository's development environment. See docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.extend(str(Path(__file__).resolve().parents[1] / folder) for folder in ("", "server", "tests"))

from benchmarks.fidelity import PROJECTS, heard_steps
from benchmarks.measuring import figures
from benchmarks.mutating import reporting
from benchmarks.mutating.judging import Judged, judged
from benchmarks.mutating.mutants import KINDS
from benchmarks.mutating.scoring import Record, score, write
from benchmarks.mutating.selecting import warm_engine
from benchmarks.mutating.trials import Trials
from projects import FetchError, copy

ORDER = ("marshmallow", "mistune", "toolz", "sqlparse", "attrs")
"""The projects, whose arguments for pytest are those of the other oracle."""
FURTHER: Mapping[str, tuple[str, ...]] = {"cachetools": (), "glom": (), "itsdangerous": (), "jinja2": ()}
"""Projects to try the rules on that they weren't made with, on demand, with their arguments for pytest."""
ARGUMENTS = {**PROJECTS, **FURTHER}


async def select(name: str, trials: Trials, mutants: Sequence[Judged], options: argparse.Namespace) -> list[Record]:
    """Have a warm engine select for each mutant of a project; raises FetchError."""
    project = copy(name, options.folder / name, options.python)
    records: list[Record] = []
    with heard_steps():  # the engine's log is not for the terminal
        async with warm_engine(project, ARGUMENTS[name]) as engine:
            for number, one in enumerate(mutants, 1):
                records.append(await score(name, one, await engine.select(one.mutant), trials))
                figures.say(f"{name} {number}/{len(mutants)}: {records[-1]}")
                write(name, records)
    return records


def measure(name: str, options: argparse.Namespace) -> list[Record]:
    """A project's records, none if only the truth is wanted; raises FetchError."""
    trials = Trials(name, ARGUMENTS[name], options.folder, options.python)
    kinds = options.kind or list(KINDS)
    testmon = not options.no_testmon
    mutants = list(judged(name, trials, kinds, options.mutants, options.seed, options.jobs, testmon))
    return [] if options.truth_only else asyncio.run(select(name, trials, mutants, options))


def main() -> int:
    """Judge, print, and exit with 1 where a bound was missed."""
    options = _options()
    facts = figures.machine()
    found: dict[str, list[Record]] = {}
    try:
        with tempfile.TemporaryDirectory(prefix="aftershock-benchmark-", ignore_cleanup_errors=True) as folder:
            options.folder = Path(folder)
            for name in options.project or ORDER:
                found[name] = measure(name, options)
    except FetchError as error:
        print(f"oracle.py: {error}", file=sys.stderr)
        return 2
    return 0 if options.truth_only else _report(found, facts, options.seed)


def _report(found: dict[str, list[Record]], facts: dict[str, object], seed: int) -> int:
    everything = [record for records in found.values() for record in records]
    print(figures.describe(facts))
    for name, records in found.items():
        print(f"\n{name}\n{reporting.table({**reporting.by_kind(records), 'all': records})}")
    if len(found) > 1:
        print(f"\nall projects\n{reporting.table({**reporting.by_kind(everything), **found, 'all': everything})}")
    print(f"\n{reporting.misses(everything)}")
    result = {
        "benchmark": "oracle",
        "machine": facts,
        "seed": seed,
        "projects": {name: reporting.summarise(records) for name, records in found.items()},
        "kinds": {kind: reporting.summarise(records) for kind, records in reporting.by_kind(everything).items()},
        "all": reporting.summarise(everything),
    }
    return figures.conclude(result, reporting.missed_bounds(found))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--project", action="append", choices=list(ARGUMENTS), help="these alone")
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
