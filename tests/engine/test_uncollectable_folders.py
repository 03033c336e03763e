"""A folder that pytest can't collect, since its conftest or its package can't be imported: its tests tell of that."""

from __future__ import annotations

import pytest

from support.cold import cold_outcomes
from support.engine import opened
from support.project import Project

_WHOLE = "from shop.prices import RATE\n"
_BROKEN = "from shop.prices import RATES\n"


@pytest.fixture
def nested(project: Project) -> Project:
    """Tests inside of a package, whose import another package's tests don't need."""
    project.write(
        {
            "shop/__init__.py": _WHOLE,
            "shop/prices.py": "RATE = 1\n",
            "shop/tests/__init__.py": "",
            "shop/tests/conftest.py": "import pytest\n",
            "shop/tests/test_one.py": "def test_one(): pass\n",
            "shop/tests/test_rate.py": "import shop\n\ndef test_rate(): assert shop.RATE == 1\n",
            "test_other.py": "def test_other(): pass\n",
        }
    )
    return project


async def test_tests_of_a_folder_whose_conftest_fails_are_told_as_errors_until_it_is_mended(nested: Project) -> None:
    async with opened(nested) as story:
        await story.save("shop/__init__.py", _WHOLE, _BROKEN)
        assert story.ran() == ["test_one", "test_rate"]
        assert story.outcomes() == {"test_one": "errored", "test_rate": "errored", "test_other": "passed"}
        ((path, (problem,)),) = story.engine.problems.items()
        assert (path, problem.line) == ("shop/__init__.py", 1)
        assert "cannot import name 'RATES'" in problem.message
        await story.save("shop/tests/test_one.py", "test_one(): pass", "test_one(): assert True")
        assert story.outcomes()["test_one"] == "errored"
        await story.save("shop/__init__.py", _BROKEN, _WHOLE)
        assert not story.engine.problems
        assert (
            story.outcomes()
            == cold_outcomes(nested)
            == dict.fromkeys(("test_one", "test_rate", "test_other"), "passed")
        )


async def test_a_folder_that_never_could_be_collected_has_its_tests_when_it_can(nested: Project) -> None:
    nested.write({"shop/__init__.py": _BROKEN})
    async with opened(nested) as story:
        assert story.outcomes() == {"test_other": "passed"}
        assert list(story.engine.problems) == ["shop/__init__.py"]
        await story.save("shop/__init__.py", _BROKEN, _WHOLE)
        assert not story.engine.problems
        await story.engine.build()
        assert story.outcomes() == cold_outcomes(nested)


async def test_who_is_in_a_package_that_cannot_be_imported_any_more_is_affected(project: Project) -> None:
    project.write(
        {
            "tests/__init__.py": "import json\n\nLIMIT = json.loads('1')\n",
            "tests/deep/__init__.py": "",
            "tests/deep/test_deep.py": "def test_deep(): pass\n",
            "tests/test_limit.py": "from . import LIMIT\n\ndef test_limit(): assert LIMIT == 1\n",
            "tests/test_one.py": "def test_one(): pass\n",
            "test_other.py": "def test_other(): pass\n",
        }
    )
    async with opened(project) as story:
        await story.save("tests/__init__.py", "import json\n", "")
        assert story.ran() == ["test_deep", "test_limit", "test_one"]
        assert story.outcomes()["test_one"] == story.outcomes()["test_deep"] == "errored"
        assert cold_outcomes(project) == {"test_other": "passed"}
        await story.save("tests/__init__.py", "\nLIMIT", "import json\n\nLIMIT")
        assert story.ran() == []
        assert story.outcomes() == cold_outcomes(project)
