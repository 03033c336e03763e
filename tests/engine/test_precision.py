"""What once ran too much: real commits and mutants showed it, each story has one cause."""

from __future__ import annotations

import sys

from support.cold import cold_outcomes
from support.engine import opened
from support.project import Project


async def test_what_a_test_ran_in_another_state_does_not_count_in_this_one(project: Project) -> None:
    project.write(
        {
            "rates.py": "LIMIT = 1\n\ndef low(): return LIMIT\n\ndef high(): return 2\n",
            "choice.py": "import rates\n\ndef chosen(): return rates.high()\n",
            "test_choice.py": "import choice\n\ndef test_choice(): assert choice.chosen() in (1, 2)\n",
        }
    )
    async with opened(project) as story:
        await story.save("choice.py", "rates.high()", "rates.low()")
        assert story.ran() == ["test_choice"]
        await story.save("choice.py", "rates.low()", "rates.high()")
        assert story.ran() == []
        await story.save("rates.py", "LIMIT = 1", "LIMIT = 3")
        assert story.ran() == []
        await story.save("choice.py", "rates.high()", "rates.low()")
        assert story.ran() == ["test_choice"]
        assert story.outcomes() == cold_outcomes(project) == {"test_choice": "failed"}


async def test_a_string_is_a_name_only_where_code_runs_that_gets_at_things_by_strings(project: Project) -> None:
    project.write(
        {
            "shop.py": """
                import re

                FIELD = "tax"
                _WORD = re.compile(r"[a-z_]{2,}|{[a-zA-Z0-9_-]+}")

                class Order:
                    tax = 1

                    def total(self): return 10

                def read(order): return getattr(order, FIELD)
                """,
            "test_shop.py": """
                import shop

                def test_read(): assert shop.read(shop.Order()) in (1, 2)
                def test_total(): assert shop.Order().total() == 10
                """,
        }
    )
    async with opened(project) as story:
        await story.save("shop.py", "tax = 1", "tax = 2")
        assert story.ran() == ["test_read"]
        await story.save("shop.py", "_WORD =", "_more_words = 1\n_WORD =")
        assert story.ran() == []
        await story.save("shop.py", "def read(order): return getattr", "fetch = getattr\ndef read(order): return fetch")
        assert story.ran() == ["test_read"]
        await story.save("shop.py", "tax = 2", "tax = 3")
        assert story.ran() == ["test_read"]
        assert story.outcomes() == cold_outcomes(project) == {"test_read": "failed", "test_total": "passed"}


async def test_what_will_ask_by_a_string_later_counts_wherever_it_was_made(project: Project) -> None:
    project.write(
        {
            "fields.py": """
                from operator import attrgetter as made

                def field(name): return property(made(name))
                """,
            "shop.py": """
                from fields import field

                NAME = "tax"

                class Order:
                    tax = 1
                    vat = field(NAME)
                """,
            "test_shop.py": "import shop\n\ndef test_vat(): assert shop.Order().vat == 1\ndef test_not(): pass\n",
        }
    )
    async with opened(project) as story:
        await story.save("shop.py", "tax = 1", "tax = 2")
        assert "test_vat" in story.ran()
        assert story.outcomes() == cold_outcomes(project) == {"test_vat": "failed", "test_not": "passed"}


async def test_what_imports_do_to_a_counter_is_the_same_in_whatever_order(project: Project) -> None:
    project.write(
        {
            "lib.py": """
                import itertools

                class Field:
                    ids = itertools.count()

                    def __init__(self): next(Field.ids)

                def copied(): return 1

                def named(cls):
                    copied.__module__, copied.__qualname__ = cls.__module__, f"{cls.__name__}.copied"
                    return cls
                """,
            "front.py": "from lib import copied\n",
            "shared.py": "import lib\n\nHELD = [lib.Field()]\n",
            "test_a.py": """
                import front, lib, shared

                @lib.named
                class A:
                    field = lib.Field()

                def test_a(): assert lib.Field.ids and front.copied() == 1
                """,
            "test_b.py": """
                import front, lib, shared

                @lib.named
                class B:
                    first, second = lib.Field(), lib.Field()

                def test_b(): assert lib.Field.ids and front.copied() == 1
                def test_named(): assert lib.named(B) is B
                """,
        }
    )
    async with opened(project) as story:
        await story.save("lib.py", "return cls", "edition = 1\n    return cls")
        assert story.ran() == ["test_named"]
        await story.save("shared.py", "[lib.Field()]", "[lib.Field(), lib.Field()]")
        assert story.ran() == ["test_a", "test_b"]


async def test_who_evaluates_annotations_only_looks_up_what_stands_in_some(project: Project) -> None:
    project.write(
        {
            "lib.py": """
                import sys

                LIMIT = 1
                Size, Width, Depth = int, int, int

                def sized(of: "Size", *more: "list[Width]") -> "Depth": return of

                __all__ = ["LIMIT", "sized"]
                """,
            "test_lib.py": """
                import typing
                import lib

                def test_more(): assert typing.get_type_hints(lib.sized)["more"] == list[int]

                def test_hints():
                    hints = typing.get_type_hints(lib.sized)
                    assert hints["of"] is hints["return"] is int
                """,
        }
    )
    async with opened(project) as story:
        await story.save("lib.py", "LIMIT = 1", "LIMIT = 2")
        assert story.ran() == []
        for before, after in (
            ("int, int, int", "str, int, int"),
            ("str, int, int", "int, str, int"),
            ("int, str, int", "int, int, str"),
        ):
            await story.save("lib.py", before, after)
            assert story.ran() == ["test_hints", "test_more"]
            assert story.outcomes() == cold_outcomes(project)


async def test_defaults_concern_who_calls_and_who_looks_or_hands_on_what_a_list_holds(project: Project) -> None:
    project.write(
        {
            "pytest.ini": "[pytest]\npythonpath = . site-packages\n",
            "site-packages/teller.py": """
                import inspect

                def told(function): return str(inspect.signature(function))
                """,
            "lib.py": """
                class Circle:
                    def __init__(self, radius=1): self.radius = radius

                class Registry:
                    def register(self, name): return name
                """,
            "kinds.py": """
                import lib, teller

                KINDS = [lib.Circle, {"r": lib.Registry}]

                def table(): return teller.told(KINDS[0])
                """,
            "test_lib.py": """
                import kinds, lib

                def build(**given): return lib.Circle(**given)

                def test_radius(): assert lib.Circle().radius == 1
                def test_table(): assert kinds.table() == "(radius=1)"
                def test_register(): assert lib.Registry().register("a") == "a"
                def test_build(): assert [build for _ in ()] == []
                """,
        }
    )
    async with opened(project) as story:
        await story.save("lib.py", "radius=1", "radius=2")
        assert story.ran() == ["test_radius", "test_table"]
        assert story.outcomes() == cold_outcomes(project)
        await story.save("lib.py", "radius=2", "radius=1")
        await story.save("lib.py", "Circle:\n", "Circle:\n    edition = 1\n")
        assert story.ran() == ["test_table"]  # the package may list what it is handed a list of


async def test_who_lists_the_module_of_a_class_sees_no_other_module(project: Project) -> None:
    project.write(
        {
            "pytest.ini": "[pytest]\npythonpath = .\n",
            "shapes.py": "class Circle: pass\n",
            "tools.py": "class Hammer: pass\n",
            "tables.py": """
                import sys

                def table(cls):
                    if cls.__module__ in sys.modules:
                        return [name for name in sys.modules[cls.__module__].__dict__ if name < "_"]
                """,
            "test_tables.py": """
                import shapes, tables, tools

                def test_shapes(): assert tables.table(shapes.Circle) == ["Circle"]
                def test_tools(): assert tables.table(tools.Hammer) == ["Hammer"]
                """,
        }
    )
    async with opened(project) as story:
        await story.save("shapes.py", "pass\n", "pass\n\ndef Extra(): pass\n")
        told = hasattr(sys, "monitoring")  # older Pythons can't tell which module it is
        assert story.ran() == ["test_shapes"] + ["test_tools"] * (not told)
        assert story.outcomes() == cold_outcomes(project)


async def test_who_fills_the_namespace_of_an_object_lists_no_class(project: Project) -> None:
    project.write(
        {
            "frames.py": """
                class Frame:
                    level = 1

                    def copy(self):
                        made = object.__new__(self.__class__)
                        made.__dict__.update(self.__dict__)
                        return made

                    def empty(self):
                        made = self.copy()
                        made.__dict__ = {}
                        return made

                def listed(frame): return sorted(name for name in type(frame).__dict__ if name.isalpha())
                """,
            "test_frames.py": """
                from frames import Frame, listed

                def test_copy(): assert Frame().copy().level == 1
                def test_empty(): assert Frame().empty().level == 1
                def test_listed(): assert listed(Frame()) == ["copy", "empty", "level"]
                """,
        }
    )
    async with opened(project) as story:
        await story.save("frames.py", "level = 1\n", "level = 1\n\n    def deeper(self): return 2\n")
        assert story.ran() == ["test_listed"]
        assert story.outcomes() == cold_outcomes(project)
