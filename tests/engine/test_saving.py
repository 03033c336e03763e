"""What a save does: exactly the affected tests run, and their verdicts are those of the code as it is."""

from __future__ import annotations

from collections.abc import Iterable

from aftershock.engine import events
from support.engine import EngineStory, opened
from support.project import Project


async def test_an_edited_body_runs_the_tests_that_execute_it(shop: Project) -> None:
    async with opened(shop) as story:
        await story.save("shop/prices.py", "net(amount) * RATE", "net(amount) * RATE + 1")
        assert story.ran() == ["test_gross"]
        assert story.outcomes() == {"test_net": "passed", "test_gross": "failed", "test_left": "passed"}


async def test_an_undo_is_answered_from_memory(shop: Project) -> None:
    async with opened(shop) as story:
        await story.save("shop/prices.py", "amount * 10", "amount * 11")
        assert story.ran() == ["test_gross", "test_net"]
        await story.save("shop/prices.py", "amount * 11", "amount * 10")
        assert story.ran() == []
        (told,) = story.of(events.AffectedChanged)
        assert len(told.restored) == 2
        assert set(story.outcomes().values()) == {"passed"}


async def test_each_of_many_undos_is_answered_from_memory_also_after_a_restart(project: Project) -> None:
    rate, tax = "RATE = 1", "return price * RATE"
    project.write(
        {
            "prices.py": f"{rate}\n\ndef tax(price): {tax}\n",
            "test_prices.py": "import prices\n\ndef test_tax(): assert prices.tax(1) == 1\n",
        }
    )

    async def edit_and_undo(story: EngineStory, numbers: Iterable[int]) -> None:
        for number in numbers:
            for before in (rate, tax):
                after = f"{before} + {number}"
                await story.save("prices.py", before, after)
                assert story.ran() == ["test_tax"]
                story.forget()
                await story.save("prices.py", after, before)
                assert [event for event in story.of(events.AffectedChanged) if event.affected] == []
                assert story.outcomes() == {"test_tax": "passed"}

    async with opened(project) as story:
        await edit_and_undo(story, range(1, 10))
    async with opened(project, built=False) as story:
        await edit_and_undo(story, range(10, 12))


async def test_a_comment_affects_nothing_and_failing_lines_follow_it(shop: Project) -> None:
    async with opened(shop) as story:
        await story.save("shop/stock.py", "def left", "# what is left\n\ndef left")
        assert story.ran() == []
        await story.save("shop/stock.py", "return 5 - sold", "raise ValueError(sold)")
        verdict = story.engine.state_of("tests/test_stock.py::test_left").verdict
        assert verdict is not None
        assert verdict.failure is not None
        assert verdict.failure.message == "ValueError: 2"
        assert [frame.line for frame in verdict.failure.frames] == [4, 4]


async def test_a_constant_runs_the_tests_that_read_it_and_no_others(shop: Project) -> None:
    async with opened(shop) as story:
        await story.save("shop/prices.py", "RATE = 2", "RATE = 3")
        assert story.ran() == ["test_gross"]
        assert story.outcomes()["test_gross"] == "failed"


async def test_a_function_that_ran_at_import_is_not_patched_but_imported_again(project: Project) -> None:
    project.write(
        {
            "table.py": """
                def build():
                    return [1, 2]

                TABLE = build()
                """,
            "test_table.py": """
                from table import TABLE

                def test_table():
                    assert TABLE == [1, 2]
                """,
        }
    )
    async with opened(project) as story:
        await story.save("table.py", "return [1, 2]", "return [1, 3]")
        assert story.outcomes() == {"test_table": "failed"}


async def test_edits_of_one_size_within_a_second_are_never_stale(shop: Project) -> None:
    async with opened(shop) as story:
        for old, new, outcome in [("2", "3", "failed"), ("3", "4", "failed"), ("4", "2", "passed")] * 2:
            await story.save("shop/prices.py", f"RATE = {old}", f"RATE = {new}")
            assert story.outcomes()["test_gross"] == outcome
        for old, new, outcome in [("10", "11", "failed"), ("11", "12", "failed"), ("12", "10", "passed")] * 2:
            await story.save("shop/prices.py", f"amount * {old}", f"amount * {new}")
            assert story.outcomes()["test_net"] == outcome


async def test_a_new_test_runs_when_its_file_is_saved_and_a_removed_one_is_gone(shop: Project) -> None:
    async with opened(shop) as story:
        new = "def test_none():\n    assert left(5) == 0\n\n"
        await story.save("tests/test_stock.py", "def test_left", f"{new}def test_left")
        assert story.outcomes()["test_none"] == "passed"
        await story.save("tests/test_stock.py", "def test_left():\n    assert left(2) == 3\n", "")
        assert "test_left" not in story.outcomes()


async def test_a_new_test_file_is_found_and_a_deleted_one_forgotten(shop: Project) -> None:
    async with opened(shop) as story:
        shop.write({"tests/test_more.py": "def test_more():\n    assert True\n"})
        await story.changed("tests/test_more.py")
        assert story.outcomes()["test_more"] == "passed"
        shop.delete("tests/test_more.py")
        await story.changed("tests/test_more.py")
        assert "test_more" not in story.outcomes()
        assert [event.path for event in story.of(events.ModuleRemoved)] == ["tests/test_more.py"]


async def test_a_longer_parametrize_list_elsewhere_makes_tests_that_run(project: Project) -> None:
    project.write(
        {
            "cases.py": "CASES = [1, 2]\n",
            "test_cases.py": """
                import pytest
                from cases import CASES

                @pytest.mark.parametrize("case", CASES)
                def test_case(case):
                    assert case < 3
                """,
        }
    )
    async with opened(project) as story:
        await story.save("cases.py", "[1, 2]", "[1, 2, 3]")
        assert story.outcomes() == {"test_case[1]": "passed", "test_case[2]": "passed", "test_case[3]": "failed"}


async def test_a_syntax_error_is_told_at_its_line_and_its_repair_runs_nothing(shop: Project) -> None:
    async with opened(shop) as story:
        await story.save("shop/prices.py", "return amount * 10", "return (amount * 10")
        (told,) = story.of(events.ProblemsChanged)
        assert (told.path, told.problems[0].kind, told.problems[0].line) == ("shop/prices.py", "syntax", 4)
        assert story.ran() == []
        assert story.outcomes() == {"test_net": "affected", "test_gross": "affected", "test_left": "passed"}
        await story.save("shop/prices.py", "return (amount * 10", "return amount * 10")
        assert story.engine.problems == {}
        assert story.ran() == []
        assert set(story.outcomes().values()) == {"passed"}


async def test_an_import_error_is_told_where_it_stands_and_clears_with_its_repair(shop: Project) -> None:
    async with opened(shop) as story:
        await story.save("shop/stock.py", "def left", "import no_such_module\n\ndef left")
        problems = story.engine.problems["shop/stock.py"]
        assert [(problem.kind, problem.line) for problem in problems] == [("import", 1)]
        assert "no_such_module" in problems[0].message
        assert story.outcomes() == {"test_net": "passed", "test_gross": "passed", "test_left": "errored"}
        await story.save("shop/stock.py", "import no_such_module\n\n", "")
        assert story.engine.problems == {}
        assert story.outcomes()["test_left"] == "passed"


async def test_a_broken_conftest_is_told_and_the_next_save_works(shop: Project) -> None:
    async with opened(shop) as story:
        shop.write({"conftest.py": "raise RuntimeError('not today')\n"})
        await story.changed("conftest.py")
        assert story.engine.status.state is events.State.FAILED
        assert "not today" in story.engine.problems["conftest.py"][0].message
        shop.write({"conftest.py": "LATER = True\n"})
        await story.changed("conftest.py")
        assert story.engine.problems == {}
        assert set(story.outcomes().values()) == {"passed"}


async def test_a_function_that_a_patch_has_moved_is_still_recorded(shop: Project) -> None:
    async with opened(shop) as story:
        await story.save("shop/stock.py", "def left(sold):\n", "# moved\n\n\ndef left(sold):\n    _ = 1\n")
        assert story.ran() == ["test_left"]
        await story.save("shop/stock.py", "return 5 - sold", "return 0")
        assert story.outcomes()["test_left"] == "failed"


async def test_a_wide_edit_gives_its_first_verdicts_before_everything_is_collected(project: Project) -> None:
    tests = {
        f"tests/test_{name}.py": f"""
        import app
        app.IMPORTED.append("{name}")

        def test_{name}():
            print("imported:", *app.IMPORTED)
            assert app.LIMIT >= {least}
        """
        for name, least in {"first": 1, "second": 2, "third": 1}.items()
    }
    project.write({"app.py": "IMPORTED = []\nLIMIT = 1\n", **tests})
    async with opened(project) as story:
        await story.save("app.py", "LIMIT = 1", "LIMIT = 2")
        said = [(e.verdict.test.split("::")[1], e.output.strip()) for e in story.of(events.TestFinished)]
        assert said[0] == ("test_second", "imported: second")  # it had failed
        assert {test for test, _ in said} == {"test_first", "test_second", "test_third"}
        assert len(story.of(events.RunStarted)) == len(story.of(events.RunFinished)) == 1


async def test_a_syntax_error_does_not_cost_the_interpreter(shop: Project) -> None:
    async with opened(shop) as story:
        session = story.session_pid
        await story.save("shop/prices.py", "RATE = 2", "RATE = (2")
        await story.save("shop/prices.py", "RATE = (2", "RATE = 2")
        await story.save("shop/prices.py", "amount * 10", "amount * 11")
        assert story.outcomes() == {"test_net": "failed", "test_gross": "failed", "test_left": "passed"}
        assert story.session_pid == session


async def test_a_patched_session_knows_what_it_has_imported(project: Project) -> None:
    """An import of another session ran a function that this one's did not: its edit is patched, and no test stays."""
    project.write(
        {
            "compute.py": "def compute():\n    return 2\n",
            "a.py": "import sys, compute\nVALUE = 2 if 'c' in sys.modules else compute.compute()\n",
            "c.py": "LIMIT = 3\n",
            "test_a.py": "import a\n\ndef test_a():\n    assert a.VALUE == 2\n",
            "test_c.py": "import c\n\ndef test_c():\n    assert c.LIMIT == 3\n",
        }
    )
    async with opened(project) as story:
        await story.save("c.py", "LIMIT = 3", "LIMIT = 4")
        await story.save("c.py", "LIMIT = 4", "LIMIT = 5")  # what failed is imported first, else what was the quicker
        await story.save("compute.py", "return 2", "return int(2)")
        interpreter = story.engine.status.interpreter
        assert interpreter is not None
        assert interpreter.patches == 1
        assert story.outcomes() == {"test_a": "passed", "test_c": "failed"}


async def test_tests_that_come_to_all_files_by_an_edit_elsewhere_run(project: Project) -> None:
    project.write({"conftest.py": "import pytest\n\n@pytest.fixture(params=[1, 2])\ndef number(request): pass\n"})
    project.write({f"test_{name}.py": f"def test_{name}(): pass\n" for name in "abcd"})
    async with opened(project) as story:
        await story.save("conftest.py", "params=[1, 2])", "params=[1, 2], autouse=True)")
        assert sorted(story.ran()) == [f"test_{name}[{number}]" for name in "abcd" for number in (1, 2)]
        await story.save("conftest.py", "params=[1, 2]", "params=[1, 2, 3]")
        assert {f"test_{name}[3]" for name in "abcd"} <= set(story.ran())
        assert set(story.outcomes().values()) == {"passed"}
        await story.save("conftest.py", ", autouse=True", "")
        assert set(story.outcomes()) == {f"test_{name}" for name in "abcd"}


async def test_tests_that_come_to_files_which_wait_for_their_first_run_wait_too(project: Project) -> None:
    project.write({"values.py": "VALUES = [1]\n", "test_b.py": "def test_b(): pass\n"})
    project.write(
        {
            "test_a.py": """
                import pytest
                from values import VALUES

                @pytest.mark.parametrize("value", VALUES)
                def test_a(value): pass
                """
        }
    )
    async with opened(project, built=False, initialBuild="never") as story:
        await story.save("values.py", "[1]", "[1, 2]")
        assert story.ran() == []
