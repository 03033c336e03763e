"""Turns shared facts into exact ones while nobody waits: each test once more, in a fork of its own.

What a test memoises hides dependencies from the tests that come after it in one process (an ``lru_cache``, a lazily
made singleton).  A fact that was recorded in a fork of its own has all that its test depends on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from aftershock.engine.ledger import Ledger
from aftershock.engine.runner import Runner, TestEvent
from aftershock.engine.warm import Outdated, WarmSession
from aftershock_agent import messages

log = logging.getLogger(__name__)


class Refiner:
    """Works through the shared facts that match the present, one test after another."""

    def __init__(self, ledger: Ledger, timeout: float, refined: Callable[[str], None]) -> None:
        """``timeout`` is in seconds, for each test; ``refined`` hears of each test that has an exact fact now."""
        self._ledger = ledger
        self._refined = refined
        self._timeout = timeout
        self._order_dependent: set[str] = set()

    def candidates(self, tests: list[str]) -> list[str]:
        """Those of ``tests`` that only shared facts speak for."""
        facts = ((test, self._ledger.index.matching(test)) for test in tests if test not in self._order_dependent)
        return [test for test, fact in facts if fact is not None and not fact.exact]

    async def refine(self, tests: list[str], session: WarmSession, going_on: Callable[[], bool]) -> None:
        """Run ``tests`` singly until ``going_on`` says no; raises AgentDied."""
        for test in tests:
            if not going_on() or not session.agent.session_alive or session.agent.in_process:
                return  # in process no test runs in a state that no other has seen
            programs = test in self._ledger.programs
            runner = Runner(
                session.agent, [test], self._timeout, lambda event, _: self._take(event, session), programs, idle=True
            )
            await runner.run(1, {})

    def _take(self, event: TestEvent, session: WarmSession) -> None:
        if not isinstance(event, messages.TestFinished):
            return
        shared = self._ledger.index.matching(event.test)
        if shared is None:
            return  # the files changed meanwhile
        if shared.verdict.outcome.value != event.outcome:
            # Which of the two is true can't be told here, so the one that a whole run gave stands.
            self._order_dependent.add(event.test)
            why = event.failure.message if event.failure else "no failure"
            log.warning("%s depends on other tests: alone it %s (%s)", event.test, event.outcome, why)
            return
        try:
            self._ledger.record(event, session, alone=True)
            self._ledger.commit()
            self._refined(event.test)
        except Outdated as outdated:
            log.info("no exact fact of %s: %s changed meanwhile", event.test, outdated)
