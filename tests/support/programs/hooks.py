"""Classes that act when they are made, or when they are asked, among the parts; see :mod:`support.programs.parts`."""

from __future__ import annotations

from support.programs.parts import part

HOOKS = (
    part(
        "hooked",
        """
        class $it:
            known = []
            def __init_subclass__(cls):
                $it.known.append(cls.__name__)
        class Sub_$it($it):
            pass
        ---
        class $it:
            known = []
            def __init_subclass__(cls):
                $it.known.append(cls.__name__.lower())
        class Sub_$it($it):
            pass
        ---
        class $it:
            known = []
            def __init_subclass__(cls):
                $it.known.append(cls.__name__)
        class Sub_$it($it):
            pass
        class Other_$it(Sub_$it):
            pass
        """,
        """
        $it.known
        sorted(cls.__name__ for cls in $it.__subclasses__())
        """,
        "base",
    ),
    part(
        "meta",
        """
        class Meta_$it(type):
            def __new__(mcs, name, bases, space):
                made = super().__new__(mcs, name, bases, space)
                made.tag = name.lower()
                return made
            def __len__(cls):
                return 2
        class $it(metaclass=Meta_$it):
            pass
        ---
        class Meta_$it(type):
            def __new__(mcs, name, bases, space):
                made = super().__new__(mcs, name, bases, space)
                made.tag = $value
                return made
            def __len__(cls):
                return 3
        class $it(metaclass=Meta_$it):
            pass
        ---
        class Meta_$it(type):
            tag = "of the metaclass"
            def __call__(cls):
                return "called"
        class $it(metaclass=Meta_$it):
            pass
        """,
        """
        $it.tag
        len($it)
        isinstance($it(), str)
        """,
        "base",
    ),
    part(
        "described",
        """
        class Stored_$it:
            def __set_name__(self, owner, name):
                self.name = name
            def __get__(self, instance, owner):
                return self.name, 1
        class $it:
            field = Stored_$it()
        ---
        class Stored_$it:
            def __set_name__(self, owner, name):
                self.name = name.upper()
            def __get__(self, instance, owner):
                return self.name, 1
        class $it:
            field = Stored_$it()
        ---
        class Stored_$it:
            def __get__(self, instance, owner):
                return $value
        class $it:
            field = Stored_$it()
        ---
        class $it:
            field = 5
        """,
        """
        $it.field
        $it().field
        getattr($it(), "fie" + "ld")
        """,
        "base",
    ),
)
