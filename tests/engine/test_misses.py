"""Edits whose effect on a test takes a way round: each was missed once by selection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from support.cold import cold_outcomes
from support.engine import opened
from support.project import Project


@dataclass(frozen=True)
class Miss:
    """Files of a project, an edit of one place, and the tests that it must run at least."""

    files: Mapping[str, str]
    path: str
    old: str
    new: str


MISSES = {
    "a class derived elsewhere": Miss(
        {
            "items.py": "class Item:\n    tax = 3\n",
            "sub.py": "from items import Item\nclass Sub(Item): pass\n",
            "y.py": "from sub import Sub\nLIMIT = Sub.tax\n",
            "test_y.py": "import y\ndef test_y(): assert y.LIMIT == 3\n",
        },
        "items.py", "tax = 3", "tax = 4",
    ),
    "a lambda of a module": Miss(
        {
            "rates.py": "RATE = 2\ncheck = lambda n: n * RATE\n",
            "test_rates.py": "from rates import check\ndef test_check(): assert check(2) == 4\n",
        },
        "rates.py", "RATE = 2", "RATE = 3",
    ),
    "attrgetter of a module": Miss(
        {
            "items.py": "import operator\nclass Item:\n    fee = 1\nget_fee = operator.attrgetter('fee')\n",
            "test_items.py": "import items\ndef test_fee(): assert items.get_fee(items.Item()) == 1\n",
        },
        "items.py", "fee = 1", "fee = 2",
    ),
    "names in a constant": Miss(
        {
            "items.py": "class Item:\n    tax = 1\n",
            "shown.py": "FIELDS = ('tax',)\ndef shown(item): return [getattr(item, name) for name in FIELDS]\n",
            "test_shown.py": "import items, shown\ndef test_shown(): assert shown.shown(items.Item()) == [1]\n",
        },
        "items.py", "tax = 1", "tax = 2",
    ),
    "a name as a parameter": Miss(
        {
            "items.py": "class Item:\n    cost = 1\n",
            "test_items.py": """
                import pytest
                from items import Item

                @pytest.mark.parametrize("name", ["cost"])
                def test_it(name): assert getattr(Item(), name) == 1
                """,
        },
        "items.py", "cost = 1", "cost = 2",
    ),
    "a star import": Miss(
        {
            "consts.py": "STAR = 1\n",
            "star.py": "from consts import *\ndef star(): return STAR\n",
            "test_star.py": "import star\ndef test_star(): assert star.star() == 1\n",
        },
        "consts.py", "STAR = 1", "STAR = 2",
    ),
    "a call that registers elsewhere": Miss(
        {
            "reg.py": "REG = {}\ndef put(name, value): REG[name] = value\ndef get(name): return REG[name]\n",
            "plug.py": "from reg import put\nSIZE = 1\nput('size', SIZE)\n",
            "test_plug.py": "import plug, reg\ndef test_size(): assert reg.get('size') == 1\n",
        },
        "plug.py", "SIZE = 1", "SIZE = 2",
    ),
    "one more decorated registration": Miss(
        {
            "reg.py": "REG = []\ndef put(f):\n    REG.append(f)\n    return f\ndef count(): return len(REG)\n",
            "plug.py": "from reg import put\n@put\ndef one(): pass\n",
            "test_plug.py": "import plug, reg\ndef test_count(): assert reg.count() == 1\n",
        },
        "plug.py", "def one(): pass", "def one(): pass\n@put\ndef two(): pass",
    ),
    "one more registered class": Miss(
        {
            "reg.py": """
                class Base:
                    known = []
                    def __init_subclass__(cls): Base.known.append(cls.kind)
                def kinds(): return Base.known
                """,
            "plug.py": "from reg import Base\nclass One(Base):\n    kind = 'one'\n",
            "test_plug.py": "import plug, reg\ndef test_kinds(): assert reg.kinds() == ['one']\n",
        },
        "plug.py", "kind = 'one'", "kind = 'two'",
    ),
    "another module's constant": Miss(
        {
            "base.py": "CONF = 1\ndef conf(): return CONF\n",
            "plug.py": "import base\nbase.CONF = 5\n",
            "test_plug.py": "import base, plug\ndef test_conf(): assert base.conf() == 5\n",
        },
        "plug.py", "= 5", "= 6",
    ),
    "a module asked by a string": Miss(
        {
            "consts.py": "TIMEOUT = 1\nGLOB = 1\n",
            "asks.py": "import consts\ndef option(name): return getattr(consts, name)\n",
            "test_asks.py": "import asks\ndef test_option(): assert asks.option('TIMEOUT') == 1\n",
        },
        "consts.py", "TIMEOUT = 1", "TIMEOUT = 2",
    ),
    "a made-up name from a class": Miss(
        {
            "walk.py": """
                class Walk:
                    prefix = "visit_"
                    def visit_node(self): return 1
                    def go(self, kind): return getattr(self, self.prefix + kind)()
                class Mine(Walk):
                    size = 0
                """,
            "test_walk.py": "import walk\ndef test_go(): assert walk.Mine().go('node') == 1\n",
        },
        "walk.py", "    size = 0", "    size = 0\n    def visit_node(self): return 2",
    ),
    "a namespace": Miss(
        {
            "consts.py": "GLOB = 1\n",
            "asks.py": "import consts\ndef ask(): return vars(consts)['GLOB']\n",
            "test_asks.py": "import asks\ndef test_ask(): assert asks.ask() == 1\n",
        },
        "consts.py", "GLOB = 1", "GLOB = 2",
    ),
    "a format string": Miss(
        {
            "items.py": "class Item:\n    price = 1\n",
            "test_items.py": "import items\ndef test_text(): assert '{0.price}'.format(items.Item()) == '1'\n",
        },
        "items.py", "price = 1", "price = 2",
    ),
    "what a context variable holds": Miss(
        {
            "items.py": "class Item:\n    cost = 1\n",
            "held.py": "import contextvars as c, items\nCTX = c.ContextVar('c', default=items.Item())\n",
            "test_held.py": "import held\ndef test_cost(): assert held.CTX.get().cost == 1\n",
        },
        "items.py", "cost = 1", "cost = 2",
    ),
}  # fmt: skip


async def test_parameters_are_answered_from_the_right_memory(project: Project) -> None:
    project.write(
        {
            "data.py": "N = 1\nclass Thing:\n    def __init__(self, n): self.n = n\nITEMS = [Thing(N)]\n",
            "test_data.py": """
                import pytest
                from data import ITEMS

                @pytest.mark.parametrize("thing", ITEMS, ids=["it"])
                def test_it(thing): assert thing.n == 1
                """,
        }
    )
    async with opened(project) as story:
        for old, new in (
            ("N = 1", "N = 2"),
            ("N = 2", "N = 1"),
            ("N = 1", "N = 3"),
            ("N = 3", "N = 2"),
            ("N = 2", "N = 1"),
        ):
            await story.save("data.py", old, new)
            assert story.outcomes() == cold_outcomes(project), f"{old} -> {new}"


@pytest.mark.parametrize("miss", [pytest.param(miss, id=name) for name, miss in MISSES.items()])
async def test_an_edit_that_was_missed_once(project: Project, miss: Miss) -> None:
    project.write(miss.files)
    async with opened(project) as story:
        before = story.outcomes()
        await story.save(miss.path, miss.old, miss.new)
        cold = cold_outcomes(project)
        assert cold != before, "the edit changes nothing"
        assert story.outcomes() == cold


async def test_a_class_that_comes_or_goes_is_seen_by_who_asks_for_subclasses(project: Project) -> None:
    project.write(
        {
            "base.py": "class Base: pass\n",
            "kinds.py": "import base\n\nclass Red(base.Base): pass\n",
            "test_kinds.py": """
                import base, kinds

                def test_one(): assert len(base.Base.__subclasses__()) == 1
                def test_base(): assert base.Base()
                """,
        }
    )
    async with opened(project) as story:
        await story.save("kinds.py", "class Red", "class Blue(base.Base): pass\nclass Red")
        assert story.ran() == ["test_one"]
        assert story.outcomes() == cold_outcomes(project) == {"test_one": "failed", "test_base": "passed"}
        await story.save("kinds.py", "Blue(base.Base)", "Blue")
        assert story.outcomes() == cold_outcomes(project) == {"test_one": "passed", "test_base": "passed"}


async def test_a_number_that_an_import_sets_counts_by_what_it_is(project: Project) -> None:
    project.write(
        {
            "lib.py": "N = 1\n\ndef put(v):\n    global N\n    N = v\n",
            "first.py": "import lib\nX = lib.put(5)\n",
            "second.py": "import lib\nX = lib.put(7)\n",
            "test_first.py": "import first\n\ndef test_first(): assert first\n",
            "test_second.py": "import second, lib\n\ndef test_second(): assert lib.N == 7\n",
        }
    )
    async with opened(project) as story:
        await story.save("second.py", "put(7)", "put(3)")
        assert story.outcomes() == cold_outcomes(project) == {"test_first": "passed", "test_second": "failed"}


async def test_a_function_that_was_given_another_module_is_seen_through_it(project: Project) -> None:
    project.write(
        {
            "naming.py": """
                def of(name):
                    def mark(function):
                        function.__module__, function.__qualname__ = name, "one"
                        return function
                    return mark
                """,
            "lib.py": "from naming import of\n\n@of('api')\ndef size(x=1): return x\n",
            "api.py": "from lib import size\n",
            "test_sizes.py": """
                import api, inspect

                def test_size(): assert api.size() == 1
                def test_signature(): assert inspect.signature(api.size).parameters["x"].default == 1
                def test_name(): assert api.size.__qualname__ == "one"
                def test_module(): assert api.size.__module__ == "api"
                """,
        }
    )
    async with opened(project) as story:
        for path, before, after in (
            ("lib.py", "x=1", "x=2"),
            ("lib.py", "'api'", "'lib'"),
            ("naming.py", '"one"', '"two"'),
        ):
            await story.save(path, before, after)
            assert story.outcomes() == cold_outcomes(project)


async def test_names_given_to_a_function_are_seen_by_who_imports_it_whoever_has_given_them(project: Project) -> None:
    project.write(
        {
            "naming.py": "def give(function, name): function.__qualname__ = name\n",
            "words.py": "WORD = 'shop.area'\n",
            "lib.py": """
                def size(): return 1

                def area(): return 1

                def depth(): return 1

                size.__qualname__ = "shop.size"
                """,
            "table.py": "import lib\n\nTABLE = {1: lib.depth}\n",
            "giver.py": """
                import naming, table, words
                from lib import area

                GIVEN = naming.give(area, words.WORD)
                """,
            "taker.py": "import naming, table, words\n\nGIVEN = naming.give(table.TABLE[1], words.WORD)\n",
            "test_sizes.py": """
                import giver, taker
                from lib import area, depth, size

                def test_size(): assert size() == 1 and size.__qualname__ == "shop.size"
                def test_area(): assert area() == 1 and area.__qualname__ == "shop.area"
                def test_depth(): assert depth() == 1 and depth.__qualname__ == "shop.area"
                """,
        }
    )
    async with opened(project) as story:
        await story.save("lib.py", "shop.size", "store.size")
        assert (
            story.outcomes()
            == cold_outcomes(project)
            == {
                "test_area": "passed",
                "test_depth": "passed",
                "test_size": "failed",
            }
        )
        await story.save("words.py", "shop.area", "store.area")
        assert story.outcomes() == cold_outcomes(project)
        assert set(story.outcomes().values()) == {"failed"}


async def test_names_that_a_module_gives_its_own_function_are_seen_by_who_imports_that(project: Project) -> None:
    project.write(
        {
            "lib.py": "def size(): return 1\n\nsize.__qualname__ = 'shop.size'\n",
            "test_size.py": "from lib import size\n\ndef test_size(): assert size.__qualname__ == 'shop.size'\n",
        }
    )
    async with opened(project) as story:
        await story.save("lib.py", "shop.size", "store.size")
        assert story.outcomes() == cold_outcomes(project) == {"test_size": "failed"}


async def test_who_lists_a_module_has_what_is_in_it(project: Project) -> None:
    project.write(
        {
            "base.py": "class Thing:\n    size = 1\n\nclass Other:\n    size = 1\n",
            "lib.py": "from base import Thing, Other\n",
            "test_lib.py": """
                import lib as listed

                def test_dir(): assert {getattr(listed, name).size for name in dir(listed) if name[0] in "TO"} == {1}
                def test_vars(): assert {each.size for name, each in vars(listed).items() if name[0] in "TO"} == {1}
                def test_other(): assert listed.Other().size == 1
                """,
        }
    )
    async with opened(project) as story:
        await story.save("base.py", "class Thing:\n    size = 1", "class Thing:\n    size = 2")
        assert story.ran() == ["test_dir", "test_vars"]
        assert story.outcomes() == cold_outcomes(project)


async def test_a_coroutine_that_becomes_a_plain_function_again_is_seen_by_who_imports_it(project: Project) -> None:
    project.write(
        {
            "config.py": "MODE = [0]\n\ndef set_mode(mode):\n    MODE[0] = mode\n",
            "service.py": """
                from config import MODE, set_mode

                def use(mode):
                    set_mode(mode)
                    return MODE[0]
                """,
            "test_service.py": """
                import pytest, service

                @pytest.mark.filterwarnings("ignore::RuntimeWarning")
                def test_use(): assert service.use(1) == 1
                """,
        }
    )
    project.edit("config.py", "def", "async def")
    async with opened(project) as story:
        assert story.outcomes() == {"test_use": "failed"}
        await story.save("config.py", "async def", "def")
        assert story.outcomes() == cold_outcomes(project) == {"test_use": "passed"}
        await story.save("config.py", "def", "async def")
        assert story.outcomes() == cold_outcomes(project) == {"test_use": "failed"}
        await story.save("config.py", "async def", "def")
        assert story.outcomes() == {"test_use": "passed"}
        assert story.ran() == []
