"""The import graph: what a test file reaches, and what could come to be and change it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from textwrap import dedent

import pytest

from aftershock.selection.imports import ImportGraph, Imports, Resolver, parse_imports
from aftershock.selection.keys import Key, KeyKind
from aftershock.selection.statements import LazyTable


def graph_of(
    files: Mapping[str, str],
    roots: frozenset[str] = frozenset(),
    edges: Mapping[str, frozenset[str]] | None = None,
) -> ImportGraph:
    imports = {path: parse_imports(dedent(text).encode(), path) for path, text in files.items()}
    return ImportGraph(imports, roots, edges)


def reached(files: Mapping[str, str], path: str) -> set[str]:
    return set(graph_of(files).closure(path)) - {path}


def test_a_test_reaches_what_its_imports_import_and_the_packages_around() -> None:
    files = {
        "src/shop/__init__.py": "",
        "src/shop/basket.py": "from .prices import net",
        "src/shop/prices.py": "",
        "src/shop/unused.py": "",
        "tests/test_basket.py": "from shop.basket import Basket",
    }
    assert reached(files, "tests/test_basket.py") == {
        "src/shop/__init__.py",
        "src/shop/basket.py",
        "src/shop/prices.py",
    }


@pytest.mark.parametrize(
    "statement",
    [
        "import pkg.mod",
        "import pkg.mod as m, sys",
        "from pkg import mod",
        "from pkg.mod import *",
        "def test():\n    from pkg import mod",
        "if TYPE_CHECKING:\n    import pkg.mod",
        "try:\n    import pkg.mod\nexcept ImportError:\n    pass",
        "@mock.patch('pkg.mod.function')\ndef test(): ...",
        "pytest_plugins = ['pkg.mod']",
        "entry = 'pkg.mod:main'",
    ],
)
def test_every_way_to_name_a_module_is_an_import(statement: str) -> None:
    files = {"pkg/__init__.py": "", "pkg/mod.py": "", "pkg/other.py": "", "test_it.py": statement}
    assert reached(files, "test_it.py") == {"pkg/__init__.py", "pkg/mod.py"}


@pytest.mark.parametrize(
    ("statement", "target"),
    [
        ("from . import sibling", "a/b/sibling.py"),
        ("from .sibling import f", "a/b/sibling.py"),
        ("from .. import uncle", "a/uncle.py"),
        ("from ..uncle import f", "a/uncle.py"),
        ("from .sub import deep", "a/b/sub/deep.py"),
    ],
)
def test_relative_imports_are_followed(statement: str, target: str) -> None:
    packages = {f"{d}/__init__.py": "" for d in ("a", "a/b", "a/b/sub")}
    modules = {"a/b/sibling.py": "", "a/uncle.py": "", "a/b/sub/deep.py": ""}
    assert target in reached({**packages, **modules, "a/b/mod.py": statement}, "a/b/mod.py")


def test_a_relative_import_beyond_the_project_reaches_nothing() -> None:
    assert reached({"a.py": "from ...... import x"}, "a.py") == set()


def test_a_test_depends_on_every_conftest_above_it_and_what_they_import() -> None:
    files = {
        "conftest.py": "import helpers",
        "helpers.py": "",
        "tests/conftest.py": "",
        "tests/unit/test_a.py": "",
        "tests/other/conftest.py": "",
    }
    assert reached(files, "tests/unit/test_a.py") == {"conftest.py", "helpers.py", "tests/conftest.py"}


def test_a_name_found_under_several_roots_means_all_of_them() -> None:
    files = {"src/tools.py": "", "scripts/tools.py": "", "test_it.py": "import tools"}
    assert reached(files, "test_it.py") == {"src/tools.py", "scripts/tools.py"}


def test_cycles_end() -> None:
    files = {"a.py": "import b", "b.py": "import c", "c.py": "import a, d", "d.py": "", "test_a.py": "import b"}
    graph = graph_of(files)
    assert graph.closure("a.py") == graph.closure("b.py") == graph.closure("c.py") == {"a.py", "b.py", "c.py", "d.py"}
    assert graph.closure("d.py") == {"d.py"}


def test_a_file_that_loads_by_computed_names_reaches_all_sources_but_no_tests() -> None:
    files = {
        "app/__init__.py": "",
        "app/plugins.py": "import importlib\ndef load(name): return importlib.import_module(f'app.{name}')",
        "app/one.py": "",
        "other.py": "",
        "test_other.py": "",
        "test_app.py": "import app.plugins",
    }
    assert reached(files, "test_app.py") == {"app/__init__.py", "app/plugins.py", "app/one.py", "other.py"}


@pytest.mark.parametrize("text", ["import importlib.metadata", "cursor.exec('x')", "re.compile('exec')", "import json"])
def test_ordinary_code_is_not_dynamic(text: str) -> None:
    assert not parse_imports(text.encode(), "a.py").dynamic


@pytest.mark.parametrize(
    "text",
    ["exec(code)", "__import__(name)", "from importlib import import_module", "import runpy", "builtins.eval(x)"],
)
def test_code_that_loads_code_is_dynamic(text: str) -> None:
    assert parse_imports(text.encode(), "a.py").dynamic


def test_imports_seen_at_run_time_count_too() -> None:
    graph = graph_of({"a.py": "", "b.py": "import c", "c.py": ""}, edges={"a.py": frozenset({"b.py"})})
    assert graph.closure("a.py") == {"a.py", "b.py", "c.py"}


def test_what_could_come_to_be_is_an_input() -> None:
    files = {
        "pkg/__init__.py": "",
        "pkg/a.py": "from . import missing\nfrom .gone import x\nimport numpy.linalg\nfrom pkg import name",
        "tests/test_a.py": "import pkg.a",
    }
    graph = graph_of(files)
    assert graph.names("pkg/a.py") == {
        Key(KeyKind.ABSENT, name="numpy"),
        Key(KeyKind.ABSENT, name="pkg"),
        Key(KeyKind.ABSENT, name="pkg.name"),
        Key(KeyKind.ABSENT, path="pkg/missing"),
        Key(KeyKind.ABSENT, path="pkg/gone"),
        Key(KeyKind.ABSENT, path="pkg/gone/x"),
    }
    around = {"conftest.py", "__init__.py", "tests/conftest.py", "tests/__init__.py"}
    assert {Key(KeyKind.ABSENT, path=path) for path in around} <= graph.absent("tests/test_a.py")


def test_a_namespace_package_is_told_from_nothing() -> None:
    resolver = Resolver({"ns/part/__init__.py", "ns/part/mod.py"})
    assert resolver.resolves("ns.part.mod") == "ns/part/mod.py"
    assert resolver.resolves("ns") == "namespace"
    assert resolver.resolves("json") == "absent"


def test_what_cannot_be_parsed_imports_nothing() -> None:
    assert parse_imports(b"import (", "a.py") == Imports()
    assert parse_imports(b"x = '\0'", "a.py") == Imports()


def test_imports_are_parsed_only_when_asked_for() -> None:
    asked = []

    def imports() -> Imports:
        asked.append("a.py")
        return Imports(frozenset({"json"}))

    table: LazyTable[Imports] = LazyTable({"a.py": imports})
    other = table.replaced({"b.py": Imports()})
    assert not asked
    assert set(other) == {"a.py", "b.py"}
    assert table["a.py"] is table["a.py"]
    assert asked == ["a.py"]


def test_an_updated_graph_follows_a_changed_file() -> None:
    before = {"a.py": Imports(frozenset({"b"})), "b.py": Imports(), "c.py": Imports()}
    graph = ImportGraph(before)
    assert graph.closure("a.py") == {"a.py", "b.py"}
    assert graph.updated({**before, "a.py": Imports(frozenset({"c"}))}, {}).closure("a.py") == {"a.py", "c.py"}
    assert graph.updated({p: before[p] for p in ("a.py", "c.py")}, {}).closure("a.py") == {"a.py"}
    assert graph.closure("a.py") == {"a.py", "b.py"}


def test_a_long_chain_and_a_large_knot_are_worked_out_quickly() -> None:
    chain = {f"m{i}.py": Imports(frozenset({f"m{i + 1}"})) for i in range(3000)}
    knot = {f"k{i}.py": Imports(frozenset({f"k{j % 600}" for j in range(i, i + 9)})) for i in range(600)}
    start = time.perf_counter()
    assert len(ImportGraph(chain).closure("m0.py")) == 3000
    assert len(ImportGraph(knot).closure("k0.py")) == 600
    assert time.perf_counter() - start < 5
