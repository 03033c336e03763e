"""A project that several stories of the engine begin with."""

from __future__ import annotations

import pytest

from support.project import Project

_SHOP = {
    "shop/__init__.py": "",
    "shop/prices.py": """
        RATE = 2

        def net(amount):
            return amount * 10

        def gross(amount):
            return net(amount) * RATE
        """,
    "shop/stock.py": """
        def left(sold):
            return 5 - sold
        """,
    "tests/test_prices.py": """
        from shop import prices

        def test_net():
            assert prices.net(1) == 10

        def test_gross():
            assert prices.gross(1) == 20
        """,
    "tests/test_stock.py": """
        from shop.stock import left

        def test_left():
            assert left(2) == 3
        """,
}


@pytest.fixture
def shop(project: Project) -> Project:
    """A shop with prices and stock, and three tests that pass."""
    return project.write(_SHOP)
