"""What once ran too much: real commits and mutants showed it, each story has one cause."""

from __future__ import annotations

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
                    made = 0

                    def __init__(self):
                        next(Field.ids)
                        Field.made += 1

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

                def test_a(): assert lib.Field.ids and lib.Field.made and front.copied() == 1
                """,
            "test_b.py": """
                import front, lib, shared

                @lib.named
                class B:
                    first, second = lib.Field(), lib.Field()

                def test_b(): assert lib.Field.ids and lib.Field.made and front.copied() == 1
                def test_named(): assert lib.named(B) is B
                """,
        }
    )
    async with opened(project) as story:
        await story.save("lib.py", "return cls", "edition = 1\n    return cls")
        assert story.ran() == ["test_named"]
        await story.save("shared.py", "[lib.Field()]", "[lib.Field(), lib.Field()]")
        assert story.ran() == ["test_a", "test_b"]


async def test_a_number_that_imports_set_counts_by_what_it_is(project: Project) -> None:
    project.write(
        {
            "lib.py": "class Level:\n    now = 0\n\ndef go_on(): Level.now += 1\n\ndef jump(to): Level.now = to\n",
            "test_a.py": """
                import lib

                lib.go_on()
                lib.jump(4)

                def test_a(): assert lib.Level.now == 4
                """,
        }
    )
    async with opened(project) as story:
        await story.save("test_a.py", "lib.jump(4)", "lib.jump(5)")
        assert story.ran() == ["test_a"]
        assert story.outcomes() == cold_outcomes(project) == {"test_a": "failed"}
        await story.save("lib.py", "    now = 0", "    now = 1")
        assert story.ran() == ["test_a"]
        await story.save("lib.py", "def jump(to): Level.now = to", "def jump(to): Level.now += 1")
        assert story.ran() == ["test_a"]
        assert story.outcomes() == cold_outcomes(project) == {"test_a": "failed"}
        await story.save(
            "lib.py", "Level.now += 1\n\ndef jump(to): Level.now += 1", "Level.now += 2\n\ndef jump(to): Level.now += 1"
        )
        assert story.ran() == ["test_a"]
        assert story.outcomes() == cold_outcomes(project) == {"test_a": "passed"}


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


async def test_who_looks_for_the_module_of_a_class_sees_only_those_that_made_what_it_has(project: Project) -> None:
    project.write(
        {
            "kit.py": """
                import sys

                def namespace(cls):
                    return dict(sys.modules[cls.__module__].__dict__) if cls.__module__ in sys.modules else {}

                def made(name): return type(name, (), {"__module__": sys._getframe(1).f_globals["__name__"]})
                """,
            "shapes.py": """
                LIMIT = 1

                class Shape: pass

                def shaped(): return Shape()
                """,
            "others.py": "SIZE = 1\n\ndef size(): return SIZE\n",
            "test_kit.py": """
                import kit, others, shapes

                DEPTH = 1

                class Own: pass

                def test_own(): assert kit.namespace(Own).get("DEPTH") in (1, "2") and others.size()
                def test_made(): assert kit.namespace(kit.made("Made")).get("DEPTH") in (1, "2")
                def test_shape(): assert kit.namespace(type(shapes.shaped()))["LIMIT"] in (1, "2")
                def test_none(): assert others.size()
                """,
        }
    )
    async with opened(project) as story:
        await story.save("others.py", "SIZE = 1", "SIZE = 1\nMORE = 1")
        assert story.ran() == []
        await story.save("shapes.py", "LIMIT = 1", "LIMIT = '2'")
        assert story.ran() == ["test_shape"]
        await story.save("test_kit.py", "DEPTH = 1", "DEPTH = '2'")
        assert story.ran() == ["test_made", "test_own", "test_shape"]
        await story.save("test_kit.py", "DEPTH = '2'", "DEPTH = 3")
        assert story.outcomes() == cold_outcomes(project)
