"""Constants, containers and what imports do to them, among the parts; see :mod:`support.programs.parts`."""

from __future__ import annotations

from support.programs.parts import part

VALUES = (
    part(
        "constant",
        """
        $it = 3
        ---
        $it = 4
        ---
        $it = $value
        ---
        $it = (
            3  # the same
        )
        ---
        if $value:
            $it = "yes"
        else:
            $it = "no"
        """,
        "$it",
    ),
    part(
        "list",
        """
        $it = [1, 2]
        ---
        $it = [1, 3]
        ---
        $it = [1, 2]
        $it.append($value)
        ---
        $it = [each for each in (1, $value)]
        """,
        """
        $it
        len($it)
        $it[-1]
        """,
        "list",
    ),
    part(
        "dictionary",
        """
        $it = {"a": 1, "b": {"c": 2}}
        ---
        $it = {"a": 1, "b": {"c": 3}}
        ---
        $it = {"b": {"c": 2}, "a": 1}
        ---
        $it = {"a": 1, "b": {"c": $value}}
        """,
        """
        $it["a"]
        $it["b"]["c"]
        list($it)
        $it.get("d")
        """,
    ),
    part(
        "writer",
        """
        $it = 1
        $list.append(5)
        ---
        $it = 1
        $list.append(6)
        ---
        $it = 2
        """,
        "$it",
    ),
    part(
        "table",
        """
        $it = {"one": lambda: 1, "two": lambda x=2: x}
        ---
        $it = {"one": lambda: 2, "two": lambda x=2: x}
        ---
        $it = {"one": lambda: 1, "two": lambda x=$value: x}
        ---
        $it = {"one": lambda: $value, "two": lambda x=2: x + 1}
        """,
        """
        $it["one"]()
        $it["two"]()
        sorted($it)
        """,
    ),
    part(
        "registry",
        """
        $it = {}
        def add_$it(name):
            def register(function):
                $it[name] = function
                return function
            return register
        @add_$it("a")
        def first_$it():
            return 1
        ---
        $it = {}
        def add_$it(name):
            def register(function):
                $it[name] = function
                return function
            return register
        @add_$it("b")
        def first_$it():
            return 1
        ---
        $it = {}
        def add_$it(name):
            def register(function):
                $it[name] = function
                return function
            return register
        @add_$it("a")
        def first_$it():
            return 2
        @add_$it("c")
        def second_$it():
            return $value
        ---
        $it = {}
        def add_$it(name):
            def register(function):
                $it[name] = lambda: name
                return function
            return register
        @add_$it("a")
        def first_$it():
            return 1
        """,
        """
        sorted($it)
        [$it[name]() for name in sorted($it)]
        """,
    ),
    part(
        "counter",
        """
        $it = 0
        def bump_$it():
            global $it
            $it += 1
        bump_$it()
        ---
        $it = 0
        def bump_$it():
            global $it
            $it += 2
        bump_$it()
        ---
        $it = 0
        def bump_$it():
            global $it
            $it += 1
        bump_$it()
        bump_$it()
        """,
        "$it",
    ),
    part(
        "missing",
        """
        def __getattr__(name):
            if name == "$it":
                return 7
            raise AttributeError(name)
        ---
        def __getattr__(name):
            if name == "$it":
                return $value
            raise AttributeError(name)
        ---
        $it = 7
        ---
        $it = 8
        """,
        "$it",
    ),
)
