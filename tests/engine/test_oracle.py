"""The oracle: after every one of a seeded row of edits, what the warm engine says is what a cold pytest says.

That holds both promises at once: a missed test would keep a verdict that the cold run contradicts, and a stale one
would give the wrong verdict.  ``AFTERSHOCK_ORACLE=SEED:EDITS`` runs another, longer row.
"""

from __future__ import annotations

import os
import random

from support.cold import cold_outcomes
from support.engine import opened
from support.project import Project

_PROJECT = {
    "app/__init__.py": "from app.config import LIMIT\nfrom app.names import shout\n",
    "app/config.py": """
        import os

        LIMIT = 3
        NAMES = ["ann", "bob"]
        DERIVED = LIMIT * 2

        def setting(name, default=7):
            return default
        """,
    "app/names.py": """
        import functools
        from app import config

        @functools.lru_cache
        def table():
            return {name: name.upper() for name in config.NAMES}

        def shout(name):
            return table().get(name, "?")
        """,
    "app/shapes.py": """
        import dataclasses, enum

        class Kind(enum.Enum):
            SMALL = 1
            LARGE = 2

        @dataclasses.dataclass
        class Box:
            width: int = 2
            kind: Kind = Kind.SMALL

            def area(self):
                return self.width * self._height()

            def _height(self):
                return 2

            @property
            def label(self):
                return f"{self.kind.name}-{self.width}"

        class Tall(Box):
            def _height(self):
                return super()._height() + 3

            def __secret(self):
                return 5

            def secret(self):
                return self.__secret()
        """,
    "app/registry.py": """
        HANDLERS = {}

        def handler(name):
            def register(function):
                HANDLERS[name] = function
                return function
            return register

        @handler("double")
        def double(value):
            return value * 2

        FIRST = double(4)
        """,
    "app/lazy.py": """
        def load():
            import importlib
            return importlib.import_module("app.plugins.one").VALUE
        """,
    "app/plugins/__init__.py": "",
    "app/plugins/one.py": "VALUE = 11\n",
    "conftest.py": """
        import pytest
        from app.shapes import Box

        @pytest.fixture(scope="session")
        def box():
            yield Box(3)

        @pytest.fixture
        def limit():
            import app
            return app.LIMIT
        """,
    "tests/test_config.py": """
        import app
        from app.config import DERIVED, setting

        def test_limit(limit):
            assert limit == 3

        def test_derived():
            assert DERIVED == 6

        def test_setting():
            assert setting("x") == 7

        def test_shout():
            assert app.shout("ann") == "ANN"

        def test_shout_again():
            assert app.shout("bob") == "BOB"
        """,
    "tests/test_shapes.py": """
        import pytest
        from app.shapes import Box, Kind, Tall

        @pytest.mark.parametrize("kind", list(Kind))
        def test_kind(kind):
            assert kind.value in (1, 2)

        def test_area(box):
            assert box.area() == 6

        def test_tall():
            assert Tall(2).area() == 10

        def test_secret():
            assert Tall().secret() == 5

        class TestLabel:
            def test_label(self, box):
                assert box.label == "SMALL-3"

            def test_default(self):
                assert Box() == Box(2, Kind.SMALL)
        """,
    "tests/test_registry.py": """
        from app import lazy
        from app.registry import FIRST, HANDLERS

        def test_handler():
            assert HANDLERS["double"](3) == 6

        def test_first():
            assert FIRST == 8

        def test_lazy():
            assert lazy.load() == 11
        """,
}

_EDITS = [
    ("app/config.py", "LIMIT = 3", "LIMIT = 4"),
    ("app/config.py", '"bob"]', '"bo"]'),
    ("app/config.py", "default=7", "default=8"),
    ("app/config.py", "return default", "return default + 1"),
    ("app/config.py", "import os\n", "# nothing needed\n"),
    ("app/names.py", "name.upper()", "name.title()"),
    ("app/names.py", "@functools.lru_cache\n", ""),
    ("app/names.py", 'table().get(name, "?")', "table()[name]"),
    ("app/shapes.py", "LARGE = 2", "LARGE = 3"),
    ("app/shapes.py", "LARGE = 2\n", "LARGE = 2\n    HUGE = 9\n"),
    ("app/shapes.py", "width: int = 2", "width: int = 1"),
    ("app/shapes.py", "    def _height(self):\n        return 2\n", "    def _height(self):\n        return 1\n"),
    ("app/shapes.py", "super()._height() + 3", "7"),
    ("app/shapes.py", "class Tall(Box):", "class Tall(Box, object):"),
    ("app/shapes.py", "return 5", "return 6"),
    ("app/shapes.py", "{self.kind.name}-", "{self.kind.name}+"),
    ("app/shapes.py", "return self.width * self._height()", "raise ValueError(self.width)"),
    ("app/registry.py", "return value * 2", "return value + 2"),
    ("app/registry.py", "HANDLERS[name] = function", "HANDLERS[name] = lambda value: 0"),
    ("app/registry.py", '@handler("double")', '@handler("twice")'),
    ("app/plugins/one.py", "11", "12"),
    ("app/lazy.py", "app.plugins.one", "app.plugins.two"),
    ("app/__init__.py", "from app.names import shout", "def shout(name):\n    return 'ANN'"),
    ("conftest.py", "yield Box(3)", "yield Box(4)"),
    ("conftest.py", 'scope="session"', 'scope="function"'),
    ("conftest.py", "return app.LIMIT", "return 3"),
    ("tests/test_config.py", "assert DERIVED == 6", "assert DERIVED in (6, 8)"),
    ("tests/test_shapes.py", "in (1, 2)", "in (1, 2, 3)"),
    ("tests/test_registry.py", "def test_first", "def test_new():\n    assert FIRST\n\ndef test_first"),
    ("app/registry.py", "FIRST = double(4)", "FIRST = double(4"),
]


def _toggle(project: Project, chance: random.Random) -> str:
    """Make one of the edits, or take it back; returns the file."""
    while True:
        path, old, new = chance.choice(_EDITS)
        text = project.read(path)
        for here, there in ((old, new), (new, old)):
            if here and text.count(here) == 1:
                project.edit(path, here, there)
                return path


async def test_the_warm_engine_says_what_a_cold_pytest_says(project: Project) -> None:
    seed, edits = map(int, os.environ.get("AFTERSHOCK_ORACLE", "7:12").split(":"))
    chance = random.Random(seed)
    project.write(_PROJECT)
    async with opened(project) as story:
        assert story.outcomes() == cold_outcomes(project)
        await story.engine.refined()
        for number in range(edits):
            path = _toggle(project, chance)
            await story.changed(path)
            if any(problem.kind == "syntax" for found in story.engine.problems.values() for problem in found):
                continue  # the last good state is kept on purpose; the repair is compared
            warm, cold = story.outcomes(), cold_outcomes(project)
            settled = {name: outcome for name, outcome in warm.items() if name in cold}
            await story.engine.refined()
            assert settled == cold, f"edit {number} of seed {seed}, in {path}: {story.engine.status}"
