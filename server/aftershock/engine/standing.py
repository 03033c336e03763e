"""How the tests stand against the present: who is affected and why, whose verdict still holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set as AbstractSet
from dataclasses import dataclass

from aftershock.engine import events
from aftershock.engine.ledger import Ledger
from aftershock.selection.facts import Outcome, Verdict
from aftershock.selection.snapshot import Snapshot

_FAILING = (Outcome.FAILED, Outcome.ERRORED)


@dataclass(frozen=True)
class TestState:
    """How a test stands; ``verdict`` is the last one, still true unless ``affected``."""

    __test__ = False
    affected: bool
    running: bool
    verdict: Verdict | None


class Standing:
    """The affected set, kept with every change of the files and every new fact."""

    def __init__(
        self,
        ledger: Ledger,
        tests: Callable[[], Mapping[str, object]],
        collected: Callable[[], Mapping[str, Mapping[str, str]]],
    ) -> None:
        """``tests`` gives the tests that exist, by id, ``collected`` their digests by file: another one for others."""
        self._ledger = ledger
        self._collected = collected
        self._tests = tests
        self._followed: Mapping[str, Mapping[str, str]] | None = None
        self._places: dict[str, int] = {}
        self._arrived: set[str] = set()
        """The tests that came to files of which every test had run."""
        self._true: dict[str, Verdict | None] = {}
        self._before: dict[str, Verdict | None] = {}
        self.affected: dict[str, tuple[str, ...]] = {}
        self.failing: set[str] = set()
        """The tests whose verdict, the last one at least, is a failure or an error."""

    def refresh(self, snapshot: Snapshot) -> events.AffectedChanged:
        """Compare all facts with the present; ``restored`` are the tests that memory has a new answer for."""
        collected = self._collected()
        self._ledger.follow(snapshot, collected)
        new = self._follow_tests() if collected is not self._followed else set()
        self._followed = collected
        moved = self._ledger.index.take_moved() | new | self.affected.keys()  # which may be so for another reason now
        known = self._in_order(moved)
        before = self._before = {test: self._true.get(test) for test in known}
        self.affected = {}
        for test in known:
            self.note(test)
        restored = (test for test in known if (now := self._true[test]) is not None and before[test] is not now)
        return events.AffectedChanged(dict(self.affected), tuple(restored))

    def _in_order(self, tests: AbstractSet[str]) -> list[str]:
        """Those that exist, in the order of all; sorting most of them would take longer than to go through all."""
        if len(tests) > len(self._places) // 4:
            return [test for test in self._places if test in tests]
        return sorted((test for test in tests if test in self._places), key=self._places.__getitem__)

    def _follow_tests(self) -> AbstractSet[str]:
        """Others exist now; returns those that are new."""
        tests, before = self._tests(), self._places
        self._places = {test: number for number, test in enumerate(tests)}
        for test in self._true.keys() - tests.keys():
            del self._true[test]
            self._drop(test)
        new = tests.keys() - before.keys()
        if new:
            waiting = {_file_of(test) for test in before if self.waits_for_build(test)}
            built = {_file_of(test) for test in before} - waiting
            self._arrived.update(test for test in new if _file_of(test) in built)
        self._arrived &= tests.keys()
        return new

    def note(self, test: str) -> None:
        """A test has a new fact."""
        index = self._ledger.index
        last = fact = index.matching(test)
        if fact is None:
            last = index.latest(test)
            self._true[test] = None
            self.affected[test] = tuple(reason.text for reason in index.reasons(test))
        else:
            self._true[test] = fact.verdict
            self.affected.pop(test, None)
        if last is not None and last.verdict.outcome in _FAILING:
            self.failing.add(test)
        else:
            self.failing.discard(test)

    def _drop(self, test: str) -> None:
        self.affected.pop(test, None)
        self.failing.discard(test)

    def verdict(self, test: str) -> Verdict | None:
        """The verdict that holds, else the last one, else None."""
        index = self._ledger.index
        fact = index.matching(test) or index.latest(test)
        return fact.verdict if fact else None

    def unbuilt(self) -> list[str]:
        """The tests that nobody ever ran."""
        return [test for test in self._tests() if self.is_unbuilt(test)]

    def is_unbuilt(self, test: str) -> bool:
        """Whether nobody ever ran the test."""
        return self._ledger.index.latest(test) is None

    def waits_for_build(self, test: str) -> bool:
        """Whether a test never ran that was there when the user had not yet had everything run."""
        return self.is_unbuilt(test) and test not in self._arrived

    def sees_any(self, test: str, paths: frozenset[str]) -> bool:
        """Whether a test's last fact depends on one of the files, or nothing is known of it."""
        fact = self._ledger.index.latest(test)
        return fact is None or any(key.path in paths for inputs in fact.inputs for key, _ in inputs)

    def outdated(self, test: str, paths: frozenset[str]) -> bool:
        """Whether the last change, of these files, may change what a test does that is running.

        A fact that held before it tells exactly; else all files count that the last fact depends on.
        """
        before = self._before[test] if test in self._before else self._true.get(test)
        return self.sees_any(test, paths) if before is None else self._true.get(test) is not before


def _file_of(test: str) -> str:
    return test.partition("::")[0]
