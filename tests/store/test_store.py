"""The store: what goes in comes out, and a file that can't be used is set aside with a message."""

from __future__ import annotations

import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from aftershock.selection.details import Details, parse_details
from aftershock.selection.facts import Outcome
from aftershock.selection.history import KEPT_FACTS
from aftershock.selection.imports import parse_imports
from aftershock.selection.keys import Key, KeyKind
from aftershock.selection.symbols import parse_symbols
from aftershock.store import CachedFile, Store
from aftershock.store.store import KEPT_TEXTS
from aftershock_agent.messages import CollectedTest
from store.facts import SHARED, fact, failed


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "project" / ".aftershock" / "facts.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    store, notice = Store.open(path)
    assert notice is None
    yield store
    store.close()


def reopened(path: Path) -> Store:
    store, notice = Store.open(path)
    assert notice is None
    return store


def test_the_folder_is_private_and_ignored_by_git(store: Store, path: Path) -> None:
    store.record(fact("a"))
    assert (path.parent / ".gitignore").read_text() == "*\n"
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(p.stat().st_mode) for p in path.parent.glob("facts.db*")} == {0o600}


def test_a_fact_comes_back_whole_after_a_restart(store: Store, path: Path) -> None:
    facts = [failed("tests/test_a.py::test_ünï[\U0001f40d]"), replace(fact("b", 1), exact=False)]
    for each in facts:
        store.record(each)
    assert list(reopened(path).facts()) == facts


def test_input_sets_are_shared_by_facts(store: Store, path: Path) -> None:
    for number in range(20):
        store.record(fact(f"test_{number}"))
    first, *others = reopened(path).facts()
    position = first.inputs.index(SHARED)
    assert all(other.inputs[position] is first.inputs[position] for other in others)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM input_set").fetchone() == (2,)


def test_a_run_of_the_same_state_replaces_its_fact(store: Store, path: Path) -> None:
    store.record(fact("a", 1))
    again = replace(fact("a", 1), verdict=replace(fact("a", 1).verdict, outcome=Outcome.FAILED, recorded_at=2000.0))
    store.record(again)
    assert list(reopened(path).facts()) == [again]


def test_only_the_newest_facts_of_a_test_are_kept(store: Store, path: Path) -> None:
    facts = [fact("a", number) for number in range(KEPT_FACTS + 3)]
    for each in (*facts, fact("b")):
        store.record(each)
    assert list(reopened(path).facts()) == [fact("b"), *facts[3:]]


def test_the_fact_that_spoke_until_a_newer_one_came_is_kept(store: Store, path: Path) -> None:
    first, *others = [fact("a", number) for number in range(KEPT_FACTS + 3)]
    store.record(first)
    for each in others:
        store.record(each, spoke=first)
    assert list(reopened(path).facts()) == [*others[-KEPT_FACTS + 1 : -1], first, others[-1]]


def test_inputs_can_be_added_to_the_latest_fact(store: Store, path: Path) -> None:
    extra = frozenset({(Key(KeyKind.BODY, "conftest.py", "server"), "x")})
    store.record(fact("a", 1))
    store.record(fact("a", 2))
    store.extend("a", extra)
    store.extend("nobody", extra)
    first, second = reopened(path).facts()
    assert set(first.inputs) == set(fact("a", 1).inputs)
    assert set(second.inputs) == {*fact("a", 2).inputs, extra}


def test_forgetting_facts_keeps_the_rest(store: Store, path: Path) -> None:
    store.record(fact("a"))
    store.set_meta("variant", "3.13")
    store.forget_facts()
    store.record(fact("b"))
    assert [each.test for each in reopened(path).facts()] == ["b"]
    assert reopened(path).get_meta("variant") == "3.13"


def test_a_sweep_drops_what_no_fact_uses(store: Store, path: Path) -> None:
    for number in range(KEPT_FACTS + 5):
        store.record(fact("a", number))
    store.sweep()
    store.record(fact("b", 0))
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM input_set").fetchone() == (KEPT_FACTS + 2,)
    assert len(list(reopened(path).facts())) == KEPT_FACTS + 1


def test_what_was_parsed_of_files_comes_back(store: Store, path: Path) -> None:
    source = b"from . import x\nimport os.path as p\nexec('')\nclass C:\n    def m(self): ...\n"
    files = [
        CachedFile(
            name,
            1,
            len(text),
            "digest",
            parse_symbols(text, name),
            parse_imports(text, name),
            parse_details(text, name),
        )
        for name, text in {"a/b.py": source, "broken.py": b"def (", "odd\udc80.py": b""}.items()
    ]
    store.cache_files(files)
    store.cache_file(replace(files[0], mtime_ns=2**62))
    store.drop_file("broken.py")
    found = {file.path: file for file in reopened(path).cached_files()}
    assert found == {
        "a/b.py": replace(files[0], mtime_ns=2**62),
        "odd\\udc80.py": replace(files[2], path="odd\\udc80.py"),
    }


def test_what_another_pythons_server_parsed_is_left_alone(store: Store, path: Path) -> None:
    store.cache_file(CachedFile("a.py", 1, 2, "x", parse_symbols(b"", "a.py"), parse_imports(b"", "a.py"), Details()))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE file SET algorithm = '1/2.7'")
    assert reopened(path).cached_files() == ()


def test_the_tests_of_a_file_are_replaced_together(store: Store, path: Path) -> None:
    tests = [CollectedTest(f"a.py::T::test_{i}", "a.py", i, ["T", f"test_{i}"], ["slow"]) for i in (3, 1, 2)]
    store.replace_tests("b.py", [CollectedTest("b.py::test", "b.py", 1, ["test"])])
    store.replace_tests("a.py", tests[:1])
    store.replace_tests("a.py", tests)
    store.replace_tests("b.py", [])
    assert reopened(path).tests() == tuple(tests)


def test_remembered_values(store: Store, path: Path) -> None:
    store.set_meta("variant", "3.12")
    store.set_meta("variant", "3.13")
    assert reopened(path).get_meta("variant") == "3.13"
    assert reopened(path).get_meta("nothing") is None


def test_threads_may_share_a_store(store: Store) -> None:
    threads = [threading.Thread(target=store.record, args=(fact(f"test_{i}"),)) for i in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(store.facts())) == 20


def filled(path: Path) -> None:
    store, _ = Store.open(path)
    for number in range(300):
        store.record(fact(f"test_{number}", number))
    store.close()


def sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def test_a_database_of_another_version_is_set_aside(path: Path) -> None:
    filled(path)
    sql(path, "PRAGMA user_version = 99")
    store, notice = Store.open(path)
    assert notice is not None
    assert "version 99" in notice
    assert "facts.db.version-99-1" in notice
    assert (path.parent / "facts.db.version-99-1").exists()
    store.record(fact("a"))
    assert [each.test for each in reopened(path).facts()] == ["a"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"this is no database" * 500,
        lambda data: data[:100] + b"\0" * (len(data) - 100),
        lambda data: b"SQLite format 3\0" + b"\xff" * 5000,
    ],
    ids=["text", "zeros", "header"],
)
def test_a_damaged_file_is_set_aside(path: Path, damage: object) -> None:
    filled(path)
    assert callable(damage)
    path.write_bytes(damage(path.read_bytes()))
    store, notice = Store.open(path)
    assert notice is not None
    assert "facts.db.damaged-1" in notice
    assert list(store.facts()) == []
    store.record(fact("a"))
    assert [each.test for each in reopened(path).facts()] == ["a"]


def test_each_damaged_file_keeps_a_name_of_its_own(path: Path) -> None:
    for number in (1, 2, 3):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"damaged " * 1000)
        store, notice = Store.open(path)
        store.close()
        assert notice is not None
        assert f"facts.db.damaged-{number}" in notice


def test_damage_that_shows_later_is_told_and_survived(path: Path) -> None:
    filled(path)
    data = bytearray(path.read_bytes())
    data[2 * 4096 :] = b"\xa5" * (len(data) - 2 * 4096)
    path.write_bytes(data)
    notices: list[str] = []
    store = Store(path, notices.append)
    assert list(store.facts()) == []
    store.record(fact("a"))
    store.replace_tests("a.py", [])
    assert [each.test for each in store.facts()] == ["a"]
    assert len(notices) == 1
    assert "damaged-1" in notices[0]


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE fact SET outcome = 'fine'",
        "UPDATE fact SET durations = '[1]'",
        'UPDATE fact SET durations = \'{"call": "long"}\'',
        "UPDATE fact SET durations = '{\"call\": NaN}'",
        "UPDATE fact SET failure = '{\"message\": 1}'",
        "UPDATE fact SET recorded_at = 'yesterday'",
        "UPDATE fact SET exact = 'yes'",
        "UPDATE fact SET test = x'00ff'",
        "UPDATE input SET kind = 'soul'",
        "UPDATE input SET digest = x'07' WHERE id = 1",
        "UPDATE input_set SET members = x'ffffffff' WHERE id = 1",
        "UPDATE input_set SET members = x'ff' WHERE id = 1",
        "DELETE FROM fact_input_set",
    ],
)
def test_a_malformed_row_is_told_and_survived(path: Path, tampering: str) -> None:
    filled(path)
    sql(path, tampering)
    notices: list[str] = []
    store = Store(path, notices.append)
    assert list(store.facts()) == []
    assert "damaged-1" in notices[0]


@pytest.mark.parametrize(
    "addition",
    [
        "CREATE TRIGGER t AFTER INSERT ON fact BEGIN DELETE FROM fact; END",
        "CREATE VIEW v AS SELECT 1",
        "CREATE TABLE extra (x)",
    ],
)
def test_a_database_with_anything_else_in_it_is_not_ours(path: Path, addition: str) -> None:
    filled(path)
    sql(path, addition)
    _, notice = Store.open(path)
    assert notice is not None
    assert "damaged-1" in notice


def test_where_nothing_can_be_written_facts_last_for_the_session(tmp_path: Path) -> None:
    (tmp_path / ".aftershock").write_text("a file where the folder should be")
    store, notice = Store.open(tmp_path / ".aftershock" / "facts.db")
    assert notice is not None
    assert "until the server stops" in notice
    store.record(fact("a"))
    assert [each.test for each in store.facts()] == ["a"]


class Text(NamedTuple):
    """A source file."""

    path: str
    text: bytes

    @property
    def digest(self) -> str:
        """Stands for a digest."""
        return self.text.decode()


def test_what_a_file_said_is_remembered_by_time_and_the_oldest_forgotten(store: Store, path: Path) -> None:
    for since in range(1, KEPT_TEXTS + 2):
        store.keep_texts([Text("a.py", b"%d" % since), Text("b.py", b"b")], float(since))

    again = reopened(path)
    assert again.text_at("a.py", 1.5) is None
    assert again.text_at("a.py", 2.0) == b"2"
    assert again.text_at("a.py", 99.0) == b"%d" % (KEPT_TEXTS + 1)
    assert again.text_at("c.py", 99.0) is None
    assert again.latest_texts() == {"a.py": str(KEPT_TEXTS + 1), "b.py": "b"}
    again.drop_texts(["a.py"])
    assert again.latest_texts() == {"b.py": "b"}
    again.close()


def test_a_text_that_was_cut_off_is_damage(store: Store, path: Path) -> None:
    notices: list[str] = []
    store.notify = notices.append
    store.keep_texts([Text("a.py", b"x = 1\n" * 1000)], 1.0)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE former_text SET text = substr(text, 1, 12)")
        connection.commit()

    assert store.text_at("a.py", 2.0) is None
    assert "could not be used" in notices[0]
