"""Runs in the session's own process: the same results, what tests leave behind taken back, or a new session made."""

from __future__ import annotations

import asyncio

import pytest

from aftershock.engine.rebuilding import Rebuild
from support.cold import cold_outcomes
from support.engine import EngineStory, opened
from support.project import Project
from support.trouble import ALL_PASS, ONLY_THE_CULPRIT_FAILS, failing, output_of, three_tests, told_of, until

_ALL_KINDS = """
    import os, sys, unittest
    import pytest

    LOG = []

    @pytest.fixture(scope="session")
    def whole(tmp_path_factory):
        LOG.append("whole up")
        yield tmp_path_factory.mktemp("whole")
        LOG.append("whole down")
        LOG.clear()

    @pytest.fixture(scope="module", params=[1, 2])
    def each(request, whole):
        return request.param

    @pytest.fixture
    def broken():
        raise RuntimeError("no")

    @pytest.fixture
    def broken_down():
        yield
        raise RuntimeError("no")

    def test_passes(whole):
        assert LOG == ["whole up"]
        assert list(whole.iterdir()) == []

    def test_fails(whole):
        print("a line")
        assert 1 == 2

    def test_errs(broken):
        pass

    def test_errs_late(broken_down):
        pass

    @pytest.mark.skip(reason="not now")
    def test_skipped():
        pass

    @pytest.mark.xfail
    def test_expected():
        assert False

    def test_skips_itself(request):
        request.applymarker(pytest.mark.xfail)
        assert len(list(request.node.iter_markers("xfail"))) == 1
        assert False

    @pytest.mark.parametrize("number", [3, 4])
    def test_numbers(number, each):
        assert number != 4 or each != 2

    def test_folder(tmp_path):
        assert list(tmp_path.iterdir()) == []
        (tmp_path / "file").write_text("text")

    def test_output(capsys, capfd):
        pass

    def test_captured(capsys):
        print("heard")
        assert capsys.readouterr().out == "heard\\n"

    def test_patched(monkeypatch):
        monkeypatch.setenv("A_VARIABLE", "1")
        monkeypatch.setattr(os, "sep", "!")

    class TestCase(unittest.TestCase):
        @classmethod
        def setUpClass(cls):
            cls.shared = [1]

        @classmethod
        def tearDownClass(cls):
            del cls.shared

        def setUp(self):
            self.own = []

        def test_method(self):
            self.own.append(1)
            self.assertEqual(self.own, self.shared)

        def test_subtests(self):
            for number in range(2):
                with self.subTest(number=number):
                    self.assertLess(number, 5)

        def test_fails(self):
            self.fail("so")
    """


async def test_every_kind_of_test_ends_as_in_a_fresh_pytest_however_often_it_runs(project: Project) -> None:
    project.write({"test_kinds.py": _ALL_KINDS})
    expected = cold_outcomes(project)
    async with opened(project, isolation="inProcess") as story:
        assert story.outcomes() == expected
        for _ in range(2):
            await _run_all(story)
            assert story.outcomes() == expected
            assert output_of(story, "test_kinds.py::test_fails") == "a line"
        assert _rebuilt(story) is None


async def test_an_edit_is_answered_with_what_earlier_runs_kept_left_out(project: Project) -> None:
    project.write(
        {
            "pytest.ini": "[pytest]\npythonpath = .\n",
            "prices.py": """
                class Memory:
                    def __init__(self):
                        self.inner = {"kept": {}}

                MEMORY = Memory()

                def tax(gross):
                    return MEMORY.inner["kept"].setdefault(gross, compute(gross))

                def compute(gross):
                    return gross // 10

                def never_called():
                    return 1
                """,
            "test_prices.py": """
                import prices

                def test_tax():
                    assert prices.tax(100) == 10

                def test_never():
                    assert callable(prices.never_called)
                """,
        }
    )
    async with opened(project, isolation="inProcess") as story:
        await story.save("prices.py", "gross // 10", "gross // 20")
        assert story.outcomes()["test_tax"] == "failed"
        assert "compute ran in this process before" in _rebuilt_because(story)
        await story.save("prices.py", "gross // 20", "gross // 10 + 0")
        assert story.outcomes() == {"test_tax": "passed", "test_never": "passed"}

        sessions = _sessions(story)
        await story.save("prices.py", "return 1", "return 2")
        await _run_all(story)
        assert story.outcomes() == {"test_tax": "passed", "test_never": "passed"}
        assert _sessions(story) == sessions


_TAKEN_BACK = """
    import os, signal, sys, tempfile, threading

    def test_environment():
        assert "LEFT_BEHIND" not in os.environ
        os.environ["LEFT_BEHIND"] = "1"

    def test_working_directory():
        assert os.path.samefile(os.getcwd(), os.path.dirname(__file__))
        os.chdir("/")

    def test_import_path():
        assert "/left/behind" not in sys.path
        sys.path = ["/left/behind", *sys.path]

    def test_hooks_of_the_interpreter():
        assert sys.excepthook is not print
        sys.excepthook = threading.excepthook = print

    def test_signal_handlers():
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def test_limits():
        assert sys.getrecursionlimit() != 12345
        sys.setrecursionlimit(12345)
        assert tempfile.tempdir != "/left/behind"
        tempfile.tempdir = "/left/behind"

    def test_plugins(pytestconfig):
        assert not pytestconfig.pluginmanager.hasplugin("left-behind")
        pytestconfig.pluginmanager.register(object(), "left-behind")
    """


async def test_what_can_be_taken_back_is_gone_for_the_next_run_of_the_same_session(project: Project) -> None:
    project.write({"test_leavings.py": _TAKEN_BACK})
    async with opened(project, isolation="inProcess") as story:
        assert failing(story) == {}
        await _run_all(story)
        assert failing(story) == {}
        assert _rebuilt(story) is None


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("threading.Thread(target=threading.Event().wait, name='leftover', daemon=True).start()", "(leftover)"),
        ("sys.modules['left_behind'] = type(sys)('left_behind')", "sys.modules['left_behind']"),
        ("sys.path.insert(0, str(here)); import late", "the module late imported"),
        ("subprocess.Popen(['sleep', '1000'])", "a child process alive"),
        ("sys.modules[__name__].NEW = 1", "test_three.NEW"),
        ("import logging\nlogging.getLogger().addHandler(logging.NullHandler())", "loggers changed"),
    ],
)
async def test_what_cannot_be_taken_back_makes_a_new_session_that_says_why(
    project: Project, body: str, told: str
) -> None:
    project.write(three_tests(body))
    project.write({"late.py": ""})
    async with opened(project, isolation="inProcess") as story:
        assert story.outcomes() == ALL_PASS
        because = _rebuilt_because(story)
        assert "test_three.py::test_culprit left" in because
        assert told in because
        assert _sessions(story) == 2
        await _run_all(story)
        assert story.outcomes() == ALL_PASS


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("os._exit(3)", "exit status 3"),
        ("os.abort()", "SIGABRT"),
        ("import ctypes\nctypes.string_at(0)", "SIGSEGV"),
        ("os.killpg(0, signal.SIGTERM)", "SIGTERM"),
        ("os.closerange(3, 100)", "closed file descriptors"),
        ("sys.exit(3)", "SystemExit"),
        ("pytest.exit('enough')", "enough"),
    ],
)
async def test_an_end_of_the_process_is_told_of_its_test_and_the_others_run_on(
    project: Project, body: str, told: str
) -> None:
    project.write(three_tests(body))
    async with opened(project, isolation="inProcess") as story:
        assert story.outcomes() == ONLY_THE_CULPRIT_FAILS
        assert told in told_of(story)


async def test_a_build_goes_on_after_every_crash_of_its_process(project: Project) -> None:
    project.write(three_tests("os._exit(3)"))
    project.write({"test_more.py": "import os\n\ndef test_a():\n    os._exit(4)\n\ndef test_b():\n    pass\n"})
    async with opened(project, built=False, isolation="inProcess") as story:
        finished = await story.engine.build()
        assert finished is not None
        assert finished.unfinished == ()
        assert story.outcomes() == {**ONLY_THE_CULPRIT_FAILS, "test_a": "failed", "test_b": "passed"}


async def test_a_hang_ends_at_the_time_limit_and_the_others_run_on(project: Project) -> None:
    project.write(three_tests("while True: pass"))
    async with opened(project, isolation="inProcess", testTimeout=10) as story:
        assert story.outcomes() == ONLY_THE_CULPRIT_FAILS
        assert "longer than 10 s" in told_of(story)


async def test_a_cancelled_run_ends_after_the_test_in_flight_in_the_same_session(project: Project) -> None:
    project.write(
        three_tests(
            """
            (here / "begun").touch()
            while not (here / "cancelled").exists():
                time.sleep(0.005)
            """
        )
    )
    async with opened(project, built=False, isolation="inProcess") as story:
        run = asyncio.ensure_future(story.engine.build())
        await until(project.path("begun"))
        story.engine.cancel()
        project.path("cancelled").touch()
        finished = await run
        await story.engine.settled()
        assert finished is not None
        assert story.outcomes() == {**ALL_PASS, "test_later": "affected"}
        assert _sessions(story) == 1


async def test_facts_from_one_process_are_never_exact(project: Project) -> None:
    project.write({"test_one.py": "def test_one():\n    pass\n"})
    for isolation, exact in (("inProcess", False), ("snapshot", True)):
        async with opened(project, isolation=isolation) as story:
            await story.engine.build(everything=True)
            await story.engine.refined()
            fact = story.engine._ledger.index.matching("test_one.py::test_one")
            assert fact is not None
            assert fact.exact is exact


async def _run_all(story: EngineStory) -> None:
    story.forget()
    await story.engine.run_all()
    await story.engine.settled()


def _rebuilt(story: EngineStory) -> Rebuild | None:
    return story.engine._warming.rebuilt


def _rebuilt_because(story: EngineStory) -> str:
    """Why the last new session was needed, as `status` tells it."""
    return str(_rebuilt(story))


def _sessions(story: EngineStory) -> int:
    state = story.engine._warming.state
    assert state is not None
    return state.sessions
