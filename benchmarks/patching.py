"""Edits brought into a running process: by jurigged, by our own patcher with its refusals, and right or wrong.

    python benchmarks/patching.py [--rounds N]

Right is what a fresh process sees.  What the patcher refuses is imported anew, as a new session does it; the time is
that of the import then.  Needs this repository's development environment, on Python 3.12 or later.  See
docs/warm-interpreter.md.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import importlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

sys.path.extend(str(Path(__file__).resolve().parents[1] / folder) for folder in ("", "server", "tests"))

from benchmarks.measuring import figures
from benchmarks.patching_edits import EDITS, Edit
from projects import copy

Start = Callable[[], ModuleType]
TOOLS = ("jurigged", "ours")
FIELDS = "marshmallow's fields.py, a line atop"


def main() -> int:
    """Measure, and print a table and the figures."""
    parser = argparse.ArgumentParser(description="Right or wrong, and how quick: edits patched into a running process.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--child", choices=("cold", *TOOLS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(_bring_in(options.child, **json.load(sys.stdin))))
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        rows = [_measure(edit, options.rounds, Path(scratch)) for edit in (*EDITS, None)]
    head = ("edit", "jurigged", "ms", "ours", "ms")
    cells = [[row["edit"], *(row[tool][key] for tool in TOOLS for key in ("verdict", "ms"))] for row in rows]
    print(figures.table(head, cells), file=sys.stderr)
    wrong = {tool: sum(row[tool]["verdict"] == "wrong" for row in rows) for tool in TOOLS}
    missed = [f"ours is wrong after {row['edit']}" for row in rows if row["ours"]["verdict"] == "wrong"]
    return figures.conclude({"machine": figures.machine(), "wrong": wrong, "edits": rows}, missed)


def _measure(edit: Edit | None, rounds: int, scratch: Path) -> dict[str, Any]:
    """One edit in both tools, in turn; None stands for marshmallow's large module."""
    order = _large(scratch) if edit is None else _small(edit, scratch)
    expected = _child("cold", order)["answer"]
    answers: dict[str, list[dict[str, Any]]] = {tool: [] for tool in TOOLS}
    for number in range(rounds):
        for tool in TOOLS[:: 1 if number % 2 else -1]:
            answers[tool].append(_child(tool, order))
    row: dict[str, Any] = {"edit": edit.name if edit else FIELDS}
    for tool, found in answers.items():
        right = all(one["answer"] == expected for one in found)
        verdict = ("rebuilt" if found[0]["rebuilt"] else "right") if right else "wrong"
        seconds = statistics.median(one["seconds"] for one in found)
        row[tool] = {"verdict": verdict, "ms": figures.milliseconds(seconds), "answer": found[0]["answer"]}
    row["expected"] = expected
    figures.say(f"{row['edit']}: jurigged {row['jurigged']['verdict']}, ours {row['ours']['verdict']}")
    return row


def _small(edit: Edit, scratch: Path) -> dict[str, Any]:
    return {"folder": str(scratch), "module": "edited", **dataclasses.asdict(edit)}


def _large(scratch: Path) -> dict[str, Any]:
    project = copy("marshmallow", scratch / "marshmallow")
    source = project.root / "src" / "marshmallow" / "fields.py"
    text = source.read_text(encoding="utf-8")
    seen = "Field._validate_missing.__code__.co_firstlineno"
    edited = Edit(FIELDS, text, f"# one line\n{text}", seen)
    return {"folder": str(project.root / "src"), "module": "marshmallow.fields", **dataclasses.asdict(edited)}


def _child(tool: str, order: dict[str, Any]) -> dict[str, Any]:
    path = Path(order["folder"], *order["module"].split(".")).with_suffix(".py")
    path.write_text(order["new" if tool == "cold" else "old"], encoding="utf-8")
    command = [sys.executable, "-B", __file__, "--child", tool]
    told = json.dumps({**order, "path": str(path)})
    done = subprocess.run(command, input=told, capture_output=True, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


# --- in a process of its own -----------------------------------------------------------------


def _bring_in(
    tool: str, folder: str, module: str, path: str, old: str, new: str, seen: str, held: str, name: str
) -> Any:
    """Import the old text, bring in the new one, and look."""
    sys.path.insert(0, folder)
    if tool == "cold":
        return {"answer": _imported(module, held, seen)}
    kept: list[object] = []

    def start() -> ModuleType:
        loaded = importlib.import_module(module)
        kept.append(eval(held, vars(loaded)))
        return loaded

    bring = {"jurigged": _with_jurigged, "ours": _with_ours}[tool](start, Path(path), old, new)
    loaded = sys.modules[module]
    Path(path).write_text(new, encoding="utf-8")
    started = time.perf_counter()
    fits = bring()
    seconds = time.perf_counter() - started
    if not fits:
        del sys.modules[module]
        started = time.perf_counter()
        answer = _imported(module, held, seen)
        return {"answer": answer, "seconds": time.perf_counter() - started, "rebuilt": True}
    return {"answer": _look(loaded, seen, kept[0]), "seconds": seconds, "rebuilt": False}


def _imported(module: str, held: str, seen: str) -> str:
    try:
        loaded = importlib.import_module(module)
    except Exception as error:  # noqa: BLE001  # whatever the edit makes of it is the answer
        return f"import: {error!r}"
    return _look(loaded, seen, eval(held, vars(loaded)))


def _look(module: ModuleType, seen: str, kept: object) -> str:
    try:
        return repr(eval(seen, vars(module), {"held": kept}))
    except Exception as error:  # noqa: BLE001
        return repr(error)


def _with_jurigged(start: Start, path: Path, old: str, new: str) -> Callable[[], bool]:
    """As its watcher does it, without the time until that notices."""
    from jurigged.register import registry

    code, _ = registry.find(start())

    def bring() -> bool:
        # Its watcher logs what goes wrong, and the process goes on with what there is.
        with contextlib.suppress(Exception):
            code.refresh()
        return True

    return bring


def _with_ours(start: Start, path: Path, old: str, new: str) -> Callable[[], bool]:
    """The classifier of the server and the patcher of the agent, one after the other."""
    from aftershock.engine.sources import changed_bodies
    from aftershock.selection.symbols import parse_symbols
    from aftershock_agent.compiling import Unpatchable
    from aftershock_agent.patching import Patcher
    from aftershock_agent.recording import Project, make

    recorder = make(Project(str(path.parent)))
    recorder.start()
    start()
    patcher = Patcher(recorder)
    patcher.note_imports(recorder.functions.by_file(recorder.take()))
    recorder.settle()
    before = parse_symbols(old.encode(), path.name)
    patcher.compile_ahead(str(path), old)
    patcher.prepare()

    def bring() -> bool:
        after = parse_symbols(new.encode(), path.name)
        if after.definition != before.definition or after.error:
            return False
        try:
            patcher.patch(str(path), old, new, changed_bodies(before, after))
        except Unpatchable:
            return False
        return True

    return bring


if __name__ == "__main__":
    sys.exit(main())
