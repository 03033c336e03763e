"""What a test leaves behind is gone for the next run, and what it does to its process is told as what it is."""

from __future__ import annotations

import pytest

from support.engine import opened
from support.project import Project
from support.trouble import ALL_PASS, ONLY_THE_CULPRIT_FAILS, failing, output_of, session_of, three_tests, told_of

_LEAVINGS = """
    import atexit, builtins, functools, gc, logging, os, resource, signal, sys, tempfile, threading, warnings

    NAMES = []
    HEARD = []
    CLASS = type("Settings", (), {"debug": False})

    @functools.lru_cache
    def answer():
        return object()

    def test_globals():
        assert NAMES == []
        NAMES.append(1)

    def test_class_attributes():
        assert CLASS.debug is False
        CLASS.debug = True

    def test_builtins():
        assert not hasattr(builtins, "left_behind")
        builtins.left_behind = 1

    def test_caches():
        assert answer.cache_info().currsize == 0
        answer()

    def test_environment():
        assert "LEFT_BEHIND" not in os.environ
        os.environ["LEFT_BEHIND"] = "1"

    def test_working_directory():
        assert os.path.samefile(os.getcwd(), os.path.dirname(__file__))
        os.chdir("/")

    def test_import_path():
        assert "/left/behind" not in sys.path
        sys.path.insert(0, "/left/behind")

    def test_modules():
        assert "left_behind" not in sys.modules
        sys.modules["left_behind"] = sys

    def test_open_files():
        assert not any(getattr(each, "name", "") == __file__ for each in gc.get_objects() if hasattr(each, "tell"))
        os.left_behind = open(__file__, "rb")

    def test_umask_and_limits():
        assert os.umask(0o077) != 0o077
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        assert soft != 77
        resource.setrlimit(resource.RLIMIT_NOFILE, (77, hard))

    def test_hooks_of_the_interpreter():
        assert not {print} & {sys.excepthook, threading.excepthook, sys.unraisablehook}
        sys.excepthook = threading.excepthook = sys.unraisablehook = print
        assert sys.displayhook is sys.__displayhook__
        sys.displayhook = print

    def test_audit_hooks():
        sys.audit("left.behind")
        assert HEARD == []
        sys.addaudithook(lambda event, arguments: HEARD.append(event) if event == "left.behind" else None)

    def test_exit_functions():
        assert not hasattr(atexit, "left_behind")
        atexit.left_behind = atexit.register(os._exit, 9)

    def test_signal_handlers():
        numbers = [signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD, signal.SIGALRM]
        assert all(signal.getsignal(number) is signal.SIG_DFL for number in numbers)
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)

    def test_logging_and_warnings():
        assert not any(type(each) is logging.FileHandler for each in logging.getLogger().handlers)
        logging.getLogger().addHandler(logging.FileHandler(os.devnull))
        assert ("ignore", None, BytesWarning, None, 77) not in warnings.filters
        warnings.filterwarnings("ignore", category=BytesWarning, lineno=77)

    def test_threads():
        assert threading.active_count() == 1
        threading.Thread(target=threading.Event().wait).start()

    def test_temporary_folder():
        assert tempfile.tempdir != "/left/behind"
        tempfile.tempdir = "/left/behind"

    def test_recursion_limit():
        assert sys.getrecursionlimit() < 12345
        sys.setrecursionlimit(12345)
    """


async def test_what_a_test_leaves_behind_is_gone_for_the_next_run(project: Project) -> None:
    project.write({"test_leavings.py": _LEAVINGS})
    async with opened(project, parallel=1) as story:
        assert failing(story) == {}
        await story.engine.run_all()
        await story.engine.settled()
        assert failing(story) == {}
        await story.save("test_leavings.py", "NAMES = []", "NAMES = []  # patched\nMORE = 1")
        assert failing(story) == {}


_ENDS = {
    "os.abort()": "SIGABRT",
    "import ctypes\nctypes.string_at(0)": "SIGSEGV",
    "signal.raise_signal(signal.SIGKILL)": "for want of memory, perhaps",
    "os.killpg(0, signal.SIGTERM)": "SIGTERM",
    "pytest.exit('enough')": "enough",
    "raise KeyboardInterrupt": "KeyboardInterrupt",
    "os.closerange(3, 4096)": "closed file descriptors",
    "os.closerange(3, 4096)\ntime.sleep(600)": "closed file descriptors",
    "if os.fork() == 0:\n    time.sleep(600)\nos._exit(3)": "exit status 3",
    "os.ftruncate(1, 1 << 30)\ntime.sleep(600)": "printed more than 512 MB",
}


@pytest.mark.parametrize("body", _ENDS)
async def test_what_ends_a_process_is_told_on_the_test_the_rest_run_and_the_session_lives(
    project: Project, body: str
) -> None:
    project.write(three_tests(body))
    async with opened(project, built=False) as story:
        session = session_of(story)
        await story.engine.build()
        assert story.outcomes() == ONLY_THE_CULPRIT_FAILS
        assert _ENDS[body] in told_of(story)
        await story.save("test_three.py", "def test_later():\n    pass", "def test_later():\n    assert 0")
        assert story.outcomes()["test_later"] == "failed"
        assert session_of(story) == session


_STUBBORN = {
    "it ignores every signal": """
        for number in set(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)
        time.sleep(600)
        """,
    "it blocks every signal": """
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        time.sleep(600)
        """,
    "it stops its own process": "os.kill(os.getpid(), signal.SIGSTOP)",
    "it swallows every exception": """
        while True:
            try:
                time.sleep(600)
            except BaseException:
                pass
        """,
    "it computes in C": "sum(range(10**15))",
}


@pytest.mark.parametrize("way", _STUBBORN)
async def test_a_hanging_test_is_stopped_however_it_resists(project: Project, way: str) -> None:
    project.write(three_tests(_STUBBORN[way]))
    async with opened(project, testTimeout=0.5) as story:
        assert story.outcomes() == ONLY_THE_CULPRIT_FAILS
        assert "longer than 0.5 s" in told_of(story)


async def test_files_that_take_the_place_of_closed_descriptors_stay_as_the_test_left_them(project: Project) -> None:
    body = """
        os.closerange(3, 4096)
        for number in range(40):
            (here / f"mine-{number}").open("wb", buffering=0)
            os.open(here / f"mine-{number}", os.O_WRONLY)
        """
    project.write(three_tests(body))
    async with opened(project) as story:
        assert story.outcomes() == ONLY_THE_CULPRIT_FAILS
        mine = list(project.root.glob("mine-*"))
        assert len(mine) == 40
        assert {path.read_bytes() for path in mine} == {b""}


async def test_a_forked_child_that_comes_back_into_pytest_does_not_report_as_the_run(project: Project) -> None:
    body = """
        child = os.fork()
        if child == 0:
            assert False, "the child's own failure"
        os.waitpid(child, 0)
        with (here / "parents").open("a") as log:
            log.write("one ")
        """
    files = three_tests(body)
    files["test_three.py"] = files["test_three.py"].replace(
        "def test_later():\n    pass",
        "@pytest.fixture(scope='module', autouse=True)\ndef place():\n    yield\n"
        "    (here / 'torn').open('a').write('x')\n\n\ndef test_later():\n    (here / 'later').open('a').write('x')",
    )
    project.write(files)
    async with opened(project, built=False) as story:
        story.forget()
        await story.engine.build()
        assert story.outcomes() == ALL_PASS
        assert story.ran() == ["test_before", "test_culprit", "test_later"]
        assert (project.read("parents"), project.read("torn"), project.read("later")) == ("one ", "x", "x")
        assert "had forked came back into pytest" in output_of(story)
