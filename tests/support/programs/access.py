"""The ways in which one module gets at a name of another, and the ways in which a test gets at a value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple


class Access(NamedTuple):
    """The lines that a file needs at its top, and the expression that stands for the name there."""

    lines: tuple[str, ...]
    expression: str


WAYS: Mapping[str, Callable[[str, str], Access]] = {
    "from": lambda module, name: Access((f"from {module} import {name}",), name),
    "module": lambda module, name: Access((f"import {module}",), f"{module}.{name}"),
    "renamed": lambda module, name: Access((f"from {module} import {name} as other_{name}",), f"other_{name}"),
    "star": lambda module, name: Access((f"from {module} import *",), name),
    "string": lambda module, name: Access((f"import {module}",), f'getattr({module}, "{name}")'),
    "made up": lambda module, name: Access(
        (f"import {module}",), f'getattr({module}, "{name.rpartition("_")[0]}_" + str({name.rpartition("_")[2]}))'
    ),
    "lazily": lambda module, name: Access((), f'__import__("{module}").{name}'),
    "importlib": lambda module, name: Access(("import importlib",), f'importlib.import_module("{module}").{name}'),
    "namespace": lambda module, name: Access((f"import {module}",), f'vars({module})["{name}"]'),
}
"""By name, from the module and the name that is wanted."""

HUB_WAYS: Mapping[str, Callable[[str, str], Access]] = {
    "hub": lambda _, name: Access(("import hub",), f"hub.{name}"),
    "from hub": lambda _, name: Access((f"from hub import {name}",), name),
}
"""The same through ``hub``, which imports everything from everywhere; not for what it imports itself."""


class Use(NamedTuple):
    """How a test sees an expression: lines of a module ``reading``, of the conftest, and of the test file.

    ``where`` tells which of the three holds the expression, and so needs what it needs.
    """

    where: str
    reading: str = ""
    conftest: str = ""
    tests: str = ""


READING, CONFTEST, TESTS = "reading$j.py", "conftest.py", "test_$j.py"

USES: Mapping[str, Use] = {
    "plain": Use(TESTS, tests="def test_$k():\n    see($seen)\n"),
    "method": Use(TESTS, tests="class Test$k:\n    def test_$k(self):\n        see($seen)\n"),
    "global": Use(TESTS, tests="HELD_$k = $seen\ndef test_$k():\n    see(HELD_$k)\n"),
    "parameter": Use(TESTS, tests='@pytest.mark.parametrize("v", [$seen], ids=["v"])\ndef test_$k(v):\n    see(v)\n'),
    "unit test": Use(
        TESTS,
        tests="class Test$k(unittest.TestCase):\n    held = $seen\n    def test_$k(self):\n        see(self.held)\n",
    ),
    "set up": Use(
        TESTS,
        tests="class Test$k(unittest.TestCase):\n    @classmethod\n    def setUpClass(cls):\n        cls.held = $seen\n"
        "    def test_$k(self):\n        see(self.held)\n",
    ),
    "skipped if": Use(TESTS, tests='@pytest.mark.skipif(not $seen, reason="no")\ndef test_$k():\n    pass\n'),
    "function": Use(
        READING,
        reading="def read_$k():\n    return $seen\n",
        tests="def test_$k():\n    see(reading$j.read_$k())\n",
    ),
    "default": Use(
        READING,
        reading="def read_$k(value=$seen):\n    return value\n",
        tests="from reading$j import read_$k\ndef test_$k():\n    see(read_$k())\n",
    ),
    "attribute": Use(
        READING,
        reading="class Held_$k:\n    value = $seen\n    def show(self):\n        return self.value\n",
        tests="def test_$k():\n    see(reading$j.Held_$k().show())\n",
    ),
    "derived constant": Use(
        READING,
        reading="HELD_$k = [$seen]\ndef read_$k():\n    return HELD_$k\n",
        tests="from reading$j import read_$k\ndef test_$k():\n    see(read_$k())\n",
    ),
    "fixture": Use(
        CONFTEST,
        conftest="@pytest.fixture\ndef held_$k():\n    return $seen\n",
        tests="def test_$k(held_$k):\n    see(held_$k)\n",
    ),
    "session fixture": Use(
        CONFTEST,
        conftest='@pytest.fixture(scope="session")\ndef held_$k():\n    yield $seen\n',
        tests="def test_$k(held_$k):\n    see(held_$k)\n",
    ),
    "parametrised fixture": Use(
        CONFTEST,
        conftest='@pytest.fixture(params=[$seen], ids=["v"])\ndef held_$k(request):\n    return request.param\n',
        tests="def test_$k(held_$k):\n    see(held_$k)\n",
    ),
    "patched": Use(
        CONFTEST,
        conftest="@pytest.fixture(autouse=True)\ndef patched_$k(monkeypatch):\n"
        '    monkeypatch.setattr("reading$j.PATCHED_$k", $seen)\n',
        reading="PATCHED_$k = 0\ndef read_$k():\n    return PATCHED_$k\n",
        tests="def test_$k():\n    see(reading$j.read_$k())\n",
    ),
}
"""By name."""
