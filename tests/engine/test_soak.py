"""Many saves in a row: verdicts stay right, memory stays what it was, nothing is left over."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import psutil
import pytest

from aftershock.engine import driver, events, warming
from aftershock.engine.memory import process_memory
from support.cold import cold_outcomes
from support.engine import opened
from support.project import Project
from support.trouble import session_in, spare_of

_FUNCTIONS = 600
_NAMES = ("constant", "default", "body")
_MODULE = """
    CONSTANT = {constant}

    def default(value={default}):
        return value

    def body():
        return {body}
    """
_TESTS = """
    import shop

    def test_constant():
        assert shop.CONSTANT == 0

    def test_default():
        assert shop.default() == 0

    def test_body():
        assert shop.body() == 0
    """

needs_proc = pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="tells memory on Linux alone")


def _family() -> list[psutil.Process]:
    found: list[psutil.Process] = psutil.Process().children(recursive=True)
    return found


async def test_forty_mixed_saves_are_right_and_leave_nothing_behind(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    draw = random.Random(40)
    values = dict.fromkeys(_NAMES, 0)
    past = [dict(values)]
    project.write({"shop.py": _MODULE.format(**values), "test_shop.py": _TESTS})
    before = len(_family())
    async with opened(project) as story:
        files = len(list(scratch.rglob("*")))
        for number in range(1, 41):
            if number % 4 == 0:
                values = dict(draw.choice(past))
            else:
                name = draw.choice(_NAMES)
                values[name] = 0 if values[name] else number
            past.append(dict(values))
            project.write({"shop.py": _MODULE.format(**values)})
            await story.changed("shop.py")
            expected = {f"test_{name}": "failed" if values[name] else "passed" for name in _NAMES}
            assert story.outcomes() == expected
            if number % 10 == 0:
                assert cold_outcomes(project) == expected
        await story.engine.refined()
        await spare_of(story)
        assert len(_family()) - before == len(["base", "session", "spare fork", "session to come"])
        assert len(list(scratch.rglob("*"))) == files
    assert len(_family()) == before
    assert list(scratch.iterdir()) == []


def _long_module(number: int) -> str:
    """A module of many functions, all of them on other lines with every number."""
    functions = [f"def function_{each}(x):\n    return [x, {each}, str(x)]\n\n" for each in range(_FUNCTIONS)]
    return "".join(["# one more line\n" * number, "def first():\n", f"    return {number}\n\n", *functions])


@needs_proc
async def test_the_functions_that_patches_replace_are_given_back(project: Project) -> None:
    project.write({"long.py": _long_module(1), "test_long.py": "import long\n\ndef test_first():\n    long.first()\n"})
    async with opened(project) as story:
        session = session_in(story)
        sizes = []
        for number in range(2, 24):
            project.write({"long.py": _long_module(number)})
            await story.changed("long.py")
            assert story.ran() == ["test_first"]
            sizes.append(process_memory(session.pid))
        assert session_in(story) == session  # patched, never begun anew
    assert sizes[-1] - sizes[3] < 4 << 20


@needs_proc
async def test_a_session_that_has_grown_too_far_gives_way_to_a_new_one(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warming, "SLACK", 16 << 20)
    monkeypatch.setattr(driver, "_BREATH", 600.0)  # nothing else happens at rest
    project.write(
        {
            "conftest.py": """
                import sys

                HOARD = []

                def keep(event, arguments):
                    if event == "compile" and str(arguments[1]).endswith("shop.py"):
                        HOARD.append(b"x" * (32 << 20))

                sys.addaudithook(keep)
                """,
            "shop.py": "def price():\n    return 1\n",
            "test_shop.py": "import shop\n\ndef test_price():\n    assert shop.price() < 90\n",
        }
    )

    def interpreter() -> events.Interpreter:
        known = story.engine.status.interpreter
        assert known is not None
        return known

    async with opened(project) as story:
        first = session_in(story)
        await story.save("shop.py", "return 1", "return 2")
        story.forget()
        await story.until(lambda: bool(story.of(events.StatusChanged)))  # it was measured, at rest
        for number in range(3, 14):
            await story.save("shop.py", f"return {number - 1}", f"return {number}")
        assert session_in(story) == first
        await story.until(lambda: "its memory had grown" in interpreter().rebuilt)
        await story.engine.settled()
        assert not first.is_running()
        await story.save("shop.py", "return 13", "return 99")
        assert story.outcomes() == cold_outcomes(project) == {"test_price": "failed"}


@needs_proc
async def test_what_is_prepared_does_not_count_as_growth(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warming, "SLACK", 16 << 20)
    monkeypatch.setattr(driver, "_BREATH", 1.5)  # the interpreter is measured before
    project.write(
        {
            "conftest.py": "HOARD = bytearray(b'x') * (96 << 20)\n",
            "shop.py": "PRICE = 1\n",
            "test_shop.py": "import shop\n\ndef test_price():\n    assert shop.PRICE\n",
        }
    )

    def memory() -> int:
        interpreter = story.engine.status.interpreter
        return (interpreter and interpreter.memory) or 0

    async with opened(project) as story:
        await story.save("shop.py", "PRICE = 1", "PRICE = 2")
        session = story.session_pid
        await story.until(lambda: memory() > 96 << 20)
        await story.engine.refined()
        await story.save("shop.py", "PRICE = 2", "PRICE = 2  # euros")
        await story.until(lambda: memory() > 192 << 20)
        await story.engine.settled()
        assert story.session_pid == session
