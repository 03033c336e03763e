"""The same story as in the editor, with commands."""

from __future__ import annotations

import asyncio
import json
import stat
import subprocess
from collections.abc import Callable

from support.engine import opened
from support.project import Project

Aftershock = Callable[..., "subprocess.CompletedProcess[str]"]


def test_the_story_in_a_shell(shop: Project, aftershock: Aftershock) -> None:
    built = aftershock("build")
    assert built.returncode == 0, built.stderr
    assert "✓ test_prices.py::test_net" in built.stdout
    assert "3 passed" in built.stdout
    assert "\x1b" not in built.stdout, "no colours in a pipe"

    shop.edit("prices.py", "gross // 10", "gross // 5")
    affected = json.loads(aftershock("affected", "--json").stdout)
    reasons = ["prices.py: body of tax changed"]
    assert affected == [
        {"id": "test_prices.py::test_net", "reasons": reasons},
        {"id": "test_prices.py::test_tax", "reasons": reasons},
    ]

    ran = aftershock("run")
    assert ran.returncode == 1
    assert "✗ test_prices.py::test_tax" in ran.stdout
    assert "assert 20 == 10" in ran.stdout
    assert "2 failed" in ran.stdout

    shop.edit("prices.py", "gross // 5", "gross // 10")
    again = aftershock("run")
    assert (again.returncode, again.stdout.strip()) == (0, "None of 3 tests is affected.")


def test_run_as_json_is_a_line_per_verdict_and_a_summary(shop: Project, aftershock: Aftershock) -> None:
    aftershock("build")
    shop.edit("prices.py", "gross // 10", "gross // 5")

    ran = aftershock("run", "--json")

    *verdicts, summary = map(json.loads, ran.stdout.splitlines())
    assert {verdict["id"]: verdict["outcome"] for verdict in verdicts} == {
        "test_prices.py::test_net": "failed",
        "test_prices.py::test_tax": "failed",
    }
    assert all(verdict["seconds"] >= 0 for verdict in verdicts)
    assert all("assert" in verdict["failure"]["message"] for verdict in verdicts)
    assert summary["summary"] == {"passed": 0, "failed": 2, "errored": 0, "skipped": 0}
    assert summary["unfinished"] == []


def test_a_failure_is_not_forgotten_by_asking_again(shop: Project, aftershock: Aftershock) -> None:
    shop.edit("prices.py", "gross // 10", "gross // 5")
    assert aftershock("build").returncode == 1

    again = aftershock("run")

    assert again.returncode == 1
    assert "2 failed before" in again.stdout


def test_why_explains_both_states(shop: Project, aftershock: Aftershock) -> None:
    aftershock("build")
    fresh = aftershock("why", "test_label")
    assert "fresh" in fresh.stdout
    assert "body prices.py::label" in fresh.stdout

    shop.edit("prices.py", '"{amount} EUR"', '"EUR {amount}"')

    affected = aftershock("why", "test_prices.py::test_label")
    assert affected.stdout.splitlines() == [
        "test_prices.py::test_label is affected",
        "  prices.py: body of label changed",
        '    - return f"{amount} EUR"',
        '    + return f"EUR {amount}"',
    ]


def test_why_of_no_test_or_of_several_is_wrong_usage(aftershock: Aftershock) -> None:
    assert aftershock("why", "test_nothing").returncode == 4
    assert aftershock("why", "nothing").stderr == "aftershock: no test with the id nothing.\n"


def test_status_counts(shop: Project, aftershock: Aftershock) -> None:
    assert aftershock("status").stdout == "3 tests, 3 affected, none failing\n"
    aftershock("build")
    assert aftershock("status").stdout == "3 tests, 0 affected, none failing\n"


def test_timeline_draws_the_last_run_for_a_browser(shop: Project, aftershock: Aftershock) -> None:
    page = shop.path(".aftershock/timeline.html")
    empty = aftershock("timeline")
    assert (empty.returncode, empty.stdout, empty.stderr) == (0, f"{page}\n", "aftershock: No run yet.\n")
    assert "No run yet" in page.read_text(encoding="utf-8")
    assert stat.S_IMODE(page.stat().st_mode) == 0o600

    aftershock("build")
    assert aftershock("timeline").stderr == ""
    drawn = page.read_text(encoding="utf-8")
    assert "Worker 1" in drawn
    assert drawn.count("<button") == 3
    assert 'data-test="test_prices.py::test_net"' in drawn

    shop.edit("prices.py", "{amount} EUR", "EUR {amount}")
    aftershock("run")
    assert aftershock("timeline", "--output", "run.html").stdout == "run.html\n"
    assert shop.read("run.html").count("<button") == 1

    nowhere = aftershock("timeline", "-o", "no/such/folder.html")
    assert nowhere.returncode == 4
    assert nowhere.stderr == "aftershock: no/such/folder.html can't be written: No such file or directory.\n"


def test_what_idle_time_has_found_of_tests_that_depend_on_others_is_told(shop: Project, aftershock: Aftershock) -> None:
    shop.write(
        {
            "test_kept.py": """
                KEPT = []

                def test_put(): KEPT.append(1)
                def test_get(): assert KEPT
                """
        }
    )

    async def use_idle_time() -> None:
        async with opened(shop) as story:
            await story.engine.refined()

    asyncio.run(use_idle_time())
    sentence = "Depends on test_kept.py::test_put: alone it fails, in the whole run it passes (assert [])."
    assert f"test_kept.py::test_get: {sentence}" in aftershock("status").stdout
    assert sentence in aftershock("why", "test_kept.py::test_get").stdout


def test_a_syntax_error_is_told_with_its_place(shop: Project, aftershock: Aftershock) -> None:
    aftershock("build")
    shop.edit("prices.py", "def tax(gross):", "def tax(gross:")

    ran = aftershock("run")

    assert ran.returncode == 1
    assert "prices.py:5:" in ran.stderr
    assert "Traceback" not in ran.stdout + ran.stderr


def test_output_survives_a_terminal_without_unicode(aftershock: Aftershock) -> None:
    built = aftershock("build", PYTHONIOENCODING="ascii")
    assert built.returncode == 0
    assert "ok test_prices.py::test_net" in built.stdout


def test_wrong_usage_has_pytests_exit_code(aftershock: Aftershock) -> None:
    assert aftershock("tests").returncode == 4
    assert aftershock("build", "-n", "0").returncode == 4
    missing = aftershock("-C", "no/such/folder", "status")
    assert (missing.returncode, missing.stderr) == (4, "aftershock: no/such/folder is not a folder.\n")


def test_a_wrong_setting_is_told_in_one_sentence(shop: Project, aftershock: Aftershock) -> None:
    shop.write({"pyproject.toml": '[tool.aftershock]\ntestTimeout = "long"\n'})
    told = aftershock("status")
    assert told.returncode == 4
    assert told.stderr.startswith("aftershock: The setting aftershock.testTimeout is 'long'")
    assert told.stderr.count("\n") == 1


def test_an_interpreter_that_is_not_there_is_told_in_one_sentence(aftershock: Aftershock) -> None:
    told = aftershock("--interpreter", "no-such-python", "build")
    assert told.returncode == 3
    assert "no-such-python" in told.stderr
    assert "Traceback" not in told.stderr


def test_the_server_listens_to_this_machine_alone(aftershock: Aftershock) -> None:
    refused = aftershock("serve", "--tcp", "0.0.0.0:7070")
    assert refused.returncode == 4
    assert "loopback only" in refused.stderr
    assert aftershock("serve", "--tcp", "7070").returncode == 4
