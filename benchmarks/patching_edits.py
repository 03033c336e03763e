"""The edits that ``patching.py`` makes: each a module before and after, and what a test of it would see."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Edit:
    """``held`` is evaluated before the edit (what other modules and tests hold), ``seen`` after it, in the module."""

    name: str
    old: str
    new: str
    seen: str
    held: str = "None"


def _swap(name: str, text: str, before: str, after: str, seen: str, held: str = "None") -> Edit:
    assert before in text, name
    return Edit(name, text, text.replace(before, after, 1), seen, held)


_MANGLED = "class C:\n    def __init__(self):\n        self.__x = 1\n    def get(self):\n        return self.__x\n"
_SUPER = "class B:\n    def hi(self):\n        return 'B'\nclass C(B):\n    def hi(self):\n        return 'C'\n"
_SCOPED = "class C:\n    N = 1\n    def f(self, n=N):\n        return n\n"
_DATACLASS = "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int = 1\n"
_ENUM = "from enum import Enum\nclass E(Enum):\n    A = 1\n"
_TUPLE = "from typing import NamedTuple\nclass T(NamedTuple):\n    x: int = 1\n"
_SLOTS = "class S:\n    __slots__ = ('x',)\n"
_BASES = "class A:\n    v = 1\nclass B:\n    v = 2\nclass C(A):\n    pass\n"
_DECORATED = (
    "def twice(f):\n    return lambda: f() * 2\ndef thrice(f):\n    return lambda: f() * 3\n"
    "@twice\ndef g():\n    return 1\n"
)
_CLOSURE = "def make(n):\n    def inner():\n        return n\n    return inner\n"
_WRAPPED = (
    "import functools\ndef deco(f):\n    @functools.wraps(f)\n    def call(*a):\n        return f(*a)\n"
    "    return call\n@deco\ndef g(a):\n    return a\n"
)

MANY = "".join(f"def f{number}(a):\n    b = a + {number}\n    return b * 2\n\n\n" for number in range(300))

EDITS = (
    _swap("a function's body", "def f(a):\n    return a\n", "return a", "return a + 1", "f(1)"),
    _swap("a body, the function held elsewhere", "def f(a):\n    return a\n", "return a", "return -a", "held(1)", "f"),
    _swap("a decorated function's body", _WRAPPED, "return a\n", "return -a\n", "held(1)", "g"),
    _swap("a method that uses self.__x", _MANGLED, "return self.__x", "return self.__x + 1", "C().get()"),
    _swap("super() added to a method", _SUPER, "return 'C'", "return super().hi() + 'C'", "C().hi()"),
    _swap("a PEP 695 function", "def f[T](a: T) -> T:\n    return a\n", "return a", "return (a, T.__name__)", "f(1)"),
    _swap("a default that names a class constant", _SCOPED, "return n", "return n + 1", "C().f()"),
    _swap("the class constant behind a default", _SCOPED, "N = 1", "N = 2", "C().f()"),
    _swap("a dataclass's field", _DATACLASS, "x: int = 1", "x: int = 1\n    y: int = 2", "repr(P())"),
    _swap("an Enum's member", _ENUM, "A = 1", "A = 1\n    B = 2", "[e.name for e in E]"),
    _swap("a NamedTuple's field", _TUPLE, "x: int = 1", "x: int = 1\n    y: int = 2", "repr(T())"),
    _swap("__slots__", _SLOTS, "('x',)", "('x', 'y')", "hasattr(S, 'y')"),
    Edit("a constant removed", "A = 1\nB = 2\n", "B = 2\n", "'A' in globals()"),
    Edit("an import removed", "import os\nB = 2\n", "B = 2\n", "'os' in globals()"),
    _swap("a constant that another is made of", "A = 1\nB = A + 1\n", "A = 1", "A = 5", "B"),
    _swap("a class's bases", _BASES, "class C(A)", "class C(B)", "C.v"),
    _swap("a decorator", _DECORATED, "@twice", "@thrice", "g()"),
    _swap("a closure's body, the closure held", _CLOSURE, "return n\n", "return n + 1\n", "held()", "make(1)"),
    _swap("a variable added to a closure", _CLOSURE, "def inner():", "m = 2\n    def inner():", "make(1)()"),
    _swap("a default", "def f(a=1):\n    return a\n", "a=1", "a=2", "f()"),
    _swap("a function added", "def f():\n    return 1\n", "return 1\n", "return 1\ndef g():\n    return 2\n", "g()"),
    Edit("an import that fails half-way", "A = 1\nB = 1\n", "A = 2\nraise OSError('half')\nB = 2\n", "(A, B)"),
    Edit("a line atop 300 functions", MANY, f"# one line\n{MANY}", "f7.__code__.co_firstlineno"),
)
