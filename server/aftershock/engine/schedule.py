"""Who runs what: tests in groups that share wider fixtures, a plan for the forks, and who helps whom when it is off.

A group is never split, so what a class, module or package sets up is set up once.  The plan balances the recorded
durations; a fork that has worked off its part takes over groups of the one with the most left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

_WORTH_SPREADING = 0.25
"""Seconds of estimated work above which a second fork pays for itself: a fork costs about 10 ms."""
_UNKNOWN = 0.01
"""Seconds that a test without a recorded duration is assumed to take."""
_BATCH = 0.05
"""Seconds of work to hand out at once: asking for more costs about a millisecond."""
_EVEN = 1.02
"""A plan whose longest part is no longer than this many times the mean isn't worth improving: durations vary more."""
_EXCHANGES = 100
_LARGEST = 50
"""How often a plan is improved, and how many groups of a fork are considered: more groups are even as they come."""


@dataclass(frozen=True)
class Group:
    """Tests that one fork runs, in this order, and the seconds that they are expected to take."""

    tests: tuple[str, ...]
    cost: float


def groups_of(
    tests: Iterable[str], together: Mapping[str, Sequence[str]], durations: Mapping[str, float]
) -> list[Group]:
    """Group tests by file, and files by what their tests share beyond it; the order within a group is the given one.

    ``together`` names, by test, what reaches further than its file (a package's fixture, say); ``durations`` are in
    seconds, by test.
    """
    joined: dict[str, str] = {}

    def root(name: str) -> str:
        while (above := joined.setdefault(name, name)) != name:
            name = above
        return name

    found: dict[str, list[str]] = {}
    tests = list(tests)
    for test in tests:
        for name in together.get(test, ()):
            joined[root(f"shared {name}")] = root(_file(test))
    for test in tests:
        found.setdefault(root(_file(test)), []).append(test)
    return [Group(tuple(members), sum(durations.get(t, _UNKNOWN) for t in members)) for members in found.values()]


def _file(test: str) -> str:
    return test.split("::", 1)[0]


def plan(groups: Iterable[Group], workers: int) -> list[list[Group]]:
    """A part for each fork, longest group first.

    Each group goes to the least loaded fork, the longest first, which is at most a third longer than the best plan
    (Graham, 1969); then the longest part and another exchange groups for as long as that helps.
    """
    parts: list[list[Group]] = [[] for _ in range(workers)]
    loads = [0.0] * workers
    for group in sorted(groups, key=lambda each: -each.cost):
        lightest = loads.index(min(loads))
        parts[lightest].append(group)
        loads[lightest] += group.cost
    for _ in range(_EXCHANGES):
        if max(loads) * workers <= sum(loads) * _EVEN or not _improve(parts, loads):
            break
    return [sorted(part, key=lambda each: -each.cost) for part in parts]


def _promising_first(parts: list[list[Group]], test: str) -> list[list[Group]]:
    """The parts, so that the first fork, which is the soonest to begin, begins with the group of ``test``."""
    part, group = next((part, group) for part in parts for group in part if test in group.tests)
    rest = [group, *(other for other in part if other is not group)]
    return [rest, *(other for other in parts if other is not part)]


def _improve(parts: list[list[Group]], loads: list[float]) -> bool:
    """Shorten the longest part by the one exchange with another part that evens the two most; False for none."""
    longest = loads.index(max(loads))
    best: tuple[float, int, Group, Group | None] | None = None
    for other, load in enumerate(loads):
        if other == longest:
            continue
        for mine, theirs in product(parts[longest][:_LARGEST], [None, *parts[other][:_LARGEST]]):
            moved = mine.cost - (theirs.cost if theirs else 0.0)
            peak = max(loads[longest] - moved, load + moved)
            if moved > 0 and peak < (best[0] if best else loads[longest] * (1 - 1e-6)):
                best = (peak, other, mine, theirs)
    if best is None:
        return False
    _, other, mine, theirs = best
    parts[longest].remove(mine)
    parts[other].append(mine)
    if theirs is not None:
        parts[other].remove(theirs)
        parts[longest].append(theirs)
    for changed in (longest, other):
        loads[changed] = sum(group.cost for group in parts[changed])
    return True


class Schedule:
    """The tests that no fork has taken yet."""

    def __init__(
        self,
        tests: Sequence[str],
        together: Mapping[str, Sequence[str]],
        durations: Mapping[str, float],
        processes: int,
    ) -> None:
        """``processes`` is the most forks there may be; fewer where there is too little work or there are few groups.

        The rest is as :func:`groups_of` takes it.
        """
        groups = groups_of(tests, together, durations)
        worth = _cost(groups) >= _WORTH_SPREADING
        self.workers = max(1, min(processes, len(groups))) if worth else 1
        # Alone, a fork keeps the given order, which puts first what failed last.
        whole = [Group(tuple(tests), 0.0)] if tests else []
        self._parts = _promising_first(plan(groups, self.workers), tests[0]) if self.workers > 1 else [whole]

    @property
    def empty(self) -> bool:
        """Whether all has been taken."""
        return not any(self._parts)

    def take(self, worker: int) -> list[str]:
        """The tests that a fork runs next, taken over from the one with the most left when its own part is done.

        Nothing when there is none.
        """
        part = self._parts[worker] or max(self._parts, key=_cost)
        limit = min(_BATCH, _cost(part) / 4)
        taken: list[Group] = []
        while part and (not taken or _cost(taken) + part[0].cost <= limit):
            taken.append(part.pop(0))
        return [test for group in taken for test in group.tests]


def _cost(groups: Iterable[Group]) -> float:
    return sum(group.cost for group in groups)
