"""The fork that waits for the next run: saves find it ready; whatever becomes of it, verdicts are those of the code."""

from __future__ import annotations

import asyncio
import random
import signal

import psutil
import pytest

from aftershock.engine import driver, events
from support.cold import cold_outcomes
from support.engine import EngineStory, opened
from support.project import Project
from support.trouble import failing, session_in, session_of, spare_of, until

_ALL_PASS = {"test_net": "passed", "test_gross": "passed", "test_left": "passed"}
_NET, _GROSS = "tests/test_prices.py::test_net", "tests/test_prices.py::test_gross"
_TELLING = """
    import os
    import pathlib

    import pytest

    @pytest.fixture(autouse=True)
    def tell():
        pathlib.Path("run").write_text(str(os.getpid()))
    """


@pytest.fixture
def shop(shop: Project) -> Project:
    """The shop; its tests tell in which process they run."""
    return shop.write({"tests/conftest.py": _TELLING})


@pytest.fixture(autouse=True)
def _no_idle_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Idle time runs tests in forks too, of which these stories don't tell."""
    monkeypatch.setattr(driver, "_BREATH", 600.0)


def _rebuilds(story: EngineStory) -> int:
    return max(each.interpreter.rebuilds for each in story.of(events.StatusChanged) if each.interpreter)


async def test_it_becomes_the_next_run_and_another_takes_its_place(shop: Project) -> None:
    async with opened(shop) as story:
        for product in ("amount * 11", "amount * 12"):
            spare = await spare_of(story)
            before = shop.read("shop/prices.py").split("return ")[1].split("\n")[0]
            await story.save("shop/prices.py", before, product)
            assert story.outcomes() == {**_ALL_PASS, "test_net": "failed", "test_gross": "failed"}
            assert int(shop.read("run")) == spare.pid
            assert not spare.is_running()


_EDITS = (
    ("shop/prices.py", "amount * 10", "amount * 11"),
    ("shop/prices.py", "amount * 11", "amount * 10"),
    ("shop/prices.py", "RATE = 2", "RATE = 3"),
    ("shop/prices.py", "RATE = 3", "RATE = 2"),
    ("shop/prices.py", "def net", "# a comment, which moves the lines\ndef net"),
    ("shop/prices.py", "# a comment, which moves the lines\ndef net", "def net"),
    ("tests/test_prices.py", "prices.gross(1) == 20", "prices.gross(1) == 30"),
    ("tests/test_prices.py", "prices.gross(1) == 30", "prices.gross(1) == 20"),
    ("shop/stock.py", "5 - sold", "6 - sold"),
    ("shop/stock.py", "6 - sold", "5 - sold"),
)


@pytest.mark.parametrize("seed", range(2))
async def test_verdicts_are_those_of_a_fresh_process_whether_it_waits_or_not(shop: Project, seed: int) -> None:
    draw = random.Random(seed)
    async with opened(shop) as story:
        for _ in range(8):
            if draw.random() < 0.7:
                await spare_of(story)
            path, old, new = draw.choice(shop.possible(_EDITS))
            await story.save(path, old, new)
            assert story.outcomes() == cold_outcomes(shop)


_LINES = """
    import pathlib

    def pytest_runtest_logreport(report):
        pathlib.Path(report.location[2]).write_text(str(report.location[1]))
    """


async def test_lines_that_a_save_moves_are_moved_in_what_is_told(shop: Project) -> None:
    shop.write({"conftest.py": _LINES})
    async with opened(shop) as story:
        for number in (1, 2):
            await spare_of(story)
            await story.save("tests/test_prices.py", "import prices\n", "import prices\n\n")
            await spare_of(story)
            await story.save("shop/prices.py", f"amount * {9 + number}", f"amount * {10 + number}")
            assert shop.read("test_net") == str(2 + number)
            verdict = story.engine.state_of(_NET).verdict
            assert verdict is not None
            assert verdict.failure is not None
            assert [frame.line for frame in verdict.failure.frames] == [4 + number]


async def test_several_files_that_change_at_once_are_all_in_the_run(shop: Project) -> None:
    async with opened(shop) as story:
        await spare_of(story)
        shop.edit("shop/prices.py", "amount * 10", "amount * 11")
        shop.edit("shop/stock.py", "5 - sold", "6 - sold")
        await story.changed("shop/prices.py", "shop/stock.py")
        assert set(story.outcomes().values()) == {"failed"}
        assert _rebuilds(story) == 0


async def test_a_change_that_can_not_be_patched_ends_it_with_its_session(shop: Project) -> None:
    async with opened(shop) as story:
        spare = await spare_of(story)
        session = session_of(story)
        await story.save("shop/prices.py", "def net(amount):", "def net(amount, more=1):")
        assert story.outcomes() == _ALL_PASS
        assert _rebuilds(story) == 1
        assert not spare.is_running()
        assert session_of(story) != session


async def test_killed_while_it_waits_it_is_missed_by_nobody(shop: Project) -> None:
    async with opened(shop) as story:
        spare = await spare_of(story)
        spare.kill()
        await story.save("shop/prices.py", "amount * 10", "amount * 11")
        assert failing(story).keys() == {_NET, _GROSS}


@pytest.mark.parametrize("late", [False, True])
async def test_killed_before_it_has_answered_it_takes_the_session_along_and_the_save_is_served(
    shop: Project, late: bool
) -> None:
    async with opened(shop) as story:
        spare, session = await spare_of(story), session_of(story)
        spare.suspend()
        shop.edit("shop/prices.py", "amount * 10", "amount * 11")
        story.engine.files_changed([shop.path("shop/prices.py")])
        if late:
            with pytest.raises(asyncio.TimeoutError):  # nobody answers, while the session comes to rest
                await asyncio.wait_for(story.engine.settled(), 0.5)
        spare.kill()
        await asyncio.wait_for(story.engine.settled(), 30)
        assert failing(story).keys() == {_NET, _GROSS}
        assert await spare_of(story) != spare
        assert not late or session_of(story) != session


_SERVICE = {
    "common.py": "LIMIT = 1\n",
    "service.py": "import subprocess\n\nservice = subprocess.Popen(['sleep', '600'])\n",
    "test_first.py": """
        import time

        import common

        def test_slow():
            time.sleep(0.3)  # long enough for the session to come to rest, and to fork
            assert common.LIMIT
        """,
    "test_second.py": """
        import os
        import time

        import common
        from service import service

        def test_service():
            os.kill(service.pid, 0)
            time.sleep(0.5)  # else this file would be the first to be collected
            assert common.LIMIT
        """,
}


async def test_its_end_leaves_alone_what_a_later_import_starts(project: Project) -> None:
    project.write(_SERVICE)
    async with opened(project) as story:
        await story.save("common.py", "LIMIT = 1", "LIMIT = 2")
        assert story.outcomes() == {"test_slow": "passed", "test_service": "passed"}


_DAEMON = {
    "conftest.py": """
        import subprocess

        # The shell ends when somebody has made the file; then its daemon is the session's.
        script = "sleep 600 & echo $! > daemon; until [ -e go ]; do sleep 0.01; done"
        shell = subprocess.Popen(["sh", "-c", script])
        """,
    "test_daemon.py": """
        import os
        import pathlib

        def test_daemon():
            os.kill(int(pathlib.Path("daemon").read_text()), 0)
        """,
}


async def test_a_daemon_of_the_projects_own_that_comes_while_it_waits_is_left_alone(project: Project) -> None:
    project.write(_DAEMON)
    async with opened(project) as story:
        await spare_of(story)
        session = session_in(story)
        daemon = psutil.Process(int(project.read("daemon")))
        project.write({"go": ""})
        while daemon.ppid() != session.pid:
            await asyncio.sleep(0.005)
        for _ in range(2):
            await story.engine.run_all()
            assert story.outcomes() == {"test_daemon": "passed"}
            await spare_of(story)
        assert daemon.is_running()


_THREAD = """
    import pathlib
    import signal
    import threading

    def start(number, frame):
        threading.Thread(target=threading.Event().wait, daemon=True).start()
        pathlib.Path("started").write_text("")

    signal.signal(signal.SIGUSR1, start)
    """


async def test_a_session_that_gets_threads_goes_on_in_its_own_process_with_the_code_as_it_is(shop: Project) -> None:
    shop.write({"conftest.py": _THREAD})
    async with opened(shop) as story:
        spare = await spare_of(story)
        session_of(story).send_signal(signal.SIGUSR1)
        await until(shop.path("started"))
        for number in (11, 12):
            await story.save("shop/prices.py", f"amount * {number - 1}", f"amount * {number}")
            assert story.outcomes() == cold_outcomes(shop)
            assert int(shop.read("run")) != spare.pid
        assert not spare.is_running()


_DOOMED = """
    import os
    import pathlib

    def die():
        with open("forks", "a") as stream:
            stream.write("x")
        if pathlib.Path("doom").exists():
            os._exit(1)

    os.register_at_fork(after_in_child=die)
    """


async def test_one_that_dies_at_once_is_not_made_again_before_there_is_something_to_do(shop: Project) -> None:
    shop.write({"conftest.py": _DOOMED})
    async with opened(shop) as story:
        spare = await spare_of(story)
        forks = len(shop.read("forks"))
        shop.write({"doom": ""})
        spare.kill()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(story.until(lambda: False), 1)
        assert len(shop.read("forks")) <= forks + 1
        shop.delete("doom")
        await story.save("shop/prices.py", "amount * 10", "amount * 11")
        assert story.outcomes() == cold_outcomes(shop)


async def test_the_hook_before_a_run_finds_the_terminals_reporter(shop: Project) -> None:
    hook = "config.pluginmanager.getplugin('terminalreporter').write_line('hello')"
    shop.write({"conftest.py": f"def pytest_aftershock_before_run(config):\n    {hook}\n"})
    async with opened(shop) as story:
        await spare_of(story)
        await story.engine.run_all()
        assert story.outcomes() == _ALL_PASS


async def test_it_goes_with_the_interpreter(shop: Project) -> None:
    async with opened(shop) as story:
        spare = await spare_of(story)
    assert not psutil.pid_exists(spare.pid)


async def test_idle_work_leaves_it_to_the_next_save(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "_BREATH", 0.0)
    async with opened(shop) as story:
        spare = await spare_of(story)
        await story.engine.refined()
        assert int(shop.read("run")) != spare.pid
        assert spare.is_running()
        await story.save("shop/prices.py", "amount * 10", "amount * 11")
        assert int(shop.read("run")) == spare.pid
