"""Whatever dies, the rest goes on, and nothing is left behind."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Any

import psutil
import pytest
from lsprotocol import types

from support.editor import Editor, close_editor
from support.project import Project


async def test_the_server_outlives_a_killed_interpreter(editor: Editor) -> None:
    for process in _family(editor):
        process.kill()
    editor.open("prices.py")

    # The death may be noticed only by the save that needs the interpreter; the next one finds a new one.
    editor.edit("prices.py", "gross - tax", "gross + tax")

    await editor.shows_errors("tests/test_prices.py", 1)


async def test_a_crashing_test_is_reported_and_the_rest_goes_on(editor: Editor) -> None:
    editor.open("tests/test_prices.py")

    editor.edit("tests/test_prices.py", "    assert net(100) == 90", "    import os\n\n    os._exit(3)")

    await editor.shows_errors("tests/test_prices.py", 1)
    editor.open("prices.py")
    editor.edit("prices.py", '"{amount} €"', '"€ {amount}"')
    await editor.shows_errors("tests/test_prices.py", 2)


@pytest.mark.parametrize("transport", ["stdio", "tcp"])
async def test_a_closed_server_leaves_no_process(open_shop: Callable[..., Awaitable[Editor]], transport: str) -> None:
    editor = await open_shop(transport)
    await editor.until(lambda: editor.status is not None and editor.status.tests == 5, "tests")
    await editor.fresh()
    family = _family(editor)
    assert family

    assert await close_editor(editor) == 0

    _, alive = await asyncio.to_thread(psutil.wait_procs, family, 10)
    assert not alive


async def test_a_client_that_vanishes_takes_the_server_with_it(open_shop: Callable[..., Awaitable[Editor]]) -> None:
    editor = await open_shop()
    await editor.until(lambda: editor.status is not None and editor.status.tests == 5, "tests")
    family = _family(editor)
    assert editor.process is not None
    assert editor.process.stdin is not None

    editor.process.stdin.close()

    await asyncio.wait_for(editor.process.wait(), 20)
    _, alive = await asyncio.to_thread(psutil.wait_procs, family, 10)
    assert not alive


async def test_a_build_is_cancelled_from_its_progress_and_taken_up_again(
    shop: Project, open_shop: Callable[..., Awaitable[Editor]]
) -> None:
    shop.write(
        {
            "tests/test_slow.py": """
                import pathlib
                import time

                import pytest

                HERE = pathlib.Path(__file__).parent


                @pytest.mark.parametrize("number", range(20))
                def test_slow(number):
                    while number > 3 and not (HERE / f"gate{number}").exists():
                        time.sleep(0.01)
                """
        }
    )
    editor = await open_shop(settings={"parallel": 1})
    await editor.until(lambda: _passed(editor) == 9, "the first verdicts")
    [token] = editor.client.progress_reports
    first = editor.progress()[0][0]
    assert (first.title, first.cancellable) == ("Aftershock: 25 tests", True)

    cancelled = types.WorkDoneProgressCancelParams(token)
    editor.client.window_work_done_progress_cancel(cancelled)
    for number in range(4, 20):
        # The test in flight ends, and perhaps one more until the word has reached the run.
        shop.write({f"tests/gate{number}": ""})
        await editor.until(functools.partial(_ended_or_passed, editor, number + 6), "a verdict, or the end")
    assert _cancelled(editor)
    done = _passed(editor)
    assert done < 25

    editor.steps.clear()
    await editor.command("aftershock.runAffected")
    await editor.fresh()
    assert _passed(editor) == 25 - done


def _family(editor: Editor) -> list[Any]:
    """The processes that the server started."""
    assert editor.process is not None
    return list(psutil.Process(editor.process.pid).children(recursive=True))


def _cancelled(editor: Editor) -> bool:
    return bool(editor.progress()[0][-1].message == "cancelled")


def _ended_or_passed(editor: Editor, count: int) -> bool:
    return _cancelled(editor) or _passed(editor) >= count


def _passed(editor: Editor) -> int:
    return sum(1 for step in editor.steps if step.kind == "passed" and step.run > 0)
