"""A generated project: modules that import each other, test files, and which functions each test is said to run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

MODULES, TEST_FILES = 60, 100
FEW = 8
"""Tests that run the function which few run, and use the constant that it alone mentions."""

EDITED = "shop/module_10.py"
"""The file that is edited; most files import it, directly or not."""

_FUNCTIONS, _METHODS, _TEST_FUNCTIONS = 12, 5, 10
_RUN = 12  # functions that a test runs, besides those that many run
_MANY = 3  # of so many tests one runs the function that many run
_FORM = "{0:02}"


@dataclass(frozen=True)
class Generated:
    """A project's texts by path, and by test id the functions that it runs, qualified names by path."""

    files: Mapping[str, str]
    tests: Mapping[str, Mapping[str, Sequence[str]]]

    def write(self, root: Path) -> None:
        """Put the files below a folder."""
        for path, text in self.files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class _Module:
    """A source module: those that it imports, and the functions and methods that it has."""

    number: int
    imports: Sequence[int]
    names: list[str] = field(default_factory=list)

    @property
    def path(self) -> str:
        return f"shop/module_{_FORM.format(self.number)}.py"


def generate(tests: int, seed: int = 1) -> Generated:
    """A project with so many tests, 100 or more, the same for the same seed but for the number of parameters.

    Every test has its own choice of functions, so no two share what they ran.  FEW tests run ``rare`` of the file that
    is edited, every third one its ``frequent``.
    """
    chance = Random(seed)
    modules = [_module(number, chance) for number in range(MODULES)]
    files = {module.path: _text(module) for module in modules}
    files["shop/__init__.py"] = '"""A shop."""\n'
    found: dict[str, Mapping[str, Sequence[str]]] = {}
    functions = TEST_FILES * _TEST_FUNCTIONS
    for number in range(TEST_FILES):
        path = f"tests/test_{number:03}.py"
        uses = sorted({*chance.sample(range(11, MODULES), 3), 10})
        parameters = [(tests + place) // functions for place in range(number, functions, TEST_FILES)]
        files[path] = _test_text(uses, parameters)
        reachable = _reachable(modules, uses)
        for test, function in _ids(path, parameters):
            found[test] = {path: [function], **_executed(modules, reachable, Random(f"{seed} {test}"))}
    _share_out(found)
    return Generated(files, found)


def _module(number: int, chance: Random) -> _Module:
    imports = sorted(chance.sample(range(number), min(number, 3)))
    names = [f"work_{each}" for each in range(_FUNCTIONS)] + [f"Shape{number}.area_{each}" for each in range(_METHODS)]
    return _Module(number, imports, names)


def _text(module: _Module) -> str:
    number = module.number
    lines = [f'"""Module {number}."""', "", "from shop import (", *(f"    {_name(i)}," for i in module.imports), ")"]
    if not module.imports:
        lines = lines[:2]
    lines += [f"from shop.{_name(i)} import LIMIT_{i}, Shape{i}, work_0 as work_of_{i}" for i in module.imports]
    lines += ["", f"LIMIT_{number} = {number}", f'NAMES_{number} = ["a", "b", {{"c": LIMIT_{number}}}]']
    lines += ["FEW_USE = 1", "", "", "def rare(value):", "    return value + FEW_USE", "", "", "def frequent(value):"]
    lines += ["    return value * 2"]
    for each in range(_FUNCTIONS):
        other = module.imports[each % len(module.imports)] if module.imports else number
        used = f"work_of_{other}(value)" if module.imports else "value"
        lines += ["", "", f"def work_{each}(value, factor=LIMIT_{other}):", f"    if value > {each}:"]
        lines += [f"        return factor * {used}", f"    return len(NAMES_{number}) + value"]
    base = f"(Shape{module.imports[0]})" if module.imports else ""
    lines += ["", "", f"class Shape{number}{base}:", f"    size = LIMIT_{number}"]
    for each in range(_METHODS):
        lines += ["", f"    def area_{each}(self):", f"        return self.size * {each} + work_{each}(self.size)"]
    return "\n".join(lines) + "\n"


def _name(number: int) -> str:
    return f"module_{_FORM.format(number)}"


def _test_text(uses: Sequence[int], parameters: Sequence[int]) -> str:
    lines = ["import pytest", "", *(f"from shop import {_name(each)}" for each in uses)]
    for number, count in enumerate(parameters):
        other = uses[number % len(uses)]
        lines += ["", "", f'@pytest.mark.parametrize("value", range({count}))', f"def test_{number}(value):"]
        lines += [f"    assert {_name(other)}.work_{number}(value) is not None"]
    return "\n".join(lines) + "\n"


def _ids(path: str, parameters: Sequence[int]) -> Iterator[tuple[str, str]]:
    for number, count in enumerate(parameters):
        for value in range(count):
            yield f"{path}::test_{number}[{value}]", f"test_{number}"


def _reachable(modules: Sequence[_Module], uses: Sequence[int]) -> list[_Module]:
    found, pending = set[int](), list(uses)
    while pending:
        number = pending.pop()
        if number not in found:
            found.add(number)
            pending += modules[number].imports
    return [modules[number] for number in sorted(found)]


def _executed(modules: Sequence[_Module], reachable: Sequence[_Module], chance: Random) -> dict[str, list[str]]:
    executed: dict[str, list[str]] = {}
    for _ in range(_RUN):
        module = chance.choice(reachable)
        executed.setdefault(module.path, []).append(chance.choice(module.names))
    return {path: sorted(set(names)) for path, names in executed.items()}


def _share_out(tests: dict[str, Mapping[str, Sequence[str]]]) -> None:
    """Have some tests run the functions that are edited; the few are spread over the files."""
    order = list(tests)
    few = set(order[:: len(order) // FEW][:FEW])
    for number, test in enumerate(order):
        added = ["rare"] * (test in few) + ["frequent"] * (number % _MANY == 0)
        if added:
            tests[test] = {**tests[test], EDITED: [*tests[test].get(EDITED, ()), *added]}
