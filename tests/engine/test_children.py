"""A test that starts another program depends on the sources that this can see, and on none that it can't."""

from __future__ import annotations

import sys

import pytest

from support.engine import opened
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
"""What a test does that ends otherwise when ``one`` becomes ``two`` in all files."""

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


def _files(body: str) -> dict[str, str]:
    head = "import os, subprocess, sys\n\n"
    return {
        "tool.py": "print('one')\n",
        "once.py": "def main(): return 'one'\n\ndef check(): assert main() != 'two'\n",
        "inner/__init__.py": "",
        "inner/deeper.py": "print('one')\n",
        "inner/tool.py": "print('one')\n",
        "unrelated.py": "X = 1\n",
        "test_tool.py": f"{head}def test_tool(tmp_path):\n    {body}\n\ndef test_alone(): pass\n",
    }


@pytest.mark.parametrize("how", READING)
async def test_a_program_that_sees_a_source_is_run_again_for_it(project: Project, how: str) -> None:
    project.write(_files(READING[how]))
    async with opened(project) as story:
        assert story.outcomes() == {"test_tool": "passed", "test_alone": "passed"}
        for path in ("tool.py", "once.py", "inner/deeper.py", "inner/tool.py"):
            await story.save(path, "one", "two")
        assert story.outcomes() == {"test_tool": "failed", "test_alone": "passed"}
        assert "test_alone" not in story.ran()


@pytest.mark.skipif(not LINUX, reason="elsewhere every child process may see the sources")
@pytest.mark.parametrize("how", BLIND)
async def test_a_program_that_sees_no_source_is_left_alone(project: Project, how: str) -> None:
    project.write(_files(BLIND[how]))
    async with opened(project) as story:
        await story.save("unrelated.py", "1", "2")
        await story.save("tool.py", "one", "two")
        assert story.ran() == []
        await story.save("test_tool.py", "test_tool(tmp_path)", "test_tool(tmp_path, monkeypatch)")
        assert story.ran() == ["test_tool"]
        assert story.outcomes() == {"test_tool": "passed", "test_alone": "passed"}


async def test_a_module_that_a_program_looked_for_is_seen_when_it_comes(project: Project) -> None:
    code = "'try: import extra\\nexcept ImportError: print(1)'"
    project.write(_files(f"assert subprocess.check_output([sys.executable, '-c', {code}]) == b'1\\n'"))
    async with opened(project) as story:
        project.write({"extra.py": ""})
        await story.changed("extra.py")
        assert story.outcomes() == {"test_tool": "failed", "test_alone": "passed"}
