"""Rounds of one edit, answered in several ways: their medians, the bounds on them, and how they are printed."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.measuring import cold, figures
from benchmarks.measuring.editor import Save
from benchmarks.measuring.edits import Edit, Kind
from benchmarks.measuring.hot_reloading import Answer

AFFECTED, TESTMON, HOT, SUITE = "pytest_affected", "testmon", "hot_reloading", "suite"
WAYS: Mapping[Kind, tuple[str, ...]] = {
    Kind.BODY: (AFFECTED, TESTMON, HOT, SUITE),
    Kind.TRIVIAL: (AFFECTED, TESTMON, HOT),
    Kind.DEFINITION: (AFFECTED, TESTMON, HOT),
    Kind.WIDE: (TESTMON, HOT, SUITE),
}
"""The ways in which people have each kind answered today; a wide edit affects about the whole suite."""


@dataclass(frozen=True)
class Round:
    """One save and what the other ways said of the same edit; ``step`` is what the warm interpreter did."""

    save: Save
    step: str
    answers: Mapping[str, Answer]


@dataclass(frozen=True)
class Bound:
    """What the medians of one kind must keep: milliseconds of overhead at most, ratios at least."""

    overhead: float
    ratios: Mapping[str, float]


BOUNDS: Mapping[Kind, Bound] = {
    Kind.BODY: Bound(50.0, {TESTMON: 15.0, HOT: 4.0}),
    Kind.TRIVIAL: Bound(50.0, {TESTMON: 30.0, HOT: 4.0}),
    Kind.DEFINITION: Bound(200.0, {TESTMON: 10.0, HOT: 4.0}),
}
BOUND_PROJECTS = ("marshmallow", "click")
"""The projects to which all bounds apply; to others but networkx, that of a body edit beside testmon alone."""

Summary = Mapping[str, object]


def answer(timing: cold.Timing) -> Answer:
    """A timed pytest's answer; every edit leaves the tests passing."""
    return Answer(timing.seconds, timing.tests, "" if timing.passed else "tests failed")


def summarise(edit: Edit, rounds: Sequence[Round]) -> Summary:
    """The medians in milliseconds, and each way's median as a multiple of that of the save's last verdict.

    Of an answer that is not right the time says nothing: it counts as `wrong`, and only there.
    """
    saves = [done.save for done in rounds]
    last = statistics.median(save.last for save in saves)
    return {
        "edit": edit.place,
        "rounds": len(rounds),
        "hot_patched": sum(done.step == "patched" for done in rounds),
        "rebuilt": sum(done.step == "rebuilt" for done in rounds),
        "failed": sum(outcome in ("failed", "errored") for save in saves for outcome in save.outcomes),
        "tests": statistics.median(len(save.tests) for save in saves),
        "first_verdict_ms": _median(save.first for save in saves),
        "first_test_ms": _median(save.own for save in saves),
        "overhead_ms": _median(save.overhead for save in saves),
        "last_verdict_ms": figures.milliseconds(last),
        "last_verdict_worst_ms": figures.milliseconds(max(save.last for save in saves)),
        "test_time_ms": _median(save.testing for save in saves),
        **{key: value for way in WAYS[edit.kind] for key, value in _way(way, rounds, last).items()},
    }


def _median(seconds: Iterator[float]) -> float:
    return figures.milliseconds(statistics.median(seconds))


def _way(way: str, rounds: Sequence[Round], last: float) -> dict[str, object]:
    answers = [done.answers[way] for done in rounds if way in done.answers]
    if not answers:
        return {}
    right = [one for one in answers if not one.problem]
    found: dict[str, object] = {f"{way}_tests": statistics.median(one.tests for one in answers)}
    if len(right) < len(answers):
        problems = {one.problem: None for one in answers if one.problem}
        found[f"{way}_wrong"] = len(answers) - len(right)
        found[f"{way}_problems"] = list(problems)
    if right:
        middle = statistics.median(one.seconds for one in right)
        found.update({f"{way}_ms": figures.milliseconds(middle), f"{way}_ratio": round(middle / last, 1)})
    return found


def missed(name: str, kind: Kind, found: Summary) -> list[str]:
    """Which bounds the figures of a project's kind miss; a way without a right answer has no ratio to keep."""
    bound = BOUNDS.get(kind)
    if bound is None or "overhead_ms" not in found:
        return []
    everything = name in BOUND_PROJECTS
    lines = []
    if everything and _number(found, "overhead_ms") > bound.overhead:
        lines.append(f"{name}, {kind.value}: {found['overhead_ms']} ms over the test's own, not {bound.overhead:.0f}")
    for way, least in bound.ratios.items():
        applies = everything or (kind is Kind.BODY and way == TESTMON and name != "networkx")
        if applies and f"{way}_ratio" in found and _number(found, f"{way}_ratio") < least:
            lines.append(f"{name}, {kind.value}: {found[f'{way}_ratio']} times quicker than {way}, not {least:.0f}")
    return lines


def _number(found: Summary, key: str) -> float:
    value = found[key]
    assert isinstance(value, int | float)
    return float(value)


_ROWS = (
    ("tests affected", "tests"),
    ("save to first verdict", "first_verdict_ms"),
    ("  the first test's own", "first_test_ms"),
    ("  overhead", "overhead_ms"),
    ("save to last verdict", "last_verdict_ms"),
    ("  of it in tests", "test_time_ms"),
)
_WAY_ROWS = (
    ("pytest, affected tests", AFFECTED),
    ("pytest --testmon", TESTMON),
    ("pytest-hot-reloading", HOT),
    ("pytest, whole suite", SUITE),
)


def report(kind: Kind, found: Mapping[str, Summary]) -> str:
    """A kind's figures as people read them: median milliseconds, and in brackets how many times a save's."""
    some = list(found.values())
    rows: list[list[object]] = [[label, *(_cell(one, key) for one in some)] for label, key in _ROWS]
    rows.append(
        ["  hot-patched, rebuilt", *(f"{one.get('hot_patched', '-')}, {one.get('rebuilt', '-')}" for one in some)]
    )
    rows += [[label, *(_way_cell(one, way) for one in some)] for label, way in _WAY_ROWS if way in WAYS[kind]]
    return figures.table([f"{kind.value}, median ms", *found], rows)


def _cell(found: Summary, key: str) -> str:
    return f"{_number(found, key):g}" if key in found else "-"


def _way_cell(found: Summary, way: str) -> str:
    wrong = f"{found[f'{way}_wrong']} wrong" if f"{way}_wrong" in found else ""
    if f"{way}_ms" not in found:
        return wrong or "-"
    told = [f"{found[f'{way}_ratio']}x", f"{_number(found, f'{way}_tests'):.0f} tests", *([wrong] if wrong else [])]
    return f"{found[f'{way}_ms']} ({', '.join(told)})"
