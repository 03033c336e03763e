"""What every tracked file must keep to, so that the repository stays one that people want to work in."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SERVER = ROOT / "server"

MOST_LINES = 400
SOURCES = {".py", ".ts", ".mjs", ".js", ".css", ".sh", ".sql"}

# Written so that this file does not hold what it looks for.
OUTSIDE = re.compile(
    r"pyp[i][.]|pythonhoste[d]|npm[j]s[.]|deb[.]debia[n]|debia[n][.]org"  # registries: clients know their own
    r"|(^|[^\w.])/(wor[k]|far[m]|roo[t])/"  # one machine's folders
    r"|[.]librar[y]/|far[m]-\w+",  # one workplace's tools
    re.MULTILINE,
)

ROOMS = ("selection", "store", "timeline", "engine", "lsp", "cli")
ALLOWED = {
    "selection": {"selection"},
    "store": {"store", "selection"},
    "timeline": {"timeline", "selection"},
    "engine": {"engine", "selection", "store", "timeline"},
    "lsp": {"lsp", "engine", "selection", "store", "timeline"},
    "cli": {"cli", "lsp", "engine", "selection", "store", "timeline"},
}
SPEAKS_LSP = {"pygls", "lsprotocol"}
AGENT_MAY_IMPORT = {"pytest", "_pytest", "pluggy", "coverage", "jurigged", "aftershock_agent"}
IMPURE = {
    "os",
    "subprocess",
    "socket",
    "sqlite3",
    "time",
    "asyncio",
    "threading",
    "random",
    "tempfile",
    "shutil",
}


@functools.cache
def tracked() -> tuple[Path, ...]:
    """Every file that is in git, or about to be, and is on disk."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return tuple(path for name in sorted(set(names.split("\0"))) if name and (path := ROOT / name).is_file())


def text_of(path: Path) -> str:
    """A file's text, or nothing for a picture."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def modules(folder: Path) -> list[Path]:
    """The tracked Python files in a folder and below it."""
    return [path for path in tracked() if path.suffix == ".py" and folder in path.parents]


def imports(path: Path) -> Iterator[str]:
    """The full names of the modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(text_of(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_of(module: str) -> str | None:
    """The room that a module of the server's belongs to; None for any other module."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "aftershock" and parts[1] in ROOMS else None


def said(findings: list[str]) -> str:
    """The findings, a line each, for an assertion's message."""
    return "\n" + "\n".join(findings)


def test_no_file_names_a_registry_a_machine_or_a_workplace() -> None:
    findings = [
        f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, match.start()) + 1}: {match.group().strip()}"
        for path in tracked()
        for text in [text_of(path)]
        for match in OUTSIDE.finditer(text)
    ]
    assert not findings, said(findings)


def test_lock_files_hold_versions_and_digests_but_no_addresses() -> None:
    locks = [path for path in tracked() if path.name in {"package-lock.json", "npm-shrinkwrap.json"}]
    assert locks
    findings = [str(path) for path in locks if '"resolved"' in text_of(path)]
    assert not findings, said(findings)
    pins = [path for path in tracked() if path.name in {"constraints.txt", "requirements.txt"}]
    findings = [str(path) for path in pins if "://" in text_of(path) or "index-url" in text_of(path)]
    assert not findings, said(findings)


def test_no_source_file_has_grown_past_one_room() -> None:
    lengths = {path: text_of(path).count("\n") for path in tracked() if path.suffix in SOURCES}
    findings = [f"{path.relative_to(ROOT)}: {n} lines" for path, n in lengths.items() if n > MOST_LINES]
    assert not findings, said(findings)


def test_every_module_says_what_it_is_for() -> None:
    findings = [
        str(path.relative_to(ROOT))
        for path in tracked()
        if path.suffix == ".py" and ast.get_docstring(ast.parse(text_of(path))) is None
    ]
    assert not findings, said(findings)


@pytest.mark.parametrize("room", ROOMS)
def test_imports_point_one_way(room: str) -> None:
    findings = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(SERVER / "aftershock" / room)
        for name in imports(path)
        if (other := room_of(name)) is not None and other not in ALLOWED[room]
    ]
    assert not findings, said(findings)


def test_each_outside_library_is_known_to_one_room() -> None:
    findings = []
    for path in modules(SERVER):
        room = room_of(".".join(path.relative_to(SERVER).parts))
        for library in {name.split(".")[0] for name in imports(path)}:
            if (library == "sqlite3" and room != "store") or (library in SPEAKS_LSP and room != "lsp"):
                findings.append(f"{path.relative_to(ROOT)} imports {library}")
    assert not findings, said(findings)


def test_selection_touches_nothing_outside_its_arguments() -> None:
    findings = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(SERVER / "aftershock" / "selection")
        for name in imports(path)
        if name.split(".")[0] in IMPURE
    ]
    assert not findings, said(findings)


def test_the_agent_needs_nothing_that_a_tested_project_lacks() -> None:
    findings = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(SERVER / "aftershock_agent")
        for name in imports(path)
        if name.split(".")[0] not in sys.stdlib_module_names | AGENT_MAY_IMPORT
    ]
    assert not findings, said(findings)
