"""A function that is added and that nobody asks for: only those who list what it is in can see it."""

from __future__ import annotations

import sys

from support.cold import cold_outcomes
from support.engine import opened
from support.project import Project


async def test_an_enum_counts_its_functions_only_for_who_asks_for_them_or_lists_them(project: Project) -> None:
    project.write(
        {
            "kinds.py": """
                import enum

                class Labelled(enum.Enum):
                    pass

                class Kind(Labelled):
                    SMALL = 1
                    LARGE = 2
                """,
            "shop.py": "import kinds\n\nclass Shop:\n    kind = kinds.Kind.SMALL\n",
            "test_kinds.py": """
                import copy, pickle
                import pytest
                from kinds import Kind
                from shop import Shop

                def test_value(): assert Kind(1) is Shop.kind and [each.name for each in Kind] == ["SMALL", "LARGE"]
                def test_text(): assert str(Kind.SMALL) == "Kind.SMALL"
                def test_copy(): assert pickle.loads(pickle.dumps(Shop.kind)) is copy.copy(Shop.kind) is Shop.kind
                def test_label(): assert not hasattr(Shop.kind, "label")
                def test_list(): assert [name for name in dir(Kind) if name in ('label', 'size')] == []

                def test_missing():
                    with pytest.raises(ValueError): Kind(3)
                """,
        }
    )
    async with opened(project) as story:
        for cls, other in (("(enum.Enum):\n", "(Labelled):\n"), ("(Labelled):\n", "(enum.Enum):\n")):
            await story.save("kinds.py", cls, f"{cls}    def size(self): return 1\n")
            told = hasattr(sys, "monitoring")  # before 3.12 what is on one line seems to run
            assert story.ran() == [*([] if told else ["test_label"]), "test_list"]
            await story.save("kinds.py", "def size(self)", "def label(self)")
            assert story.ran() == ["test_label", "test_list"]
            assert story.outcomes() == cold_outcomes(project)
            await story.save("kinds.py", "def label(self): return 1", "def __str__(self): return 'kind'")
            assert "test_text" in story.ran()
            assert story.outcomes() == cold_outcomes(project)
            missing = "@classmethod\n    def _missing_(cls, value): return cls._member_map_.get('SMALL')"
            await story.save("kinds.py", "def __str__(self): return 'kind'", missing)
            assert "test_missing" in story.ran()
            assert story.outcomes() == cold_outcomes(project)
            await story.save("kinds.py", missing, "def name(self): return 'given'")
            assert "test_value" in story.ran()
            assert story.outcomes() == cold_outcomes(project)
            await story.save("kinds.py", "    def name(self): return 'given'\n", "")
            await story.save("kinds.py", "    pass", "    def LARGE(self): return 3")
            assert story.outcomes() == cold_outcomes(project)
            await story.save("kinds.py", "    def LARGE(self): return 3", "    pass")
            assert story.outcomes() == cold_outcomes(project), other


async def test_a_signature_tells_of_no_function_that_python_does_not_ask_for(project: Project) -> None:
    project.write(
        {
            "shop.py": """
                class Shop:
                    Size = int

                    def __init__(self, size: "Size" = 1): self.size = size

                class Till:
                    limit: "Amount" = 3
                    Amount = int
                """,
            "test_shop.py": """
                import inspect, typing
                from shop import Shop, Till

                def told(cls): return str(inspect.signature(cls))

                def test_signature(): assert told(Shop) == "(size: 'Size' = 1)"
                def test_hints(): assert typing.get_type_hints(Till) == {"limit": int}
                def test_vars(): assert sorted(name for name in vars(Shop) if "_" not in name) == ["Size"]
                """,
        }
    )
    async with opened(project) as story:
        await story.save("shop.py", "    Size = int\n", "    Size = int\n\n    def sold(self): return 0\n")
        assert story.ran() == ["test_vars"]
        await story.save("shop.py", "    Amount = int\n", "    Amount = int\n\n    def paid(self): return 0\n")
        assert story.ran() == []
        await story.save("shop.py", "    Amount = int\n", "    Amount = str\n")
        assert story.ran() == ["test_hints"]
        assert story.outcomes() == cold_outcomes(project)
        await story.save("shop.py", "class Shop:", "class Shop:\n    def __new__(cls, *a): return object.__new__(cls)")
        assert "test_signature" in story.ran()
        assert story.outcomes() == cold_outcomes(project)


async def test_who_only_looks_for_two_underscores_does_not_ask_for_all_names_of_modules(project: Project) -> None:
    project.write(
        {
            "words.py": """
                class Word:
                    def __getattr__(self, name):
                        if name.startswith("__"):
                            raise AttributeError(name)
                        word = Word()
                        setattr(self, name, word)
                        return word

                def first(): return Word().noun

                def starred(module): return [getattr(module, name) for name in module.__all__]
                """,
            "lib.py": "__all__ = ['size']\n\nsize = 1\n",
            "test_words.py": """
                import lib, words

                def test_first(): assert words.first().plural
                def test_size(): assert [lib.size] == words.starred(lib) == [1]
                """,
        }
    )
    async with opened(project) as story:
        await story.save("lib.py", "size = 1", "size = 1\n\ndef width(): return 2")
        assert story.ran() == ["test_size"]
        await story.save("lib.py", "size = 1", "size = 2")
        assert story.ran() == ["test_size"]
        assert story.outcomes() == cold_outcomes(project)


async def test_a_package_from_elsewhere_lists_the_classes_that_it_is_handed(project: Project) -> None:
    project.write(
        {
            "pytest.ini": "[pytest]\npythonpath = . site-packages\n",
            "site-packages/teller.py": "def told(cls): return [name for name in vars(cls) if name.isalpha()]\n",
            "shop.py": """
                import enum

                class Shop:
                    size = 1

                class Kind(enum.Enum):
                    SMALL = 1

                class Till(Shop):
                    till = 1

                KINDS = [Till]
                """,
            "tables.py": """
                import teller
                from shop import KINDS, Kind, Shop

                def shop(): return teller.told(Shop)
                def kind(): return teller.told(Kind)
                def till(): return teller.told(KINDS[0])
                def size(): return Shop().size
                """,
            "test_tables.py": """
                import shop, tables

                def test_shop(): assert tables.shop() == ["size"]
                def test_kind(): assert tables.kind() == ["SMALL"]
                def test_till(): assert tables.till() == ["till"]
                def test_size(): assert tables.size() == 1 and shop.Kind(1).name == "SMALL"
                """,
        }
    )
    async with opened(project) as story:
        for before, test in (("size = 1", "test_shop"), ("SMALL = 1", "test_kind"), ("till = 1", "test_till")):
            await story.save("shop.py", before, f"{before}\n    def sold(self): return 1\n")
            assert test in story.ran()
            assert "test_size" not in story.ran()
            assert story.outcomes() == cold_outcomes(project)
            assert story.outcomes()[test] == "failed"


async def test_a_class_with_another_base_is_listed_by_the_package_that_is_handed_it(project: Project) -> None:
    project.write(
        {
            "pytest.ini": "[pytest]\npythonpath = . site-packages\n",
            "site-packages/teller.py": "def told(cls): return [name for name in dir(cls) if name.isalpha()]\n",
            "shop.py": "class Mixin:\n    def mixed(self): return 1\n\nclass Shop:\n    size = 1\n",
            "test_shop.py": """
                import teller
                from shop import Shop

                def test_told(): assert teller.told(Shop) == ["size"]
                def test_size(): assert Shop().size == 1
                """,
        }
    )
    async with opened(project) as story:
        await story.save("shop.py", "class Shop:", "class Shop(Mixin):")
        assert "test_told" in story.ran()
        assert story.outcomes() == cold_outcomes(project)
