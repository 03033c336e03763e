"""The page of a run: what it shows, and that nothing in it is taken for markup."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html.parser import HTMLParser
from typing import Any

import pytest

from aftershock.selection.facts import Outcome
from aftershock.timeline.lanes import Span, lanes_of, span_of
from aftershock.timeline.last_run import LastRun, TimedTest, loaded
from aftershock.timeline.page import page
from aftershock.timeline.texts import tick_text

NASTY = "tests/test_a.py::test_it[</title><script>alert('1')</script>&\"]"


def _timed(
    test: str,
    worker: int = 0,
    start: float = 0.0,
    phases: tuple[float, float, float] = (0.01, 0.1, 0.02),
    outcome: Outcome = Outcome.PASSED,
) -> TimedTest:
    return TimedTest(test, worker, start, start + sum(phases) + 0.001, phases, outcome)


def _run(*tests: TimedTest) -> LastRun:
    outcomes = [test.outcome for test in tests]
    counts = {outcome: outcomes.count(outcome) for outcome in set(outcomes)}
    return LastRun("save", 1_700_000_000.0, 1.5, counts, 0, tests)


class _Page(HTMLParser):
    """The elements of a page, each as its tag and its attributes, and the text in those of a kind."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._inside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag != "meta" and tag != "wbr":
            self._inside.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._inside.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self._inside[-1], data.strip()))

    def of(self, tag: str, kind: str | None = None) -> list[dict[str, str | None]]:
        """The attributes of some elements, those of one class where it is given."""
        return [found for name, found in self.elements if name == tag and kind in (None, found.get("class"))]

    def text(self, tag: str) -> list[str]:
        return [text for inside, text in self.texts if inside == tag]


def test_a_test_with_markup_in_its_id_is_shown_and_nothing_else() -> None:
    drawn = _Page(page(_run(_timed(NASTY)), "n"))
    [mark] = drawn.of("g", "mark")
    assert mark["data-test"] == NASTY
    [button] = drawn.of("button")
    assert button["data-test"] == NASTY
    assert len(drawn.of("script")) == 1
    [_, title] = drawn.text("title")
    assert title == f"{NASTY}: passed, 130 ms (setup 10 ms, call 100 ms, teardown 20 ms), from 0 ms on"
    assert "alert" not in "".join(drawn.text("script"))


def test_the_page_allows_its_own_style_and_script_alone() -> None:
    text = page(_run(_timed("test_a.py::test")), "s3cret")
    drawn = _Page(text)
    policy = next(found["content"] for found in drawn.of("meta") if "http-equiv" in found)
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules == {
        "default-src": "'none'",
        "style-src": "'nonce-s3cret'",
        "script-src": "'nonce-s3cret'",
        "base-uri": "'none'",
    }
    assert [found["nonce"] for found in drawn.of("style") + drawn.of("script")] == ["s3cret", "s3cret"]
    # What the policy would forbid isn't there, nor is anything from elsewhere.
    assert not [found for _, found in drawn.elements if any(name == "style" or name[:2] == "on" for name in found)]
    assert not [found for _, found in drawn.elements if "src" in found or "href" in found]
    assert "url(" not in text
    assert "http:" not in text.replace("http://www.w3.org/2000/svg", "")


def test_every_colour_is_the_themes_where_there_is_one() -> None:
    [style] = _Page(page(None, "n")).text("style")
    for value in re.findall(r"--\w+: (.*);", style):
        assert value.startswith("var(--vscode-")
        assert "light-dark(" in value
    assert not re.findall(r"#\w{6}", re.sub(r"light-dark\(.*?\)", "", style))


def test_each_worker_has_a_lane_with_its_tests_in_order_and_its_share_of_the_time() -> None:
    run = _run(
        _timed("t.py::second", 0, 0.5, (0.0, 0.199, 0.0)),
        _timed("t.py::first", 0, 0.0, (0.1, 0.199, 0.0)),
        _timed("u.py::other", 1, 0.0, (0.0, 0.999, 0.0)),
    )
    drawn = _Page(page(run, "n"))
    assert [mark["data-test"] for mark in drawn.of("g", "mark")] == ["t.py::first", "t.py::second", "u.py::other"]
    assert [text for text in drawn.text("span") if text.endswith("%")] == ["50 %", "100 %"]
    assert "75 %" in drawn.text("dd")
    [setup] = [bar for bar in drawn.of("rect", "setup") if "y" in bar]
    assert (setup["x"], setup["width"]) == ("0%", "10%")


def test_what_failed_is_told_by_more_than_a_colour() -> None:
    failed = _timed("t.py::fails", 0, 0.0, outcome=Outcome.FAILED)
    errored = _timed("t.py::errs", 0, 0.2, (0.1, 0.0, 0.0), Outcome.ERRORED)
    skipped = _timed("t.py::skips", 0, 0.4, (0.1, 0.0, 0.0), Outcome.SKIPPED)
    drawn = _Page(page(_run(failed, errored, skipped), "n"))
    assert len(drawn.of("svg", "flag")) == 2
    told = drawn.text("title")[1:]
    assert ["failed" in told[0], "errored" in told[1], "skipped" in told[2]] == [True, True, True]
    bars = [bar for bar in drawn.of("rect", "failed") if "y" in bar]
    assert len(bars) == 2  # the call of the one, the setup of the other
    assert "1 failed, 1 errored, 1 skipped" in drawn.text("dd")


def test_the_slowest_tests_come_first_and_lead_to_their_marks() -> None:
    tests = [
        _timed(f"t.py::test_{number}", number % 2, number * 0.2, (0.0, number / 1000, 0.0)) for number in range(40)
    ]
    drawn = _Page(page(_run(*tests), "n"))
    buttons = drawn.of("button")
    assert [button["data-test"] for button in buttons] == [f"t.py::test_{number}" for number in range(39, 24, -1)]
    marks = {mark["id"]: mark["data-test"] for mark in drawn.of("g", "mark")}
    assert [marks[button["data-mark"]] for button in buttons] == [button["data-test"] for button in buttons]


def test_ten_thousand_tests_are_drawn_with_so_many_marks_that_a_page_stays_quick() -> None:
    tests = [_timed(f"t.py::test_{number}", number % 4, number / 4000, (0.0, 0.0001, 0.0)) for number in range(10_000)]
    slow = _timed("t.py::slow", 1, 5.0, (0.5, 1.0, 0.5))
    failed = _timed("t.py::failed", 2, 2.6, (0.0, 0.0001, 0.0), Outcome.FAILED)
    drawn = _Page(page(_run(*tests, slow, failed), "n"))
    marks = drawn.of("g", "mark")
    assert len(marks) < 600
    shown = [mark["data-test"] for mark in marks]
    assert "t.py::slow" in shown
    assert "t.py::failed" in shown, "a failure is never lost among others"
    assert sum(len(lane.tests) for lane in lanes_of(tests, span_of(tests))) == 10_000


def test_tests_drawn_together_say_so() -> None:
    short = [_timed(f"t.py::test_{number}", 0, number / 1000, (0.0, 0.0001, 0.0)) for number in range(3)]
    long = _timed("t.py::long", 0, 1.0, (0.0, 9.0, 0.0))
    [_, together, _] = _Page(page(_run(*short, long), "n")).text("title")
    assert together.startswith("3 short tests, 3.1 ms together, from 0 ms on; slowest: t.py::test_0: passed, 0.10 ms")


def test_an_axis_has_round_times() -> None:
    assert Span(0.2, 1.45).ticks() == _near([0.0, 0.5, 1.0])
    assert Span(0.0, 0.0012).ticks() == _near([0.0, 0.0002, 0.0004, 0.0006, 0.0008, 0.001, 0.0012])
    assert [tick_text(tick, 500.0) for tick in Span(0.0, 1900.0).ticks()] == [
        "0:00 min",
        "8:20 min",
        "16:40 min",
        "25:00 min",
    ]


def _near(times: Iterable[float]) -> list[Any]:
    return [pytest.approx(time) for time in times]


def test_without_a_run_or_without_tests_that_ran_the_page_says_so() -> None:
    assert _Page(page(None, "n")).text("h1") == ["No run yet"]
    uncollected = LastRun("build", 0.0, 0.1, {Outcome.ERRORED: 2}, 0, ())
    assert "None of its tests got as far as to run." in _Page(page(uncollected, "n")).text("p")


def test_a_run_is_remembered_as_it_was_and_what_isnt_one_is_none() -> None:
    run = _run(_timed(NASTY), _timed("t.py::other", 3, 0.5, outcome=Outcome.ERRORED))
    assert loaded(run.dumped()) == run
    for time in ("NaN", "-0.5", "1e300", "null"):
        assert loaded(run.dumped().replace("0.5", time, 1)) is None
    for other in (None, "", "{}", "[1, 2]", run.dumped().replace("errored", "lost")):
        assert loaded(other) is None
