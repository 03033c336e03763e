"""Which tests an edit runs: those that can see it, and hardly any besides; and what is undone runs nothing.

Each edit names the tests that it must run.  A cold pytest is asked too: no test may come out otherwise that didn't run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest

from support.cold import cold_outcomes
from support.engine import EngineStory, opened
from support.project import Project


@dataclass(frozen=True)
class Edit:
    """A change of one place in a file, and the tests that it runs; ``back``: those that taking it back runs."""

    path: str
    old: str
    new: str
    runs: Sequence[str]
    back: Sequence[str] = ()


CONSTANTS: Mapping[str, str] = {
    "app/__init__.py": "from app.config import LIMIT\n",
    "app/config.py": """
        LIMIT = 3
        DOUBLE = LIMIT * 2
        NAMES = ["ann", "bob"]
        UNUSED = 1
        SIZES = [len(name) for name in NAMES]
        """,
    "app/reading.py": """
        from app import config
        from app.config import LIMIT as HIGHEST

        def direct():
            return config.LIMIT

        def imported():
            return HIGHEST

        def derived():
            return config.DOUBLE

        def listed():
            return sum(config.SIZES)
        """,
    "test_constants.py": """
        import app
        from app import reading

        def test_direct(): assert reading.direct() == 3
        def test_imported(): assert reading.imported() == 3
        def test_reexported(): assert app.LIMIT == 3
        def test_derived(): assert reading.derived() == 6
        def test_listed(): assert reading.listed() == 6
        def test_nothing(): assert True
        """,
}
CONSTANT_EDITS = (
    Edit(
        "app/config.py", "LIMIT = 3", "LIMIT = 4", ["test_derived", "test_direct", "test_imported", "test_reexported"]
    ),
    Edit("app/config.py", "LIMIT * 2", "LIMIT + 3", []),
    Edit("app/config.py", "LIMIT * 2", "LIMIT * 3", ["test_derived"]),
    Edit("app/config.py", '"bob"]', '"bert"]', ["test_listed"]),
    Edit("app/config.py", '"bob"]', '"bea"]', []),
    Edit("app/config.py", "UNUSED = 1", "UNUSED = 2", []),
    Edit("app/config.py", "UNUSED = 1\n", "", []),
    Edit("app/config.py", "LIMIT = 3\n", "LIMIT = (\n    3  # the highest\n)\n", []),
    Edit("app/__init__.py", "import LIMIT", "import DOUBLE as LIMIT", ["test_reexported"]),
    Edit("app/config.py", "UNUSED = 1", "def unused():\n    return 1", []),
    Edit("app/config.py", "UNUSED = 1", "import json", []),
)

CLASSES: Mapping[str, str] = {
    "kinds.py": """
        import abc, dataclasses, enum, typing

        class Kind(enum.Enum):
            SMALL = 1
            LARGE = 2

        @dataclasses.dataclass
        class Box:
            width: int = 2
            def area(self): return self.width * self.height()
            def height(self): return 2

        class Tall(Box):
            def height(self): return super().height() + 3

        class Point(typing.NamedTuple):
            x: int = 0
            y: int = 1

        class Base(abc.ABC):
            colour = "red"
            def name(self): return "base"
            @property
            def label(self): return f"{self.name()}!"
            @staticmethod
            def help(value=1): return value

        class Leaf(Base):
            size = 5
            def describe(self):
                \"\"\"Tell.\"\"\"
                return self.name()
        """,
    "test_kinds.py": """
        import pytest
        from kinds import Box, Kind, Leaf, Point, Tall

        def test_enum(): assert Kind(1).name == "SMALL"
        def test_box(): assert Box().area() == 4
        def test_shown(): assert repr(Box(3)) == "Box(width=3)"
        def test_tall(): assert Tall().area() == 10
        def test_point(): assert Point() == (0, 1)
        def test_colour(): assert Leaf().colour == "red"
        def test_size(): assert Leaf.size == 5
        def test_name(): assert Leaf().describe() == "base"
        def test_label(): assert Leaf().label == "base!"
        def test_help(): assert Leaf.help() == 1
        def test_asked(): assert getattr(Leaf(), "colour") == "red"
        def test_documented(): assert Leaf.describe.__doc__ == "Tell."
        def test_arguments():
            with pytest.raises(TypeError):
                Leaf.help(1, 2)
        def test_nothing(): assert True
        """,
}
_LEAVES = ["test_arguments", "test_asked", "test_colour", "test_documented", "test_help", "test_label", "test_name"]
CLASS_EDITS = (
    Edit("kinds.py", "SMALL = 1", "SMALL = 3", ["test_enum"]),
    Edit("kinds.py", "width: int = 2", "width: int = 3", ["test_box", "test_shown", "test_tall"]),
    Edit("kinds.py", "y: int = 1", "y: int = 2", ["test_point"]),
    Edit("kinds.py", 'colour = "red"', 'colour = "blue"', ["test_asked", "test_colour"]),
    Edit("kinds.py", "size = 5", "size = 6", ["test_size"]),
    Edit("kinds.py", "    size = 5", "    size = 5\n    def name(self): return 'leaf'", ["test_label", "test_name"]),
    Edit("kinds.py", "    size = 5", "    size = 5\n    def unheard(self): return 'leaf'", []),
    Edit("kinds.py", "    @property\n", "", ["test_label"]),
    Edit("kinds.py", "value=1", "value=2", ["test_arguments", "test_help"]),
    Edit("kinds.py", "value=1", "value=1, other=2", ["test_arguments", "test_help"]),
    Edit("kinds.py", '"""Tell."""', '"""Say."""', ["test_documented"]),
    Edit("kinds.py", "(Base):\n    size", "(Base, Box):\n    size", [*_LEAVES, "test_size"]),
    Edit(
        "kinds.py",
        '    colour = "red"',
        '    colour = "red"\n    @abc.abstractmethod\n    def left_out(self): ...',
        [*_LEAVES, "test_size"],
    ),
    Edit("kinds.py", "class Tall(Box):", "class Tall:", ["test_tall"]),
    Edit(
        "kinds.py",
        "        def area(self): return self.width * self.height()\n".replace("        ", "    ", 1),
        "    def area(self):\n        # comments change nothing\n        return self.width * self.height()\n",
        [],
    ),
)

IMPORTING: Mapping[str, str] = {
    "registry.py": """
        import functools

        HANDLERS = {}
        LAMBDAS = {"one": lambda: 1, "two": lambda: 2}

        def handler(name):
            def register(function):
                HANDLERS[name] = function
                return function
            return register

        def shout(function):
            @functools.wraps(function)
            def inner():
                return function() + "!"
            return inner

        @handler("double")
        def double(value):
            return value * 2

        @shout
        def hello():
            return "hello"

        def make(kind):
            if kind == "never":
                return None
            return [kind]

        MADE = make("table")
        plain = 1

        def __getattr__(name):
            if name == "lazy":
                return 7
            raise AttributeError(name)

        class Counting(type):
            def __new__(cls, name, bases, space):
                made = super().__new__(cls, name, bases, space)
                made.tag = name.lower()
                return made

        class Tagged(metaclass=Counting):
            pass

        class Listing:
            names = []
            def __init_subclass__(cls):
                Listing.names.append(cls.__name__)

        class First(Listing):
            pass

        class Stored:
            def __get__(self, owner, cls):
                return 5

        class Holder:
            value = Stored()

        @functools.lru_cache
        def remembered():
            return sorted(HANDLERS)
        """,
    "test_registry.py": """
        import registry

        def test_handler(): assert registry.HANDLERS["double"](3) == 6
        def test_lambda(): assert registry.LAMBDAS["two"]() == 2
        def test_hello(): assert registry.hello() == "hello!"
        def test_made(): assert registry.MADE == ["table"]
        def test_lazy(): assert registry.lazy == 7
        def test_tagged(): assert registry.Tagged.tag == "tagged"
        def test_listing(): assert registry.Listing.names == ["First"]
        def test_stored(): assert registry.Holder().value == 5
        def test_remembered(): assert registry.remembered() == ["double"]
        def test_remembered_again(): assert len(registry.remembered()) == 1
        def test_plain(): assert registry.plain == 1
        """,
}
IMPORT_EDITS = (
    Edit(
        "registry.py",
        'handler("double")',
        'handler("twice")',
        ["test_handler", "test_remembered", "test_remembered_again"],
    ),
    Edit(
        "registry.py",
        "= function\n",
        "= lambda value: 0\n",
        ["test_handler", "test_remembered", "test_remembered_again"],
    ),
    Edit("registry.py", "lambda: 2", "lambda: 3", ["test_lambda"]),
    Edit("registry.py", '"!"', '"?"', ["test_hello"]),
    Edit("registry.py", "@shout\n", "", ["test_hello"]),
    Edit("registry.py", "return [kind]", "return [kind, 1]", ["test_made"]),
    Edit("registry.py", "return None", "return 0", []),
    Edit("registry.py", 'make("table")', 'make("chair")', ["test_made"]),
    Edit("registry.py", "return 7", "return 8", ["test_lazy"]),
    Edit("registry.py", "name.lower()", "name", ["test_tagged"]),
    Edit("registry.py", "class First(Listing)", "class Second(Listing)", ["test_listing"]),
    Edit("registry.py", "return 5", "return 6", ["test_stored"]),
    Edit("registry.py", "value = Stored()", "value = 5", ["test_stored"]),
    Edit("registry.py", "plain = 1", "plain = 1\nimport os", []),
    Edit("registry.py", "plain = 1", "plain = 2", ["test_plain"]),
)

PYTEST: Mapping[str, str] = {
    "conftest.py": """
        import pytest

        @pytest.fixture
        def number():
            return 1

        @pytest.fixture(scope="session")
        def shared():
            yield [2]

        @pytest.fixture(params=[1, 2])
        def each(request):
            return request.param

        def pytest_generate_tests(metafunc):
            if "made" in metafunc.fixturenames:
                metafunc.parametrize("made", [5])
        """,
    "data.py": "CASES = [1, 2]\n",
    "test_fixtures.py": """
        import unittest
        import pytest
        from data import CASES

        def test_number(number): assert number == 1
        def test_shared(shared): assert shared == [2]
        def test_each(each): assert each < 3
        def test_made(made): assert made == 5

        @pytest.mark.parametrize("case", CASES)
        def test_case(case): assert case < 9

        @pytest.mark.skipif(len(CASES) > 2, reason="many")
        def test_marked(): assert True

        class TestUnit(unittest.TestCase):
            wanted = 3
            def setUp(self): self.value = 3
            def test_value(self): assert self.value == 3
            def test_wanted(self): assert self.wanted == 3

        def test_alone(): assert True
        """,
}
PYTEST_EDITS = (
    Edit("conftest.py", "return 1", "return 3", ["test_number"]),
    Edit("conftest.py", "yield [2]", "yield [3]", ["test_shared"]),
    Edit("conftest.py", 'scope="session"', 'scope="module"', ["test_shared"]),
    Edit("conftest.py", "params=[1, 2]", "params=[1, 4]", ["test_each[1]", "test_each[4]"]),
    Edit("conftest.py", '"made", [5]', '"made", [6]', ["test_made[6]"]),
    Edit("data.py", "[1, 2]", "[1, 2, 10]", ["test_case[10]", "test_case[1]", "test_case[2]", "test_marked"]),
    Edit("data.py", "[1, 2]", "[1, 9]", ["test_case[1]", "test_case[9]"]),
    Edit("test_fixtures.py", "self.value = 3", "self.value = 4", ["TestUnit::test_value", "TestUnit::test_wanted"]),
    Edit("test_fixtures.py", "wanted = 3", "wanted = 4", ["TestUnit::test_wanted"]),
    Edit("test_fixtures.py", "def test_alone(): assert True", "def test_alone(): assert 1", []),
    Edit("test_fixtures.py", "def test_alone()", "def test_new(): assert True\ndef test_alone()", ["test_new"]),
    Edit(
        "test_fixtures.py",
        "def test_alone()",
        "@pytest.fixture\ndef number(): return 5\n\ndef test_alone()",
        ["test_number"],
    ),
)


async def _follow(story: EngineStory, project: Project, edit: Edit) -> None:
    before, text = story.outcomes(), project.read(edit.path)
    await story.save(edit.path, edit.old, edit.new)
    ran, stands, cold = story.ran(), story.outcomes(), cold_outcomes(project)
    assert ran == sorted(edit.runs), f"{edit.path}: {edit.old!r} -> {edit.new!r}"
    missed = {name for name, outcome in cold.items() if before.get(name) != outcome} - set(ran)
    assert not missed, f"{edit.path}: {edit.old!r} -> {edit.new!r}"
    assert {name: stands[name] for name in cold} == cold
    project.path(edit.path).write_text(text, encoding="utf-8")
    await story.changed(edit.path)
    assert story.ran() == sorted(edit.back), f"back to {edit.old!r}"
    assert story.outcomes() == before


@pytest.mark.parametrize(
    ("files", "edits"),
    [
        pytest.param(CONSTANTS, CONSTANT_EDITS, id="constants"),
        pytest.param(CLASSES, CLASS_EDITS, id="classes"),
        pytest.param(IMPORTING, IMPORT_EDITS, id="what imports do"),
        pytest.param(PYTEST, PYTEST_EDITS, id="what pytest does"),
    ],
)
async def test_each_edit_runs_who_can_see_it_and_nobody_when_undone(
    project: Project, files: Mapping[str, str], edits: Sequence[Edit]
) -> None:
    project.write(files)
    async with opened(project) as story:
        await story.engine.refined()
        wrong = []
        for edit in edits:
            text = project.read(edit.path)
            try:
                await _follow(story, project, edit)
            except AssertionError as error:
                wrong.append(str(error))
                project.path(edit.path).write_text(text, encoding="utf-8")
                await story.changed(edit.path)
        assert not wrong, "\n\n".join(wrong)
