"""Values of the standard library's own types: each counts by what a program can tell of it, and by no more."""

from __future__ import annotations

from support.cold import cold_outcomes
from support.engine import opened
from support.project import Project


async def test_what_an_import_puts_into_what_the_standard_library_keeps_is_seen_by_its_methods(
    project: Project,
) -> None:
    project.write(
        {
            "conf.py": """
                import logging, os, random

                def setup(env):
                    env["SIZE_X"] = "1"
                    return env

                def level(logger, number):
                    logger.setLevel(number)
                    return logger

                class SystemRandom(random.Random):
                    pass

                get = setup(os.environ).get
                enabled = level(logging.root, 10).isEnabledFor
                numbers = SystemRandom(1)
                """,
            "test_conf.py": """
                import conf, random

                def test_get(): assert conf.get("SIZE_X") == "1"
                def test_enabled(): assert conf.enabled(15)
                def test_numbers(): assert conf.numbers.random() == random.Random(1).random()
                """,
        }
    )
    async with opened(project) as story:
        for before, after, test in (
            ('"1"', '"2"', "test_get"),
            ("logging.root, 10", "logging.root, 20", "test_enabled"),
            ("SystemRandom(1)", "SystemRandom(2)", "test_numbers"),
        ):
            await story.save("conf.py", before, after)
            assert test in story.ran()
            assert story.outcomes() == cold_outcomes(project)
            assert story.outcomes()[test] == "failed"


async def test_what_the_standard_library_keeps_counts_by_what_it_is(project: Project) -> None:
    project.write(
        {
            "lib.py": """
                import random, struct
                from random import choice, randrange

                _LONG = struct.Struct(">Q")
                _pack = _LONG.pack
                _dice = random.SystemRandom()

                def packed(number): return _pack(number)
                def picked(): return choice([1])
                def rolled(): return randrange(1) + _dice.randrange(1)
                """,
            "test_lib.py": """
                import lib

                def test_packed(): assert lib.packed(1) == bytes([0, 0, 0, 0, 0, 0, 0, 1])
                def test_picked(): assert lib.picked() == 1
                def test_rolled(): assert lib.rolled() == 0
                """,
        }
    )
    async with opened(project) as story:
        await story.save("lib.py", "def packed", "def unpacked(): return 2\n\ndef packed")
        assert story.ran() == []
        await story.save("lib.py", ">Q", "<Q")
        assert story.ran() == ["test_packed"]
        assert story.outcomes() == cold_outcomes(project)
