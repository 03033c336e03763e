"""Edits of bases, special methods, signatures and modules as a whole: each runs who can see it, and nobody else."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from support.cold import cold_outcomes
from support.engine import opened
from support.project import Project

_FILES = {
    "marks.py": """
        ORDER = []

        def marked(function):
            ORDER.append(function.__name__)
            return function

        def quiet(function):
            return function
        """,
    "things.py": """
        import functools
        import unittest
        import marks

        class Named:
            def name(self):
                return "named"

        class Sized:
            def __len__(self):
                return 0

        class Quiet:
            def unasked(self):
                return 1

        class Thing: pass

        class Made:
            tag = "made"

        class Setting: pass

        class First:
            def place(self):
                return "first"

        class Second:
            def place(self):
                return "second"

        class Placed(First, Second): pass

        KEPT = {"thing": Thing()}
        PLACED = [Placed()]
        MAKERS = {"made": Made}

        def size(number=1):
            return number
        def shown(number=1):
            return number
        def needy(number):
            return number
        def lazy():
            LOG.append(1)
            yield

        LOG = []

        @marks.marked
        def one(): return 1

        @marks.marked
        def two(): return 2

        @marks.quiet
        def three(): return 3

        @functools.singledispatch
        def kind(thing):
            return "any"

        @kind.register(Named)
        def _(thing):
            return "named"
        """,
    "use.py": """
        import ast
        import inspect
        import things

        def named(thing):
            return thing.name() if hasattr(thing, "name") else "none"
        def full():
            return bool(things.KEPT["thing"])
        def signature(function):
            return str(inspect.signature(function))
        def names(module):
            return [name for name in vars(module) if name.startswith("extra")]
        def needed():
            try:
                return things.needy()
            except TypeError:
                return "refused"
        """,
    "test_things.py": """
        import unittest
        import marks, things, use

        def test_named():
            assert use.named(things.Thing()) == "none"
        def test_full():
            assert use.full()
        def test_kind():
            assert things.kind(things.Thing()) == "any"
        def test_made():
            assert things.MAKERS["made"]().tag.replace("un", "") == "made"
        def test_placed():
            assert things.PLACED[0].place() == "first"
        def test_size():
            assert things.size() == 1
        def test_shown():
            assert use.signature(things.shown) == "(number=1)"
        def test_needed():
            assert use.needed() == "refused"
        def test_lazy():
            things.lazy()
            assert things.LOG == []
        def test_order():
            assert marks.ORDER == ["one", "two"]
        def test_names():
            assert use.names(things) == []
        def test_three():
            assert things.three() == 3

        class TestSetting(things.Setting, unittest.TestCase):
            tag = 1
            def test_tag(self):
                assert self.tag == 1
        """,
}


class Edit(NamedTuple):
    """A replacement in things.py, and the tests that run for it, each by a name in short."""

    old: str
    new: str
    ran: frozenset[str]


_EDITS = {
    # Who lists the module (names) has both classes at hand.
    "a base that brings members": Edit("class Thing:", "class Thing(Named):", frozenset({"named", "kind", "names"})),
    "a base that brings a special method": Edit(
        "class Thing:", "class Thing(Sized):", frozenset({"named", "kind", "full", "names"})
    ),
    "a base that brings nothing anybody asks for": Edit("class Made:", "class Made(Quiet):", frozenset({"names"})),
    "a base made on the spot": Edit("class Made:\n", "class Made(type('Base', (), {})):\n", frozenset()),
    "bases in another order": Edit("Placed(First, Second)", "Placed(Second, First)", frozenset({"placed", "names"})),
    "how a class is made": Edit(
        'tag = "made"', 'tag = "made"\n    def __init__(self): self.tag = 2', frozenset({"made", "names"})
    ),
    "a method for copies, where nobody copies": Edit(
        'tag = "made"', 'tag = "made"\n    def __reduce__(self): return int, ()', frozenset({"names"})
    ),
    "a default": Edit("size(number=1)", "size(number=2)", frozenset({"size"})),
    "an annotation": Edit("size(number=1)", "size(number: int = 1)", frozenset()),
    "a default that is inspected": Edit("shown(number=1)", "shown(number=2)", frozenset({"shown"})),
    "an annotation that is inspected": Edit("shown(number=1)", "shown(number: int = 1)", frozenset({"shown"})),
    "a default that makes a call succeed": Edit("needy(number)", "needy(number=1)", frozenset({"needed"})),
    "a generator that becomes a function": Edit("LOG.append(1)\n    yield", "LOG.append(1)", frozenset({"lazy"})),
    "registrations in another order": Edit(
        "@marks.marked\ndef one(): return 1\n\n@marks.marked\ndef two(): return 2\n",
        "@marks.marked\ndef two(): return 2\n\n@marks.marked\ndef one(): return 1\n",
        frozenset({"order"}),
    ),
    "decorators in another order": Edit(
        "@marks.marked\ndef two(): return 2\n\n@marks.quiet\ndef three(): return 3\n",
        "@marks.quiet\ndef three(): return 3\n\n@marks.marked\ndef two(): return 2\n",
        frozenset(),
    ),
    "a function that only a list of the module shows": Edit(
        "LOG = []", "LOG = []\ndef extra(): pass", frozenset({"names"})
    ),
    "what a base from elsewhere asks for": Edit(
        "class Setting: pass", "class Setting:\n    def setUp(self): self.tag = 2", frozenset({"tag", "names"})
    ),
}


@pytest.mark.parametrize("part", [0, 1])
async def test_an_edit_runs_who_can_see_it(project: Project, part: int) -> None:
    project.write(_FILES)
    async with opened(project) as story:
        for name, edit in list(_EDITS.items())[part::2]:
            await story.save("things.py", edit.old, edit.new)
            ran = {test.rpartition("::")[2].removeprefix("test_") for test in story.ran()}
            assert ran == edit.ran, name
            assert story.outcomes() == cold_outcomes(project), name
            await story.save("things.py", edit.new, edit.old)
            assert story.ran() == [], name
