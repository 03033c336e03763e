"""The facts of one test, and which of them speak for the same state of the project."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from aftershock.selection.facts import Fact, InputSet
from aftershock.selection.keys import Key, KeyKind

KEPT_FACTS = 8
"""Facts kept of each test: enough for the branches somebody switches between."""


def with_fact(facts: list[Fact], new: Fact, spoke: Fact | None = None) -> list[Fact]:
    """The facts of a test after one more; when there are too many, that gives way which hasn't spoken for longest.

    They come in that order.  ``spoke`` is the one that spoke for the test until now: what somebody returns to after
    each of many edits is kept.
    """
    return _append(sorted(facts, key=lambda each: each is spoke), new)[-KEPT_FACTS:]


def completed(facts: Iterable[Fact], new: Fact, digest: Callable[[Key], str]) -> Fact:
    """A fact with the keys that earlier runs of its test saw and this one didn't, as they were during this run.

    What an earlier run executed may still matter, hidden by something that another test memoised.  Only bodies of runs
    that agree with this one on all they share are taken, at their present ``digest``: at their old one the fact would
    be born stale.  An exact fact needs none.
    """
    if new.exact:
        return new
    own = {key: now for inputs in new.inputs for key, now in inputs}
    missed: set[Key] = set()
    for old in facts:
        seen = {key: then for inputs in old.inputs for key, then in inputs if key.kind is KeyKind.BODY}
        if old.variant == new.variant and all(own.get(key, then) == then for key, then in seen.items()):
            missed |= seen.keys() - own.keys()
    extra = frozenset((key, digest(key)) for key in missed)
    return replace(new, inputs=(*new.inputs, extra)) if extra else new


def _append(facts: list[Fact], new: Fact) -> list[Fact]:
    """The facts with a newer one, which takes the place of those that speak for the same state.

    Where two runs agree on every key that both have, nothing that the test saw can have made them differ; if one has
    keys that the other lacks, the other missed them (memoised by a test before it, or left to chance).  The older
    fact must go then, or it would look fresh when such a key moves; :func:`completed` has given the new one its keys.
    """
    same = [old for old in facts if old.variant == new.variant and agree(old.inputs, new.inputs)]
    return [*(old for old in facts if old not in same), new]


def agree(some: Iterable[InputSet], others: Iterable[InputSet]) -> bool:
    """Whether no key has one digest here and another there."""
    these, those = set(some), set(others)
    digests = {key: digest for inputs in these - those for key, digest in inputs}
    return all(digests.get(key, digest) == digest for inputs in those - these for key, digest in inputs)
