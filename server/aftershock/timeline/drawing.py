"""The SVG of the timeline: bars whose places are shares of a width, so that they follow the window's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from html import escape

from aftershock.selection.facts import Outcome
from aftershock.timeline.lanes import Lane, Mark, Span
from aftershock.timeline.last_run import PHASES, TimedTest
from aftershock.timeline.texts import mark_text, tick_text

_VISIBLE = 1 / 3000
"""The share of a width below which nothing is drawn: a third of a pixel."""
_THINNEST = 1 / 800
"""The share of a lane that a mark takes at least, so that a test by itself is seen."""
_EDGED = 1 / 250
"""The share of a lane from which on there is room for a line between neighbours."""

REST = "rest"
"""The colour of the time that a test takes beside its phases."""


def parts_of(tests: Iterable[TimedTest]) -> Mapping[str, float]:
    """The seconds of each colour, in the order in which they are drawn."""
    totals = dict.fromkeys((*PHASES, Outcome.FAILED.value, Outcome.SKIPPED.value, REST), 0.0)
    for test in tests:
        for phase, spent in zip(PHASES, test.phases, strict=True):
            totals[_colour(test, phase)] += spent
        totals[REST] += max(test.end - test.start - test.seconds, 0.0)
    return totals


def mark_id(lane: int, place: int) -> str:
    """The id of an element: that of a lane's mark, both by their number."""
    return f"mark-{lane}-{place}"


def lane_svg(lane: Lane, number: int, span: Span) -> str:
    """A worker's marks."""
    grid = "".join(f'<line x1="{_at(x)}" x2="{_at(x)}" y2="100%"/>' for x in _tick_shares(span))
    marks = "\n".join(_mark(mark, mark_id(number, place), span) for place, mark in enumerate(lane.marks))
    return f'<svg role="none">{grid}\n{marks}</svg>'


def axis_svg(span: Span) -> str:
    """The times above the lanes."""
    ticks = span.ticks()
    step = ticks[1] if len(ticks) > 1 else span.seconds
    texts = "".join(
        f'<text x="{_at(share)}" y="75%"{_anchor(share)}>{tick_text(tick, step)}</text>'
        for tick, share in zip(ticks, _tick_shares(span), strict=True)
    )
    return f"<svg>{texts}</svg>"


def bar_svg(test: TimedTest, longest: float) -> str:
    """A test's phases one after another; one of ``longest`` seconds takes the whole width."""
    rects, x = "", 0.0
    for phase, seconds in zip(PHASES, test.phases, strict=True):
        rects += _rect(_colour(test, phase), x, seconds / longest)
        x += seconds / longest
    return f'<svg class="bar" aria-hidden="true">{rects}</svg>'


def swatch_svg(colour: str) -> str:
    """A little of a colour."""
    return f'<svg class="swatch" aria-hidden="true"><rect class="{colour}" width="100%" height="100%"/></svg>'


def _mark(mark: Mark, name: str, span: Span) -> str:
    x = span.share(mark.start)
    width = max((mark.end - mark.start) / span.seconds, _THINNEST)
    drawn = "".join(_single(mark.first, x, width) if len(mark.tests) == 1 else _merged(mark, x, width))
    flag = f'<svg x="{_at(x + width / 2)}" class="flag"><path d="M-4 0h8l-4 6z"/></svg>' if mark.failed else ""
    return (
        f'<g id="{name}" class="mark" role="gridcell" tabindex="-1" data-test="{escape(mark.first.test)}">'
        f"<title>{escape(mark_text(mark, mark.start - span.start))}</title>"
        f'<rect class="whole" x="{_at(x)}" width="{_at(width)}" height="100%"/>{drawn}{flag}</g>'
    )


def _single(test: TimedTest, x: float, width: float) -> Iterator[str]:
    """The phases from left to right, as they came, then the rest; a line at the end keeps it from its neighbour."""
    end = x + width
    yield _rect(REST, x, width, 'y="20%" height="64%"')
    whole = max(test.end - test.start, test.seconds) or 1.0
    for phase, spent in zip(PHASES, test.phases, strict=True):
        share = spent / whole * width
        if share >= _VISIBLE:
            yield _rect(_colour(test, phase), x, share, 'y="20%" height="64%"')
        x += share
    if width >= _EDGED:
        yield f'<line class="edge" x1="{_at(end)}" x2="{_at(end)}" y1="20%" y2="84%"/>'


def _merged(mark: Mark, x: float, width: float) -> Iterator[str]:
    """Each colour as high as its share of the time: full where the worker did nothing else."""
    whole = mark.end - mark.start
    bottom = 84.0
    for colour, seconds in parts_of(mark.tests).items():
        height = 64.0 * seconds / whole if whole else 0.0
        if height >= 1:
            yield _rect(colour, x, width, f'y="{bottom - height:.3g}%" height="{height:.3g}%"')
        bottom -= height


def _colour(test: TimedTest, phase: str) -> str:
    """What a phase is drawn in: its own colour, unless it is the one that failed, or the test was skipped."""
    if test.outcome is Outcome.SKIPPED:
        return Outcome.SKIPPED.value
    broken = {Outcome.FAILED: "call", Outcome.ERRORED: "teardown" if test.phases[1] else "setup"}
    return Outcome.FAILED.value if broken.get(test.outcome) == phase else phase


def _rect(colour: str, x: float, width: float, upright: str = 'height="100%"') -> str:
    return f'<rect class="{colour}" x="{_at(x)}" width="{_at(width)}" {upright}/>' if width else ""


def _at(share: float) -> str:
    """A place or a length as a share of the width."""
    return f"{share * 100:.3f}".rstrip("0").rstrip(".") + "%"


def _tick_shares(span: Span) -> list[float]:
    return [tick / span.seconds for tick in span.ticks()]


def _anchor(share: float) -> str:
    """The first time stands right of its tick and the last one left of it, so that both are whole."""
    return "" if 0.02 < share < 0.96 else f' class="{"first" if share < 0.5 else "last"}"'
