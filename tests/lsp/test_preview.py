"""What an edit will affect is shown before it is saved, and nothing is run for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from support.editor import Editor

NET, LABEL = 1, 10
"""Lines of ``net`` and ``label`` in prices.py."""


async def reads(editor: Editor, path: str, line: int, text: str) -> None:
    """Wait until the lens over a line says this."""
    assert await editor.shows_lens(path, line, lambda told: told == text) == text


async def test_a_body_under_way_is_previewed_and_taken_back(editor: Editor) -> None:
    editor.open("prices.py")
    steps = len(editor.steps)
    before = (await editor.lenses("prices.py"))[NET][0]

    editor.type("prices.py", "gross // 10", "gross // 9")
    await reads(editor, "prices.py", NET, "2 affected when saved")
    await reads(editor, "tests/test_prices.py", 6, "affected when saved")
    assert (await editor.lenses("prices.py"))[LABEL][0].startswith("2 tests ✓")

    editor.type("prices.py", "gross // 10", "gross // (9")  # doesn't parse: nothing flickers
    editor.type("prices.py", "gross // 10", "gross // 10 ")  # a comment or a space affects nothing
    await reads(editor, "prices.py", NET, before)
    assert len(editor.steps) == steps
    assert not editor.status.affected


async def test_of_a_definition_it_is_told_how_many_it_may_be(editor: Editor) -> None:
    editor.open("prices.py")
    editor.type("prices.py", "def label(amount):", "def label(amount, *, unit='€'):")
    await reads(editor, "prices.py", NET, "up to 2 affected when saved")
    await reads(editor, "prices.py", LABEL, "up to 2 affected when saved")


async def test_a_save_ends_the_preview(editor: Editor) -> None:
    editor.open("prices.py")
    text = editor.type("prices.py", "gross // 10", "gross // 9")
    await reads(editor, "prices.py", NET, "2 affected when saved")
    editor.save("prices.py", text)
    await reads(editor, "prices.py", NET, "2 tests, 2 failed")


async def test_a_closed_file_has_nothing_to_come(editor: Editor) -> None:
    editor.open("prices.py")
    editor.type("prices.py", "gross // 10", "gross // 9")
    await reads(editor, "tests/test_prices.py", 6, "affected when saved")
    editor.close("prices.py")
    assert "✓" in await editor.shows_lens("tests/test_prices.py", 6, lambda told: "saved" not in told)


async def test_it_can_be_switched_off(open_shop: Callable[..., Awaitable[Editor]]) -> None:
    editor = await open_shop(settings={"preview": False})
    await editor.ready()
    await editor.fresh()
    editor.open("prices.py")
    before = await editor.lenses("prices.py")
    editor.type("prices.py", "gross // 10", "gross // 9")
    assert await editor.lenses("prices.py") == before
    await editor.command("aftershock.runAll")
    await editor.fresh()
    assert "saved" not in str(await editor.lenses("prices.py"))
