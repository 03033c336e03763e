"""What can be done about a failure from where it is shown."""

from __future__ import annotations

from lsprotocol import types

from support.editor import Editor

TEST_NET = "tests/test_prices.py::test_net"


async def actions(editor: Editor, path: str, line: int) -> dict[str, types.CodeAction]:
    """The code actions on a line (one-based), by their titles."""
    place = types.Range(types.Position(line - 1, 0), types.Position(line - 1, 0))
    context = types.CodeActionContext(editor.errors(path))
    document = types.TextDocumentIdentifier(editor.uri(path))
    found = await editor.client.text_document_code_action_async(types.CodeActionParams(document, place, context))
    return {each.title: each for each in found or () if isinstance(each, types.CodeAction)}


async def chosen(editor: Editor, action: types.CodeAction) -> object:
    """Choose an action."""
    assert action.command is not None
    return await editor.command(action.command.command, *(action.command.arguments or ()))


async def test_a_failure_is_run_again_debugged_explained_and_followed_to_its_cause(editor: Editor) -> None:
    editor.open("prices.py")
    editor.edit("prices.py", "return gross // 10", "raise ValueError(gross)")
    await editor.shows_errors("prices.py", 1)
    (in_test,) = await editor.shows_errors("tests/test_prices.py", 1)

    at_test = await actions(editor, "tests/test_prices.py", in_test.range.start.line + 1)
    assert list(at_test) == [
        "Run test_net again",
        "Debug test_net",
        "Why test_net?",
        "Go to where test_net fails",
    ]
    assert list(at_test["Run test_net again"].diagnostics or ()) == [in_test]
    why = await chosen(editor, at_test["Why test_net?"])
    assert isinstance(why, dict)
    assert why["test"] == TEST_NET

    await chosen(editor, at_test["Go to where test_net fails"])
    await editor.until(lambda: bool(editor.shown), "a place to be shown")
    assert editor.shown == [(editor.uri("prices.py"), 6)]

    at_cause = await actions(editor, "prices.py", 7)
    assert next(iter(at_cause)) == "Run 2 tests again"
    assert "Go to the failing line of test_net" in at_cause

    editor.steps.clear()
    await chosen(editor, at_test["Run test_net again"])
    await editor.until(lambda: any(step.kind == "end" for step in editor.steps), "a run")
    assert [step.test for step in editor.steps if step.kind == "failed"] == [TEST_NET]


async def test_there_is_nothing_to_do_about_what_passes(editor: Editor) -> None:
    editor.open("prices.py")
    assert await actions(editor, "prices.py", 7) == {}
