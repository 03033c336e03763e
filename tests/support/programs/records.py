"""Dataclasses, enums and named tuples among the parts; see :mod:`support.programs.parts`."""

from __future__ import annotations

from support.programs.parts import part

RECORDS = (
    part(
        "data",
        """
        import dataclasses
        @dataclasses.dataclass
        class $it:
            a: int = 1
            b: list = dataclasses.field(default_factory=list)
        ---
        import dataclasses
        @dataclasses.dataclass
        class $it:
            a: int = 2
            b: list = dataclasses.field(default_factory=lambda: [5])
        ---
        import dataclasses
        @dataclasses.dataclass(frozen=True, order=True)
        class $it:
            a: int = 1
            c: int = 4
        ---
        import dataclasses
        @dataclasses.dataclass
        class $it:
            a: object = None
            def __post_init__(self):
                self.a = $value
        """,
        """
        $it()
        $it().a
        $it() == $it()
        [field.name for field in __import__("dataclasses").fields($it)]
        """,
        "base",
    ),
    part(
        "kinds",
        """
        import enum
        class $it(enum.Enum):
            SMALL = 1
            LARGE = 2
        ---
        import enum
        class $it(enum.Enum):
            SMALL = 1
            MIDDLE = 2
            LARGE = 3
        ---
        import enum
        class $it(enum.IntEnum):
            SMALL = enum.auto()
            LARGE = enum.auto()
            @property
            def text(self):
                return self.name.lower()
        ---
        import enum
        class $it(enum.Enum):
            LARGE = 2
            SMALL = $value
        """,
        """
        [kind.name for kind in $it]
        $it.LARGE.value
        $it["SMALL"].value
        $it(2).name
        len($it)
        """,
    ),
    part(
        "tuple",
        """
        import typing
        class $it(typing.NamedTuple):
            x: int = 0
            y: int = 1
        ---
        import typing
        class $it(typing.NamedTuple):
            y: int = 1
            x: int = 0
        ---
        import collections
        $it = collections.namedtuple("$it", "x y", defaults=[0, $value])
        """,
        """
        $it()
        $it().y
        $it._fields
        """,
    ),
)
