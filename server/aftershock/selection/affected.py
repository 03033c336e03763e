"""Which tests a change affects: those of which no fact matches the present."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set as AbstractSet
from dataclasses import replace
from typing import NamedTuple

from aftershock.selection.concern import Concern
from aftershock.selection.definitions import Definitions
from aftershock.selection.facts import Fact, InputSet
from aftershock.selection.history import completed, with_fact
from aftershock.selection.input_index import HeldSet, InputIndex
from aftershock.selection.keys import Key, KeyKind
from aftershock.selection.reasons import NEVER_RUN, OTHER_VARIANT, Reason, in_words, reason_for
from aftershock.selection.relations import OF_FUNCTIONS, with_owners
from aftershock.selection.snapshot import UNKNOWN, Snapshot

__all__ = ["FactIndex", "Reason"]


_Some = tuple[Key, str, str, AbstractSet[int]]


class _Moved(NamedTuple):
    """What has moved in an input set: keys, as recorded, that concern whoever holds it, and those that concern some.

    The latter with their digests now, and with the facts, by ``id``, of tests that can see the difference.
    """

    everybody: Mapping[Key, str]
    some: Sequence[_Some]
    reasons: tuple[Reason, ...]
    """Those of ``everybody``, the most specific first."""
    concerned: AbstractSet[int]
    """All facts that ``some`` concern."""
    paths: tuple[str, ...]
    """The test files of ``some``, which pytest asks for their tests."""


class FactIndex:
    """Facts by test, and which of them match the present.

    ``definitions`` tell what it means that a file's values differ.  ``variant``: when given, facts of other variants
    never match.  Nothing matches before the first :meth:`update`.
    """

    def __init__(self, variant: str | None = None, definitions: Definitions | None = None) -> None:
        self._variant = variant
        self._definitions = definitions or Definitions()
        self._inputs = InputIndex()
        self._concerned: dict[tuple[str, str, str], set[int] | None] = {}
        self._handed_names: dict[str, set[str]] | None = None
        self._reasons_known: dict[tuple[Key, str], Reason] = {}
        self._moved_in: dict[HeldSet, _Moved] = {}
        self._snapshot: Snapshot | None = None
        self._facts: dict[str, list[Fact]] = {}
        self._matching: dict[str, Fact | None] = {}
        self._matched: dict[str, Fact] = {}
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
        after = with_fact(before, fact, self.compared(fact.test))
        kept = [each if any(each is old for old in before) else self._shared(each) for each in after]
        for each in kept:
            self._inputs.hold(each)
        for old in before:
            if not any(old is each for each in kept):
                self._inputs.release(old)
        self._facts[fact.test] = kept
        self._judge_anew(each for each in kept if not any(each is old for old in before))
        self._ask_again([fact.test])

    def _judge_anew(self, facts: Iterable[Fact]) -> None:
        """Where a fact rests on other values than the present, what was worked out of others doesn't tell of it."""
        if any(map(self._inputs.stale, facts)):
            self._concerned, self._moved_in = {}, {}

    def _shared(self, fact: Fact) -> Fact:
        return replace(fact, inputs=tuple(map(self._inputs.shared, fact.inputs)))

    def completed(self, fact: Fact, snapshot: Snapshot) -> Fact:
        """The fact, recorded on ``snapshot``, with what only earlier runs of its test saw."""
        return completed(self._facts.get(fact.test, ()), fact, snapshot.digest)

    def extend(self, test: str, inputs: InputSet) -> None:
        """Add an input set to the test's latest fact; does nothing for a test without one."""
        facts = self._facts.get(test)
        if facts and inputs not in facts[-1].inputs:
            before, facts[-1] = facts[-1], self._shared(replace(facts[-1], inputs=(*facts[-1].inputs, inputs)))
            self._inputs.hold(facts[-1])
            self._inputs.release(before)
            self._judge_anew(facts[-1:])
            self._ask_again([test])

    def forget(self, test: str) -> None:
        """Drop all facts of a test."""
        for fact in self._facts.pop(test, ()):
            self._inputs.release(fact)
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
        if test in self._matching:
            return self._matching[test]
        for fact in reversed(self._facts.get(test, ())):
            if self._matches(fact):
                self._matching[test] = self._matched[test] = fact
                return fact
        self._matching[test] = None
        return None

    def _matches(self, fact: Fact) -> bool:
        """Asked of thousands of tests at once."""
        if self._snapshot is None or (self._variant is not None and fact.variant != self._variant):
            return False
        for inputs in fact.inputs:
            held = self._inputs.held(inputs)
            if not held.stale:
                continue
            moved = self._moved_in.get(held)
            if moved is None:
                if any(key.kind is not KeyKind.DEF for key in held.stale):
                    return False  # whom a value concerns takes longer to tell
                moved = self._moves(held)
            if moved.everybody or id(fact) in moved.concerned:
                return False
            if moved.paths and fact.test.startswith(moved.paths) and any(self._sees(fact, each) for each in moved.some):
                return False
        return True

    def _sees(self, fact: Fact, moved: _Some) -> bool:
        key, recorded, now, concerned = moved
        own = fact.test.startswith(key.path) and self._asks_for_it(fact.test, key.path, recorded, now)
        return own or id(fact) in concerned

    def _moves(self, held: HeldSet) -> _Moved:
        """What has moved in a set that does hold stale keys; worked out once for all that hold it."""
        found = self._moved_in.get(held)
        if found is None:
            found = self._moved_in[held] = self._new_moves(held)
        return found

    def _new_moves(self, held: HeldSet) -> _Moved:
        everybody: dict[Key, str] = {}
        some: list[_Some] = []
        for key, recorded in held.stale.items():
            now = self._inputs.now(key)
            concerned = self._concerned_by(key, recorded, now)
            if concerned is None:
                everybody[key] = recorded
            else:
                some.append((key, recorded, now, concerned))
        reasons = (self._reason(key, everybody[key]) for key in sorted(everybody, key=_specific_first))
        concerned = some[0][3] if len(some) == 1 else {fact for each in some for fact in each[3]}
        collected = self._snapshot.collected if self._snapshot is not None else {}
        own = tuple([each[0].path for each in some if each[0].path in collected])
        return _Moved(everybody, some, tuple(reasons), concerned, own)

    def _concerned_by(self, key: Key, recorded: str, now: str) -> AbstractSet[int] | None:
        """The facts of those who can see that a key has moved, but for what pytest sees; None for all that hold it.

        Values of names concern only who can ask for them.
        """
        if key.kind is not KeyKind.DEF or UNKNOWN in (recorded, now) or self._snapshot is None:
            return None
        place = key.path, recorded, now
        if place not in self._concerned:
            concern = self._definitions.concern(*place, self._snapshot)
            self._concerned[place] = None if concern is None or concern.everybody else self._facts_of(concern)
        return self._concerned[place]

    def is_open(self, test: str) -> bool:
        """Whether an affected test may turn out unaffected, once it is known what imports come to."""
        if self._snapshot is None or self.matching(test) is not None:
            return False
        return any(self._may_match(fact) for fact in self._facts.get(test, ()))

    def _may_match(self, fact: Fact) -> bool:
        if self._variant is not None and fact.variant != self._variant:
            return False
        moved = self._stale_keys(fact)
        return all(key.kind is KeyKind.DEF and self._inputs.now(key) == UNKNOWN for key in moved)

    def _stale_keys(self, fact: Fact) -> dict[Key, str]:
        """The keys that have moved and concern the fact's test, as recorded."""
        found = dict[Key, str]()
        for moved in map(self._moves, self._inputs.stale(fact)):
            found.update(moved.everybody)
            found.update((each[0], each[1]) for each in moved.some if self._sees(fact, each))
        return found

    def _asks_for_it(self, test: str, path: str, recorded: str, now: str) -> bool:
        """Whether pytest itself asks for one of the changed names, to get at the test."""
        if not test.startswith(f"{path}::"):
            return False
        chain = test.removeprefix(f"{path}::").partition("[")[0].split("::")
        delta = self._definitions.changed(recorded, now)
        if delta is None:
            return True
        own = {*with_owners(".".join(chain))}
        beside = {f"{name}.{row}" for name in own for row in OF_FUNCTIONS}  # request.function.__annotations__
        return not delta.names.isdisjoint(own | beside)

    def _facts_of(self, concern: Concern) -> set[int]:
        """The facts, by ``id``, that saw code of these as it is now: with other code they don't match anyway."""
        return self._inputs.bits.facts(concern.of(self._inputs.runners, self._handed))

    def _handed(self, names: AbstractSet[str]) -> int:
        """The facts, as bits, of tests whose parameters lead to one of these classes or modules."""
        if self._handed_names is None:
            self._handed_names = {}
            for tests in self._snapshot.collected.values() if self._snapshot is not None else ():
                for test, text in tests.items():
                    for name in text.split(" ")[1:]:
                        self._handed_names.setdefault(name, set()).add(test)
        found = {test for name in names for test in self._handed_names.get(name, ())}
        facts = [id(fact) for test in found for fact in self._facts.get(test, ())]
        return self._inputs.bits.of(facts) if facts else 0

    # --- the present -----------------------------------------------------------------------------

    def update(self, snapshot: Snapshot) -> None:
        """Compare with another present; costs as much as what changed since the last one."""
        before, self._snapshot = self._snapshot, snapshot
        self._concerned, self._handed_names, self._reasons_known, self._moved_in = {}, None, {}, {}
        if before is None:
            self._ask_all_again()
        for held in self._inputs.update(snapshot):
            self._ask_again(fact.test for fact in held.facts.values())

    def _ask_again(self, tests: Iterable[str]) -> None:
        """Which facts of these tests match is to be found out anew."""
        for test in tests:
            self._matching.pop(test, None)
            self._moved.add(test)

    def _ask_all_again(self) -> None:
        self._matching.clear()
        self._moved.update(self._facts)

    def take_moved(self) -> set[str]:
        """The tests for which answers may have changed since the last call."""
        moved, self._moved = self._moved, set()
        return moved

    # --- answers ---------------------------------------------------------------------------------

    def compared(self, test: str) -> Fact | None:
        """The fact of a test that the present is compared with: the one that spoke last."""
        facts, matched = self._facts.get(test, ()), self._matched.get(test)
        return next((each for each in facts if each is matched), facts[-1] if facts else None)

    def reasons(self, test: str) -> tuple[Reason, ...]:
        """Why no fact speaks for a test, as told by :meth:`compared`."""
        fact = self.compared(test)
        if fact is None or self._snapshot is None:
            return (NEVER_RUN,)
        moved = [self._moves(held) for held in self._inputs.stale(fact)]
        if len(moved) == 1 and not moved[0].some:
            return moved[0].reasons
        stale = self._stale_keys(fact)
        if not stale:
            return (OTHER_VARIANT,)
        return tuple(self._reason(key, stale[key]) for key in sorted(stale, key=_specific_first))

    def explained(self, test: str) -> tuple[Reason, ...]:
        """The reasons, each with the code that the test ran which can see what has changed."""
        fact = self.compared(test)
        keys = {key: digest for inputs in fact.inputs for key, digest in inputs} if fact is not None else {}
        found = []
        for reason in self.reasons(test):
            key = reason.key
            through = self._through(key, keys[key], keys.keys()) if key is not None and key in keys else ()
            text = f"{reason.text}, which {in_words(through)} can see" if through else reason.text
            found.append(replace(reason, text=text))
        return tuple(found)

    def _through(self, key: Key, recorded: str, seen: AbstractSet[Key]) -> list[Key]:
        """The functions that a test ran by which it can see that the values of a file have changed."""
        now = self._inputs.now(key)
        if key.kind is not KeyKind.DEF or UNKNOWN in (recorded, now) or self._snapshot is None:
            return []
        concern = self._definitions.concern(key.path, recorded, now, self._snapshot)
        if concern is None or concern.everybody:
            return []
        named = [each for each in concern.functions & seen if each.name]
        asking = [each for functions, _ in concern.asking for each in functions & seen if each.name]
        return sorted(set(named or asking))

    def _reason(self, key: Key, recorded: str) -> Reason:
        """Worked out once for all tests; forgotten with the snapshot."""
        known = self._reasons_known.get((key, recorded))
        if known is None:
            known = self._reasons_known[key, recorded] = self._new_reason(key, recorded)
        return known

    def _new_reason(self, key: Key, recorded: str) -> Reason:
        assert self._snapshot is not None  # nothing is stale before the first one
        names = None
        if key.kind is KeyKind.DEF and recorded:
            delta = self._definitions.changed(recorded, self._inputs.now(key))
            names = None if delta is None else delta.names
        return reason_for(key, recorded, self._snapshot, names)

    def depending(self, path: str) -> set[str]:
        """The tests whose latest fact rests on what a file defines."""
        kinds = (KeyKind.DEF, KeyKind.IMPORT)
        held = (held for key, held in self._inputs.of_file(path) if key.kind in kinds)
        return {fact.test for each in held for fact in each.facts.values() if fact is self._facts[fact.test][-1]}

    def reached(self, path: str) -> Mapping[str, AbstractSet[str]]:
        """The tests whose latest fact executed something of a file, by the names of functions and their owners."""
        found: dict[str, set[str]] = {}
        for key, held in self._inputs.of_file(path):
            if key.kind is KeyKind.BODY:
                tests = {fact.test for fact in held.facts.values() if fact is self._facts[fact.test][-1]}
                for name in with_owners(key.name) if tests else ():
                    found.setdefault(name, set()).update(tests)
        return found


def _specific_first(key: Key) -> tuple[bool, Key]:
    return key.kind is not KeyKind.BODY, key
