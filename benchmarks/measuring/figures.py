"""Figures: medians, ratios, the machine they come from, and how they are printed."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone


def machine() -> dict[str, object]:
    """What one must know of this machine to read figures; the load is the mean of the last minute."""
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "load": round(os.getloadavg()[0], 2),
        "when": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def describe(facts: Mapping[str, object]) -> str:
    """The machine in one line."""
    return ", ".join(f"{name} {value}" for name, value in facts.items())


def milliseconds(seconds: float) -> float:
    """Seconds as milliseconds, rounded to what can be told apart."""
    return round(seconds * 1000, 1)


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table whose first column is aligned to the left, the others to the right."""
    cells = [[str(cell) for cell in row] for row in [head, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    ruled = [cells[0], ["-" * width for width in widths], *cells[1:]]
    return "\n".join(_aligned(row, widths) for row in ruled)


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    rest = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
    return "  ".join([row[0].ljust(widths[0]), *rest])


def conclude(figures: Mapping[str, object], missed: Sequence[str]) -> int:
    """Tell which bounds were missed, print the figures as the last line; the exit code, 1 where one was missed."""
    for line in missed:
        print(f"missed: {line}", file=sys.stderr)
    if not missed:
        print("every bound is met", file=sys.stderr)
    sys.stderr.flush()
    print(json.dumps({**figures, "missed": list(missed)}), flush=True)
    return 1 if missed else 0


def say(text: str) -> None:
    """Tell on stderr what is going on, since it takes minutes."""
    print(text, file=sys.stderr, flush=True)
