"""Turns shared facts into exact ones while nobody waits: each test once more, in a fork of its own.

What a test memoises hides dependencies from the tests that come after it in one process (an ``lru_cache``, a lazily
made singleton).  A fact that was recorded in a fork of its own has all that its test depends on.  A test that says
something else there is told to the user.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable

from aftershock.engine.order_dependence import Finder, Stopped
from aftershock.engine.parts import Parts
from aftershock.engine.runner import Runner, TestEvent
from aftershock.engine.warm import Outdated, WarmSession
from aftershock_agent import messages

log = logging.getLogger(__name__)


class Refiner:
    """Works through the shared facts that match the present, one test after another."""

    def __init__(self, parts: Parts) -> None:
        """``parts`` are the driver's."""
        self._parts = parts
        self._ledger = parts.ledger
        self._timeout = parts.configuration.test_timeout

    def candidates(self, tests: Iterable[str]) -> list[str]:
        """Those of ``tests`` that only shared facts speak for, and of which it isn't known why."""
        facts = ((test, self._ledger.index.matching(test)) for test in tests)
        return [
            test
            for test, fact in facts
            if fact is not None and not fact.exact and self._parts.order_dependents.of(fact.verdict) is None
        ]

    async def refine(self, tests: list[str], session: WarmSession, going_on: Callable[[], bool]) -> None:
        """Run ``tests`` singly until ``going_on`` says no; raises AgentDied."""
        for test in tests:
            if not going_on() or not session.agent.session_alive or session.agent.in_process:
                return  # in process no test runs in a state that no other has seen
            ended: list[messages.TestFinished] = []

            def take(event: TestEvent, _: bool, ended: list[messages.TestFinished] = ended) -> None:
                if isinstance(event, messages.TestFinished):
                    ended.append(event)

            programs = test in self._ledger.programs
            await Runner(session.agent, [test], self._timeout, take, programs, idle=True).run(1, {})
            for event in ended:
                await self._take(event, session, going_on)

    async def _take(self, event: messages.TestFinished, session: WarmSession, going_on: Callable[[], bool]) -> None:
        shared = self._ledger.index.matching(event.test)
        if shared is None:
            return  # the files changed meanwhile
        if shared.verdict.outcome.value != event.outcome:
            # Which of the two is true can't be told here, so the one that a whole run gave stands.
            finder = Finder(self._ledger, session, list(self._parts.known.nodes), self._timeout, going_on)
            with contextlib.suppress(Stopped):  # to be found out another time
                found = await finder.look_at(shared.verdict, event)
                log.warning("%s: %s", event.test, found.text)
                self._parts.order_dependents.add(found)
                self._parts.tell(found)
            return
        try:
            self._ledger.record(event, session, alone=True)
            self._ledger.commit()
            self._parts.standing.note(event.test)
        except Outdated as outdated:
            log.info("no exact fact of %s: %s changed meanwhile", event.test, outdated)
