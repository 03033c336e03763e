"""Code that looks at functions, classes and modules without calling them: each edit changes what a cold pytest says."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from support.cold import cold_outcomes
from support.engine import opened
from support.project import Project


class Look(NamedTuple):
    """A module, what looks at it, a replacement in the module, and the test; ``#`` stands for a number."""

    lib: str
    use: str
    old: str
    new: str
    test: str


_PACKAGE = """
    import inspect

    KEPT = []

    def told(function): return str(inspect.signature(function))
    def table(module): return [told(each) for each in module.KINDS]

    class Base:
        def __init_subclass__(cls): KEPT.append(cls.kind)

    def command(function):
        KEPT.append(function)
        return function

    def asked(): return [told(each.annotation) for each in inspect.signature(KEPT[-1]).parameters.values()]
    """
"""Of one that is installed: it looks at what it is handed."""
_CIRCLE = "class Circle:\n    def __init__(self, radius=1): self.radius = radius\n"

_LOOKS = {
    "handed to a package from a dict": Look(
        _CIRCLE,
        "import lib#, teller\nKINDS = {'c': lib#.Circle}\ndef table(): return [teller.told(k) for k in KINDS.values()]",
        "radius=1",
        "radius=2",
        "assert use#.table() == ['(radius=1)']",
    ),
    "handed to a package from a list that a string names": Look(
        _CIRCLE,
        "import lib#, teller\nKINDS = [lib#.Circle]",
        "radius=1",
        "radius=2",
        "assert use#.teller.told(getattr(use#, 'KINDS')[0]) == '(radius=1)'",
    ),
    "in a list of a module that is handed to a package": Look(
        _CIRCLE,
        "import lib#, teller\nKINDS = [lib#.Circle]",
        "radius=1",
        "radius=2",
        "assert use#.teller.table(use#) == ['(radius=1)']",
    ),
    "modules in a dict": Look(
        "A = 1",
        "import lib#\nLIBS = {'l': lib#}\ndef names(): return [n for m in LIBS.values() for n in dir(m) if n < '_']",
        "A = 1",
        "A = 1\ndef Extra(): pass",
        "assert use#.names() == ['A']",
    ),
    "in a list, and in a class that a package looks at": Look(
        _CIRCLE,
        "import teller\nfrom lib# import Circle\nclass Model(teller.Base):\n    kind = Circle\nKINDS = [Circle]\n"
        "OWN = teller.KEPT[-1]",
        "radius=1",
        "radius=2",
        "assert use#.teller.told(use#.OWN) == '(radius=1)'",
    ),
    "in a list, and in an annotation that a package looks at": Look(
        _CIRCLE,
        "import teller\nfrom lib# import Circle\n@teller.command\ndef f(of: Circle): pass\nKINDS = [Circle]\n"
        "def asked(): return teller.asked()",
        "radius=1",
        "radius=2",
        "use#.teller.KEPT.append(use#.f); assert use#.asked() == ['(radius=1)']",
    ),
    "in a list that what a package gets stands in too": Look(
        _CIRCLE,
        "import teller\nfrom lib# import Circle\nKINDS = [teller.command(Circle).__name__, Circle]\n"
        "OWN = teller.KEPT[-1]",
        "radius=1",
        "radius=2",
        "assert use#.teller.told(use#.OWN) == '(radius=1)'",
    ),
    "pickled by a module got by its name": Look(
        "class C: pass",
        "import importlib\ndef packed(x): return importlib.import_module('pickle').dumps(x)",
        "class C: pass",
        "class C:\n    def __reduce__(self): return int, ()",
        "assert b'lib#' in use#.packed(lib#.C())",
    ),
    "kept by another file, then inspected": Look(
        "def f(a=1): return a",
        "import inspect, lib#\nROUTES = [lib#.f]\ndef show(): return [str(inspect.signature(f)) for f in ROUTES]",
        "a=1",
        "a=2",
        "assert use#.show() == ['(a=1)']",
    ),
    "mocked": Look(
        "def fetch(): return 1\ndef call(): return fetch()",
        "from unittest import mock\ndef patched(): return mock.patch('lib#.fetch', return_value=3)",
        "def fetch",
        "async def fetch",
        "with use#.patched(): assert lib#.call() == 3",
    ),
    "inspected under another name": Look(
        "def f(a=1): return a",
        "from inspect import signature as sig\ndef show(f): return str(sig(f))",
        "a=1",
        "a=2",
        "assert use#.show(lib#.f) == '(a=1)'",
    ),
    "of the kind that an annotation says": Look(
        "class Base:\n    def b(self): pass\nclass Item(Base): pass\nclass R:\n    item: Base\n",
        "def valid(r, x): return all(isinstance(x, t) for t in type(r).__annotations__.values())",
        "class Item(Base)",
        "class Item",
        "assert use#.valid(lib#.R(), lib#.Item())",
    ),
    "a module's namespace": Look(
        "A = 1",
        "import lib#\ndef names(): return [n for n in lib#.__dict__ if n[0] != '_']",
        "A = 1",
        "A = 1\ndef extra(): pass",
        "assert use#.names() == ['A']",
    ),
    "listed by an import": Look(
        "A = 1",
        "import lib#\nNAMES = [n for n in vars(lib#) if n[0] != '_']",
        "A = 1",
        "A = 1\ndef extra(): pass",
        "assert use#.NAMES == ['A']",
    ),
    "called by way of a registry": Look(
        "class C:\n    def __init__(self, a): pass\nREG = {'c': C}",
        "import lib#\ndef made():\n    try: return lib#.REG['c']()\n    except TypeError: return None",
        "self, a)",
        "self, a=1)",
        "assert use#.made() is None",
    ),
    "a class's docstring": Look(
        "class Command:\n    'one'\nALL = [Command]",
        "import lib#\ndef usage(): return [c.__doc__ for c in lib#.ALL]",
        "'one'",
        "'two'",
        "assert use#.usage() == ['one']",
    ),
    "a generator that is never started": Look(
        "def rows(n=1):\n    yield n",
        "import lib#\ndef local(): return lib#.rows().gi_frame.f_locals['n']",
        "n=1",
        "n=2",
        "assert use#.local() == 1",
    ),
    "copied": Look(
        "class C: pass\nKEPT = [C()]",
        "import copy, lib#\ndef copied(): return copy.copy(lib#.KEPT[0])",
        "class C: pass",
        "class C:\n    def __reduce__(self): return int, ()",
        "assert use#.copied() != 0",
    ),
    "the module of a class, handed on": Look(
        "class C: pass\nLIMIT = 1",
        "import sys\ndef home(x): return sys.modules[x.__module__]",
        "LIMIT = 1",
        "LIMIT = 2",
        "assert use#.home(lib#.C).LIMIT == 1",
    ),
    "the module of a class, listed": Look(
        "class C: pass",
        "import sys\ndef names(x):\n    assert x.__module__ in sys.modules\n"
        "    return [n for n in vars(sys.modules[x.__module__]) if n < '_']",
        "class C: pass",
        "class C: pass\ndef Extra(): pass",
        "assert use#.names(lib#.C) == ['C']",
    ),
    "the module of a class, by get, on several lines": Look(
        "class C: pass",
        "import sys\ndef names(x):\n    return [n for n in sys.modules.get(\n        x\n        .__module__\n"
        "    ).__dict__ if n < '_']",
        "class C: pass",
        "class C: pass\ndef Extra(): pass",
        "assert use#.names(lib#.C) == ['C']",
    ),
    "the module of a function, kept by an import": Look(
        "def f(): pass\nA = 1",
        "import sys, lib#\ndef home(x): return sys.modules[x.__module__]\n"
        "KEPT = {**vars(home(lib#.f))}\ndef names(): return [n for n in KEPT if n < '_']",
        "A = 1",
        "A = 1\ndef Extra(): pass",
        "assert use#.names() == ['A']",
    ),
    "the module of whatever a loop meets": Look(
        "class C: pass",
        "import sys\ndef names(*those):\n    found = []\n    for x in those:\n"
        "        found += dir(sys.modules[x.__module__])\n    return [n for n in found if n < '_']",
        "class C: pass",
        "class C: pass\ndef Extra(): pass",
        "assert use#.names(OSError, test_#, lib#.C) == ['C']",
    ),
    "the module of an object": Look(
        "class C: pass",
        "import sys\ndef names(x): return [n for n in dir(sys.modules[x.__module__]) if n < '_']",
        "class C: pass",
        "class C: pass\ndef Extra(): pass",
        "assert use#.names(lib#.C()) == ['C']",
    ),
    "the module that a metaclass tells": Look(
        "A = 1",
        "import sys\nclass Meta(type):\n    @property\n    def __module__(cls): return 'lib#'\n"
        "class C(metaclass=Meta): pass\ndef names(x): return [n for n in dir(sys.modules[x.__module__]) if n < '_']",
        "A = 1",
        "A = 1\ndef Extra(): pass",
        "assert use#.names(use#.C) == ['A']",
    ),
    "the module that a class was told to be of": Look(
        "A = 1",
        "import sys\ndef names(x): return [n for n in dir(sys.modules[x.__module__]) if n < '_']",
        "A = 1",
        "A = 1\ndef Extra(): pass",
        "C = type('C', (), {'__module__': 'lib#'}); assert use#.names(C) == ['A']",
    ),
    "the module of what a closure has": Look(
        "class C: pass",
        "import sys\ndef namer(x):\n    def names(): return [n for n in dir(sys.modules[x.__module__]) if n < '_']\n"
        "    return names",
        "class C: pass",
        "class C: pass\ndef Extra(): pass",
        "assert use#.namer(lib#.C)() == ['C']",
    ),
    "the modules of several, in a comprehension": Look(
        "class C: pass",
        "import sys\ndef names(*those): return [n for x in those for n in dir(sys.modules[x.__module__]) if n < '_']",
        "class C: pass",
        "class C: pass\ndef Extra(): pass",
        "assert use#.names(lib#.C) == ['C']",
    ),
    "the module of a global": Look(
        "class C: pass",
        "import sys, lib#\nX = lib#.C\ndef names(): return [n for n in dir(sys.modules[X.__module__]) if n < '_']",
        "class C: pass",
        "class C: pass\ndef Extra(): pass",
        "assert use#.names() == ['C']",
    ),
    "the module of one, then of another by its name": Look(
        "class C: pass",
        "import sys\ndef names(x, y):\n    vars(sys.modules[x.__module__])\n"
        "    return [n for n in dir(sys.modules[y]) if n < '_']",
        "class C: pass",
        "class C: pass\ndef Extra(): pass",
        "assert use#.names(OSError, 'lib#') == ['C']",
    ),
    "the module of a class, in a fixture": Look(
        "class C: pass",
        "import pytest, sys\ndef names(x): return [n for n in dir(sys.modules[x.__module__]) if n < '_']",
        "class C: pass",
        "class C: pass\ndef Extra(): pass",
        "pass\n@use#.pytest.fixture(scope='module', autouse=True)\ndef fine(): assert use#.names(lib#.C) == ['C']",
    ),
    "another decorator": Look(
        "import functools\n"
        "def twice(f):\n    @functools.wraps(f)\n    def wrapper(): return f() * 2\n    return wrapper\n"
        "def thrice(f):\n    @functools.wraps(f)\n    def wrapper(): return f() * 3\n    return wrapper\n"
        "@twice\ndef one(): return 1\n",
        "",
        "@twice",
        "@thrice",
        "assert lib#.one() == 2",
    ),
}


@pytest.mark.parametrize("part", range(4))
async def test_what_looks_without_calling_is_not_missed(project: Project, part: int) -> None:
    project.write({"pytest.ini": "[pytest]\npythonpath = . site-packages\n", "site-packages/teller.py": _PACKAGE})
    for number, look in enumerate(_LOOKS.values()):
        files = {"lib#.py": look.lib, "use#.py": look.use}
        files["test_#.py"] = f"import lib#, use#\n\ndef test_#():\n    {look.test}\n"
        project.write({name.replace("#", str(number)): text.replace("#", str(number)) for name, text in files.items()})
    async with opened(project) as story:
        for number, (name, look) in list(enumerate(_LOOKS.items()))[part::4]:
            await story.save(f"lib{number}.py", look.old, look.new)
            assert f"test_{number}" in story.ran(), name
            assert story.outcomes() == cold_outcomes(project), name
            await story.save(f"lib{number}.py", look.new, look.old)
