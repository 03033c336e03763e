"""The command line as a user has it: a process in a project."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.project import Project

SERVER = Path(__file__).parents[2] / "server"
Aftershock = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def shop(project: Project) -> Project:
    """Two functions, one of which calls the other, and three tests."""
    return project.write(
        {
            "pytest.ini": "[pytest]\npythonpath = .\n",
            "prices.py": """
                def net(gross):
                    return gross - tax(gross)


                def tax(gross):
                    return gross // 10


                def label(amount):
                    return f"{amount} EUR"
                """,
            "test_prices.py": """
                from prices import label, net, tax


                def test_net():
                    assert net(100) == 90


                def test_tax():
                    assert tax(100) == 10


                def test_label():
                    assert label(1) == "1 EUR"
                """,
        }
    )


@pytest.fixture
def aftershock(shop: Project) -> Aftershock:
    """Run a command in the shop, and return how it ended."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments],
            cwd=shop.root,
            env={**ENVIRONMENT, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )

    return run


COMMAND = (sys.executable, "-m", "aftershock")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(SERVER), "PYTHONIOENCODING": "utf-8"}
