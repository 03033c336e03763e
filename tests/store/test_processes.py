"""Processes: an editor and a terminal write at once, and any of them may be killed at any moment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aftershock.store import Store
from aftershock.store.database import set_aside
from store.facts import fact

TESTS = Path(__file__).parents[1]
SERVER = TESTS.parent / "server"


def writer(path: Path, prefix: str, count: int) -> subprocess.Popen[str]:
    """A process that records facts, prints each once it is committed, and waits."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(SERVER), str(TESTS)))}
    return subprocess.Popen(
        [sys.executable, "-m", "store.facts", str(path), prefix, str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


@pytest.mark.parametrize("committed", [1, 7, 60])
def test_killing_a_writer_loses_no_committed_fact(tmp_path: Path, committed: int) -> None:
    path = tmp_path / ".aftershock" / "facts.db"
    with writer(path, "killed", 100_000) as process:
        assert process.stdout is not None
        told = [process.stdout.readline().strip() for _ in range(committed)]
        process.kill()
        told += process.stdout.read().split("\n")[:-1]
    store, notice = Store.open(path)
    assert notice is None
    found = {each.test for each in store.facts()}
    assert set(told) <= found
    assert len(found) - len(set(told)) <= 1  # the one committed but not yet told
    store.record(fact("after"))
    store.close()


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / ".aftershock" / "facts.db"
    with writer(path, "one", 150) as one, writer(path, "two", 150) as two:
        here, _ = Store.open(path)
        for number in range(150):
            here.record(fact(f"here::test_{number}", number))
            if number % 50 == 0:
                here.sweep()
        for process in (one, two):
            process.communicate()
            assert process.returncode == 0
    found = {each.test for each in here.facts()}
    assert found == {f"{who}::test_{i}" for who in ("here", "one", "two") for i in range(150)}
    here.close()


def test_a_process_that_held_the_database_goes_on_after_another_set_it_aside(tmp_path: Path) -> None:
    path = tmp_path / "facts.db"
    first, _ = Store.open(path)
    first.record(fact("a"))
    set_aside(path, "damaged")
    second, notice = Store.open(path)
    assert notice is None
    second.record(fact("b"))
    first.record(fact("c"))
    assert [each.test for each in second.facts()] == ["b"]
    first.close()
    second.close()
