"""What a user asks for: commands, the explorer's runs, and the questions a test answers."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable

import pytest
from lsprotocol.types import ClientCapabilities, Diagnostic, DiagnosticSeverity
from pygls.exceptions import JsonRpcException

from support.editor import Editor, close_editor

TEST_NET = "tests/test_prices.py::test_net"
OUTCOMES = ("passed", "failed", "errored", "skipped")


async def test_nothing_runs_unasked_when_the_question_is_dismissed(
    open_shop: Callable[..., Awaitable[Editor]],
) -> None:
    editor = await open_shop(answer="Not Now")
    await editor.until(lambda: bool(editor.questions), "a question")
    await editor.ready()
    assert not editor.steps

    await editor.command("aftershock.runAll")

    await editor.until(lambda: editor.status.state == "ready" and not editor.status.affected, "the run")
    assert _outcomes(editor) == {"passed": 5}


async def test_who_does_not_want_to_be_asked_again_is_not(open_shop: Callable[..., Awaitable[Editor]]) -> None:
    editor = await open_shop(answer="Don't Ask Again")
    await editor.until(lambda: bool(editor.questions), "a question")
    await editor.ready()
    await close_editor(editor)

    again = await open_shop()
    await again.ready()
    assert await again.command("aftershock.showTestsForSymbol", {"uri": again.uri("prices.py"), "qualname": "net"})
    assert not again.questions


async def test_a_notice_that_may_come_again_can_be_muted(open_shop: Callable[..., Awaitable[Editor]]) -> None:
    editor = await open_shop(settings={"maxAutoRunSeconds": 0.0001})
    await editor.ready()
    await editor.fresh()
    editor.open("prices.py")
    editor.answer = "Don't Ask Again"
    editor.edit("prices.py", "gross // 10", "gross // 9")
    await editor.until(lambda: "run them when it suits you" in editor.questions[-1], "a notice")
    await editor.lenses("prices.py")  # the server has taken the answer before it gives this one
    editor.edit("prices.py", "gross // 9", "gross // 8")
    editor.edit("prices.py", "def label(amount):", "def label(amount, more=1):")
    await editor.until(lambda: len(editor.affected) == 4, "what is affected")
    assert len([each for each in editor.questions if "suits" in each]) == 1


async def test_resuming_runs_on_saves_even_where_they_run_nothing_by_default(
    open_shop: Callable[..., Awaitable[Editor]],
) -> None:
    editor = await open_shop(settings={"runMode": "onDemand"})
    await editor.ready()
    await editor.fresh()
    await editor.command("aftershock.resume")
    editor.open("prices.py")
    editor.edit("prices.py", "gross // 10", "gross // 9")
    await editor.shows_errors("tests/test_prices.py", 1)


async def test_what_is_marked_and_how_severely_is_the_users_choice(open_shop: Callable[..., Awaitable[Editor]]) -> None:
    diagnostics = {"failures": "warning", "affected": False}
    editor = await open_shop(settings={"diagnostics": diagnostics, "runMode": "onDemand"})
    await editor.ready()
    await editor.fresh()
    editor.open("prices.py")
    editor.edit("prices.py", "gross // 10", "gross // 9")
    await editor.until(lambda: TEST_NET in editor.affected, "an affected test")
    assert await editor.shows_lens("prices.py", 1, lambda text: "affected" in text) == "2 affected, not run"
    assert not editor.diagnostics("tests/test_prices.py")

    await editor.command("aftershock.runAffected")

    def warnings() -> list[Diagnostic]:
        return editor.diagnostics("tests/test_prices.py", DiagnosticSeverity.Warning)

    await editor.until(lambda: len(warnings()) == 1, "a warning")
    assert editor.diagnostics("tests/test_prices.py") == warnings()


async def test_a_client_without_any_capability_is_served(open_shop: Callable[..., Awaitable[Editor]]) -> None:
    editor = await open_shop(capabilities=ClientCapabilities(), answer=None)
    await editor.until(lambda: bool(editor.questions), "a question")

    await editor.command("aftershock.runAll")

    await editor.until(lambda: editor.status.state == "ready" and not editor.status.affected, "the run")
    assert await close_editor(editor) == 0


async def test_why_names_the_function_that_changed(open_shop: Callable[..., Awaitable[Editor]]) -> None:
    editor = await open_shop(settings={"runMode": "onDemand"})
    await editor.until(lambda: editor.status is not None and editor.status.tests == 5, "tests")
    await editor.fresh()
    editor.open("prices.py")
    editor.edit("prices.py", "gross // 10", "gross // 9")
    await editor.until(lambda: TEST_NET in editor.affected, "an affected test")

    answer = await editor.command("aftershock.why", TEST_NET)

    assert answer["affected"]
    lines = ["- return gross // 10", "+ return gross // 9"]
    assert answer["reasons"] == [{"text": "prices.py: body of tax changed", "lines": lines}]
    assert await editor.shows_lens("prices.py", 1, lambda text: "affected" in text) == "2 affected, not run"
    assert editor.diagnostics("tests/test_prices.py", DiagnosticSeverity.Hint)[0].message == "affected, not run"

    await editor.command("aftershock.runAffected")
    await editor.shows_errors("tests/test_prices.py", 1)
    await editor.shows_lens("prices.py", 1, lambda text: text == "2 tests, 2 failed")


async def test_why_names_the_function_that_sees_a_changed_value(editor: Editor) -> None:
    editor.open("prices.py")
    editor.steps.clear()
    editor.edit("prices.py", "return gross // 10", "return gross // RATE\n\n\nRATE = 10")
    await editor.until(lambda: any(step.kind == "end" for step in editor.steps), "a run")
    await editor.fresh()
    await editor.command("aftershock.pause")
    editor.edit("prices.py", "RATE = 10", "RATE = 9")
    # Until the value is known, all definitions of the file count.
    await editor.until(lambda: editor.affected.get(TEST_NET) == ["prices.py: RATE changed"], "the value")

    answer = await editor.command("aftershock.why", TEST_NET)

    text = "prices.py: RATE changed, which tax in prices.py can see"
    assert answer["reasons"] == [{"text": text, "lines": ["- RATE = 10", "+ RATE = 9"]}]


async def test_why_of_an_unknown_test_is_answered_in_one_sentence(editor: Editor) -> None:
    with pytest.raises(JsonRpcException, match=r"There is no test nowhere::nothing\."):
        await editor.command("aftershock.why", "nowhere::nothing")


async def test_the_timeline_shows_the_last_run_and_its_tests_are_found(editor: Editor) -> None:
    built = (await editor.command("aftershock.showTimeline"))["html"]
    assert built.count("<button") == 5
    assert f'data-test="{TEST_NET}"' in built

    editor.open("prices.py")
    editor.edit("prices.py", "gross - tax", "gross + tax")
    await editor.shows_errors("tests/test_prices.py", 1)
    await editor.until(lambda: editor.status.state == "ready", "the run's end")
    saved = (await editor.command("aftershock.showTimeline"))["html"]
    assert "2 failed" in saved
    assert saved.count("<button") == 2

    place = (await editor.command("aftershock.locateTest", TEST_NET))["location"]
    assert place["uri"] == editor.uri("tests/test_prices.py")
    assert place["range"]["start"]["line"] == 5
    with pytest.raises(JsonRpcException, match=r"There is no test nowhere::nothing\."):
        await editor.command("aftershock.locateTest", "nowhere::nothing")


async def test_the_tests_of_a_symbol_are_listed_and_run(editor: Editor) -> None:
    label = {"uri": editor.uri("prices.py"), "qualname": "label"}

    answer = await editor.command("aftershock.showTestsForSymbol", label)
    assert [test["id"] for test in answer["tests"]] == [
        "tests/test_prices.py::test_label[1]",
        "tests/test_prices.py::test_label[2]",
    ]
    assert [test["outcome"] for test in answer["tests"]] == ["passed", "passed"]
    assert answer["tests"][0]["location"]["uri"] == editor.uri("tests/test_prices.py")

    editor.steps.clear()
    await editor.command("aftershock.runTestsForSymbol", label)
    await editor.until(lambda: bool(editor.steps) and editor.steps[-1].kind == "end", "the run's end")
    assert _outcomes(editor) == {"passed": 2}


async def test_the_explorer_sees_the_tree_of_tests_and_runs_one(editor: Editor) -> None:
    [basket] = editor.modules[editor.uri("tests/test_basket.py")]
    assert (basket.id, basket.label) == ("tests/test_basket.py::TestBasket", "TestBasket")
    assert [child.label for child in basket.children] == ["test_total", "test_empty"]
    net, label = editor.modules[editor.uri("tests/test_prices.py")]
    assert net.id == TEST_NET
    assert net.range.start.line == 5
    assert [(child.id, child.label) for child in label.children] == [
        ("tests/test_prices.py::test_label[1]", "1"),
        ("tests/test_prices.py::test_label[2]", "2"),
    ]

    editor.steps.clear()
    answer = await editor.request("aftershock/testRun", {"tests": [TEST_NET]})
    await editor.until(lambda: bool(editor.steps) and editor.steps[-1].kind == "end", "the run's end")
    assert [step.kind for step in editor.steps] == ["enqueued", "passed", "end"]
    assert {step.run for step in editor.steps} == {answer.run}


async def test_a_failure_reaches_the_explorer_with_both_values(editor: Editor) -> None:
    editor.open("prices.py")
    editor.steps.clear()

    editor.edit("prices.py", "gross - tax", "gross + tax")

    await editor.shows_errors("tests/test_prices.py", 1)
    [failed] = [step for step in editor.steps if step.kind == "failed" and step.test == TEST_NET]
    assert "assert 110 == 90" in failed.failure.message
    assert (failed.failure.expected, failed.failure.actual) == ("90", "110")
    assert failed.failure.frames[0].location.uri == editor.uri("tests/test_prices.py")


async def test_paused_saves_run_nothing_until_resumed(editor: Editor) -> None:
    editor.open("prices.py")
    editor.steps.clear()
    await editor.command("aftershock.pause")
    await editor.until(lambda: editor.status.state == "paused", "the pause")

    editor.edit("prices.py", "gross - tax", "gross + tax")
    await editor.until(lambda: TEST_NET in editor.affected, "an affected test")
    assert not [step for step in editor.steps if step.run > 0]

    await editor.command("aftershock.resume")
    await editor.shows_errors("tests/test_prices.py", 1)


async def test_the_server_outlives_its_interpreter(editor: Editor) -> None:
    await editor.command("aftershock.restartInterpreter")
    editor.open("prices.py")

    editor.edit("prices.py", "gross - tax", "gross + tax")

    await editor.shows_errors("tests/test_prices.py", 1)


async def test_a_killed_server_loses_no_result(open_shop: Callable[..., Awaitable[Editor]]) -> None:
    first = await open_shop()
    await first.ready()
    await first.fresh()
    assert first.process is not None
    os.kill(first.process.pid, signal.SIGKILL)
    await asyncio.wait_for(first.process.wait(), 10)

    second = await open_shop()
    await second.until(lambda: second.status is not None and second.status.state == "ready", "readiness")

    assert not second.questions
    assert not second.affected
    second.open("prices.py")
    assert await second.shows_lens("prices.py", 1, lambda text: text.startswith("2 tests ✓ "))


async def test_a_setting_that_will_not_do_is_told_in_one_sentence(
    open_shop: Callable[..., Awaitable[Editor]],
) -> None:
    editor = await open_shop(settings={"runMode": "sometimes"})

    await editor.until(lambda: bool(editor.client.messages), "a message")

    assert "aftershock.runMode is 'sometimes'" in editor.client.messages[0].message
    assert editor.status.state == "failed"
    assert await close_editor(editor) == 0


def _outcomes(editor: Editor) -> dict[str, int]:
    """How many tests had which outcome, in all runs so far."""
    kinds = [step.kind for step in editor.steps if step.run > 0 and step.kind in OUTCOMES]
    return {kind: kinds.count(kind) for kind in set(kinds)}
