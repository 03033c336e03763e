"""Finds on which test another one depends: the one without which it says something else.

A test that says otherwise alone than after others needs what one of them has left, or suffers from it.  The tests
before it in its file are tried first, then all before it; as long as half of them will do, the others are left out.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from aftershock.engine.events import OrderDependent
from aftershock.engine.ledger import Ledger
from aftershock.engine.runner import Runner, TestEvent
from aftershock.engine.warm import WarmSession
from aftershock.selection.facts import Outcome, Verdict
from aftershock.store.store import Store
from aftershock_agent import messages

log = logging.getLogger(__name__)

_NAME = "order dependent"
_WORTH = 10.0
"""Seconds that the tests before one may take together for them to be tried."""


class Stopped(Exception):
    """Somebody waits for something else."""


class Finder:
    """Looks for the tests that one test depends on, in forks of a session, while nobody waits."""

    def __init__(
        self, ledger: Ledger, session: WarmSession, order: Sequence[str], timeout: float, going_on: Callable[[], bool]
    ) -> None:
        """``order`` is that of all tests in a whole run, ``timeout`` in seconds, for each test."""
        self._ledger, self._session, self._order = ledger, session, order
        self._timeout, self._going_on = timeout, going_on

    async def look_at(self, verdict: Verdict, alone: messages.TestFinished) -> OrderDependent:
        """What is the matter with a test that has this verdict after others; raises Stopped and AgentDied."""
        test, standing, outcome = verdict.test, verdict.outcome, Outcome(alone.outcome)
        message = alone.failure.message if alone.failure else ""
        found = OrderDependent(test, outcome, standing, message, verdict.recorded_at)
        if await self._outcome([test]) is not outcome:
            return replace(found, steady=False)
        for before in self._candidates(test):
            if await self._outcome([*before, test]) is standing:
                return replace(found, on=await self._one_of(before, test, standing))
        return found

    def _candidates(self, test: str) -> Iterable[list[str]]:
        before = list(self._order[: self._order.index(test)])
        in_file = [each for each in before if each.partition("::")[0] == test.partition("::")[0]]
        seconds = {each: self._ledger.seconds(each) or 0.0 for each in before}
        for some in (in_file, before):
            if some and sum(seconds[each] for each in some) <= _WORTH:
                yield some

    async def _one_of(self, before: list[str], test: str, standing: Outcome) -> str | None:
        """The test that will do by itself; None where it takes several."""
        while len(before) > 1:
            middle = len(before) // 2
            for half in (before[:middle], before[middle:]):
                if await self._outcome([*half, test]) is standing:
                    before = half
                    break
            else:
                return None
        return before[0]

    async def _outcome(self, tests: list[str]) -> Outcome | None:
        """What the last of some tests says when one fork runs them in this order."""
        if not self._going_on() or not self._session.agent.session_alive:
            raise Stopped
        found: list[Outcome] = []

        def take(event: TestEvent, _: bool) -> None:
            if isinstance(event, messages.TestFinished) and event.test == tests[-1]:
                found.append(Outcome(event.outcome))

        programs = not self._ledger.programs.isdisjoint(tests)
        runner = Runner(self._session.agent, tests, self._timeout, take, programs, idle=True)
        await runner.run(1, {}, dict.fromkeys(tests, ("one fork",)))
        return found[-1] if found else None


class OrderDependents:
    """The tests of which it was found out that they depend on others, kept in the database."""

    def __init__(self, store: Store) -> None:
        """What was found out before is known."""
        self._store = store
        self._found = {each.test: each for each in _read(store.get_meta(_NAME) or "[]")}

    def add(self, found: OrderDependent) -> None:
        """Something was found out."""
        self._found[found.test] = found
        self._store.set_meta(_NAME, json.dumps([list(vars(each).values()) for each in self._found.values()]))

    def of(self, verdict: Verdict) -> OrderDependent | None:
        """What is known of a test with this verdict; of another one it is to be found out anew."""
        found = self._found.get(verdict.test)
        return found if found is not None and found.recorded_at == verdict.recorded_at else None


def _read(text: str) -> Iterator[OrderDependent]:
    """What a database holds, without what makes no sense: it may be anybody's."""
    try:
        for test, alone, standing, message, recorded_at, on, steady in json.loads(text):
            strings = isinstance(test, str) and isinstance(message, str) and isinstance(on, (str, type(None)))
            if strings and isinstance(recorded_at, float) and isinstance(steady, bool):
                yield OrderDependent(test, Outcome(alone), Outcome(standing), message, recorded_at, on, steady)
    except (ValueError, TypeError) as error:
        log.warning("what the database says of tests that depend on others can't be read: %s", error)
