"""Functions of all kinds among the parts; see :mod:`support.programs.parts`."""

from __future__ import annotations

from support.programs.parts import part

FUNCTIONS = (
    part(
        "function",
        """
        def $it(x=1):
            return x
        ---
        def $it(x=1):
            return x, "more"
        ---
        def $it(x=2):
            return x
        ---
        def $it(x=$value):
            return x
        ---
        def $it(x=1, y=5):
            return x, $value
        ---
        $it = lambda x=1: x
        """,
        """
        $it()
        $it(5)
        $it.__defaults__
        """,
    ),
    part(
        "closure",
        """
        def make_$it(kept):
            def inner():
                return kept
            return inner
        $it = make_$it(1)
        ---
        def make_$it(kept):
            def inner():
                return kept
            return inner
        $it = make_$it($value)
        ---
        def make_$it(kept):
            def inner():
                return kept, 1
            return inner
        $it = make_$it(1)
        ---
        def make_$it(kept):
            kept = [kept]
            def inner():
                return kept
            return inner
        $it = make_$it(1)
        """,
        "$it()",
    ),
    part(
        "decorator",
        """
        def $it(function):
            def inner(*arguments):
                return ["told", function(*arguments)]
            return inner
        ---
        def $it(function):
            def inner(*arguments):
                return ["said", function(*arguments)]
            return inner
        ---
        import functools
        def $it(function):
            @functools.wraps(function)
            def inner(*arguments):
                return ["told", function(*arguments)]
            inner.mark = $value
            return inner
        ---
        def $it(function):
            return function
        """,
        """
        $it(lambda: 1)()
        $it(lambda: 1).__name__
        """,
        "decorator",
    ),
    part(
        "decorated",
        """
        @$decorator
        def $it(x=1):
            return x
        ---
        @$decorator
        def $it(x=1):
            return x, 2
        ---
        def $it(x=1):
            return x
        ---
        @$decorator
        @$decorator
        def $it(x=$value):
            return x
        """,
        """
        $it()
        $it.__name__
        """,
    ),
    part(
        "cached",
        """
        import functools
        @functools.lru_cache
        def $it():
            return [$value]
        ---
        import functools
        @functools.lru_cache
        def $it():
            return [$value, 1]
        ---
        def $it():
            return [$value]
        """,
        "$it()",
    ),
    part(
        "generator",
        """
        def $it():
            yield 1
            yield $value
        ---
        def $it():
            yield 1
            yield from ($value, 3)
        ---
        def $it():
            return [1]
        """,
        """
        list($it())
        next(iter($it()))
        """,
    ),
    part(
        "context",
        """
        import contextlib
        @contextlib.contextmanager
        def $it():
            yield 1
        ---
        import contextlib
        @contextlib.contextmanager
        def $it():
            yield $value
        ---
        class $it:
            def __enter__(self):
                return 1
            def __exit__(self, *error):
                return False
        """,
        "$it().__enter__()",
    ),
    part(
        "dispatched",
        """
        import functools
        @functools.singledispatch
        def $it(value):
            return "any"
        @$it.register(int)
        def of_int_$it(value):
            return "int"
        ---
        import functools
        @functools.singledispatch
        def $it(value):
            return "whatever"
        @$it.register(int)
        def of_int_$it(value):
            return "number"
        ---
        import functools
        @functools.singledispatch
        def $it(value):
            return "any"
        @$it.register(str)
        def of_text_$it(value):
            return $value
        """,
        """
        $it(1)
        $it("text")
        $it(1.5)
        """,
    ),
)
