"""In which order tests run, and in which the files are collected that hold them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aftershock.engine.ledger import Ledger
from aftershock.engine.standing import Standing
from aftershock.engine.tests_known import KnownTests
from aftershock.engine.warm import WarmSession

_WAVE = 4
"""How many test files a save collects after the first one, and how many times as many each time after that."""


class Order:
    """What comes first: tests that failed last time, and what tells most the soonest."""

    def __init__(self, known: KnownTests, standing: Standing, ledger: Ledger) -> None:
        """All three are asked anew each time."""
        self._known, self._standing, self._ledger = known, standing, ledger

    def of_tests(self, tests: Iterable[str]) -> list[str]:
        """Failed last time first, then as collected: file by file, so that wider fixtures are set up once.

        Those that run after every edit, since what they do can't be seen into, come last: they tell the least of it.
        """

        def promise(test: str) -> tuple[bool, bool, int]:
            fact = self._ledger.index.latest(test)
            return test not in self._standing.failing, fact is not None and fact.is_opaque, self._known.place(test)

        return sorted(tests, key=promise)

    def of_files(self, paths: Iterable[str]) -> list[str]:
        """Files with tests that failed last time first, then those whose tests are the quickest."""
        found = {path: [node.id for node in self._known.of(path)] for path in paths}

        def promise(path: str) -> tuple[bool, float, str]:
            seconds = sum(self._ledger.seconds(test) or 0.0 for test in found[path])
            return self._standing.failing.isdisjoint(found[path]), seconds, path

        return sorted(found, key=promise)

    def waves(self, tests: list[str], session: WarmSession) -> Iterator[list[str]]:
        """The tests of files that are collected, then those of some others, of more, ...: verdicts go on coming."""
        path_of = {test: self._known.nodes[test].path for test in tests}
        there = [test for test in tests if session.complete or path_of[test] in session.collected]
        paths = self.of_files(set(path_of.values()) - {path_of[test] for test in there})
        if there:
            yield there
        size = _WAVE
        while paths:
            wave, paths = set(paths[:size]), paths[size:]
            yield [test for test in tests if path_of[test] in wave]
            size *= _WAVE
