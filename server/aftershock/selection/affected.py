"""Which tests a change affects: those of which no fact matches the present."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from aftershock.selection.facts import Fact, InputSet
from aftershock.selection.history import completed, with_fact
from aftershock.selection.keys import Key, KeyKind
from aftershock.selection.reasons import NEVER_RUN, OTHER_VARIANT, Reason, reason_for
from aftershock.selection.snapshot import UNKNOWN, Snapshot

__all__ = ["FactIndex", "Reason"]


@dataclass(eq=False, slots=True)
class _Set:
    """An input set in use: the keys in it that don't match the present, as recorded, and its users' facts."""

    content: InputSet
    stale: dict[Key, str] = field(default_factory=dict)
    tests: dict[str, int] = field(default_factory=dict)


class FactIndex:
    """Facts by test, and a reverse index from each key's digests to the input sets that hold them.

    After an edit only the keys of the edited files are looked at, and only the sets that hold those keys.
    ``variant``: when given, facts of other variants never match.  Nothing matches before the first
    :meth:`update`.
    """

    def __init__(self, variant: str | None = None) -> None:
        self._variant = variant
        self._snapshot: Snapshot | None = None
        self._facts: dict[str, list[Fact]] = {}
        self._sets: dict[InputSet, _Set] = {}
        self._holders: dict[Key, dict[str, set[_Set]]] = {}
        self._now: dict[Key, str] = {}
        self._by_path: dict[str, set[Key]] = {}
        self._matching: dict[str, Fact | None] = {}
        self._moved: set[str] = set()

    @property
    def variant(self) -> str | None:
        """The variant that facts must have to match."""
        return self._variant

    @variant.setter
    def variant(self, variant: str | None) -> None:
        self._variant = variant
        self._ask_all_again()

    # --- facts -----------------------------------------------------------------------------------

    def add(self, fact: Fact) -> None:
        """Take in a fact; older ones of the same state give way to it (see :mod:`~aftershock.selection.history`)."""
        before = self._facts.get(fact.test, [])
        after = with_fact(before, fact)
        held = [replace(each, inputs=tuple(self._hold(i, fact.test) for i in each.inputs)) for each in after]
        for old in before:
            self._release(old)
        self._facts[fact.test] = held
        self._ask_again([fact.test])

    def completed(self, fact: Fact, snapshot: Snapshot) -> Fact:
        """The fact, recorded on ``snapshot``, with what only earlier runs of its test saw."""
        return completed(self._facts.get(fact.test, ()), fact, snapshot.digest)

    def extend(self, test: str, inputs: InputSet) -> None:
        """Add an input set to the test's latest fact; does nothing for a test without one."""
        facts = self._facts.get(test)
        if facts and inputs not in facts[-1].inputs:
            held = self._hold(inputs, test)
            facts[-1] = replace(facts[-1], inputs=(*facts[-1].inputs, held))
            self._ask_again([test])

    def forget(self, test: str) -> None:
        """Drop all facts of a test."""
        for fact in self._facts.pop(test, ()):
            self._release(fact)
        self._ask_again([test])

    def tests(self) -> tuple[str, ...]:
        """The tests with facts."""
        return tuple(self._facts)

    def latest(self, test: str) -> Fact | None:
        """The newest fact of a test, matching or not."""
        facts = self._facts.get(test)
        return facts[-1] if facts else None

    def matching(self, test: str) -> Fact | None:
        """The newest fact of a test all of whose inputs are as they are now."""
        if test not in self._matching:
            facts = reversed(self._facts.get(test, ()))
            self._matching[test] = next((fact for fact in facts if self._matches(fact)), None)
        return self._matching[test]

    def _matches(self, fact: Fact) -> bool:
        fits = self._snapshot is not None and (self._variant is None or fact.variant == self._variant)
        return fits and not any(self._sets[inputs].stale for inputs in fact.inputs)

    # --- input sets ------------------------------------------------------------------------------

    def _hold(self, inputs: InputSet, test: str) -> InputSet:
        """Put a set in use by a test; returns the one object that stands for all equal sets."""
        held = self._sets.get(inputs)
        if held is None:
            held = self._sets[inputs] = _Set(inputs)
            for key, digest in inputs:
                self._enter(held, key, digest)
        held.tests[test] = held.tests.get(test, 0) + 1
        return held.content

    def _enter(self, held: _Set, key: Key, digest: str) -> None:
        now = self._now.get(key)
        if now is None and self._snapshot is not None:
            now = self._now[key] = self._snapshot.digest(key)
        if digest != now or digest == UNKNOWN:
            held.stale[key] = digest
        holders = self._holders.get(key)
        if holders is None:
            holders = self._holders[key] = {}
            self._by_path.setdefault(_moves_with(key), set()).add(key)
        holders.setdefault(digest, set()).add(held)

    def _release(self, fact: Fact) -> None:
        for inputs in fact.inputs:
            held = self._sets[inputs]
            held.tests[fact.test] -= 1
            if not held.tests[fact.test]:
                del held.tests[fact.test]
            if not held.tests:
                self._drop(held)

    def _drop(self, held: _Set) -> None:
        del self._sets[held.content]
        for key, digest in held.content:
            holders = self._holders[key]
            holders[digest].remove(held)
            if not holders[digest]:
                del holders[digest]
            if not holders:
                del self._holders[key]
                self._now.pop(key, None)
                self._by_path[_moves_with(key)].discard(key)

    # --- the present -----------------------------------------------------------------------------

    def update(self, snapshot: Snapshot) -> None:
        """Compare with another present; costs as much as what changed since the last one."""
        before, self._snapshot = self._snapshot, snapshot
        if before is None:
            self._ask_all_again()
        for place in self._by_path if before is None else _moved(before, snapshot):
            for key in self._by_path.get(place, ()):
                self._move(key, snapshot.digest(key))

    def _move(self, key: Key, now: str) -> None:
        before = self._now.get(key)
        if now == before:
            return
        self._now[key] = now
        holders = self._holders[key]
        for held in holders.get(before, ()) if before is not None else ():
            if not held.stale:
                self._ask_again(held.tests)
            held.stale[key] = before or UNKNOWN
        for held in holders.get(now, ()) if now != UNKNOWN else ():
            del held.stale[key]
            if not held.stale:
                self._ask_again(held.tests)

    def _ask_again(self, tests: Iterable[str]) -> None:
        """Which facts of these tests match is to be found out anew."""
        for test in tests:
            self._matching.pop(test, None)
        self._moved.update(tests)

    def _ask_all_again(self) -> None:
        self._matching.clear()
        self._moved.update(self._facts)

    def take_moved(self) -> set[str]:
        """The tests for which answers may have changed since the last call."""
        moved, self._moved = self._moved, set()
        return moved

    # --- answers ---------------------------------------------------------------------------------

    def affected(self, tests: Iterable[str]) -> dict[str, tuple[Reason, ...]]:
        """Those of ``tests`` that no fact speaks for, each with why, compared with its latest fact."""
        return {test: self._reasons(test) for test in tests if self.matching(test) is None}

    def _reasons(self, test: str) -> tuple[Reason, ...]:
        fact = self.latest(test)
        if fact is None or self._snapshot is None:
            return (NEVER_RUN,)
        sets = [self._sets[inputs] for inputs in fact.inputs]
        stale = {key: recorded for held in sets for key, recorded in held.stale.items()}
        if not stale:
            return (OTHER_VARIANT,)
        ordered = sorted(stale, key=_specific_first)
        return tuple(reason_for(key, stale[key], self._snapshot) for key in ordered)

    def reaching(self, path: str, qualname: str | None = None) -> tuple[str, ...]:
        """The tests whose latest fact executed a function, a class's members, or (None) any of the file's."""
        tests = set()
        for key in self._by_path.get(path, ()):
            if key.kind is KeyKind.BODY and _within(key.name, qualname):
                holders = (held for sets in self._holders[key].values() for held in sets)
                tests |= {test for held in holders for test in held.tests if self._latest_holds(test, held)}
        return tuple(sorted(tests))

    def _latest_holds(self, test: str, held: _Set) -> bool:
        return any(inputs is held.content for inputs in self._facts[test][-1].inputs)


def _within(name: str, qualname: str | None) -> bool:
    return qualname is None or name == qualname or name.startswith(f"{qualname}.")


def _specific_first(key: Key) -> tuple[bool, Key]:
    return key.kind is not KeyKind.BODY, key


def _moves_with(key: Key) -> str:
    """What has to change for the key's digest to change: a path, or one of the totals."""
    if key.kind in (KeyKind.BODY, KeyKind.DEF, KeyKind.FILE) and key.path:
        return key.path
    return {KeyKind.ABSENT: "<files>", KeyKind.DIR: "<files>"}.get(key.kind, "<totals>")


def _moved(before: Snapshot, now: Snapshot) -> Iterable[str]:
    """The places, as of :func:`_moves_with`, where two snapshots differ."""
    yield "<totals>"
    old, new = before.symbols, now.symbols
    yield from (path for path in old.keys() | new.keys() if old.get(path) is not new.get(path))
    if old.keys() != new.keys() or before.roots != now.roots:
        yield "<files>"
        # A package that came or went hides or bares the module of its name.
        yield from (f"{p.removesuffix('/__init__.py')}.py" for p in old.keys() ^ new.keys() if "/" in p)
