"""The warm interpreter's state for whoever asks: measured at rest, and kept in a small file beside the facts.

``aftershock status`` is a process of its own; from ``.aftershock/warm-PID.json`` (PID: the server's) it learns how the
interpreters of the servers on this project are.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from aftershock.engine.agent_process import private
from aftershock.engine.events import Interpreter
from aftershock.engine.memory import tree_memory
from aftershock.engine.rebuilding import Rebuild
from aftershock.engine.scratch import alive
from aftershock.engine.warming import Warming

log = logging.getLogger(__name__)

_REST = 1.0  # seconds without news before the state is measured and written


class Vitals:
    """One server's interpreter."""

    def __init__(self, root: Path, warming: Warming, measured: Callable[[], None]) -> None:
        """``measured`` hears that more is known than before."""
        self._file = root / ".aftershock" / f"warm-{os.getpid()}.json"
        self._warming = warming
        self._measured = measured
        self._memory: tuple[int, int | None] = (0, None)
        self.own_memory: int | None = None
        """What the interpreter takes without the sessions that are prepared, in bytes; None where that isn't known."""
        self._rebuilt: tuple[Rebuild | None, str] = (None, "")
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def interpreter(self) -> Interpreter | None:
        """The interpreter, with its memory as it was last measured; None when there is none."""
        state = self._warming.state
        if state is None:
            return None
        pid, memory = self._memory
        return dataclasses.replace(state, rebuilt=self._rebuilt[1], memory=memory if state.pid == pid else None)

    def touch(self) -> None:
        """Something may have changed: look when it is at rest."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(_REST, self._begin)

    async def close(self) -> None:
        """The interpreter is gone, and its file goes too."""
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        with contextlib.suppress(OSError):
            self._file.unlink()

    def _begin(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look())

    async def _look(self) -> None:
        state, rebuilt = self._warming.state, self._warming.rebuilt
        if state is None:
            return
        prepared = self._warming.prepared
        known = not self._warming.preparing
        self.own_memory = await asyncio.to_thread(tree_memory, state.pid, prepared) if known else None
        whole = known and not prepared
        total = self.own_memory if whole else await asyncio.to_thread(tree_memory, state.pid)
        self._memory = state.pid, total
        if rebuilt is not self._rebuilt[0]:
            self._rebuilt = rebuilt, await asyncio.to_thread(str, rebuilt)
            log.info("the last new session was needed because of %s", self._rebuilt[1])
        self._write()
        self._measured()

    def _write(self) -> None:
        interpreter = self.interpreter
        if interpreter is None:
            return
        fresh = self._file.with_suffix(".new")
        # Without the file only `aftershock status` knows less.
        with contextlib.suppress(OSError):
            with open(fresh, "w", encoding="utf-8", opener=private) as stream:
                json.dump(dataclasses.asdict(interpreter), stream)
            fresh.replace(self._file)


def running(root: Path) -> Iterator[Interpreter]:
    """The interpreters that servers keep warm for a project, memory as it is now; sweeps what dead servers left."""
    for file in sorted((root / ".aftershock").glob("warm-*.json")):
        try:
            interpreter = Interpreter(**json.loads(file.read_text(encoding="utf-8")))
            server = int(file.stem.removeprefix("warm-"))
        except (OSError, ValueError, TypeError):
            continue
        if alive(server) and alive(interpreter.pid):
            yield dataclasses.replace(interpreter, memory=tree_memory(interpreter.pid))
        else:
            with contextlib.suppress(OSError):
                file.unlink()
