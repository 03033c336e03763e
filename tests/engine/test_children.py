"""A test that starts another program depends on the sources that this can see, and on none that it can't."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import pytest

from aftershock.engine import events
from support.engine import EngineStory, opened
from support.project import Project

LINUX = sys.platform == "linux"

READING = {
    "a script": "assert subprocess.check_output([sys.executable, 'tool.py']) == b'one\\n'",
    "an import": "assert subprocess.check_output([sys.executable, '-c', 'import tool']) == b'one\\n'",
    "a package": "assert subprocess.check_output([sys.executable, '-m', 'inner.deeper']) == b'one\\n'",
    "a shell": "assert subprocess.check_output(f'{sys.executable} tool.py', shell=True) == b'one\\n'",
    "the system's shell": "assert os.system(f'{sys.executable} tool.py | grep -q one') == 0",
    "a child of a child": (
        "code = 'import subprocess, sys; subprocess.check_call([sys.executable, \"tool.py\"])'\n"
        "    assert subprocess.check_output([sys.executable, '-c', code], cwd='inner', env={'PWD': '.'}) == b'one\\n'"
    ),
    "a build that keeps what it made": ("assert subprocess.check_output(['sh', 'build/up']) == b\"print('one')\\n\""),
    "its bytecode elsewhere": (
        "environment = {**os.environ, 'PYTHONPYCACHEPREFIX': str(tmp_path)}\n"
        "    for _ in range(2):\n"
        "        done = subprocess.check_output([sys.executable, '-c', 'import tool'], env=environment)\n"
        "    assert done == b'one\\n'"
    ),
    "a text": "assert subprocess.check_output(['cat', 'tool.py']) == b\"print('one')\\n\"",
    "a posix_spawn": (
        "command = [sys.executable, '-c', 'import once; once.check()']\n"
        "    assert os.waitpid(os.posix_spawn(sys.executable, command, os.environ), 0)[1] == 0"
    ),
    "a function before the program": ("import once\n    assert subprocess.call(['true'], preexec_fn=once.check) == 0"),
    "a fork": (
        "import once\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        os._exit(once.main() != 'one')\n"
        "    assert os.waitpid(pid, 0)[1] == 0"
    ),
    "a source that the test has read": (
        "text = open('tool.py').read()\n"
        "    assert subprocess.run(['cat'], input=text, text=True, capture_output=True).stdout.count('one')"
    ),
    "a source that the test has moved": (
        "os.rename('tool.py', tmp_path / 'tool')\n"
        "    done = subprocess.run('cat $T', shell=True, env={'T': str(tmp_path / 'tool')}, capture_output=True)\n"
        "    os.rename(tmp_path / 'tool', 'tool.py')\n"
        "    assert b'one' in done.stdout"
    ),
    "a source that the test has linked": (
        "os.link('tool.py', tmp_path / 'tool')\n"
        "    done = subprocess.run('cat $T', shell=True, env={'T': str(tmp_path / 'tool')}, capture_output=True)\n"
        "    assert b'one' in done.stdout"
    ),
    "a source of a folder that the test has replaced": (
        "os.rename('inner', 'outer')\n"
        "    shutil.copytree('outer', 'inner')\n"
        "    shutil.rmtree('outer')\n"
        "    assert subprocess.check_output([sys.executable, '-m', 'inner.deeper']) == b'one\\n'"
    ),
    "a process of multiprocessing": (
        "import multiprocessing, once\n"
        "    context = multiprocessing.get_context('spawn')\n"
        "    child = context.Process(target=once.check)\n"
        "    child.start()\n"
        "    child.join()\n"
        "    assert child.exitcode == 0"
    ),
    "descriptors closed meanwhile": (
        "done = subprocess.check_output([sys.executable, 'tool.py'])\n"
        "    for each in os.listdir('/proc/self/fd'):\n"
        "        path = f'/proc/self/fd/{each}'\n"
        "        if os.path.lexists(path) and os.readlink(path).endswith('inotify'):\n"
        "            os.close(int(each))\n"
        "    assert done == b'one\\n'"
    ),
}
"""What a test does that ends otherwise when ``one`` becomes ``two`` everywhere; the last two leave something behind."""

CROOKED = {
    "a function replaced that we use": "request.getfixturevalue('crooked')\n    assert subprocess.call(['true']) == 0",
    "every descriptor in use": (
        "assert subprocess.call(['true']) == 0\n"
        "    resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))\n"
        "    try:\n"
        "        while True: KEPT.append(os.open('/dev/null', os.O_RDONLY))\n"
        "    except OSError: pass"
    ),
}
"""What a test does that keeps us from looking."""

WARY = {
    "a program that goes on": "subprocess.Popen(['sleep', '100'])",
    "a program that was left to others": "assert os.system('sleep 100 > /dev/null 2>&1 &') == 0",
    "a program that is told of a source": "assert subprocess.call(['test', '-f', 'tool.py']) == 0",
    "a program of a fixture for many": "request.getfixturevalue('program')",
    "a program before a fixture for many": (
        "assert subprocess.call(['true']) == 0\n    request.getfixturevalue('nothing')"
    ),
    "a program that asks the version control": "assert subprocess.run('. books/ask', shell=True).returncode == 0",
}
"""What a test does that may see a source in some way that isn't told."""

BLIND = {
    "a filter": "assert subprocess.run(['cat'], input=b'x', capture_output=True, check=True).stdout == b'x'",
    "a shell": "assert subprocess.check_output('echo x', shell=True) == b'x\\n'",
    "the system's shell": "assert os.system('true') == 0",
    "two programs": "assert [subprocess.call(['true']), subprocess.call(['false'])] == [0, 1]",
    "Python elsewhere": (
        "assert subprocess.check_output([sys.executable, '-c', 'import json; print(1)'], cwd=tmp_path) == b'1\\n'"
    ),
}
"""What a test does that sees no source."""


_FIXTURES = """
    import subprocess
    import pytest

    @pytest.fixture(scope="module")
    def program():
        assert subprocess.call(["true"]) == 0

    @pytest.fixture(scope="module")
    def nothing():
        pass

    @pytest.fixture(scope="module")
    def crooked():
        with pytest.MonkeyPatch.context() as patch:
            patch.delattr("os.listdir")
            yield
    """


_BUILD = """
    S=tool
    [ -e build/out ] && [ -z "$(find $S.py -newer build/out)" ] || cat $S.py > build/out
    cat build/out
    """


def _files(bodies: Mapping[str, str]) -> dict[str, str]:
    head = "import os, resource, shutil, subprocess, sys\n\nKEPT = []\n\n"
    tests = (f"def {_name(how)}(tmp_path, request):\n    {body}\n\n" for how, body in bodies.items())
    return {
        "conftest.py": _FIXTURES,
        "tool.py": "print('one')\n",
        "once.py": "def main(): return 'one'\n\ndef check(): assert main() != 'two'\n",
        "inner/__init__.py": "",
        "inner/deeper.py": "print('one')\n",
        "inner/tool.py": "print('one')\n",
        "unrelated.py": "X = 1\n",
        "build/up": _BUILD,
        "test_tool.py": f"{head}{''.join(tests)}def test_alone(): pass\n",
    }


def _name(how: str) -> str:
    return f"test_{how.replace(' ', '_').replace(chr(39), '')}"


def _all(bodies: Mapping[str, str], outcome: str) -> dict[str, str]:
    return {**dict.fromkeys(map(_name, bodies), outcome), "test_alone": "passed"}


async def _know_programs(story: EngineStory) -> None:
    """Once it is known which tests start programs, it is seen what those look at."""
    await story.save("unrelated.py", "1", "2")
    assert {test for test, outcome in story.outcomes().items() if outcome != "passed"} == set()


async def test_a_program_that_sees_a_source_is_run_again_for_it(project: Project) -> None:
    project.write(_files(READING))
    async with opened(project, parallel=1) as story:
        await _know_programs(story)
        for path in ("tool.py", "once.py", "inner/deeper.py", "inner/tool.py"):
            project.edit(path, "one", "two")
        await story.changed("tool.py", "once.py", "inner/deeper.py", "inner/tool.py")
        assert story.outcomes() == _all(READING, "failed")
        assert "test_alone" not in story.ran()


@pytest.mark.skipif(not LINUX, reason="elsewhere every child process may see the sources")
async def test_a_program_that_sees_no_source_is_left_alone(project: Project) -> None:
    project.write(_files(BLIND))
    async with opened(project, parallel=1) as story:
        await _know_programs(story)
        await story.save("tool.py", "one", "two")
        assert story.ran() == []
        await story.save("test_tool.py", "test_a_filter(tmp_path, request)", "test_a_filter(tmp_path, monkeypatch)")
        assert story.ran() == ["test_a_filter"]
        assert story.outcomes() == _all(BLIND, "passed")


async def test_a_module_that_a_program_looked_for_is_seen_when_it_comes(project: Project) -> None:
    code = "'try: import extra\\nexcept ImportError: print(1)'"
    body = f"assert subprocess.check_output([sys.executable, '-c', {code}]) == b'1\\n'"
    project.write(_files({"coming": body}))
    async with opened(project) as story:
        await _know_programs(story)
        project.write({"extra.py": ""})
        await story.changed("extra.py")
        assert story.outcomes() == {"test_coming": "failed", "test_alone": "passed"}


@pytest.mark.parametrize("how", WARY)
async def test_a_program_that_may_see_sources_unseen_is_run_again(project: Project, how: str) -> None:
    project.write({**_files({how: WARY[how]}), ".git/index": "", "books/ask": "cat .git/index\n"})
    async with opened(project) as story:
        await _know_programs(story)
        await story.save("tool.py", "one", "two")
        assert story.ran() == [_name(how)]


async def test_a_test_that_keeps_us_from_looking_gets_its_verdict(project: Project) -> None:
    project.write(_files(CROOKED))
    async with opened(project) as story:
        assert story.outcomes() == _all(CROOKED, "passed")


async def test_a_program_in_the_teardown_of_a_fixture_for_many_counts_for_all_its_users(project: Project) -> None:
    project.write(
        {
            "tool.py": "print('one')\n",
            "test_tool.py": """
                import subprocess, sys
                import pytest

                @pytest.fixture(scope="module")
                def tool():
                    yield
                    assert subprocess.check_output([sys.executable, "tool.py"]) == b"one\\n"

                def test_first(tool):
                    pass

                def test_second(tool):
                    pass
                """,
        }
    )
    async with opened(project) as story:
        await story.save("tool.py", "one", "two")
        assert story.ran() == ["test_first", "test_second"]


async def test_a_fixture_for_many_that_reads_a_source_counts_for_the_programs_of_its_users(project: Project) -> None:
    project.write(
        {
            "tool.py": "print('one')\n",
            "unrelated.py": "X = 1\n",
            "test_tool.py": """
                import subprocess
                import pytest

                @pytest.fixture(scope="module")
                def text():
                    with open("tool.py") as stream:
                        return stream.read()

                def test_first(text):
                    pass

                def test_second(text):
                    assert "one" in subprocess.run(["cat"], input=text, text=True, capture_output=True).stdout
                """,
        }
    )
    async with opened(project) as story:
        await story.save("unrelated.py", "1", "2")
        await story.save("tool.py", "one", "two")
        assert story.outcomes() == {"test_first": "passed", "test_second": "failed"}


@pytest.mark.skipif(not LINUX, reason="elsewhere every child process may see the sources")
async def test_a_source_elsewhere_to_which_a_link_leads_is_seen(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    there = tmp_path_factory.mktemp("elsewhere")
    (there / "text").write_text("print('one')\n")
    body = "assert b'one' in subprocess.run('cat $TOOL', shell=True, capture_output=True).stdout"
    project.write(_files({"linked": body}))
    project.delete("tool.py")
    project.path("tool.py").symlink_to(there / "text")
    async with opened(project, env={"TOOL": str(there / "text")}) as story:
        await _know_programs(story)
        (there / "text").write_text("print('two')\n")
        await story.changed("tool.py")
        assert story.outcomes() == {"test_linked": "failed", "test_alone": "passed"}


async def test_tests_that_run_after_every_edit_come_after_those_that_ran_what_changed(project: Project) -> None:
    project.write(
        {
            "tool.py": "def main():\n    return 'one'\n",
            "test_tool.py": """
                import subprocess
                import tool

                def test_any():
                    assert subprocess.call(["test", "-f", "tool.py"]) == 0

                def test_one():
                    assert tool.main()
                """,
        }
    )
    async with opened(project) as story:
        await story.save("tool.py", "one", "two")
        finished = story.of(events.TestFinished)
        assert [event.verdict.test.split("::")[1] for event in finished] == ["test_one", "test_any"]
