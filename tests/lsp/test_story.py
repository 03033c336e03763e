"""The main job, through a real client: open, build, break, look, undo."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from lsprotocol.types import Diagnostic
from pytest_lsp import client_capabilities

from support.editor import Editor, close_editor
from support.project import Project

NET = 1  # the line of prices.net
TEST_NET = 6  # the line of test_net's def


@pytest.mark.parametrize("transport", ["stdio", "tcp"])
async def test_a_failure_comes_with_a_save_and_goes_with_its_undo(
    shop: Project, open_shop: Callable[..., Awaitable[Editor]], transport: str
) -> None:
    editor = await open_shop(transport)

    # The first time, the server asks before it runs everything, and shows how far it is.
    await editor.until(lambda: bool(editor.questions), "a question")
    assert editor.questions == [
        "Aftershock has no results yet. Run all 5 tests once to learn what reaches what?",
    ]
    await editor.until(lambda: editor.status.tests == 5 and not editor.status.affected, "the build")
    await editor.until(lambda: any(len(reports) >= 2 for reports in editor.progress()), "progress")

    # Lenses stand over functions that tests reach, and over tests.
    editor.open("prices.py")
    editor.open("tests/test_prices.py")
    text = await editor.shows_lens("prices.py", NET, lambda text: "✓" in text)
    assert text.startswith("2 tests ✓ ")
    over_test = (await editor.lenses("tests/test_prices.py"))[TEST_NET]
    assert over_test[0].startswith("✓ ")
    assert over_test[1] == "Run"

    # A save that breaks something says so in the test and in the code that it called.
    editor.edit("prices.py", "gross - tax(gross)", "gross + tax(gross)")
    [failure] = await editor.shows_errors("tests/test_prices.py", 1)
    assert failure.message.splitlines()[0] == "test_net failed: assert 110 == 90"
    assert _place(failure) == (TEST_NET, 4, len("    assert net(100) == 90"))
    assert failure.related_information
    assert failure.related_information[0].location.uri == editor.uri("tests/test_prices.py")
    await editor.shows_lens("prices.py", NET, lambda text: text == "2 tests, 2 failed")
    await editor.shows_errors("tests/test_basket.py", 1)

    # Undone and saved, all is well again, from memory: no test runs.
    await editor.ready()
    runs = len(editor.steps)
    editor.edit("prices.py", "gross + tax(gross)", "gross - tax(gross)")
    await editor.shows_errors("tests/test_prices.py", 0)
    await editor.shows_errors("tests/test_basket.py", 0)
    await editor.shows_lens("prices.py", NET, lambda text: text.startswith("2 tests ✓ "))
    assert [step.kind for step in editor.steps[runs:]] == ["passed", "passed", "end"]
    both = ["tests/test_basket.py::TestBasket::test_total", "tests/test_prices.py::test_net"]
    await editor.until(lambda: sorted(editor.restored) == both, "both tests to be told as restored")

    assert await close_editor(editor) == 0


async def test_an_exception_shows_where_it_was_raised_too(editor: Editor) -> None:
    editor.open("prices.py")

    editor.edit("prices.py", "return gross // 10", "return gross // 0")

    await editor.until(
        lambda: [error.message.startswith("2 tests fail here. ") for error in editor.errors("prices.py")] == [True],
        "both failures at one line",
    )
    [raised] = editor.errors("prices.py")
    assert "ZeroDivisionError" in raised.message.splitlines()[0]
    assert _place(raised)[0] == 6
    names = [information.message for information in raised.related_information or ()]
    assert [name.rpartition(".")[2] for name in names][-2:] == ["in net", "in tax"]


@pytest.mark.parametrize("client", ["visual-studio-code", "neovim"])
async def test_columns_are_counted_in_utf16_units(open_shop: Callable[..., Awaitable[Editor]], client: str) -> None:
    editor = await open_shop(capabilities=client_capabilities(client))
    await editor.ready()
    await editor.fresh()
    assert editor.promised.position_encoding == "utf-16", "whatever the client would like better"
    editor.open("tests/test_prices.py")

    editor.edit("tests/test_prices.py", "assert net(100) == 90", 'assert net(100) == "𝄞"')

    [failure] = await editor.shows_errors("tests/test_prices.py", 1)
    assert _place(failure) == (TEST_NET, 4, len('    assert net(100) == ""') + 2)


async def test_a_second_folder_is_for_a_second_server(editor: Editor) -> None:
    workspace = editor.promised.workspace
    assert workspace is None or workspace.workspace_folders is None


async def test_a_syntax_error_is_told_at_its_place_and_goes(editor: Editor) -> None:
    editor.open("prices.py")
    lens = (await editor.lenses("prices.py"))[NET]

    editor.edit("prices.py", "def tax(gross):", "def tax(gross:")

    [error] = await editor.shows_errors("prices.py", 1)
    assert error.source == "aftershock"
    assert error.code == "syntax"
    assert error.range.start.line == 5
    assert NET in await editor.lenses("prices.py"), "lenses stay where the last good text had them"

    editor.edit("prices.py", "def tax(gross:", "def tax(gross):")
    await editor.shows_errors("prices.py", 0)
    assert await editor.shows_lens("prices.py", NET, lambda text: "✓" in text) == lens[0]


async def test_an_import_error_is_the_files_own(editor: Editor) -> None:
    editor.open("tests/test_basket.py")

    editor.edit("tests/test_basket.py", "from basket import Basket", "from baskets import Basket")

    [error, *_] = await editor.shows_errors("tests/test_basket.py", 1)
    assert error.code == "import"
    assert "baskets" in error.message
    assert error.range.start.line == 0

    editor.edit("tests/test_basket.py", "from baskets import Basket", "from basket import Basket")
    await editor.shows_errors("tests/test_basket.py", 0)


async def test_lenses_stay_put_while_typing_what_does_not_parse(editor: Editor) -> None:
    editor.open("prices.py")
    before = await editor.lenses("prices.py")

    editor.type("prices.py", "def label(amount):", "def label(amount:")

    assert await editor.lenses("prices.py") == before


def _place(diagnostic: Diagnostic) -> tuple[int, int, int]:
    """Line, first and last column, all from zero."""
    place = diagnostic.range
    return place.start.line, place.start.character, place.end.character
