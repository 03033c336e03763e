"""Classes and instances among the parts; see :mod:`support.programs.parts`."""

from __future__ import annotations

from support.programs.parts import part

CLASSES = (
    part(
        "plain",
        """
        class $it:
            size = 1
            def area(self):
                return self.size * 2
            @property
            def label(self):
                return "label", self.size
            def __len__(self):
                return 3
        ---
        class $it:
            size = 2
            def area(self):
                return self.size * 2
            @property
            def label(self):
                return "label", self.size
            def __len__(self):
                return 3
        ---
        class $it:
            size = $value
            def area(self):
                return self.height()
            def height(self):
                return 9
            @property
            def label(self):
                return "sign", self.size
        ---
        class $it:
            size = 1
            @staticmethod
            def area():
                return 4
            def label(self):
                return "label"
            def __len__(self):
                return 5
            def __getattr__(self, name):
                return name
        ---
        class $it:
            def __init__(self, size=1):
                self.size = size
            def area(self, by=2):
                return self.size * by
        """,
        """
        $it().size
        $it.size
        $it().area()
        $it().label
        len($it())
        getattr($it(), "height", None) is None
        hasattr($it, "height")
        """,
        "base",
    ),
    part(
        "derived",
        """
        class $it($base):
            pass
        ---
        class $it($base):
            size = 5
        ---
        class $it($base):
            size = $value
            def area(self):
                return "derived", super().area()
        ---
        class $it($base):
            def __len__(self):
                return 8
            def height(self):
                return 7
        ---
        class Mixed_$it:
            size = 6
            def area(self):
                return "mixed"
        class $it(Mixed_$it, $base):
            pass
        ---
        class $it:
            size = 1
        """,
        """
        $it().size
        $it().area()
        len($it())
        [cls.__name__ for cls in $it.__mro__]
        getattr($it(), "label", None)
        """,
        "base",
    ),
    part(
        "instance",
        """
        class Kind_$it:
            def __init__(self, value):
                self.value = value
            def show(self):
                return self.value
        $it = Kind_$it(1)
        ---
        class Kind_$it:
            def __init__(self, value):
                self.value = value
            def show(self):
                return self.value
        $it = Kind_$it($value)
        ---
        class Kind_$it:
            def __init__(self, value):
                self.value = [value]
            def show(self):
                return "shown", self.value
        $it = Kind_$it(1)
        $it.extra = 3
        ---
        class Kind_$it:
            value = 1
            def show(self):
                return 2
        $it = Kind_$it()
        """,
        """
        $it.value
        $it.show()
        getattr($it, "extra", 0)
        type($it).__name__
        """,
    ),
    part(
        "abstract",
        """
        import abc
        class $it(abc.ABC):
            @abc.abstractmethod
            def area(self): ...
        $it.register(int)
        ---
        import abc
        class $it(abc.ABC):
            @abc.abstractmethod
            def area(self): ...
        $it.register(str)
        ---
        import abc
        class $it(abc.ABC):
            def area(self):
                return $value
        ---
        import abc
        class $it(abc.ABC):
            @classmethod
            def __subclasshook__(cls, other):
                return other is list
        """,
        """
        isinstance(1, $it)
        issubclass(list, $it)
        $it().area()
        """,
        "base",
    ),
)
