"""Where runs happen: in forks where they can be had and trusted, else in the session's own process, with the reason."""

from __future__ import annotations

import sys
from pathlib import Path

from aftershock.engine import events
from support.engine import EngineStory, opened
from support.project import Project
from support.trouble import ALL_PASS, ONLY_THE_CULPRIT_FAILS, three_tests, told_of

_THREAD_AT_IMPORT = {
    "pytest.ini": "[pytest]\npythonpath = .\n",
    "worker.py": """
        import threading

        threading.Thread(target=threading.Event().wait, name="worker", daemon=True).start()
        """,
    "test_worker.py": """
        import os, threading
        import worker

        PID = os.getpid()

        def test_worker():
            assert "worker" in [thread.name for thread in threading.enumerate()]
            assert os.getpid() == PID
        """,
}


async def test_a_project_that_starts_threads_when_it_is_imported_runs_in_process_and_says_so(project: Project) -> None:
    project.write(_THREAD_AT_IMPORT)
    story = EngineStory(project, {})
    await story.engine.start()
    try:
        await story.engine.build()
        await story.engine.settled()
        assert story.outcomes() == {"test_worker": "passed"}
        [notice] = story.of(events.Notice)
        assert "threads that a fork would lack (worker)" in notice.message
        state = story.engine._warming.state
        assert state is not None
        assert "worker" in state.unforked
        story.forget()
        await story.engine.run_all()
        await story.engine.settled()
        assert story.outcomes() == {"test_worker": "passed"}
        assert story.engine._warming.rebuilt is None
    finally:
        await story.engine.close()


async def test_forks_are_used_where_they_can_be_and_where_they_are_asked_for(project: Project) -> None:
    project.write(_THREAD_AT_IMPORT)
    async with opened(project, isolation="snapshot") as story:
        assert story.outcomes() == {"test_worker": "failed"}
    project.write(
        {
            "worker.py": "",
            "test_worker.py": "import os\nPID = os.getpid()\ndef test_a():\n    assert os.getpid() != PID\n",
        }
    )
    async with opened(project) as story:
        assert story.outcomes() == {"test_a": "passed"}


_FORKLESS = """
import os, runpy, sys
for name in ("fork", "forkpty", "register_at_fork"):
    delattr(os, name)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


async def test_all_of_it_works_where_there_is_no_fork(project: Project, tmp_path: Path) -> None:
    (tmp_path / "forkless.py").write_text(_FORKLESS)
    project.write({**three_tests("assert not hasattr(os, 'fork')\nos._exit(3)")})
    async with opened(project, interpreter=[sys.executable, str(tmp_path / "forkless.py")]) as story:
        assert story.outcomes() == ONLY_THE_CULPRIT_FAILS
        assert "exit status 3" in told_of(story)
        await story.save("test_three.py", "    os._exit(3)", "    assert 1")
        assert story.outcomes() == ALL_PASS
