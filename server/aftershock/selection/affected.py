"""Which tests a change affects: those of which no fact matches the present."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set as AbstractSet
from dataclasses import dataclass, field, replace

from aftershock.selection.concern import Concern
from aftershock.selection.definitions import Definitions
from aftershock.selection.details import STRINGS
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


@dataclass(frozen=True)
class _Moved:
    """What has moved in an input set: keys, as recorded, that concern whoever holds it, and those that concern some.

    The latter with their digests now, and with the tests that can see the difference.
    """

    everybody: Mapping[Key, str]
    some: Sequence[tuple[Key, str, str, AbstractSet[str]]]
    reasons: tuple[Reason, ...]
    """Those of ``everybody``, the most specific first."""


_NOTHING = _Moved({}, (), ())


class FactIndex:
    """Facts by test, and a reverse index from each key's digests to the input sets that hold them.

    After an edit only the keys of the edited files are looked at, and only the sets that hold those keys.
    ``definitions`` tell what it means that a file's values differ.  ``variant``: when given, facts of other variants
    never match.  Nothing matches before the first :meth:`update`.
    """

    def __init__(self, variant: str | None = None, definitions: Definitions | None = None) -> None:
        self._variant = variant
        self._definitions = definitions or Definitions()
        self._concerned: dict[tuple[str, str, str], AbstractSet[str] | None] = {}
        self._handed_names: dict[str, set[str]] | None = None
        self._reasons_known: dict[tuple[Key, str], Reason] = {}
        self._moved_in: dict[_Set, _Moved] = {}
        self._snapshot: Snapshot | None = None
        self._facts: dict[str, list[Fact]] = {}
        self._sets: dict[InputSet, _Set] = {}
        self._holders: dict[Key, dict[str, set[_Set]]] = {}
        self._now: dict[Key, str] = {}
        self._by_path: dict[str, set[Key]] = {}
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
            found = self._matching[test] = next((fact for fact in facts if self._matches(fact)), None)
            if found is not None:
                self._matched[test] = found
        return self._matching[test]

    def _matches(self, fact: Fact) -> bool:
        if self._snapshot is None or (self._variant is not None and fact.variant != self._variant):
            return False
        for inputs in fact.inputs:
            held = self._sets[inputs]
            if held.stale:
                moved = self._moves(held)
                if moved.everybody or any(self._sees(fact.test, each) for each in moved.some):
                    return False
        return True

    def _sees(self, test: str, moved: tuple[Key, str, str, AbstractSet[str]]) -> bool:
        key, recorded, now, concerned = moved
        return test in concerned or self._asks_for_it(test, key.path, recorded, now)

    def _moves(self, held: _Set) -> _Moved:
        """What has moved in a set that does hold stale keys; worked out once for all that hold it."""
        found = self._moved_in.get(held)
        if found is None:
            found = self._moved_in[held] = self._new_moves(held)
        return found

    def _new_moves(self, held: _Set) -> _Moved:
        everybody, some = dict[Key, str](), []
        for key, recorded in held.stale.items():
            now = self._now.get(key, UNKNOWN)
            concerned = self._concerned_by(key, recorded, now)
            if concerned is None:
                everybody[key] = recorded
            else:
                some.append((key, recorded, now, concerned))
        reasons = (self._reason(key, everybody[key]) for key in sorted(everybody, key=_specific_first))
        return _Moved(everybody, some, tuple(reasons))

    def _concerned_by(self, key: Key, recorded: str, now: str) -> AbstractSet[str] | None:
        """The tests that can see that a key has moved, but for what pytest sees; None for all that hold it.

        Values of names concern only who can ask for them.
        """
        if key.kind is not KeyKind.DEF or UNKNOWN in (recorded, now) or self._snapshot is None:
            return None
        place = key.path, recorded, now
        if place not in self._concerned:
            concern = self._definitions.concern(*place, self._snapshot)
            self._concerned[place] = None if concern is None or concern.everybody else self._tests_of(concern)
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
        return all(key.kind is KeyKind.DEF and self._now.get(key) == UNKNOWN for key in moved)

    def _stale_keys(self, fact: Fact) -> dict[Key, str]:
        """The keys that have moved and concern the fact's test, as recorded."""
        found = dict[Key, str]()
        for inputs in fact.inputs:
            held = self._sets[inputs]
            moved = self._moves(held) if held.stale else _NOTHING
            found.update(moved.everybody)
            found.update((each[0], each[1]) for each in moved.some if self._sees(fact.test, each))
        return found

    def _asks_for_it(self, test: str, path: str, recorded: str, now: str) -> bool:
        """Whether pytest itself asks for one of the changed names, to get at the test."""
        if not test.startswith(path):
            return False
        file, _, names = test.partition("::")
        if file != path:
            return False
        chain = names.partition("[")[0].split("::")
        delta = self._definitions.changed(recorded, now)
        return delta is None or any(".".join(chain[:end]) in delta.names for end in range(1, len(chain) + 1))

    def _tests_of(self, concern: Concern) -> AbstractSet[str]:
        """The tests that ran code of these as it is now (with other code they are affected anyway)."""
        return concern.of(self._tests_running, self._handed)

    def _handed(self, names: AbstractSet[str]) -> AbstractSet[str]:
        """The tests whose parameters lead to one of these classes or modules."""
        if self._handed_names is None:
            self._handed_names = {}
            for tests in self._snapshot.collected.values() if self._snapshot is not None else ():
                for test, text in tests.items():
                    for name in text.split(" ")[1:]:
                        self._handed_names.setdefault(name, set()).add(test)
        return {test for name in names for test in self._handed_names.get(name, ())}

    def _tests_running(self, functions: AbstractSet[Key]) -> AbstractSet[str]:
        found: set[str] = set()
        for key in functions:
            if key.name == STRINGS:
                # The strings of a file are there for whoever has imported it.
                holders = list(self._holders.get(Key(KeyKind.DEF, key.path), {}).values())
            else:
                holders = [self._holders.get(key, {}).get(self._now.get(key, UNKNOWN), set())]
            found.update(test for sets in holders for held in sets for test in held.tests)
        return found

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
        self._concerned, self._handed_names, self._reasons_known, self._moved_in = {}, None, {}, {}
        if before is None:
            self._ask_all_again()
        touched: set[_Set] = set()
        for place in self._by_path if before is None else _moved(before, snapshot):
            for key in self._by_path.get(place, ()):
                touched |= self._move(key, snapshot.digest(key))
        for held in touched:
            self._ask_again(held.tests)

    def _move(self, key: Key, now: str) -> set[_Set]:
        """A key may have another digest now; returns the sets whose users may be answered otherwise."""
        before = self._now.get(key)
        if now == before:
            return set()
        self._now[key] = now
        holders = self._holders[key]
        stale = holders.get(before, set()) if before is not None else set()
        fresh = holders.get(now, set()) if now != UNKNOWN else set()
        for held in stale:
            held.stale[key] = before or UNKNOWN
        for held in fresh:
            del held.stale[key]
        if key.kind is KeyKind.DEF:
            return set().union(*holders.values())  # whom another value concerns depends on both
        return stale | fresh

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
        """Those of ``tests`` that no fact speaks for, each with why, compared with the fact that spoke last."""
        return {test: self._reasons(test) for test in tests if self.matching(test) is None}

    def _reasons(self, test: str) -> tuple[Reason, ...]:
        facts = self._facts.get(test, ())
        if not facts or self._snapshot is None:
            return (NEVER_RUN,)
        matched = self._matched.get(test)
        fact = next((each for each in facts if each is matched), facts[-1])
        moved = [self._moves(held) for inputs in fact.inputs if (held := self._sets[inputs]).stale]
        if len(moved) == 1 and not moved[0].some:
            return moved[0].reasons
        stale = self._stale_keys(fact)
        if not stale:
            return (OTHER_VARIANT,)
        return tuple(self._reason(key, stale[key]) for key in sorted(stale, key=_specific_first))

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
            delta = self._definitions.changed(recorded, self._now.get(key, UNKNOWN))
            names = None if delta is None else delta.names
        return reason_for(key, recorded, self._snapshot, names)

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
    if key.kind in (KeyKind.BODY, KeyKind.DEF, KeyKind.IMPORT, KeyKind.COLLECT, KeyKind.FILE) and key.path:
        return key.path
    return {KeyKind.ABSENT: "<files>", KeyKind.DIR: "<files>"}.get(key.kind, "<totals>")


def _moved(before: Snapshot, now: Snapshot) -> Iterable[str]:
    """The places, as of :func:`_moves_with`, where two snapshots differ."""
    yield "<totals>"
    old, new = before.symbols, now.symbols
    yield from (path for path in old.keys() | new.keys() if old.get(path) is not new.get(path))
    there, here = before.collected, now.collected
    yield from (path for path in there.keys() | here.keys() if there.get(path) is not here.get(path))
    was, known = before.definitions, now.definitions
    yield from (path for path in was.keys() | known.keys() if was.get(path) != known.get(path))
    if old.keys() != new.keys() or before.roots != now.roots:
        yield "<files>"
        # A package that came or went hides or bares the module of its name.
        yield from (f"{p.removesuffix('/__init__.py')}.py" for p in old.keys() ^ new.keys() if "/" in p)
