"""Suites that are written for pytest-xdist: each fork is a worker with a name, as a real pytest-xdist would have it."""

from __future__ import annotations

from collections import Counter

import pytest

from aftershock.engine import events
from support.cold import cold_outcomes
from support.engine import EngineStory, opened
from support.project import Project

_CONFTEST = """
    import os
    import time
    from pathlib import Path
    import pytest

    HERE = Path(__file__).parent

    @pytest.fixture(scope="session")
    def database(worker_id):
        # A second process in the same database, at the same time, finds the file.
        path = HERE / f"{worker_id}.database"
        path.touch(exist_ok=False)
        yield path
        path.unlink()

    @pytest.fixture
    def told(request, worker_id, testrun_uid):
        names = {worker_id, os.environ.get("PYTEST_XDIST_WORKER", "master")}
        names.add(getattr(request.config, "workerinput", {"workerid": "master"})["workerid"])
        with open(HERE / "told", "a") as log:
            log.write(f"{'+'.join(names)} {testrun_uid} {os.environ.get('PYTEST_XDIST_TESTRUNUID')}\\n")
    """
_FILE = """
    import time
    import pytest

    @pytest.mark.parametrize("number", range(3))
    def test_it(number, database, told):
        time.sleep(0.03)
    """


def _suite(project: Project, options: str) -> Project:
    project.write({"pytest.ini": f"[pytest]\naddopts = {options}\n", "conftest.py": _CONFTEST})
    return project.write({f"test_{number}.py": _FILE for number in range(6)})


async def _told(story: EngineStory) -> tuple[set[str], set[str]]:
    """Build all; the workers' names that its tests saw, and the names of the occasion."""
    told = story.project.path("told")
    told.unlink(missing_ok=True)
    story.forget()
    await story.engine.build(everything=True)
    outcomes = Counter(event.verdict.outcome.value for event in story.of(events.TestFinished))
    assert outcomes == {"passed": 18}
    lines = [line.split() for line in told.read_text(encoding="utf-8").splitlines()]
    return {name for name, _, _ in lines}, {uid for _, *uids in lines for uid in uids}


async def test_forks_are_workers_of_their_own_where_addopts_has_xdist_at_work(project: Project) -> None:
    async with opened(_suite(project, "-p xdist -n 4 --dist loadfile"), parallel=3) as story:
        names, occasions = await _told(story)
        assert names == {"gw0", "gw1", "gw2"}
        assert len(occasions) == 1
        assert (await _told(story))[1] != occasions


async def test_a_single_fork_is_the_first_worker_with_xdist_at_work_and_the_master_without(project: Project) -> None:
    async with opened(_suite(project, "-n 4"), parallel=1) as story:
        assert (await _told(story))[0] == {"gw0"}
        _suite(project, "-n 0")
        await story.changed("pytest.ini")
        assert (await _told(story))[0] == {"master"}


async def test_forks_at_once_are_workers_even_if_xdist_is_not_asked_for(project: Project) -> None:
    async with opened(_suite(project, "-q"), parallel=2) as story:
        assert (await _told(story))[0] == {"gw0", "gw1"}


@pytest.mark.parametrize(
    "options", ["-n 2", "-n 2 -d", "--dist each --tx 2*popen", "-n 2 --maxfail 1 --dist worksteal"]
)
async def test_outcomes_are_those_of_pytest_whatever_xdist_is_told(project: Project, options: str) -> None:
    _suite(project, options)
    project.write({"test_fails.py": "def test_fails(worker_id):\n    assert worker_id == 'gw0' and False\n"})
    async with opened(project, parallel=2) as story:
        assert story.outcomes() == cold_outcomes(project, ["-p", "no:xdist", "-p", "xdist", "-n", "0"])


async def test_a_name_that_is_read_at_import_is_never_that_of_two_forks_at_once(project: Project) -> None:
    _suite(project, "-n 2")
    project.write({"settings.py": "import os\n\nNAME = os.environ['PYTEST_XDIST_WORKER']\n"})
    by_name = "from settings import NAME\n\n\n@pytest.fixture(scope='session')\ndef database(worker_id):"
    text = project.read("conftest.py").replace('@pytest.fixture(scope="session")\ndef database(worker_id):', by_name)
    project.write({"conftest.py": text.replace('f"{worker_id}.database"', 'f"{NAME}.database"')})
    async with opened(project, parallel=3) as story:
        assert (await _told(story))[0] == {"gw0"}


async def test_a_copy_of_the_environment_is_no_reading_of_the_name(project: Project) -> None:
    _suite(project, "-n 2")
    project.write({"settings.py": "import os\n\nCOPY = {**os.environ}\nAGAIN = os.environ.copy()\n"})
    project.write({"test_0.py": "import settings\n" + project.read("test_0.py")})
    async with opened(project, parallel=2) as story:
        assert (await _told(story))[0] == {"gw0", "gw1"}


async def test_workers_share_a_folder_for_one_occasion_and_never_with_the_next(project: Project) -> None:
    project.write({"pytest.ini": "[pytest]\naddopts = -n 2\n"})
    project.write(
        {
            f"test_{number}.py": """
                import time

                def test_shared(tmp_path_factory, testrun_uid):
                    shared = tmp_path_factory.getbasetemp().parent / "shared"
                    if not shared.exists():
                        shared.write_text(testrun_uid)
                    time.sleep(0.1)
                    assert shared.read_text() == testrun_uid
                """
            for number in range(4)
        }
    )
    async with opened(project, parallel=2) as story:
        for _ in range(2):
            finished = await story.engine.build(everything=True)
            assert finished is not None
            assert {outcome.value for outcome in finished.counts} == {"passed"}


async def test_what_the_controller_hands_to_its_workers_reaches_the_forks(project: Project) -> None:
    project.write(
        {
            "pytest.ini": "[pytest]\naddopts = -n 2\n",
            "conftest.py": """
                def pytest_configure(config):
                    if not hasattr(config, "workerinput"):
                        config.server = "port 1234"

                def pytest_configure_node(node):
                    node.workerinput["server"] = f"{node.config.server} for {node.gateway.id}"
                """,
            "test_server.py": """
                def test_server(request, worker_id):
                    assert request.config.workerinput["server"] == f"port 1234 for {worker_id}"
                """,
        }
    )
    async with opened(project) as story:
        assert story.outcomes() == {"test_server": "passed"}
