"""`make demo`: one save narrated in the terminal, on a real project, then that project in a real VS Code.

Without PROJECT it is a copy of a pinned marshmallow release in .cache/demo, whose code is edited. With PROJECT it is
the user's own project, and no file of it is touched: what a save of one of its functions would run is run.
DEMO=terminal stops after the narration.
"""

from __future__ import annotations

import asyncio
import difflib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aftershock.cli.terminal import Terminal, seconds_text
from aftershock.engine import events, sources
from aftershock.engine.configuration import Configuration, ConfigurationError
from aftershock.engine.engine import Engine
from aftershock.engine.interpreter import find_interpreter
from aftershock.selection.facts import Outcome
from aftershock.selection.outline import outline, walk

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / ".cache" / "demo"
_TITLE = "marshmallow 4.4.0, a copy of the release"
SHOWN = 6
"""Verdicts told one by one; the rest are counted."""


@dataclass(frozen=True)
class Edit:
    """A change of one function's body; `path` is relative to the project."""

    path: str
    old: str
    new: str


MARSHMALLOW = Edit(
    "src/marshmallow/validate.py",
    "value > self.max if self.max_inclusive",
    "value >= self.max if self.max_inclusive",
)


class DemoError(Exception):
    """The demo can't go on; the text says why."""


@dataclass
class Narrator:
    """Hears the engine, and keeps when what was heard (in seconds, of time.perf_counter)."""

    terminal: Terminal
    verdicts: dict[str, tuple[float, events.TestFinished]] = field(default_factory=dict)
    affected: tuple[float, frozenset[str]] = (0.0, frozenset())
    finished: tuple[float, events.RunFinished] | None = None
    counting: int = 0
    _done: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, event: events.Event) -> None:
        """Take one event."""
        now = time.perf_counter()
        if isinstance(event, events.AffectedChanged):
            self.affected = (now, frozenset(event.affected))
        elif isinstance(event, events.TestFinished):
            self.verdicts[event.verdict.test] = (now, event)
            self._count()
        elif isinstance(event, events.RunFinished):
            self.finished = (now, event)
            self._done.set()
        elif isinstance(event, events.Notice):
            self.terminal.line(event.message)

    def forget(self) -> None:
        """Hear anew."""
        self.verdicts.clear()
        self.finished = None
        self._done.clear()

    async def run_ended(self) -> None:
        """Wait for the end of a run; DemoError where none comes."""
        try:
            await asyncio.wait_for(self._done.wait(), 120)
        except asyncio.TimeoutError:
            raise DemoError("the affected tests did not end within two minutes.") from None

    def _count(self) -> None:
        done = len(self.verdicts)
        if self.counting and self.terminal.interactive and (done % 20 == 0 or done == self.counting):
            print(f"\r  {done} of {self.counting} tests", end="\n" if done == self.counting else "", flush=True)


async def narrate(root: Path, edit: Edit | None, title: str) -> None:
    """Tell the story; DemoError where the project can't be tested."""
    configuration = Configuration.load(root, {"initialBuild": "never"})
    terminal = Terminal(configuration.root)
    narrator = Narrator(terminal)
    engine = Engine(configuration, narrator)
    try:
        terminal.line(terminal.bold(f"\nAftershock on {title}"))
        await engine.start()
        await engine.settled()
        if engine.status.state is events.State.FAILED:
            raise DemoError(engine.status.message)
        await build(engine, narrator, terminal)
        if edit is None:
            await narrate_without_edit(engine, narrator, configuration)
        else:
            await narrate_save(engine, narrator, configuration, edit)
    finally:
        await engine.close()


async def build(engine: Engine, narrator: Narrator, terminal: Terminal) -> None:
    """Learn what reaches what, unless it is known from before."""
    left = sum(1 for test in engine.tests if engine.state_of(test).verdict is None)
    if not engine.tests:
        raise DemoError("pytest collects no tests here.")
    if not left:
        terminal.line(f"\n{len(engine.tests):,} tests, all known from an earlier run.")
        if engine.affected:
            await engine.run_affected()
        return
    terminal.line(f"\nThe first time, all tests run once, to learn what reaches what: {left:,} tests.")
    narrator.counting = left
    began = time.perf_counter()
    await engine.build()
    narrator.counting = 0
    terminal.line(f"  {_counts(narrator)} in {seconds_text(time.perf_counter() - began)}")


async def narrate_save(engine: Engine, narrator: Narrator, configuration: Configuration, edit: Edit) -> None:
    """Edit a file, tell what comes, compare with a cold pytest, and undo."""
    terminal = narrator.terminal
    path = configuration.root / edit.path
    before = path.read_text(encoding="utf-8")
    after = before.replace(edit.old, edit.new)
    if after == before:
        raise DemoError(f"{path} does not hold the line that the demo edits.")
    terminal.line(f"\nThe edit, in {terminal.bold(edit.path)}:")
    for line in list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=1))[3:]:
        painted = terminal.good(line) if line[0] == "+" else terminal.bad(line) if line[0] == "-" else line
        terminal.line(f"  {painted}")
    try:
        saved, tests = await save(engine, narrator, path, after)
        tell_verdicts(narrator, saved)
        compare_with_pytest(configuration, tests, _seconds(narrator, saved), terminal)
    finally:
        path.write_text(before, encoding="utf-8")
    began = time.perf_counter()
    narrator.forget()
    engine.files_changed([path])
    took = narrator.affected[0] - began
    await engine.settled()
    if not engine.affected and not narrator.verdicts:
        text = f"Undone and saved: {len(tests)} tests are fresh again from memory, and none had to run"
        terminal.line(f"\n{text} ({seconds_text(took)}).")


async def save(engine: Engine, narrator: Narrator, path: Path, text: str) -> tuple[float, tuple[str, ...]]:
    """Write the file as an editor would, and wait for the run; returns the time of the save, and the tests."""
    # The session that stays warm has collected all by now: the save meets what it meets in an editor.
    await engine.settled()
    narrator.forget()
    path.write_text(text, encoding="utf-8")
    saved = time.perf_counter()
    engine.files_changed([path])
    at, affected = narrator.affected
    count = f"{len(affected)} of {len(engine.tests):,} tests are affected"
    narrator.terminal.line(f"\nSaved. {narrator.terminal.bold(count)} (known after {seconds_text(at - saved)})")
    await narrator.run_ended()
    return saved, tuple(narrator.verdicts)


async def narrate_without_edit(engine: Engine, narrator: Narrator, configuration: Configuration) -> None:
    """Run what a save of one function would run; the project's files stay as they are."""
    terminal = narrator.terminal
    path, qualname = pick_function(engine, configuration.root)
    tests = sorted(engine.tests_reaching(path)[qualname])
    terminal.line(f"\nYour files stay as they are. Were you to edit {terminal.bold(qualname)} in {path} and save,")
    terminal.line(f"these would be affected: {terminal.bold(f'{len(tests)} of {len(engine.tests):,} tests')}.")
    await engine.settled()
    narrator.forget()
    asked = time.perf_counter()
    await engine.run_tests(tests)
    tell_verdicts(narrator, asked)
    compare_with_pytest(configuration, tests, _seconds(narrator, asked), terminal)


def pick_function(engine: Engine, root: Path) -> tuple[str, str]:
    """A function of the project that a handful of tests reach; DemoError where there is none."""
    testing = {node.path for node in engine.tests.values()}
    found: list[tuple[int, str, str]] = []
    for path in sources.find(root):
        reaching = {} if path in testing else engine.tests_reaching(path)
        if not reaching:
            continue
        for node in walk(outline((root / path).read_text(encoding="utf-8", errors="replace")) or ()):
            reached = len(reaching.get(node.qualname, ()))
            if reached and node.kind == "function":
                found.append((abs(reached - 10), path, node.qualname))
    if not found:
        raise DemoError("no test reaches a function of this project's own.")
    return min(found)[1:]


def tell_verdicts(narrator: Narrator, since: float) -> None:
    """The failures first, some of the rest, and when they came."""
    terminal = narrator.terminal
    verdicts = [event.verdict for _, event in narrator.verdicts.values()]
    verdicts.sort(key=lambda verdict: verdict.outcome not in (Outcome.FAILED, Outcome.ERRORED))
    for verdict in verdicts[:SHOWN]:
        terminal.verdict(verdict)
    if len(verdicts) > SHOWN:
        terminal.line(terminal.dim(f"  … and {len(verdicts) - SHOWN} more"))
    first = min((at for at, _ in narrator.verdicts.values()), default=since)
    times = f"first verdict after {seconds_text(first - since)}, all after {seconds_text(_seconds(narrator, since))}"
    terminal.line(f"{terminal.bold(_counts(narrator))}: {times}")


def compare_with_pytest(configuration: Configuration, tests: Sequence[str], warm: float, terminal: Terminal) -> None:
    """Run the same tests in a fresh pytest, and tell how long that took."""
    command = [*find_interpreter(configuration), "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += [*configuration.pytest_args, *tests]
    began = time.perf_counter()
    # A fresh bytecode cache is what a developer's next pytest finds too: the first run writes it.
    subprocess.run(command, cwd=configuration.cwd or configuration.root, capture_output=True, check=False)
    cold = time.perf_counter() - began
    ratio = f"{cold / warm:.0f} times as long" if warm else ""
    terminal.line(f"The same {len(tests)} tests by a cold pytest: {terminal.bold(seconds_text(cold))}, {ratio}.")


def _seconds(narrator: Narrator, since: float) -> float:
    return max((at for at, _ in narrator.verdicts.values()), default=since) - since


def _counts(narrator: Narrator) -> str:
    outcomes = [event.verdict.outcome for _, event in narrator.verdicts.values()]
    return ", ".join(f"{outcomes.count(outcome)} {outcome.value}" for outcome in Outcome if outcome in outcomes)


def marshmallow(folder: Path) -> Path:
    """A new copy of the pinned release: what an earlier demo learned would answer the edit from memory."""
    from projects import FetchError, copy

    target = folder / "marshmallow"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    print("demo: copying marshmallow (fetched with its environment the first time)", flush=True)
    try:
        copy("marshmallow", target)
    except FetchError as error:
        raise DemoError(str(error)) from error
    return target


def main() -> int:
    """Tell, then open; returns the exit status."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]  # what isn't installed: this folder, and the projects
    from scripts.demo_editor import open_editor

    chosen = os.environ.get("PROJECT", "")
    told_only = os.environ.get("DEMO") == "terminal"
    try:
        if chosen:
            root = Path(chosen).expanduser().resolve()
            if not root.is_dir():
                raise DemoError(f"{root} is not a folder.")
            asyncio.run(narrate(root, None, root.name))
        elif told_only:
            # Not where an editor may have an earlier demo open.
            with tempfile.TemporaryDirectory(prefix="aftershock-demo-") as folder:
                root = marshmallow(Path(folder))
                asyncio.run(narrate(root, MARSHMALLOW, _TITLE))
        else:
            root = marshmallow(DEMO)
            asyncio.run(narrate(root, MARSHMALLOW, _TITLE))
        return 0 if told_only else open_editor(root)
    except (DemoError, ConfigurationError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
