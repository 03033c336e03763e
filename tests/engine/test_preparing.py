"""The session to come: prepared at rest, it makes edits of definitions quick, and is never seen in any verdict."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable

import psutil
import pytest

from aftershock.engine import driver, events
from support.cold import cold_outcomes
from support.engine import EngineStory, opened
from support.project import Project
from support.trouble import agent_of, session_in, told_of

_ALL_PASS = {"test_net": "passed", "test_gross": "passed", "test_left": "passed", "test_currency": "passed"}
_HEAVY = """
    import json
    import pathlib
    import time

    LOADED = time.monotonic_ns()
    SETTINGS = json.loads(pathlib.Path("settings.json").read_text())
    if "USD" in pathlib.Path("shop/notes.py").read_text() or list(pathlib.Path("abroad").glob("*.txt")):
        SETTINGS["currency"] = "USD"
    if pathlib.Path("dollars").exists() or not pathlib.Path("euros").exists():
        SETTINGS["currency"] = "USD"
    """
_TESTS = """
    import pathlib

    from shop import heavy, prices

    def test_net():
        pathlib.Path("loaded").write_text(str(heavy.LOADED))
        assert prices.net(1) == 10

    def test_gross():
        assert prices.gross(1) == 20

    def test_currency():
        assert heavy.SETTINGS["currency"] == "EUR"
    """


@pytest.fixture
def shop(shop: Project) -> Project:
    """The shop; its prices are imported after something heavy, and the tests tell when that was imported."""
    files = {"shop/heavy.py": _HEAVY, "settings.json": '{"currency": "EUR"}', "tests/test_prices.py": _TESTS}
    shop.write({"shop/notes.py": "", "abroad/empty.json": "", "euros": ""})
    os.utime(shop.path("euros"), (0, 0))  # as archives have files that are made to be reproducible
    return shop.write({**files, "shop/prices.py": "from shop import heavy\n\n" + shop.read("shop/prices.py")})


@pytest.fixture(autouse=True)
def _restless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Idle work begins at once."""
    monkeypatch.setattr(driver, "_BREATH", 0.0)
    monkeypatch.setattr(driver, "_QUIET", 0.0)


async def _prepared(story: EngineStory) -> list[psutil.Process]:
    """The sessions to come, when all is prepared that will be, the younger one last."""
    await story.engine.refined()
    session = session_in(story)
    return sorted((each for each in agent_of(story).children() if each != session), key=psutil.Process.create_time)


async def _waiting(story: EngineStory) -> psutil.Process:
    (found,) = await _prepared(story)
    return found


async def test_an_edit_of_a_definition_finds_its_session_waiting_behind_what_is_heavy(shop: Project) -> None:
    async with opened(shop) as story:
        await story.save("shop/prices.py", "RATE = 2", "RATE = 3")
        for before, after, outcome in (("3", "4", "failed"), ("4", "2", "passed"), ("2", "5", "failed")):
            waiting, now = await _waiting(story), time.monotonic_ns()
            await story.save("shop/prices.py", f"RATE = {before}", f"RATE = {after}")
            assert story.outcomes() == {**_ALL_PASS, "test_gross": outcome}
            await story.engine.run_all()
            assert session_in(story) == waiting
            assert int(shop.read("loaded")) < now


async def test_edits_here_and_there_both_find_one_waiting(shop: Project) -> None:
    shop.write({"tests/conftest.py": "from shop import prices\n"})
    async with opened(shop) as story:
        await story.save("shop/prices.py", "RATE = 2", "RATE = 3")
        await story.save("tests/test_prices.py", "def test_net()", "def test_net(of=1)")
        for path, old, new in (
            ("shop/prices.py", "RATE = 3", "RATE = 2"),
            ("tests/test_prices.py", "def test_net(of=1)", "def test_net()"),
            ("shop/prices.py", "RATE = 2", "RATE = 3"),
        ):
            waiting = await _prepared(story)
            assert len(waiting) == (2 if path == "shop/prices.py" else 1)
            await story.save(path, old, new)
            assert session_in(story) in waiting
        assert story.outcomes() == {**_ALL_PASS, "test_gross": "failed"}


async def test_it_waits_before_the_file_that_is_looked_at(shop: Project) -> None:
    async with opened(shop) as story:
        await story.save("shop/stock.py", "def left(sold)", "def left(sold=0)")
        await _waiting(story)
        await story.save("shop/heavy.py", "LOADED =", "#\nLOADED =")
        waiting, now = await _waiting(story), time.monotonic_ns()
        await story.save("shop/heavy.py", "LOADED =", "RATES = ()\nLOADED =")
        assert session_in(story) == waiting
        await story.engine.run_all()
        assert int(shop.read("loaded")) > now


def _put_other(shop: Project) -> None:
    """Beside the shop, put another one, in dollars."""
    files = {f"other/{path}": shop.read(path) for path in ("shop/__init__.py", "shop/prices.py", "shop/stock.py")}
    heavy = shop.read("shop/heavy.py").replace('"settings.json"', '"other.json"')
    shop.write({**files, "other/shop/heavy.py": heavy, "other.json": '{"currency": "USD"}'})


_STALE: dict[str, Callable[[Project], object]] = {
    "a file that it imported": lambda shop: shop.edit("shop/heavy.py", "json.loads(", "dict(currency='USD') or ("),
    "code that it read as text": lambda shop: shop.write({"shop/notes.py": "# USD"}),
    "a folder that it listed": lambda shop: shop.write({"abroad/canada.txt": ""}),
    "a file that it found": lambda shop: shop.path("euros").unlink(),
    "a file that it looked for": lambda shop: shop.write({"dollars": ""}),
    "data that it read": lambda shop: shop.write({"settings.json": '{"currency": "USD"}'}),
    "a file that hides one": lambda shop: shop.write({"shop/heavy/__init__.py": shop.read("other/shop/heavy.py")}),
    "what pytest is told": lambda shop: shop.write({"pytest.ini": "[pytest]\npythonpath = other\n"}),
}


@pytest.mark.parametrize("what", _STALE)
async def test_what_changes_while_it_waits_is_in_the_next_verdict(shop: Project, what: str) -> None:
    _put_other(shop)
    async with opened(shop) as story:
        await story.save("shop/prices.py", "RATE = 2", "RATE = 3")
        waiting = await _waiting(story)
        _STALE[what](shop)
        shop.edit("shop/prices.py", "RATE = 3", "RATE = 2")
        await story.changed("shop/prices.py", "shop/heavy.py", "shop/heavy/__init__.py", "pytest.ini")
        await story.engine.run_all()
        assert story.outcomes() == {**_ALL_PASS, "test_currency": "failed"} == cold_outcomes(shop)
        assert session_in(story) != waiting


async def test_what_changed_untold_while_it_was_prepared_is_in_the_next_verdict(shop: Project) -> None:
    async with opened(shop) as story:
        await story.save("shop/prices.py", "RATE = 2", "RATE = 3")
        shop.edit("shop/heavy.py", "json.loads(", "dict(currency='USD') or (")
        assert await _prepared(story) == []
        shop.edit("shop/prices.py", "RATE = 3", "RATE = 2")
        await story.changed("shop/heavy.py", "shop/prices.py")
        assert story.outcomes() == {**_ALL_PASS, "test_currency": "failed"}


async def test_assertions_are_told_as_pytest_tells_them(shop: Project) -> None:
    async with opened(shop) as story:
        await story.save("tests/test_prices.py", "def test_net()", "def test_net(of=1)")
        await _waiting(story)
        shop.edit("tests/test_prices.py", "def test_net(of=1)", "def test_net(of=2)")
        await story.save("tests/test_prices.py", "prices.net(1) == 10", "prices.net(1) == 11")
        assert told_of(story, "tests/test_prices.py::test_net").startswith("assert 10 == 11")


async def test_a_project_of_many_files_has_one_waiting_too(shop: Project) -> None:
    shop.write({f"shop/{'long' * 50}_{number}.py": "" for number in range(300)})
    async with opened(shop) as story:
        await story.save("shop/prices.py", "RATE = 2", "RATE = 3")
        waiting = await _waiting(story)
        await story.save("shop/prices.py", "RATE = 3", "RATE = 2")
        assert session_in(story) == waiting
        assert story.outcomes() == _ALL_PASS


async def test_a_plugin_of_the_projects_own_is_imported_once_for_each_session(shop: Project) -> None:
    shop.write({"shop/plugin.py": "open('imports', 'a').write('I')\n"})
    async with opened(shop, pytestArgs=["-p", "shop.plugin"]) as story:
        await story.save("shop/prices.py", "RATE = 2", "RATE = 3")
        assert await _prepared(story) == []
        await story.save("shop/prices.py", "RATE = 3", "RATE = 2")
        assert shop.read("imports") == "III"


async def test_pytest_writes_no_report_when_it_fails(shop: Project) -> None:
    async with opened(shop, pytestArgs=["--junitxml=report.xml"]) as story:
        await story.save("shop/prices.py", "RATE = 2", "RATE = 3")
        await _waiting(story)
        await story.save("shop/prices.py", "RATE = 3", "RATE = TWO")
        assert story.engine.problems
        assert not shop.path("report.xml").exists()


async def test_nothing_is_lost_when_it_is_killed(shop: Project) -> None:
    async with opened(shop) as story:
        await story.save("shop/prices.py", "RATE = 2", "RATE = 3")
        (await _waiting(story)).kill()
        await story.save("shop/prices.py", "RATE = 3", "RATE = 2")
        assert story.outcomes() == _ALL_PASS
        await _waiting(story)


async def test_an_import_that_fails_is_told_as_a_new_session_tells_it(shop: Project) -> None:
    async with opened(shop) as story:
        await story.save("shop/prices.py", "RATE = 2", "RATE = 3")
        await _waiting(story)
        await story.save("shop/prices.py", "RATE = 3", "RATE = TWO")
        (problem,) = [each for problems in story.engine.problems.values() for each in problems]
        assert "NameError: name 'TWO' is not defined" in problem.message
        await story.save("shop/prices.py", "RATE = TWO", "RATE = 2")
        assert story.outcomes() == _ALL_PASS
        assert not story.engine.problems


_NOTICED = {
    "a file": "open('noticed', 'a').write('again ')",
    "a folder": "os.makedirs(f'noticed-{os.getpid()}')",
    "a database": "sqlite3.connect('noticed').executescript('create table if not exists t(a);insert into t values(1)')",
    "a process": 'subprocess.run([sys.executable, \'-c\', \'print(end="again ", file=open("noticed", "a"))\'])',
    "a fork": "os.fork() or os._exit(open('noticed', 'a').write('again ') and 0)",
    "a thread": "threading.Thread(target=lambda: open('noticed', 'a').write('again '), daemon=True).start()",
    "a process of multiprocessing": "work = multiprocessing.get_context('spawn').Process("
    "target=os.mkdir, args=(f'noticed-{os.getpid()}',)); work.start(); work.join()",
    "a pipe": "os.mkfifo(f'noticed-{os.getpid()}')",
    "a socket": "socket.socket(socket.AF_UNIX).bind(f'noticed-{os.getpid()}')",
    "a library's": "shutil.copyfile('settings.json', f'noticed-{os.getpid()}')",
}


@pytest.mark.parametrize("noticed", _NOTICED)
async def test_an_import_that_others_notice_happens_once_for_each_session(shop: Project, noticed: str) -> None:
    def seen() -> list[tuple[str, bytes]]:
        return sorted((path.name, path.read_bytes()) for path in shop.root.glob("noticed*") if path.is_file()) or [
            (path.name, b"") for path in sorted(shop.root.glob("noticed*"))
        ]

    head = "import multiprocessing, os, shutil, socket, sqlite3, subprocess, sys, threading\n"
    shop.write({"shop/told.py": f"{head}{_NOTICED[noticed]}\n"})
    shop.edit("tests/test_prices.py", "from shop import heavy, prices", "from shop import heavy, told, prices")
    shop.delete("tests/test_stock.py")  # else it may be the file that is collected first
    async with opened(shop, isolation="snapshot") as story:
        await story.save("shop/prices.py", "RATE = 2", "RATE = 3")
        before = seen()
        assert before
        waiting, now = await _waiting(story), time.monotonic_ns()
        assert seen() == before
        await story.save("shop/prices.py", "RATE = 3", "RATE = 2")
        assert set(story.outcomes().values()) == {"passed"}
        assert session_in(story) == waiting
        await story.engine.run_all()
        assert int(shop.read("loaded")) < now


async def test_a_save_while_it_is_being_prepared_comes_first(shop: Project) -> None:
    shop.edit("shop/heavy.py", "LOADED =", "time.sleep(0.2)\nLOADED =")
    async with opened(shop) as story:
        for number in range(2):
            await story.save("shop/prices.py", "RATE = 2", f"RATE = 2 + {number}")
            session = session_in(story)
            while agent_of(story).children() == [session]:
                await asyncio.sleep(0.005)
            await story.save("shop/stock.py", "5 - ", f"{number + 1} + ")
            assert session_in(story) == session
            assert story.outcomes()["test_left"] == ("passed" if number == 0 else "failed")
            shop.edit("shop/prices.py", f"RATE = 2 + {number}", "RATE = 2")
            await story.save("shop/stock.py", f"{number + 1} + ", "5 - ")
        await story.changed("shop/prices.py")
        assert story.outcomes() == _ALL_PASS
        await _waiting(story)


_EDITS = (
    ("shop/prices.py", "RATE = 2", "RATE = 3"),
    ("shop/prices.py", "RATE = 3", "RATE = 2"),
    ("shop/prices.py", "amount * 10", "amount * 11"),
    ("shop/prices.py", "amount * 11", "amount * 10"),
    ("shop/heavy.py", "import time", "import time\nSETTINGS = None"),
    ("shop/heavy.py", "import time\nSETTINGS = None", "import time"),
    ("shop/stock.py", "def left(sold)", "def left(sold=1)"),
    ("shop/stock.py", "def left(sold=1)", "def left(sold)"),
    ("shop/stock.py", "5 - sold", "6 - sold"),
    ("shop/stock.py", "6 - sold", "5 - sold"),
    ("tests/test_prices.py", "def test_net()", "def test_net(of=1)"),
    ("tests/test_prices.py", "def test_net(of=1)", "def test_net()"),
    ("settings.json", "EUR", "USD"),
    ("settings.json", "USD", "EUR"),
)


async def test_verdicts_are_those_of_a_fresh_process_whether_it_waits_or_not(shop: Project) -> None:
    draw = random.Random(1)
    async with opened(shop) as story:
        for number in range(6):
            if draw.random() < 0.7:
                await _prepared(story)
            path, old, new = draw.choice(shop.possible(_EDITS))
            shop.edit(path, old, new)
            if path == "settings.json":
                shop.edit("shop/prices.py", "def net", f"def some_{number}(): pass\n\ndef net")
                path = "shop/prices.py"
            await story.changed(path)
            story.forget()
            await story.engine.run_all()
            verdicts = [event.verdict for event in story.of(events.TestFinished)]
            told = {verdict.test.split("::")[1]: verdict.outcome.value for verdict in verdicts}
            assert told == cold_outcomes(shop), (path, new)


async def test_idle_work_is_not_told_with_the_next_save(shop: Project) -> None:
    async with opened(shop) as story:
        await story.engine.refined()
        await story.save("shop/stock.py", "def left", "# what is left\n\ndef left")
        assert [event.restored for event in story.of(events.AffectedChanged)] == [()]
