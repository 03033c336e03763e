"""Facts to store; and, as a program, a process that stores some until it is killed."""

from __future__ import annotations

import sys
from pathlib import Path

from aftershock.selection.facts import Fact, InputSet, Outcome, Verdict
from aftershock.selection.keys import Key, KeyKind
from aftershock.store import Store
from aftershock_agent.messages import Failure, Frame

SHARED: InputSet = frozenset((Key(KeyKind.DEF, f"src/m{i}.py"), f"d{i}") for i in range(50))


def fact(test: str, number: int = 0, outcome: Outcome = Outcome.PASSED, failure: Failure | None = None) -> Fact:
    """A fact of `test`; another `number` means another state of the project, and a later time."""
    own = frozenset({(Key(KeyKind.BODY, "src/m1.py", "f"), f"body {number}"), (Key(KeyKind.CONFIG), "ini")})
    verdict = Verdict(test, outcome, {"setup": 0.25, "call": 1.5}, failure, 1000.0 + number)
    return Fact(verdict, "3.13 linux", (own, SHARED), exact=True)


def failed(test: str) -> Fact:
    """A fact with all that a failure can have."""
    frames = [Frame("/p/tests/test_a.py", 3, "test_ünï"), Frame("/p/src/m1.py", 9, "f")]
    failure = Failure("AssertionError", "assert 1 == 2", "long\ntext \udc80", frames, expected="2", actual="1")
    return fact(test, outcome=Outcome.FAILED, failure=failure)


def main(path: str, prefix: str, count: int) -> None:
    """Record facts, each printed once it is committed; then wait to be killed."""
    store, _ = Store.open(Path(path))
    for number in range(count):
        test = f"{prefix}::test_{number}"
        store.record(fact(test, number))
        print(test, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
