"""What imports put into what others hold is told alike, whether unchanged values are remembered or digested anew."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from aftershock_agent.reaches import Reaches
from aftershock_agent.recording import Project
from aftershock_agent.tables import UNBOUND
from aftershock_agent.values import Values
from aftershock_agent.written import Written

Story = dict[str, str]
"""The texts of modules by name, in the order in which they are imported; ``hub`` is looked at after each."""
Rows = list[tuple[str, dict[str, str]]]

STORIES: dict[str, Story] = {
    "registrations": {
        "hub": "REG = {}\ndef add(name, value): REG[name] = value\n",
        "a": "import hub\nclass A: pass\nhub.add('a', A())\n",
        "b": "import hub\nhub.add('b', [1])\n",
        "c": "import hub\nhub.REG['b'].append(2)\ndel hub.REG['a']\n",
        "d": "import hub\n",
    },
    "the same set anew": {
        "hub": "REG = [1]\n",
        "a": "import hub\nhub.REG.append((1, str(2)))\n",
        "b": "import hub\nhub.REG.append(3)\n",
        "c": "import hub\nhub.REG[1] = (1, str(2))\n",
        "d": "import hub\nhub.REG += [1, 3, 1]\n",
        "e": "import hub\nhub.REG += [1]\n",
    },
    "a container of the project": {
        "hub": "class H: pass\nclass Reg(dict): pass\nREG = Reg()\nOBJ = H()\nOBJ.items = []\n",
        "a": "import hub\nhub.REG[1] = 1\nhub.OBJ.items.append(1)\n",
        "b": "import hub\nclass Mine: pass\nhub.REG.handler = Mine\nhub.REG[2] = 1\nhub.OBJ.items.append(2)\n",
        "c": "import hub\nhub.OBJ.more = {1: hub.REG}\n",
    },
    "a cache that fills": {
        "hub": "import functools\n@functools.lru_cache\ndef f(a): return a\nREG = [f]\n",
        "a": "import hub\nhub.REG.append(1)\n",
        "b": "import hub\nhub.f(1)\n",
        "c": "import hub\nhub.f(2)\nhub.REG.append(2)\n",
    },
    "a class that can't be hashed": {
        "hub": "class M(type):\n    def __eq__(s, o): return s is o\nclass C(metaclass=M): pass\nX = C()\nREG = []\n",
        "a": "import hub\nhub.REG.append(hub.C())\n",
        "b": "import hub\nhub.REG.append(1)\n",
    },
    "an import that fails": {
        "hub": "def make():\n    class L: pass\n    return L\nL = make()\nREG = [L]\n",
        "a": "import hub\nhub.REG[0].added = 1\nraise ValueError(1)\n",
        "b": "import hub\n",
    },
    "a class that loses its name": {
        "hub": "REG = []\n",
        "a": "import hub\nclass A:\n    timeout = 5\nhub.REG.append(A)\n",
        "b": "import hub, a\ndel a.A\n",
        "c": "import hub\n",
    },
    "there and back": {
        "hub": "REG = {'a': 1}\nclass K:\n    seen = set()\n",
        "a": "import hub\nhub.REG['b'] = 1\nhub.K.seen |= {1, 2}\n",
        "b": "import hub\ndel hub.REG['b']\nhub.K.seen.discard(1)\n",
        "c": "import hub\nhub.REG['b'] = 1\nhub.K.seen.clear()\n",
        "d": "import hub\nhub.REG['a'] = hub.REG.pop('a')\nhub.K.seen.add(3)\n",
    },
    "a counter": {
        "hub": "import itertools\nclass K: count = itertools.count()\nTOTAL = 0\n",
        "a": "import hub\nnext(hub.K.count)\nhub.TOTAL += 1000\n",
        "b": "import hub\nnext(hub.K.count)\nhub.TOTAL += 1000\n",
        "c": "import hub\n",
    },
}


@pytest.fixture(autouse=True)
def forget_modules() -> Iterator[None]:
    known = set(sys.modules)
    yield
    for name in set(sys.modules) - known:
        del sys.modules[name]


def rows_of(folder: Path, story: Story, rest_after: str = "") -> Rows:
    """What the import of each module tells of the hub, and of what the hub's importers hold."""
    values = Values(Project(str(folder)))
    written = Written(Project(str(folder)), values)
    told: Rows = []
    for name, text in story.items():
        path = str(folder / f"{name}.py")
        module = sys.modules[name] = types.ModuleType(name)
        module.__file__ = path
        try:
            exec(compile(text, path, "exec"), vars(module))
        except ValueError as error:
            values.forget()
            table = {UNBOUND: str(error)}
        else:
            table = values.table(module, path, shared=True)
            written.begin(path, module, table)
        told.append((name, written.since(path, module, [str(folder / "hub.py")])))
        if name == rest_after:
            written.rest()
    for name in story:
        del sys.modules[name]
    return told


@pytest.mark.parametrize("name", STORIES)
def test_what_is_remembered_changes_nothing_of_what_is_told(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = rows_of(tmp_path, STORIES[name])
    monkeypatch.setattr(Reaches, "of", lambda self, value: None)

    assert told == rows_of(tmp_path, STORIES[name])


@pytest.mark.parametrize("name", STORIES)
def test_nothing_is_told_again_after_a_rest(name: str, tmp_path: Path) -> None:
    story = STORIES[name]
    for last in list(story):
        assert rows_of(tmp_path, story, rest_after=last) == rows_of(tmp_path, story)
