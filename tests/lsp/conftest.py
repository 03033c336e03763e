"""A project that is known to work, open in an editor."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from support.editor import Editor, close_editor, open_editor
from support.project import Project

OpenEditor = Callable[..., Awaitable[Editor]]


@pytest.fixture
def shop(project: Project) -> Project:
    """A small shop: prices, a basket, and five tests."""
    return project.write(
        {
            "pytest.ini": "[pytest]\npythonpath = .\n",
            "prices.py": '''
                def net(gross):
                    """Without the tax."""
                    return gross - tax(gross)


                def tax(gross):
                    return gross // 10


                def label(amount):
                    return f"{amount} €"
                ''',
            "basket.py": """
                from prices import net


                class Basket:
                    def __init__(self):
                        self.items = []

                    def add(self, gross):
                        self.items.append(net(gross))

                    def total(self):
                        return sum(self.items)
                """,
            "tests/test_prices.py": """
                import pytest

                from prices import label, net


                def test_net():
                    assert net(100) == 90


                @pytest.mark.parametrize("amount", [1, 2])
                def test_label(amount):
                    assert label(amount) == f"{amount} €"
                """,
            "tests/test_basket.py": """
                from basket import Basket


                class TestBasket:
                    def test_total(self):
                        basket = Basket()
                        basket.add(100)
                        assert basket.total() == 90

                    def test_empty(self):
                        assert Basket().total() == 0
                """,
        }
    )


@pytest.fixture
async def open_shop(shop: Project) -> AsyncIterator[OpenEditor]:
    """Open the shop in an editor, which is closed again in the end."""
    opened: list[Editor] = []

    async def open_it(transport: str = "stdio", **options: Any) -> Editor:
        editor = await open_editor(shop, transport, **options)
        opened.append(editor)
        return editor

    yield open_it
    for editor in opened:
        if editor.process is not None and editor.process.returncode is None:
            await close_editor(editor)


@pytest.fixture
async def editor(open_shop: OpenEditor) -> Editor:
    """The shop, open over stdio and built."""
    editor = await open_shop()
    await editor.ready()
    await editor.fresh()
    return editor
