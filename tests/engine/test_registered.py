"""Registries, and names as strings: each edit changes what a cold pytest says, each once went unseen."""

from __future__ import annotations

from support.cold import cold_outcomes
from support.engine import opened
from support.project import Project

_FILES = {
    "reg.py": """
        from collections import UserDict

        TABLE = {}
        BOXED = UserDict()
        ROWS = ()

        def register(thing):
            TABLE[thing.__name__] = thing
            return thing

        def put(name, value):
            global ROWS
            BOXED[name] = value
            ROWS += ((name, value),)
            return value

        def total(): return sum(cls.size for cls in TABLE.values())
        """,
    "view.py": "from reg import TABLE as T\n\ndef names(): return sorted(T)\n",
    "plug.py": """
        from operator import attrgetter
        import reg

        WEIGHT = reg.put("weight", 4)
        KEPT = reg.TABLE.setdefault("kept", type("Kept", (), {"size": 5}))

        @reg.register
        class Plug:
            size = 1

        class Column:
            def __init__(self, name, reader=None):
                self.name, self.reader = name, reader or getattr

            def value(self, row): return self.reader(row, self.name)

        class Serializer:
            def __init__(self): self.fields = ["vat"]

            def dump(self, row): return [getattr(row, field) for field in self.fields]

        COLUMNS = [Column("tax")]
        ORDERS = Serializer()
        TEXT = "{{{0.fee:>{1.width}}}}"

        class Base: pass

        class Leaf(Base):
            colour = "red"

        class Order:
            tax, vat, fee = 1, 2, 3
            __match_args__ = ("depth",)
            depth = 8

        class Width:
            width = 4
        """,
    "test_reg.py": """
        import plug, reg, view

        def test_total(): assert reg.total() == 6
        def test_boxed(): assert reg.BOXED["weight"] == 4
        def test_rows(): assert dict(reg.ROWS)["weight"] == 4
        def test_names(): assert view.names() == ["Plug", "kept"]
        def test_column(): assert plug.COLUMNS[0].value(plug.Order()) == 1
        def test_fields(): assert plug.ORDERS.dump(plug.Order()) == [2]
        def test_text(): assert plug.TEXT.format(plug.Order, plug.Width) == "{   3}"
        def test_leaves(): assert [cls.colour for cls in plug.Base.__subclasses__()] == ["red"]
        def test_matched():
            match plug.Order():
                case plug.Order(8): pass
                case _: raise AssertionError
        """,
}
_EDITS = (
    ("plug.py", "size = 1", "size = 2"),
    ("plug.py", '"weight", 4', '"weight", 5'),
    ("plug.py", "class Plug:", "class Plugged:"),
    ("plug.py", '{"size": 5}', '{"size": 6}'),
    ("plug.py", "tax, vat, fee = 1, 2, 3", "tax, vat, fee = 4, 2, 3"),
    ("plug.py", "tax, vat, fee = 1, 2, 3", "tax, vat, fee = 1, 5, 3"),
    ("plug.py", "tax, vat, fee = 1, 2, 3", "tax, vat, fee = 1, 2, 6"),
    ("plug.py", "width = 4", "width = 5"),
    ("plug.py", 'colour = "red"', 'colour = "blue"'),
    ("plug.py", "depth = 8", "depth = 9"),
)


async def test_what_is_registered_and_what_is_asked_for_by_a_string_is_not_missed(project: Project) -> None:
    project.write(_FILES)
    async with opened(project) as story:
        await story.engine.refined()
        passing = story.outcomes()
        assert set(passing.values()) == {"passed"}
        for edit in _EDITS:
            text = project.read(edit[0])
            await story.save(*edit)
            assert story.outcomes() == cold_outcomes(project) != passing, edit
            project.path(edit[0]).write_text(text, encoding="utf-8")
            await story.changed(edit[0])
            assert story.outcomes() == passing, edit
