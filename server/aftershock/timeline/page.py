"""The timeline as one page of HTML, which needs nothing beside itself: for a browser, and for an editor's webview.

Colours are those of the editor's theme (``--vscode-…``), in a browser light or dark as the reader likes it.  Bars are
SVG, so that the page's Content-Security-Policy can forbid every style and script but its own two.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from html import escape
from pathlib import Path

from aftershock.selection.facts import Outcome
from aftershock.timeline.drawing import REST, axis_svg, bar_svg, lane_svg, mark_id, parts_of, swatch_svg
from aftershock.timeline.lanes import Lane, Span, lanes_of, span_of
from aftershock.timeline.last_run import LastRun, TimedTest
from aftershock.timeline.texts import counted, kind_text, percent, time_text

_SLOWEST = 15
_FEW, _MANY = 4, 12
"""Up to so many lanes are drawn higher, above so many lower than others."""
_REST = "pytest and recording"
_SIGNS = {Outcome.PASSED: "✓", Outcome.FAILED: "✗", Outcome.ERRORED: "✗", Outcome.SKIPPED: "-"}
_EMPTY = "<h1>No run yet</h1>\n<p>Save a file, or run the tests: a run is drawn here when it is over.</p>"


def page(run: LastRun | None, nonce: str) -> str:
    """The page of a run, None where there was none; ``nonce``: what nobody can guess, another one for each page."""
    policy = f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; base-uri 'none'"
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Timeline of the last run</title>
<style nonce="{nonce}">
{_file("page.css")}</style>
</head>
<body>
<main>
{_EMPTY if run is None else _content(run)}
</main>
<script nonce="{nonce}">
{_file("page.js")}</script>
</body>
</html>
"""


@cache
def _file(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _content(run: LastRun) -> str:
    began = datetime.fromtimestamp(run.began_at).astimezone()
    when = f'<time datetime="{began.isoformat(timespec="seconds")}">{began:%Y-%m-%d %H:%M:%S}</time>'
    head = f"<header><h1>Last run</h1><p>{escape(kind_text(run.kind))}, {when}</p></header>"
    if not run.tests:
        return f"{head}\n<p>None of its tests got as far as to run.</p>"
    span = span_of(run.tests)
    lanes = lanes_of(run.tests, span)
    chart, slowest = _chart(lanes, span), _slowest(run.tests, _mark_ids(lanes))
    return f'{head}\n{_figures(run, lanes, span)}\n<div class="panes">\n{chart}\n{slowest}\n</div>'


# --- figures ---------------------------------------------------------------------------------


def _figures(run: LastRun, lanes: Sequence[Lane], span: Span) -> str:
    spent = sum(test.seconds for test in run.tests)
    used = sum(lane.busy for lane in lanes) / (span.seconds * len(lanes))
    figures = (
        ("Tests", f"{sum(run.counts.values()):,}", _outcomes(run)),
        ("Time", time_text(run.seconds), f"for {time_text(spent)} of tests"),
        ("Workers", f"{len(lanes)}", f"{used * len(lanes):.1f} busy on average"),
        ("Utilisation", percent(used), "of the workers' time"),
    )
    cells = "\n".join(f"<div><dt>{name}</dt><dd>{value}</dd><dd>{note}</dd></div>" for name, value, note in figures)
    return f'<dl class="figures">\n{cells}\n</dl>'


def _outcomes(run: LastRun) -> str:
    parts = [f"{run.counts[outcome]:,} {outcome.value}" for outcome in Outcome if run.counts.get(outcome)]
    return ", ".join([*parts, f"{run.unfinished:,} not run"] if run.unfinished else parts)


# --- lanes -----------------------------------------------------------------------------------


def _chart(lanes: Sequence[Lane], span: Span) -> str:
    rows = "\n".join(_lane(lane, number, span) for number, lane in enumerate(lanes))
    height = " few" if len(lanes) <= _FEW else " many" if len(lanes) > _MANY else ""
    return f"""<section class="chart">
<h2>Workers</h2>
{_legend([test for lane in lanes for test in lane.tests])}
<div class="lane axis" aria-hidden="true"><span></span>{axis_svg(span)}<span>in use</span></div>
<div class="lanes{height}" role="grid" aria-label="Tests by worker, in the order in which they ran">
{rows}
</div>
<p class="detail" aria-hidden="true"></p>
</section>"""


def _legend(tests: Sequence[TimedTest]) -> str:
    entries = "".join(
        f"<li>{swatch_svg(colour)} {_REST if colour == REST else colour} <b>{time_text(spent)}</b></li>"
        for colour, spent in parts_of(tests).items()
        if spent
    )
    return f'<ul class="legend">{entries}</ul>'


def _lane(lane: Lane, number: int, span: Span) -> str:
    name = f"<span>Worker {lane.worker + 1}</span><small>{counted(len(lane.tests), 'test')}</small>"
    used = percent(lane.busy / span.seconds)
    return (
        f'<div class="lane" role="row"><div class="name" role="rowheader">{name}</div>{lane_svg(lane, number, span)}'
        f'<span class="used" role="gridcell">{used}</span></div>'
    )


def _mark_ids(lanes: Sequence[Lane]) -> Mapping[str, str]:
    """By test, the id of the element that draws it."""
    return {
        test.test: mark_id(number, place)
        for number, lane in enumerate(lanes)
        for place, mark in enumerate(lane.marks)
        for test in mark.tests
    }


# --- slowest tests ---------------------------------------------------------------------------


def _slowest(tests: Sequence[TimedTest], marks: Mapping[str, str]) -> str:
    slowest = sorted(tests, key=lambda test: -test.seconds)[:_SLOWEST]
    longest = max(slowest[0].seconds, 1e-6)
    rows = "\n".join(_row(test, marks[test.test], longest) for test in slowest)
    return f"""<section class="slowest">
<h2>Slowest tests</h2>
<table>
<thead><tr><th scope="col">Test</th><th scope="col">Time</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</section>"""


def _row(test: TimedTest, mark: str, longest: float) -> str:
    path, _, name = test.test.partition("::")
    outcome = test.outcome.value
    sign = f'<span class="{outcome}" role="img" aria-label="{outcome}">{_SIGNS[test.outcome]}</span>'
    opener = (
        f'<button type="button" data-test="{escape(test.test)}" data-mark="{mark}" title="{escape(test.test)}">'
        f"{_breakable(name or path)}<small>{_breakable(path)}</small></button>"
    )
    return f"<tr><td><div>{sign}{opener}{bar_svg(test, longest)}</div></td><td>{time_text(test.seconds)}</td></tr>"


def _breakable(text: str) -> str:
    """A name that a line may end within, where people would end it."""
    return re.sub(r"(::|[/_\[-])", r"\1<wbr>", escape(text))
