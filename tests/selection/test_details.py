"""What is read of a file's code for selection by values: who mentions what, who lists members, what an import does."""

from __future__ import annotations

import sys
from textwrap import dedent

import pytest

from aftershock.selection.details import DEFINITIONS, STRINGS, Details, parse_details
from aftershock.selection.listing import CLASSES, LAMBDAS, MEMBERS, NAMESPACE, OWN


def details(text: str) -> Details:
    """The details of a source."""
    return parse_details(dedent(text).encode(), "a.py")


def test_a_function_mentions_names_and_attributes_apart() -> None:
    found = details("def f(a):\n    return LIMIT + a.size + [x.width for x in a][0]\n").mentions["f"]
    assert "LIMIT" in found.names
    assert {"size", "width"} <= found.attributes
    assert "LIMIT" not in found.attributes


def test_what_is_no_functions_is_the_definitions() -> None:
    found = details("class C:\n    size = LIMIT\nTABLE = {'a': lambda: OTHER}\ndef f(a=DEFAULT): pass\n").mentions
    assert {"LIMIT", "DEFAULT"} <= found[DEFINITIONS].names
    assert found[LAMBDAS].names == {"OTHER"}
    assert found[STRINGS].attributes == {"a"}
    assert found["f"].names == frozenset()


def test_strings_may_be_names() -> None:
    text = "def f(a):\n    return a['size'], 'width height', '{0.price!r}', 'pkg.mod.thing', 'Not valid: 3 is odd.'\n"
    found = details(text).mentions["f"]
    assert found.strings == {"size", "width", "height", "price"}
    assert {"pkg", "mod", "thing"} <= found.attributes


def test_every_word_counts_where_text_is_run() -> None:
    found = details("def f():\n    exec('print(LIMIT + size)')\n").mentions["f"]
    assert {"LIMIT", "size"} <= found.attributes


@pytest.mark.parametrize(
    ("text", "subjects"),
    [
        ("def f(x): return dir(x)", {MEMBERS}),
        ("import inspect\ndef f(x): return inspect.getmembers(x)", {MEMBERS}),
        ("def f(x): return list(vars(x))", {NAMESPACE}),
        ("import json\ndef f(): return list(json.__dict__)", {NAMESPACE}),
        ("def f(x): return list(x.__dict__)", {CLASSES}),
        ("def f(x): return x.__dict__['a'], 'b' in x.__dict__, x.__dict__.get('c')", set()),
        ("class C:\n    def f(self): return dict(self.__dict__)", set()),
        ("class C:\n    def f(self): return dir(self)", {"C"}),
        ("class C:\n    def f(self): return list(type(self).__dict__)", {"C"}),
        ("class C:\n    @classmethod\n    def f(cls): return list(vars(cls))", {"C"}),
        ("class C(type):\n    def f(cls): return list(cls.__dict__)", {"C"}),
        ("def f(x): return x.size", set()),
        ("def f(): return list(globals())", {OWN}),
        ("def f(name): return globals()[name]", set()),
    ],
)
def test_who_lists_members(text: str, subjects: set[str]) -> None:
    found = details(text).listers
    assert set().union(*found.values()) == subjects


@pytest.mark.parametrize(
    ("text", "packages"),
    [
        ("import logging\nlogging.disable()", {"logging"}),
        ("import json\njson.JSONEncoder.default = None", {"json"}),
        ("import os\nos.environ['A'] = '1'", {"os"}),
        ("from sys import path\npath.append('x')", {"sys"}),
        ("import sys\ntry:\n    sys.setrecursionlimit(9)\nexcept ValueError: pass", {"sys"}),
        ("import random\nclass C:\n    random.seed(1)", {"random"}),
        ("import json\nsetattr(json, 'x', 1)", {"json"}),
        ("(lambda: 1)()", {""}),
        ("print('hello')", set()),
        ("TABLE = {}\nTABLE['a'] = 1", set()),
        ("import json\nX = json.loads('1')", set()),
        ("from .other import register\nregister(1)", {"."}),
        ("from .other import register\n@register\ndef f(): pass", {"."}),
        ("class C:\n    @property\n    def f(self): pass", set()),
        ("'''A docstring.'''", set()),
    ],
)
def test_what_an_import_does_beyond_binding_names(text: str, packages: set[str]) -> None:
    assert set().union(*(found for found, _ in details(text).effects)) == packages


def test_functions_that_act_on_other_packages() -> None:
    found = details(
        """
        import logging
        from . import own

        def loud(): logging.disable()
        def quiet(): return logging.getLogger()
        def inside(): own.register()
        def hidden(logging): logging.disable()
        class C:
            def method(self):
                with logging.catching(): pass
        """
    )
    assert found.effectful == {"loud", "inside", "C.method"}


def test_other_names_for_things() -> None:
    found = details("import a.b as c\nfrom d import E as F\nG = E\ndef f():\n    local = E\n").aliases
    assert found == {("b", "c"), ("E", "F"), ("E", "G")}


def test_a_source_that_cannot_be_compiled_has_no_details() -> None:
    assert details("def f(:\n") == Details()
    assert parse_details(b"\xff", "a.py") == Details()


def test_words_of_annotations_and_strings_may_be_looked_up_as_hints() -> None:
    text = """
        'Documented.'
        __all__ = ["exported"]
        Alias = Optional["Node"]

        def f(a: Size, b: "list[Width]" = 1) -> pkg.Depth:
            c: Local = "In{a}side"
            return LIMIT
        """
    found = details(text).hinted
    assert {"Node", "Size", "list", "Width", "pkg", "Depth", "Local"} <= found
    assert found.isdisjoint({"Documented", "exported", "LIMIT", "Optional"})


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type parameters came with 3.12")
def test_words_of_types_that_are_evaluated_late_may_be_looked_up_as_hints() -> None:
    found = details("type Alias = Node\n\ndef f[T: Limit](a: T): return a\n").hinted
    assert {"Node", "Limit"} <= found
