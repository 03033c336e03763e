"""Running tests with coverage from an editor: a real coverage.py, lines and the tests that execute them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import psutil
import pytest
from pygls.exceptions import JsonRpcException

from support.editor import Editor, close_editor
from support.project import Project

TEST_NET = "tests/test_prices.py::test_net"
TEST_TOTAL = "tests/test_basket.py::TestBasket::test_total"
OpenEditor = Callable[..., Awaitable[Editor]]


async def test_lines_come_with_the_tests_that_execute_them(editor: Editor) -> None:
    coverage = await _covered(editor, None)

    assert [step.kind for step in editor.steps] == ["enqueued", *["passed"] * 5, "end"]
    assert coverage.run == editor.steps[0].run
    assert set(coverage.tests) == set(editor.steps[0].tests)
    prices = _file(editor, "prices.py")
    assert (prices.covered, prices.total) == (6, 6)
    assert len(_tests(editor, prices)) == 4
    assert await _lines(editor, "prices.py") == ([1, 3, 6, 7, 10, 11], [])
    assert await _lines(editor, "prices.py", TEST_NET) == ([3, 7], [])
    assert await _lines(editor, "basket.py", TEST_TOTAL) == ([6, 9, 12], [])
    assert await _lines(editor, "basket.py", TEST_NET) == ([], [])


async def test_a_line_tells_its_tests_from_the_facts_until_a_run_tells_it_apart(editor: Editor) -> None:
    editor.open("prices.py")
    head = editor.project.read("prices.py").splitlines().index("def net(gross):")
    assert await _tests_of_line(editor, head + 2) == ({TEST_NET, TEST_TOTAL}, False)

    await _covered(editor, [TEST_NET])

    assert await _tests_of_line(editor, head + 2) == ({TEST_NET}, True)
    assert await _tests_of_line(editor, head) == (set(), True), "it runs at import"
    editor.type("prices.py", "def net(gross):", "# other lines\ndef net(gross):")
    assert await _tests_of_line(editor, head + 3) == ({TEST_NET, TEST_TOTAL}, False)


async def test_picked_tests_run_alone_and_a_statement_is_told_by_its_first_line(
    open_shop: OpenEditor, shop: Project
) -> None:
    shop.edit("prices.py", "return gross - tax(gross)", "return max(\n        0,\n        gross - tax(gross),\n    )")
    editor = await _ready(open_shop)

    coverage = await _covered(editor, [TEST_NET, "tests/test_basket.py::TestBasket"])

    assert set(coverage.tests) == {TEST_NET, TEST_TOTAL, "tests/test_basket.py::TestBasket::test_empty"}
    assert await _lines(editor, "prices.py") == ([1, 3, 9, 10, 13], [14])
    assert await _lines(editor, "prices.py", TEST_NET) == ([3, 10], [])


async def test_what_a_shared_fixture_executes_counts_for_all_its_users(open_shop: OpenEditor, shop: Project) -> None:
    shop.write(
        {
            "tests/test_shared.py": """
                import pytest

                from prices import label, net


                @pytest.fixture(scope="session")
                def price():
                    return net(100)


                @pytest.fixture(scope="module")
                def tag(request):
                    return label(request.getfixturevalue("price"))


                def test_tag(tag):
                    assert tag == "90 €"


                def test_tag_again(tag):
                    assert tag


                def test_price(price):
                    assert price == 90
                """
        }
    )
    editor = await _ready(open_shop)
    await _covered(editor, ["tests/test_shared.py::" + name for name in ("test_tag", "test_tag_again", "test_price")])

    for test, lines in {"test_tag": [3, 7, 11], "test_tag_again": [3, 7, 11], "test_price": [3, 7]}.items():
        assert await _lines(editor, "prices.py", f"tests/test_shared.py::{test}") == (lines, []), test


async def test_the_projects_own_configuration_of_coverage_holds(open_shop: OpenEditor, shop: Project) -> None:
    shop.write(
        {
            ".coveragerc": """
                [run]
                branch = true
                core = sysmon
                dynamic_context = test_function
                concurrency = multiprocessing
                omit = tests/*
                [report]
                exclude_also = def label
                """,
            "unused.py": "FIRST = 1\n",
        }
    )
    editor = await _ready(open_shop, settings={"pytestArgs": ["-n", "2", "--maxfail", "1"]})

    coverage = await _covered(editor, None)

    assert {file.uri: (file.covered, file.total) for file in coverage.files} == {
        editor.uri("basket.py"): (8, 8),
        editor.uri("prices.py"): (4, 4),
        editor.uri("unused.py"): (0, 1),
    }
    assert await _lines(editor, "prices.py", TEST_NET) == ([3, 7], [])
    assert await _lines(editor, "prices.py", TEST_TOTAL) == ([3, 7], [])
    assert not list(shop.root.glob(".coverage.*"))


async def test_failures_are_told_and_a_broken_file_keeps_no_other_from_running(
    open_shop: OpenEditor, shop: Project
) -> None:
    shop.edit("prices.py", "gross - tax", "gross + tax")
    shop.write({"tests/test_broken.py": "import nowhere\n"})
    editor = await _ready(open_shop)

    await _covered(editor, None)

    [said] = [step.output for step in editor.steps if step.kind == "output"]
    assert said.startswith("tests/test_broken.py can't be collected.")
    assert "No module named 'nowhere'" in said
    [failed] = [step for step in editor.steps if step.kind == "failed" and step.test == TEST_NET]
    assert (failed.failure.expected, failed.failure.actual) == ("90", "110")
    assert await _lines(editor, "prices.py", TEST_NET) == ([3, 7], [])
    assert editor.status.failed == 0, "the verdict is for the eye alone"


async def test_a_pytest_that_cannot_start_is_told_with_the_run(open_shop: OpenEditor) -> None:
    editor = await open_shop(settings={"pytestArgs": ["--no-such-option"]})
    await editor.until(lambda: editor.status is not None and editor.status.state == "failed", "the failure")

    await _covered(editor, None)

    [said] = [step.output for step in editor.steps if step.kind == "output"]
    assert said == "pytest ended with exit status 4. .aftershock/coverage.log tells more."


async def test_an_interpreter_that_ends_between_tests_is_told_with_the_run(
    open_shop: OpenEditor, shop: Project
) -> None:
    shop.write({"tests/conftest.py": "import os\n\n\ndef pytest_sessionfinish():\n    os._exit(3)\n"})
    editor = await _ready(open_shop)

    await editor.request("aftershock/coverageRun", {"tests": [TEST_NET]})
    await _ended(editor)

    assert editor.steps[-2].output == (
        "The interpreter ended before all was measured. .aftershock/coverage.log tells more."
    )
    assert not editor.coverage


async def test_a_crash_is_told_of_its_test_and_ends_the_run(open_shop: OpenEditor, shop: Project) -> None:
    shop.edit("tests/test_prices.py", "    assert net(100) == 90", "    import os\n\n    os._exit(3)")
    editor = await _ready(open_shop)

    await editor.request("aftershock/coverageRun", {"tests": [TEST_NET]})
    await _ended(editor)

    [failed] = [step for step in editor.steps if step.kind == "failed"]
    assert failed.failure.message.startswith("The test ended the interpreter, and the coverage run with it.")
    assert not editor.coverage


async def test_a_cancelled_run_ends_with_its_process(open_shop: OpenEditor, shop: Project) -> None:
    editor, answer, process = await _hanging(open_shop, shop)

    editor.client.protocol.notify("aftershock/testRunCancel", {"run": answer.run})

    await _ended(editor)
    assert not await _alive(process)
    assert not editor.coverage


async def test_a_coverage_run_ends_with_the_server(open_shop: OpenEditor, shop: Project) -> None:
    editor, _, process = await _hanging(open_shop, shop)

    assert await close_editor(editor) == 0

    assert not await _alive(process)


async def test_a_killed_server_takes_its_coverage_run_along(open_shop: OpenEditor, shop: Project) -> None:
    editor, _, process = await _hanging(open_shop, shop)
    assert editor.process is not None

    editor.process.kill()

    await editor.process.wait()
    assert not await _alive(process)


async def test_without_coverage_one_sentence_says_what_to_do(open_shop: OpenEditor, shop: Project) -> None:
    shop.write({"hidden/coverage.py": "raise ImportError('hidden')\n"})
    editor = await _ready(open_shop, settings={"env": {"PYTHONPATH": str(shop.path("hidden"))}})

    with pytest.raises(JsonRpcException) as told:
        await editor.request("aftershock/coverageRun", {"tests": None})

    assert str(told.value) == (
        f"coverage.py is not installed for {sys.executable}. "
        "Install it there (pip install 'coverage>=7'), then run with coverage again."
    )


async def _ready(open_shop: OpenEditor, **options: Any) -> Editor:
    editor = await open_shop(answer=None, **options)
    await editor.until(lambda: editor.status is not None and editor.status.tests >= 5, "tests")
    await editor.ready()
    return editor


async def _covered(editor: Editor, tests: list[str] | None) -> Any:
    """Run tests with coverage to the end; returns what was found."""
    editor.steps.clear()
    answer = await editor.request("aftershock/coverageRun", {"tests": tests})
    await _ended(editor)
    [coverage] = editor.coverage
    assert coverage.run == answer.run
    return coverage


async def _ended(editor: Editor) -> None:
    await editor.until(lambda: bool(editor.steps) and editor.steps[-1].kind == "end", "the run's end")


def _file(editor: Editor, path: str) -> Any:
    return next(file for file in editor.coverage[-1].files if file.uri == editor.uri(path))


def _tests(editor: Editor, file: Any) -> list[str]:
    pairs = zip(file.ranges[::2], file.ranges[1::2], strict=True)
    return [editor.coverage[-1].tests[number] for first, last in pairs for number in range(first, last + 1)]


async def _lines(editor: Editor, path: str, test: str | None = None) -> tuple[list[int], list[int]]:
    """The one-based lines that were executed, and those that were not."""
    asked = {"run": editor.coverage[-1].run, "uri": editor.uri(path), "test": test}
    found = await editor.request("aftershock/coverageDetails", asked)
    return [line + 1 for line in found.covered], [line + 1 for line in found.missing]


async def _tests_of_line(editor: Editor, line: int) -> tuple[set[str], bool]:
    """The tests of a line of prices.py (zero-based), and whether they were measured."""
    told = await editor.command("aftershock.showTestsForLine", {"uri": editor.uri("prices.py"), "line": line})
    return {test["id"] for test in told["tests"]}, told["measured"]


async def _hanging(open_shop: OpenEditor, shop: Project) -> tuple[Editor, Any, psutil.Process]:
    """A run with coverage whose test never ends, and its process."""
    shop.write({"tests/test_slow.py": "import time\n\n\ndef test_slow():\n    time.sleep(1000)\n"})
    editor = await _ready(open_shop)
    editor.steps.clear()
    answer = await editor.request("aftershock/coverageRun", {"tests": ["tests/test_slow.py::test_slow"]})
    await editor.until(lambda: bool(editor.steps) and editor.steps[-1].kind == "started", "the test's start")
    assert editor.process is not None
    children = psutil.Process(editor.process.pid).children()
    [process] = [child for child in children if "coverage" in child.cmdline()]
    return editor, answer, process


async def _alive(process: psutil.Process) -> list[psutil.Process]:
    _, alive = await asyncio.to_thread(psutil.wait_procs, [process], 10)
    return list(alive)
