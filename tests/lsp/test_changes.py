"""Changes that the editor does not tell of."""

from __future__ import annotations

from lsprotocol.types import DiagnosticSeverity

from support.editor import Editor


async def test_a_file_replaced_by_renaming_is_a_change(editor: Editor) -> None:
    text = editor.project.read("prices.py").replace("gross - tax", "gross + tax")
    editor.project.write({"prices.py.new": text})

    editor.project.rename("prices.py.new", "prices.py")

    await editor.shows_errors("tests/test_prices.py", 1)


async def test_a_new_test_file_in_a_new_folder_is_found_and_run(editor: Editor) -> None:
    editor.project.write({"more/test_more.py": "def test_more():\n    assert 1 == 2\n"})

    [failure] = await editor.shows_errors("more/test_more.py", 1)
    assert failure.range.start.line == 1
    assert editor.uri("more/test_more.py") in editor.modules


async def test_a_deleted_test_file_takes_its_failures_with_it(editor: Editor) -> None:
    editor.open("prices.py")
    editor.edit("prices.py", "gross - tax", "gross + tax")
    await editor.shows_errors("tests/test_prices.py", 1)

    editor.project.delete("tests/test_prices.py")

    await editor.shows_errors("tests/test_prices.py", 0)
    await editor.until(lambda: editor.uri("tests/test_prices.py") not in editor.modules, "the module to go")
    await editor.until(lambda: editor.status.tests == 2, "two tests to be left")


async def test_what_lasts_is_told_of_while_it_lasts(editor: Editor) -> None:
    """A test that ends in a blink would only flicker; of this one, which waits for a file, one hears that it runs."""
    gated = "from pathlib import Path\n\n\ndef test_gate():\n    while not Path('gate').exists():\n        pass\n"
    editor.project.write({"tests/test_gate.py": gated})

    test = "tests/test_gate.py::test_gate"

    def kinds() -> list[str]:
        return [step.kind for step in editor.steps if getattr(step, "test", None) == test]

    def hints() -> list[str]:
        return [hint.message for hint in editor.diagnostics("tests/test_gate.py", DiagnosticSeverity.Hint)]

    await editor.until(lambda: hints() == ["affected, running…"], "the test to be marked as running")
    await editor.until(lambda: kinds() == ["started"], "its start")
    await editor.until(lambda: test in editor.affected, "the test to be told as affected")

    editor.project.write({"gate": ""})

    await editor.until(lambda: not hints() and not editor.affected, "the marks to go")
    assert kinds() == ["started", "passed"]


async def test_comments_and_formatting_run_nothing(editor: Editor) -> None:
    steps = len(editor.steps)
    editor.open("prices.py")

    editor.edit("prices.py", "return gross // 10", "return gross  //  10  # a tenth")
    editor.edit("prices.py", "gross - tax", "gross + tax")

    await editor.shows_errors("tests/test_prices.py", 1)
    runs = {step.run for step in editor.steps[steps:] if step.run > 0}  # below zero: told from memory
    assert len(runs) == 1


async def test_a_test_that_depends_on_another_one_is_marked_until_it_does_no_more(editor: Editor) -> None:
    editor.project.write(
        {
            "kept.py": "THINGS = {}\n",
            "tests/test_kept.py": """
                import kept

                def test_put():
                    kept.THINGS["x"] = 1

                def test_get():
                    assert kept.THINGS["x"] == 1
                """,
        }
    )

    def notes() -> list[str]:
        return [note.message for note in editor.diagnostics("tests/test_kept.py", DiagnosticSeverity.Information)]

    await editor.until(lambda: bool(notes()), "the test to be marked")
    assert notes() == [
        "Depends on tests/test_kept.py::test_put: alone it fails, in the whole run it passes (KeyError: 'x')."
    ]
    (note,) = editor.diagnostics("tests/test_kept.py", DiagnosticSeverity.Information)
    assert note.range.start.line == 5
    assert [each.location.range.start.line for each in note.related_information or ()] == [2]

    editor.open("tests/test_kept.py")
    editor.edit("tests/test_kept.py", '["x"] == 1', '.get("x", 1) == 1')
    await editor.until(lambda: not notes(), "the mark to go")
