"""What the documents say is true: commands run, messages and settings are those of the code."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aftershock.cli.exits import Exit
from aftershock.engine.configuration import SETTINGS, Configuration
from aftershock.lsp import protocol
from support.project import Project

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
EDITORS_OWN = {"enable", "importStrategy", "trace.server"}


def commands() -> Iterator[tuple[str, str]]:
    """Every command line in the documents' console blocks, with its document's name."""
    for document in DOCUMENTS:
        for block in re.findall(r"```console\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL):
            for line in block.splitlines():
                if line.startswith("$ "):
                    yield document.name, line.removeprefix("$ ")


def told(kind: str) -> list[str]:
    """The command lines whose first word this is, each once."""
    return sorted({line for _, line in commands() if line.split()[0] == kind})


def table(document: str, heading: str) -> dict[str, list[str]]:
    """The rows of a document's table under this first heading, by their first cell's code."""
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    rows = {}
    for block in re.findall(rf"^\| {heading} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", text, re.MULTILINE):
        for row in block.splitlines():
            cells = [cell.strip() for cell in row.strip("|").split(" | ")]
            rows[cells[0].strip("` ").split("`")[0]] = cells
    return rows


def messages() -> set[str]:
    """The names of the messages and commands of our own."""
    return {value for name, value in vars(protocol).items() if name.isupper() and isinstance(value, str)}


def test_console_blocks_hold_nothing_that_is_not_run_here() -> None:
    assert {line.split()[0] for _, line in commands()} == {"aftershock", "make", "pip"}


@pytest.mark.parametrize("line", [line for line in told("aftershock") if line.split()[1] not in ("watch", "serve")])
def test_a_command_of_the_documents_runs(project: Project, line: str) -> None:
    project.write(
        {
            "pytest.ini": "[pytest]\npythonpath = .\n",
            "sums.py": "def add(a, b):\n    return a + b\n",
            "test_sums.py": "from sums import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n",
        }
    )
    folder = project.path(".venv/bin")
    folder.mkdir(parents=True)
    (folder / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n', encoding="utf-8")
    (folder / "python").chmod(0o755)

    done = _run(project, shlex.split(line)[1:])

    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("line", [line for line in told("aftershock") if line.split()[1] in ("watch", "serve")])
def test_a_command_that_stays_is_known_with_its_options(project: Project, line: str) -> None:
    done = _run(project, [*shlex.split(line)[1:], "--help"])
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: aftershock {line.split()[1]}")


@pytest.mark.parametrize("line", told("make"))
def test_a_target_of_the_documents_exists(line: str) -> None:
    done = subprocess.run(["make", "-n", *shlex.split(line)[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_links_lead_somewhere() -> None:
    broken = []
    for document in [*DOCUMENTS, ROOT / "CHANGELOG.md"]:
        for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
            if not link.startswith("https://") and not (document.parent / link).exists():
                broken.append(f"{document.name}: {link}")
    assert not broken


def test_the_protocols_page_names_every_message_and_no_other() -> None:
    text = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`(aftershock[/.]\w+)`", text)) == messages()
    editors = (ROOT / "vscode-extension" / "src" / "protocol.ts").read_text(encoding="utf-8")
    assert messages() <= set(re.findall(r'"(aftershock[/.]\w+)"', editors))


def test_the_editors_pages_name_messages_that_exist() -> None:
    pages = sorted((ROOT / "docs" / "editors").glob("*.md"))
    named = {name for page in pages for name in re.findall(r"\baftershock[/.]\w+", page.read_text(encoding="utf-8"))}
    assert "aftershock.runAll" in named
    assert named <= messages()


def test_the_protocols_page_names_every_field() -> None:
    text = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    words = set(re.findall(r"`(\w+)`", text))
    sent = [kind for kind in vars(protocol).values() if isinstance(kind, type) and hasattr(kind, "__attrs_attrs__")]
    fields = {
        field.name
        for kind in sent
        if kind.__module__ == protocol.__name__ and not kind.__name__.endswith(("Request", "Notification"))
        for field in kind.__attrs_attrs__
    }
    assert fields <= words


def test_every_setting_is_told_with_its_default() -> None:
    rows = table("configuration.md", "setting")
    assert rows.keys() == SETTINGS.keys()
    defaults = {field.name: field for field in dataclasses.fields(Configuration)}
    plain = Configuration(ROOT)
    for setting, (field, _) in SETTINGS.items():
        assert field in defaults
        default = getattr(plain, field)
        expected = list(default) if isinstance(default, tuple) else default
        assert json.loads(rows[setting][1].strip("`")) == expected, setting


def test_the_editor_has_the_same_settings_with_the_same_defaults() -> None:
    manifest = json.loads((ROOT / "vscode-extension" / "package.json").read_text(encoding="utf-8"))
    editors = {
        name.removeprefix("aftershock."): entry["default"]
        for name, entry in manifest["contributes"]["configuration"]["properties"].items()
    }
    rows = table("configuration.md", "setting")
    assert editors.keys() == rows.keys() | EDITORS_OWN
    for setting, cells in rows.items():
        assert json.loads(cells[1].strip("`")) == editors[setting], setting


def test_every_exit_code_is_told() -> None:
    assert {int(code) for code in table("configuration.md", "code")} == set(Exit)


def _run(project: Project, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "server"), "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, "-m", "aftershock", *arguments],
        cwd=project.root,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
