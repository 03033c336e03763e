"""The input sets that facts rest on, by their keys: which of these have moved, and which facts saw what."""

from __future__ import annotations

from collections.abc import Iterable, Set as AbstractSet
from dataclasses import dataclass, field

from aftershock.selection.details import DEFINITIONS, IMPORTED
from aftershock.selection.fact_bits import FactBits
from aftershock.selection.facts import Fact, InputSet
from aftershock.selection.keys import Key, KeyKind
from aftershock.selection.snapshot import UNKNOWN, Snapshot


@dataclass(eq=False, slots=True)
class HeldSet:
    """An input set in use: the keys in it that don't match the present, as recorded, and the facts that rest on it."""

    content: InputSet
    stale: dict[Key, str] = field(default_factory=dict)
    facts: dict[int, Fact] = field(default_factory=dict)
    """By ``id``: two equal facts are two, and neither is compared."""


class InputIndex:
    """A reverse index from each key's digests to the input sets that hold them, and on to facts.

    After an edit only the keys of the edited files are looked at, and only the sets that hold those keys.
    """

    def __init__(self) -> None:
        self._snapshot: Snapshot | None = None
        self._sets: dict[InputSet, HeldSet] = {}
        self._holders: dict[Key, dict[str, set[HeldSet]]] = {}
        self._now: dict[Key, str] = {}
        self._by_path: dict[str, set[Key]] = {}
        self.bits = FactBits()
        """The facts that are in use."""
        self._runners: dict[Key, int] = {}
        """What was told of each key since the last change of anything here."""

    def held(self, inputs: InputSet) -> HeldSet:
        """What is known of a set of a fact that is in use."""
        return self._sets[inputs]

    def stale(self, fact: Fact) -> list[HeldSet]:
        """Those of a fact's sets, which is in use, in which something doesn't match the present."""
        return [held for inputs in fact.inputs if (held := self._sets[inputs]).stale]

    def now(self, key: Key) -> str:
        """The present digest of a key that some set holds."""
        return self._now.get(key, UNKNOWN)

    def shared(self, inputs: InputSet) -> InputSet:
        """The one object that stands for all equal sets."""
        held = self._sets.get(inputs)
        if held is None:
            held = self._sets[inputs] = HeldSet(inputs)
            for key, digest in inputs:
                self._enter(held, key, digest)
        return held.content

    def hold(self, fact: Fact) -> None:
        """A fact, whose sets are :meth:`shared`, is in use."""
        self._runners.clear()
        self.bits.add(id(fact))
        for inputs in fact.inputs:
            self._sets[inputs].facts[id(fact)] = fact

    def release(self, fact: Fact) -> None:
        """A fact is in use no more."""
        self._runners.clear()
        self.bits.remove(id(fact))
        for inputs in set(fact.inputs):
            held = self._sets[inputs]
            del held.facts[id(fact)]
            if not held.facts:
                self._drop(held)

    def _enter(self, held: HeldSet, key: Key, digest: str) -> None:
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

    def _drop(self, held: HeldSet) -> None:
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

    def update(self, snapshot: Snapshot) -> set[HeldSet]:
        """Compare with another present, at the cost of what differs; returns the sets in which something has moved."""
        before, self._snapshot = self._snapshot, snapshot
        self._runners.clear()
        touched: set[HeldSet] = set()
        for place in self._by_path if before is None else _moved(before, snapshot):
            for key in self._by_path.get(place, ()):
                touched |= self._move(key, snapshot.digest(key))
        for key in (Key(KeyKind.DEF, path) for path in _redefined(before, snapshot)):
            if key in self._holders:
                touched |= self._move(key, snapshot.digest(key))
        return touched

    def _move(self, key: Key, now: str) -> set[HeldSet]:
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

    def runners(self, functions: AbstractSet[Key]) -> int:
        """The facts, as bits, that saw code of these run as it is now; of ``<imported>``, imported the file.

        An import in the midst of a test ran the file's definitions: it is known by their text, not by its values.
        """
        found = 0
        for key in functions:
            bits = self._runners.get(key)
            if bits is None:
                bits = self._runners[key] = self._runners_of(key)
            found |= bits
        return found

    def _runners_of(self, key: Key) -> int:
        holders = [self._running(key)]
        if key.name in (DEFINITIONS, IMPORTED):
            holders.append(self._running(Key(KeyKind.IMPORT, key.path)))
        if key.name == IMPORTED:
            holders += self._holders.get(Key(KeyKind.DEF, key.path), {}).values()
        return self.bits.of(fact for sets in holders for held in sets for fact in held.facts) if any(holders) else 0

    def _running(self, key: Key) -> AbstractSet[HeldSet]:
        return self._holders.get(key, {}).get(self._now.get(key, UNKNOWN), frozenset())

    def of_file(self, path: str) -> Iterable[tuple[Key, HeldSet]]:
        """The keys of a file, each with the sets that hold it."""
        for key in self._by_path.get(path, ()):
            for sets in self._holders[key].values():
                yield from ((key, held) for held in sets)


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
    if old.keys() != new.keys() or before.roots != now.roots:
        yield "<files>"
        # A package that came or went hides or bares the module of its name.
        yield from (f"{p.removesuffix('/__init__.py')}.py" for p in old.keys() ^ new.keys() if "/" in p)


def _redefined(before: Snapshot | None, now: Snapshot) -> Iterable[str]:
    """The files of which it is known otherwise what their names are bound to, whatever else has moved."""
    was, known = before.definitions if before is not None else {}, now.definitions
    return (path for path in was.keys() | known.keys() if was.get(path) != known.get(path))
