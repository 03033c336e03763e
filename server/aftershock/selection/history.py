"""The facts of one test, and which of them speak for the same state of the project."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from aftershock.selection.facts import Fact, InputSet
from aftershock.selection.keys import Key, KeyKind

KEPT_FACTS = 8
"""Facts kept of each test: enough for the branches somebody switches between."""


def with_fact(facts: list[Fact], new: Fact) -> list[Fact]:
    """The facts of a test, oldest first, after one more; the oldest gives way when there are too many."""
    if facts and facts[-1].verdict.recorded_at > new.verdict.recorded_at:
        found: list[Fact] = []
        for fact in sorted([*facts, new], key=lambda each: each.verdict.recorded_at):
            found = _append(found, fact)
    else:
        found = _append(facts, new)
    return found[-KEPT_FACTS:]


def completed(facts: Iterable[Fact], new: Fact, digest: Callable[[Key], str]) -> Fact:
    """A fact with the keys that earlier runs of its test saw and this one didn't, as they were during this run.

    What an earlier run executed may still matter, hidden by something that another test memoised.  Only keys of runs
    that agree with this one are taken, at their present ``digest``: at their old one the fact would be born stale.
    An exact fact needs none.
    """
    if new.exact:
        return new
    own = {key for inputs in new.inputs for key, _ in inputs}
    bodies = {key for inputs in new.inputs for key, _ in inputs if key.kind is KeyKind.BODY}
    agreeing = [old for old in facts if old.variant == new.variant and _shares(old, bodies, new)]
    missed = {key for old in agreeing for inputs in old.inputs for key, _ in inputs if key.kind is KeyKind.BODY} - own
    extra = frozenset((key, digest(key)) for key in missed)
    return replace(new, inputs=(*new.inputs, extra)) if extra else new


def _shares(old: Fact, bodies: set[Key], new: Fact) -> bool:
    """Whether an older run says something of this one: the same bodies, as far as both have them."""
    now = {key: digest for inputs in new.inputs for key, digest in inputs if key in bodies}
    return all(now.get(key, digest) == digest for inputs in old.inputs for key, digest in inputs)


def _append(facts: list[Fact], new: Fact) -> list[Fact]:
    """The facts with a newer one, which takes the place of those that speak for the same state.

    Where two runs agree on every key that both have, nothing that the test saw can have made them differ; if one has
    keys that the other lacks, the other missed them (memoised by a test before it, or left to chance).  The older
    fact must go then, or it would look fresh when such a key moves; unless the new one was recorded in a process of
    its own, it takes over the older one's inputs.
    """
    same = [old for old in facts if old.variant == new.variant and agree(old.inputs, new.inputs)]
    if not new.exact:
        new = replace(new, inputs=_union(new.inputs, [inputs for old in same for inputs in old.inputs]))
    return [*(old for old in facts if old not in same), new]


def agree(some: Iterable[InputSet], others: Iterable[InputSet]) -> bool:
    """Whether no key has one digest here and another there."""
    these, those = set(some), set(others)
    digests = {key: digest for inputs in these - those for key, digest in inputs}
    return all(digests.get(key, digest) == digest for inputs in those - these for key, digest in inputs)


def _union(inputs: tuple[InputSet, ...], more: Iterable[InputSet]) -> tuple[InputSet, ...]:
    """The sets with those of ``more`` that add anything."""
    for extra in more:
        if extra not in inputs and not extra <= frozenset().union(*inputs):
            inputs = (*inputs, extra)
    return inputs
