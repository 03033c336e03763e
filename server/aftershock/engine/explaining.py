"""Why a test is affected, with the lines that were and are, or what keeps it fresh."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aftershock.engine.former_texts import FormerTexts
from aftershock.engine.sources import SourceFile
from aftershock.selection.affected import FactIndex


@dataclass(frozen=True)
class Because:
    """One cause in words, and the lines that were (``- ``) and are (``+ ``), where these are known."""

    text: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Explanation:
    """Why a test is affected; and what it depends on, by the keys of its last fact."""

    affected: bool
    reasons: tuple[Because, ...]
    inputs: tuple[str, ...]


def explain(
    test: str, affected: bool, index: FactIndex, former: FormerTexts, sources: Mapping[str, SourceFile]
) -> Explanation:
    """Explain a test; ``sources`` are the present ones, by path."""
    fact = index.matching(test) or index.compared(test)
    inputs = sorted({str(key) for inputs in fact.inputs for key, _ in inputs}) if fact else []
    reasons = []
    for reason in index.explained(test) if affected else ():
        file = sources.get(reason.key.path) if reason.key is not None else None
        lines = former.changed(reason, fact.verdict.recorded_at, file.text) if fact and file else ()
        reasons.append(Because(reason.text, lines))
    return Explanation(affected, tuple(reasons), tuple(inputs))
