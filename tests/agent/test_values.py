"""What modules' names are bound to, in digests: another one for all that code can tell apart, the same for the rest."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from aftershock_agent.recording import Project
from aftershock_agent.tables import OPAQUE
from aftershock_agent.values import Values

NAME = "a_module_of_values"


def table(folder: Path, text: str) -> dict[str, str]:
    """The digests of a module with this text, imported anew."""
    path = folder / f"{NAME}.py"
    path.write_text(dedent(text), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(NAME, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = module
    try:
        exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), vars(module))
        return Values(Project(str(folder))).table(module, str(path), shared=True)
    finally:
        del sys.modules[NAME]


def moved(folder: Path, before: str, after: str) -> set[str]:
    """The names whose digests differ, but for what stands beside them."""
    old, new = table(folder, before), table(folder, after)
    names = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
    return {name for name in names if not name.endswith(("<reaches>", "<family>"))}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = 3", "x = 1 + 2"),
        ("x = [1, 2]", "x = list(range(1, 3))"),
        ("x = {1, 'a'}", "x = {'a', 1}"),
        ("x = dict(a=1)", "x = {'a': 1}"),
        ("def x(): return 1", "def x(): return 2"),
        ("class x:\n    def m(self): return 1", "class x:\n    def m(self):\n        # longer\n        return 2"),
        (
            "class A:\n    def __init__(self): self.n = 1\nx = A()",
            "class A:\n    def __init__(self): self.n = 2 - 1\nx = A()",
        ),
        ("def f(): pass\ndef g(): pass", "def g(): pass\ndef f(): pass"),
        ("import re\nx = re.compile('a')", "import re\nx = re.compile('a', 0)"),
        (
            "import functools\nx = functools.partial(int, '1')",
            "from functools import partial as p\nimport functools\nx = p(int, '1')\ndel p",
        ),
        ("import threading\nx = threading.Lock()", "import threading\nx = threading.Lock()"),
        ("x = object()", "x = object()"),
    ],
)
def test_what_code_cannot_tell_apart_is_the_same(tmp_path: Path, before: str, after: str) -> None:
    assert moved(tmp_path, before, after) == set()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = 1", "x = True"),
        ("x = 1", "x = 1.0"),
        ("x = [1]", "x = (1,)"),
        ("x = {'a': 1, 'b': 2}", "x = {'b': 2, 'a': 1}"),
        ("x = 'a'", "x = b'a'"),
        ("def x(a=1): pass", "def x(a=2): pass"),
        ("def x(a): pass", "def x(b): pass"),
        ("def x(a: int): pass", "def x(a: str): pass"),
        ("def x(): pass", "def x(): yield"),
        ("def x(): pass", "async def x(): pass"),
        ("x = lambda: 1", "x = lambda: 2"),
        (
            "def f(n):\n    def g(): return n\n    return g\nx = f(1)",
            "def f(n):\n    def g(): return n\n    return g\nx = f(2)",
        ),
        ("def x(): pass\nx.tag = 1", "def x(): pass\nx.tag = 2"),
        ("import functools\nx = functools.partial(int, '1')", "import functools\nx = functools.partial(int, '2')"),
        ("import re\nx = re.compile('a')", "import re\nx = re.compile('a', re.I)"),
        ("import collections\nx = collections.deque([1])", "import collections\nx = collections.deque([2])"),
        ("import datetime\nx = datetime.date(2020, 1, 1)", "import datetime\nx = datetime.date(2020, 1, 2)"),
        ("import enum\nclass x(enum.Enum):\n    A = 1", "import enum\nclass x(enum.Enum):\n    A = 2"),
        ("class S(dict): pass\nx = S(a=1)", "class S(dict): pass\nx = S(a=2)"),
        ("class S:\n    __slots__ = ('a',)\nx = S()\nx.a = 1", "class S:\n    __slots__ = ('a',)\nx = S()\nx.a = 2"),
        ("class E(Exception): pass\nx = E(1)", "class E(Exception): pass\nx = E(2)"),
        ("x = [1]\ny = x", "x = [1]\ny = [1]"),
        (
            "import unittest\nclass x(unittest.TestCase): pass",
            "import unittest\nclass x(unittest.TestCase):\n    maxDiff = 1",
        ),
        ("class x: pass", "class x:\n    def __eq__(self, other): return True"),
        ("class A: pass\nclass B: pass\nx = A()", "class A: pass\nclass B: pass\nx = B()"),
        ("x = (n for n in [1, 2])", "x = (n for n in [1, 3])"),
        ("import operator\nx = operator.itemgetter(1)", "import operator\nx = operator.itemgetter(2)"),
    ],
)
def test_what_code_can_tell_apart_is_not(tmp_path: Path, before: str, after: str) -> None:
    found = moved(tmp_path, before, after)
    assert found & {"x", "y", "x.<inspected>", "x.<annotated>", "x.<kind>", "x.__eq__"}


def test_a_member_counts_by_itself(tmp_path: Path) -> None:
    before = "class C:\n    size = 1\n    def m(self, a=1): pass\nkept = C()\n"
    assert moved(tmp_path, before, before.replace("size = 1", "size = 2")) == {"C.size"}
    assert moved(tmp_path, before, before.replace("a=1", "a=2")) == {"C.m.<inspected>"}
    assert moved(tmp_path, before, before.replace("a=1", "a: int = 1")) == {"C.m.<annotated>"}
    assert moved(tmp_path, before, before.replace("a=1", "a")) == {"C.m", "C.m.<inspected>"}
    assert moved(tmp_path, before, before.replace("def m", "def __repr__")) == {
        *("C.m", "C.m.<inspected>", "C.m.__doc__"),
        *("C.__repr__", "C.__repr__.<inspected>", "C.__repr__.__doc__"),
    }
    assert moved(tmp_path, before, before.replace("pass", "'''Says.'''")) == {"C.m.__doc__"}


def test_a_dataclass_counts_by_what_is_made_of_its_fields(tmp_path: Path) -> None:
    before = "import dataclasses\n@dataclasses.dataclass\nclass C:\n    size: int = 1\nkept = [C()]\nother = C(3)\n"
    assert moved(tmp_path, before, before.replace("= 1", "= 2")) == {
        *("C.size", "C.__init__", "C.__dataclass_fields__", "C.__doc__", "kept"),
    }


def test_a_base_counts_by_its_place_in_the_family_and_its_members_by_theirs(tmp_path: Path) -> None:
    before = "class A:\n    def m(self): pass\nclass C(A): pass\nkept = C()\n"
    after = before.replace("class C(A)", "class B:\n    def n(self): pass\nclass C(B, A)")
    assert {name.partition(".")[0] for name in moved(tmp_path, before, after)} == {"B"}
    assert table(tmp_path, before)["C.<family>"] == f"{NAME}.C {NAME}.A"
    assert table(tmp_path, after)["C.<family>"] == f"{NAME}.C {NAME}.B {NAME}.A"


def test_a_base_that_nobody_finds_lends_its_members_to_the_class(tmp_path: Path) -> None:
    before = "class C: pass\nkept = C()\n"
    after = before.replace("class C:", "class C(type('Made', (), {'size': 1})):")
    assert moved(tmp_path, before, after) == {"C.size"}
    assert moved(tmp_path, after, after.replace("1", "2")) == {"C.size"}


@pytest.mark.parametrize("base", ["dict", "Exception", "enum.Enum", "Slim", "Strange"])
def test_a_base_that_makes_other_objects_of_the_class_counts_for_all_that_hold_one(tmp_path: Path, base: str) -> None:
    before = """
        import enum
        class Slim: __slots__ = ('a',)
        class Meta(type): pass
        class Strange(metaclass=Meta): pass
        class C: __slots__ = ()
        kept = [C]
        """
    assert {"C", "kept"} <= moved(tmp_path, before, before.replace("class C: __slots__ = ()", f"class C({base}): pass"))


def test_what_cannot_be_looked_into_is_marked(tmp_path: Path) -> None:
    found = table(tmp_path, "x = memoryview(b'a')\ny = [x]\nz = 1\n")
    assert found["x"].startswith(OPAQUE)
    assert found["y"].startswith(OPAQUE)
    assert not found["z"].startswith(OPAQUE)


def test_no_code_of_the_project_runs(tmp_path: Path) -> None:
    text = """
        calls = []

        class Loud:
            def __getattribute__(self, name): calls.append(name); return object.__getattribute__(self, name)
            def __getattr__(self, name): calls.append(name); raise AttributeError(name)
            def __eq__(self, other): calls.append("eq"); return True
            def __hash__(self): calls.append("hash"); return 1
            def __repr__(self): calls.append("repr"); return ""
            def __reduce__(self): calls.append("reduce"); return (int, ())
            def __iter__(self): calls.append("iter"); return iter(())
            def __len__(self): calls.append("len"); return 0
            @property
            def __dict__(self): calls.append("dict"); return {}
            @property
            def __class__(self): calls.append("class"); return int

        class Listing(list):
            def __iter__(self): calls.append("iter"); return iter(())
            def __len__(self): calls.append("len"); return 0

        kept = [Loud(), (Loud(),), Listing([1]), {"a": Loud()}]
        """
    before = table(tmp_path, text)
    assert table(tmp_path, text)["calls"] == before["calls"]
    assert table(tmp_path, text.replace("calls = []", "calls = ['one']"))["calls"] != before["calls"]


def test_an_object_that_will_not_say_what_it_is(tmp_path: Path) -> None:
    text = "class Lazy:\n    @property\n    def __class__(self): raise RuntimeError('not yet')\nx = Lazy()\n"
    assert "x" in table(tmp_path, text)


def test_classes_that_know_each_other_take_no_time(tmp_path: Path) -> None:
    text = "import enum\nALL = []\n"
    for number in range(14):
        text += f"class C{number}(enum.Enum):\n    A = {number}\nC{number}.all = ALL\nALL.append(C{number})\n"
    assert moved(tmp_path, text, text.replace("A = 7", "A = 70")) >= {"C7", "ALL"}


def test_what_leads_to_a_class_says_so(tmp_path: Path) -> None:
    text = "class A: pass\nclass B(A): pass\nkept = {'b': [B()]}\ndef f(a=A): pass\nplain = 1\n"
    found = table(tmp_path, text)
    assert found["kept.<reaches>"] == "B"
    assert found["f.<reaches>"] == "A"
    assert "plain.<reaches>" not in found
    assert found["B.<family>"] == f"{NAME}.B {NAME}.A"
