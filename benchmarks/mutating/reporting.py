"""The figures of many mutants, as people read them, and the bounds."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence

from benchmarks.measuring import figures
from benchmarks.mutating.scoring import Record

_MOST_BY_TRUTH = 2.0  # our mean share of the suite by the truth's
_SHOWN = 5  # missed tests of a mutant

_HEAD = ["", "mutants", "truth %", "ours %", "told %", "testmon %", "recall", "testmon's", "missed", "back ran"]


def summarise(records: Sequence[Record]) -> dict[str, object]:
    """The figures of some mutants; shares are means over the mutants, recalls sums over their tests."""
    asked = [record for record in records if record.testmon is not None]
    return {
        "mutants": len(records),
        "truth_share": _share(records, lambda record: record.truth),
        "our_share": _share(records, lambda record: record.ours),
        "told_share": _share(records, lambda record: record.told),
        "testmon_share": _share(asked, lambda record: record.testmon or 0),
        "recall": _recall((record.found, record.truth) for record in records),
        "testmon_recall": _recall((record.testmon_found, record.truth) for record in asked),
        "missed": sum(len(record.missed) for record in records),
        "flaky": sum(len(record.flaky) for record in records),
        "order_dependent": sum(len(record.order_dependent) for record in records),
        "reverts_ran": sum(record.reverts_ran for record in records),
    }


def _share(records: Sequence[Record], tests: Callable[[Record], int]) -> float | None:
    return round(statistics.mean(tests(record) / record.suite for record in records), 4) if records else None


def _recall(pairs: Iterable[tuple[int, int]]) -> float | None:
    sums = [sum(column) for column in zip(*pairs, strict=True)]
    return sums[0] / sums[1] if sums and sums[1] else None


def by_kind(records: Sequence[Record]) -> dict[str, list[Record]]:
    """The records of each kind, in the order in which kinds first come."""
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(record.kind, []).append(record)
    return found


def table(groups: Mapping[str, Sequence[Record]]) -> str:
    """A row for each group of records."""
    return figures.table(_HEAD, [[name, *_row(summarise(records))] for name, records in groups.items()])


def _row(found: Mapping[str, object]) -> list[object]:
    shares = [_percent(found[f"{name}_share"]) for name in ("truth", "our", "told", "testmon")]
    recalls = [_shown(found["recall"]), _shown(found["testmon_recall"])]
    return [found["mutants"], *shares, *recalls, found["missed"], found["reverts_ran"]]


def _percent(share: object) -> str:
    return f"{share * 100:.1f}" if isinstance(share, float) else "-"


def _shown(recall: object) -> str:
    # Rounded down: 1.000 means all.
    return f"{int(recall * 1000) / 1000:.3f}" if isinstance(recall, float) else "-"


def misses(records: Sequence[Record]) -> str:
    """Every mutant of which a test was missed, so that it can be made again."""
    return "\n".join(
        f"{record.project}: {record.kind} in {record.path}:{record.line}\n{record.diff}\n"
        f"missed {len(record.missed)} of {record.truth}: {', '.join(record.missed[:_SHOWN])}\n"
        for record in records
        if record.missed
    )


def missed_bounds(projects: Mapping[str, Sequence[Record]]) -> list[str]:
    """The bounds that were missed, in words."""
    records = [record for each in projects.values() for record in each]
    found = [f"{record}: {record.missed[:_SHOWN]}" for record in records if record.missed]
    found += [f"{record}: nothing may run" for record in records if record.kind == "comment" and record.ours]
    found += [
        # A test that looks at a whole module may well change.
        f"{record}: {record.beyond} tests ran that nothing new can change"
        for record in records
        if record.kind == "added" and record.beyond
    ]
    for name, each in projects.items():
        ours, testmon = summarise(each)["our_share"], summarise(each)["testmon_share"]
        if isinstance(ours, float) and isinstance(testmon, float) and ours >= testmon:
            found.append(f"{name}: {ours * 100:.1f} % of the suite ran, with testmon {testmon * 100:.1f} %")
    total = summarise(records)
    ours, truth = total["our_share"], total["truth_share"]
    if isinstance(ours, float) and isinstance(truth, float) and ours > _MOST_BY_TRUTH * truth:
        found.append(
            f"{ours * 100:.2f} % of the suites ran, over {_MOST_BY_TRUTH:g} times the {truth * 100:.2f} % that changed"
        )
    return found
