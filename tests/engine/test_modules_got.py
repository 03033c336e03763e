"""Functions that get at a module by what they are given: of which module that was, only what is certain may count."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import NamedTuple

import pytest

from support.cold import cold_outcomes
from support.engine import opened
from support.project import Project


class Look(NamedTuple):
    """A module that looks at others, the test, and if not a function that comes to ``class C: pass``, the edit.

    ``others`` are files, and of the test too the modules that it imports after ``lib``.
    """

    use: str
    test: str
    lib: str = "class C: pass"
    old: str = "class C: pass"
    new: str = "class C: pass\ndef Extra(): pass"
    imports: str = ""
    others: Mapping[str, str] = {}


_OWN = "def own(module): return [name for name in dir(module) if name < '_']\n"
_DEEP = (
    "def got(x):\n    found = list(vars(sys.modules[x.__module__]).values())\n"
    "    return [m.LIMIT for m in found if hasattr(m, 'LIMIT')][0]"
)
_LOOKS = {
    # The parameter is bound anew, or it is none.
    "a loop on one line": Look(
        "def names(x, those):\n    found = []\n"
        "    for x in those: found += own(sys.modules[x.__module__])\n    return found",
        "assert use#.names(OSError, [lib#.C]) == ['C']",
    ),
    "a walrus": Look(
        "def names(x, y): return (x := y) and own(sys.modules[x.__module__])",
        "assert use#.names(OSError, lib#.C) == ['C']",
    ),
    "two statements on one line": Look(
        "def names(x, y):\n    x = y; return own(sys.modules[x.__module__])",
        "assert use#.names(OSError, lib#.C) == ['C']",
    ),
    "a with": Look(
        "import contextlib\ndef names(x, y):\n"
        "    with contextlib.nullcontext(y) as x: return own(sys.modules[x.__module__])",
        "assert use#.names(OSError, lib#.C) == ['C']",
    ),
    "a match": Look(
        "def names(x, y):\n    match y:\n        case [x]: return own(sys.modules[x.__module__])",
        "assert use#.names(OSError, [lib#.C]) == ['C']",
    ),
    "a function within": Look(
        "def names(x, y):\n    def move():\n        nonlocal x\n        x = y\n        return []\n"
        "    return move() + own(sys.modules[x.__module__])",
        "assert use#.names(OSError, lib#.C) == ['C']",
    ),
    "an exception": Look(
        "def names(x, y):\n    try: raise y\n"
        "    except BaseException as x: return own(sys.modules[type(x).__module__])",
        "assert use#.names(OSError, type('E', (Exception,), {'__module__': 'lib#'})) == ['C']",
    ),
    "a generator, with something else each time": Look(
        "def each(x):\n    while True:\n        x = yield own(sys.modules[x.__module__])",
        "names = use#.each(OSError); next(names); assert names.send(lib#.C) == ['C']",
    ),
    # More is got at from there.
    "a module in the module": Look(
        "import lib#\nclass D: pass\ndef names(x, y): return own(getattr(sys.modules[x.__module__], y))",
        "assert use#.names(use#.D, 'lib#') == ['C']",
    ),
    "all modules in the module": Look(
        "import lib#, types\nclass D: pass\ndef names(x):\n    modules = vars(sys.modules[x.__module__]).values()\n"
        "    found = [own(m) for m in modules if isinstance(m, types.ModuleType) and m.__name__.startswith('lib')]\n"
        "    return found[0]",
        "assert use#.names(use#.D) == ['C']",
    ),
    # More is done with sys.modules.
    "its name as a string": Look(
        "def names(x, y):\n    vars(sys.modules[x.__module__])\n    return own(getattr(sys, 'modules')[y])",
        "assert use#.names(OSError, 'lib#') == ['C']",
    ),
    "a class's pattern": Look(
        "def names(x, y):\n    vars(sys.modules[x.__module__])\n    match sys:\n"
        "        case object(modules=found): return own(found[y])",
        "assert use#.names(OSError, 'lib#') == ['C']",
    ),
    "text that is run": Look(
        "def names(x, y):\n    vars(sys.modules[x.__module__])\n    return own(eval('sys.modules[y]'))",
        "assert use#.names(OSError, 'lib#') == ['C']",
    ),
    "a field of a format": Look(
        "def got(x, y):\n    vars(sys.modules[x.__module__])\n    return '{0.modules[%s].LIMIT}' % y",
        "assert use#.got(OSError, 'lib#').format(use#.sys) == '1'",
        *("LIMIT = 1", "= 1", "= 2"),
    ),
    "an annotation": Look(
        "def names(x, y):\n    vars(sys.modules[x.__module__])\n    def inner() -> sys.modules[y]: pass\n"
        "    return own(inner.__annotations__['return'])",
        "assert use#.names(OSError, 'lib#') == ['C']",
    ),
    "a chain of comparisons": Look(
        "class Grab:\n    def __contains__(self, found): self.found = found; return True\n"
        "def names(x, y):\n    grab = Grab(); vars(sys.modules[x.__module__])\n"
        "    assert x.__module__ in sys.modules in grab\n    return own(grab.found[y])",
        "assert use#.names(OSError, 'lib#') == ['C']",
    ),
    "a name that is made global": Look(
        "if True:\n    def names(x): return own(sys.modules[x.__module__])\n"
        "    def other():\n        global names\n        def names(y): return own(sys.modules[y])",
        "use#.other(); assert use#.names('lib#') == ['C']",
    ),
    "another module in its place": Look(
        "import lib# as sys\ndef got(x): return sys.modules[x.__module__]",
        "assert use#.got(OSError) == 1",
        *("modules = {'builtins': 1}", "1}", "2}"),
    ),
    "something given in its place": Look(
        "def got(sys, x): return sys.modules[x.__module__]",
        "assert use#.got(lib#.Fake(), OSError) == 1",
        *("class Fake: modules = {'builtins': 1}", "1}", "2}"),
    ),
    "whether another module was imported": Look(
        "def home(x, y):\n    vars(sys.modules[x.__module__])\n    return y in sys.modules",
        "assert not use#.home(OSError, 'late')",
        *("LIMIT = 1", "LIMIT = 1", "LIMIT = 1\nimport late"),
    ),
    # It isn't certain which module it is, or will be.
    "a module that isn't there yet": Look(
        "def home(x): return sys.modules.get(x.__module__)",
        "C = type('C', (), {'__module__': 'later'}); assert use#.home(C) is None",
        *("LIMIT = 1", "LIMIT = 1", "LIMIT = 1\nimport later"),
    ),
    "a module that names another file": Look(
        "def names(x): return [name for name in own(sys.modules[x.__module__])]",
        "assert use#.names(lib#.C) == ['C']",
        "__file__ = '/nowhere/lib#.py'\nclass C: pass",
    ),
    "a comparison in the line of an assignment": Look(
        "def home(x, y):\n    m = sys.modules[x.__module__]; return y.__module__ not in sys.modules",
        "C = type('C', (), {'__module__': 'later'}); assert use#.home(lib#.D, C)",
        *("class D: pass", "class D: pass", "class D: pass\nimport later"),
    ),
    "a function that is another by then": Look(
        "def names(x):\n    def move():\n        nonlocal x\n    return own(sys.modules[x.__module__])\n"
        "def fresh(x): return names.__get__(x)",
        "assert use#.fresh(lib#.C)() == ['C']",
    ),
    # The code itself is made at run time, or runs on later.
    "code that is made at run time": Look(
        "def fresh(f): f.__code__ = f.__code__.replace(co_stacksize=99)\n"
        "def names(x): return [name for name in vars(sys.modules[x.__module__]) if name < '_']",
        "use#.fresh(use#.names); assert use#.names(lib#.C) == ['C']",
    ),
    "a generator into which something is thrown": Look(
        "def got(x):\n    try: yield\n    except ValueError: yield sys.modules[x.__module__].LIMIT",
        "class D: __module__ = 'use#'\n    found = use#.got(D); next(found); D.__module__ = 'lib#'\n"
        "    assert found.throw(ValueError()) == 1",
        *("LIMIT = 1", "= 1", "= 2"),
    ),
    "an import that puts another module in its place": Look(
        "class D: pass\ndef got(x):\n    import swap#\n    return vars(sys.modules[x.__module__])['LIMIT']",
        "assert use#.got(use#.D) == 1",
        *("LIMIT = 1", "= 1", "= 2"),
        others={"swap#.py": "import lib#, sys\nsys.modules['use#'] = lib#\n"},
    ),
    "another module's name": Look(
        "class D: pass\ndef names(x, y):\n    x.__module__ = y; return own(sys.modules[x.__module__])",
        "assert use#.names(use#.D, 'lib#') == ['C']",
    ),
    "another module's name by a string": Look(
        "class D: pass\ndef names(x, y):\n    setattr(x, '__module__', y); return own(sys.modules[x.__module__])",
        "assert use#.names(use#.D, 'lib#') == ['C']",
    ),
    # What is named sys is something else.
    "a class in its place": Look(
        "import lib#\nclass sys: modules = {'builtins': lib#}\n"
        "def names(x): return [name for name in vars(sys.modules[x.__module__]) if name < '_']",
        "assert use#.names(OSError) == ['C']",
    ),
    "a local module in its place": Look(
        "def names(x):\n    from fake# import sys\n"
        "    return [name for name in vars(sys.modules[x.__module__]) if name < '_']",
        "assert use#.names(OSError) == ['C']",
        others={"fake#.py": "import lib#\nclass sys: modules = {'builtins': lib#}\n"},
    ),
    "something given, and bound anew": Look(
        "def names(x, sys): sys = sys.real; return own(sys.modules[x.__module__])",
        "real = type('', (), {'modules': {'builtins': lib#}}); outer = type('', (), {'real': real})\n"
        "    assert use#.names(OSError, outer) == ['C']",
    ),
    "something put in its place by the test": Look(
        "def names(x): return [name for name in vars(sys.modules[x.__module__]) if name < '_']",
        "use#.sys = type('', (), {'modules': {'builtins': lib#}}); assert use#.names(OSError) == ['C']",
    ),
    # One gets on from there.
    "a package from elsewhere that has the module": Look(
        _DEEP,
        "assert use#.got(teller#.Base) == 1",
        *("LIMIT = 1", "= 1", "= 2", "teller#"),
        others={"site-packages/teller#.py": "import lib#\nclass Base: pass\n"},
    ),
    "a list of a package from elsewhere": Look(
        "def got(x): return sys.modules[x.__module__].KEPT[0].LIMIT",
        "assert use#.got(teller#.Base) == 1",
        *("LIMIT = 1", "= 1", "= 2", "teller#, link#"),
        others={
            "site-packages/teller#.py": "KEPT = []\nclass Base: pass\n",
            "link#.py": "import lib#, teller#\nteller#.KEPT.append(lib#)\n",
        },
    ),
    "what another file put there": Look(
        _DEEP,
        "assert use#.got(hold#.D) == 1",
        *("LIMIT = 1", "= 1", "= 2", "hold#, link#"),
        others={"hold#.py": "class D: pass\n", "link#.py": "import hold#, lib#\nhold#.plug = lib#\n"},
    ),
    "a list of classes": Look(
        "def got(x):\n    found = vars(sys.modules[x.__module__]).values()\n"
        "    return [c.tax for v in list(found) if type(v) is list for c in v]",
        "assert use#.got(hold#.D) == [1]",
        *("import hold#\n@hold#.kind\nclass Circle:\n    tax = 1", "tax = 1", "tax = 2", "hold#"),
        others={"hold#.py": "KINDS = []\ndef kind(c):\n    KINDS.append(c)\n    return c\nclass D: pass\n"},
    ),
    "a folder without an __init__": Look(
        "M = type(sys)\ndef within(m): return [v for v in list(vars(m).values()) if type(v) is M]\n"
        "def got(x):\n    found = [m for p in within(sys.modules[x.__module__]) for m in within(p)]\n"
        "    return [v.LIMIT for m in found for v in within(m) if hasattr(v, 'LIMIT')]",
        "assert use#.got(hold#.D) == [1]",
        *("LIMIT = 1", "= 1", "= 2", "hold#"),
        others={"ns#/link#.py": "import lib#\n", "hold#.py": "import ns#.link#\nclass D: pass\n"},
    ),
    "what an imported function looks like": Look(
        "import inspect, types\ndef got(x):\n    found = list(vars(sys.modules[x.__module__]).values())\n"
        "    return [str(inspect.signature(v)) for v in found if isinstance(v, types.FunctionType)]",
        "assert use#.got(hold#.D) == ['(a=1)']",
        *("def f(a=1): return a", "a=1", "a=2", "hold#"),
        others={"hold#.py": "from lib# import f\nclass D: pass\n"},
    ),
    "the globals of an imported function": Look(
        "def got(x):\n    found = list(vars(sys.modules[x.__module__]).values())\n"
        "    return [v.__globals__['LIMIT'] for v in found if hasattr(v, '__globals__')]",
        "assert use#.got(hold#.D) == [1]",
        *("LIMIT = 1\ndef f(): pass", "= 1", "= 2", "hold#"),
        others={"hold#.py": "from lib# import f\nclass D: pass\n"},
    ),
    "a function that remembers a module": Look(
        "def got(x): return [v().LIMIT for k, v in list(vars(sys.modules[x.__module__]).items()) if k == 'loaded'][0]",
        "assert use#.got(hold#.D) == 1",
        *("LIMIT = 1", "= 1", "= 2", "hold#"),
        others={
            "hold#.py": "import functools\n@functools.lru_cache\ndef loaded():\n    import lib#\n    return lib#\n"
            "loaded()\nclass D: pass\n"
        },
    ),
    "a frame of the test's own": Look(
        "def names(x): return own(sys.modules[x.__module__])",
        "frame = use#.sys._getframe(); use#.sys._getframe = lambda depth=0: frame; x = OSError\n"
        "    try: assert use#.names(lib#.C) == ['C']\n    finally: use#.sys._getframe = type(frame) and _getframe",
    ),
}

_SINCE_3_12 = {"a name that is made global", "a module that names another file"}
"""What is missed before, whatever code looks: docs/selection.md, "Known to be wrong"."""


@pytest.mark.parametrize("part", range(6))
async def test_a_module_that_is_got_at_is_not_missed(project: Project, part: int) -> None:
    ini = "[pytest]\npythonpath = . site-packages\n"
    project.write({"pytest.ini": ini, "late.py": "B = 1\n", "later.py": "B = 1\n"})
    known = [(name, look) for name, look in _LOOKS.items() if sys.version_info >= (3, 12) or name not in _SINCE_3_12]
    chosen = list(enumerate(known))[part::6]
    for number, (_, look) in chosen:
        files = {"lib#.py": look.lib, "use#.py": f"import sys\n{_OWN}{look.use}", **look.others}
        imports = ", ".join(filter(None, ("lib#", look.imports, "use#")))
        files["test_#.py"] = f"import {imports}\nfrom sys import _getframe\n\ndef test_#():\n    {look.test}\n"
        project.write({name.replace("#", str(number)): text.replace("#", str(number)) for name, text in files.items()})
    async with opened(project) as story:
        assert set(story.outcomes().values()) == {"passed"}
        for number, (name, look) in chosen:
            await story.save(f"lib{number}.py", look.old, look.new)
            assert f"test_{number}" in story.ran(), name
            assert story.outcomes() == cold_outcomes(project), name
            await story.save(f"lib{number}.py", look.new, look.old)


async def test_looking_at_what_a_function_is_given_changes_nothing_for_it(project: Project) -> None:
    project.write(
        {
            "pytest.ini": "[pytest]\npythonpath = .\n",
            "use.py": """
                import sys, weakref

                class Kept: pass

                def locals_of(x):
                    known = locals()
                    found = 1
                    m = sys.modules[x.__module__]
                    return sorted(known)

                def is_gone(x):
                    kept = Kept(); gone = weakref.ref(kept)
                    m = sys.modules[x.__module__]
                    del kept
                    return gone() is None

                class Modules(dict):
                    def __contains__(self, name): raise RuntimeError("asked")

                def replaced(x):
                    old, sys.modules = sys.modules, Modules(sys.modules)
                    try: return sys.modules[x.__module__]
                    finally: sys.modules = old
                """,
            "test_use.py": """
                import pytest, use

                def test_locals(): assert use.locals_of(use.Kept) == ["x"]
                def test_gone(): assert use.is_gone(use.Kept)
                def test_replaced(): assert use.replaced(use.Kept) is use
                def test_hook():
                    def refuse(event, arguments):
                        if event == "sys._getframe" and on: raise RuntimeError
                    on = [1]
                    use.sys.addaudithook(refuse)
                    try: assert use.is_gone(use.Kept)
                    finally: on.clear()
                """,
        }
    )
    async with opened(project) as story:
        assert story.outcomes() == cold_outcomes(project)
        assert set(story.outcomes().values()) == {"passed"}
