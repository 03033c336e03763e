"""The session process: the project imported and collected, one pytest session held open, runs forked from it."""

from __future__ import annotations

import faulthandler
import gc
import os
import shutil
import socket
import sys
import traceback
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import pytest
from _pytest.config import _prepareconfig

from aftershock_agent import breakpoints, capturing, codec, hooks, messages, processes
from aftershock_agent.channel import Channel, RunChannel
from aftershock_agent.children import ChildProcesses
from aftershock_agent.forking import why_in_process
from aftershock_agent.importing import Imports
from aftershock_agent.in_process import InProcess
from aftershock_agent.items import Items
from aftershock_agent.patching import Patcher
from aftershock_agent.preparing import Preparing
from aftershock_agent.recording import LoadedFiles, Project, make
from aftershock_agent.reports import failure_of, root_cause
from aftershock_agent.run import Run, own_temporary_folder
from aftershock_agent.spare import Spare
from aftershock_agent.tree import Node, scratch_of
from aftershock_agent.updating import Updates
from aftershock_agent.workers import Workers

_NO_REPORTS = {"pytest_cov": "--no-cov"}
"""Plugins that measure a whole suite, and the option that switches each off; a part of the suite has no report."""


def serve(channel: Channel, command: messages.PrepareSession | messages.StartSession, root: str, scratch: str) -> None:
    """Configure pytest with the command's arguments, then serve ``channel`` until it closes.

    ``root`` is the project's folder, ``scratch`` the one for temporary files; the session has a part of it.
    """
    session = Session(channel, command, root, scratch)
    try:
        session.open()
    except BaseException as error:
        channel.send(messages.Log("error" if session.begun else "debug", traceback.format_exc()))
        cause = root_cause(error)
        failure = failure_of(cause, "".join(traceback.format_exception(cause)))
        channel.send(messages.SessionFailed(session.number, failure, session.take_loaded()))
    finally:
        shutil.rmtree(scratch_of(scratch, session.number), ignore_errors=True)


def main(order: str, root: str, scratch: str, descriptor: str) -> None:
    """Be a session in a process of its own, where base can't fork: serve as ``order``, a StartSession, says."""
    processes.die_with_parent()
    command = codec.decode(order.encode())
    if isinstance(command, messages.StartSession):
        serve(Channel(socket.socket(fileno=int(descriptor))), command, root, scratch)


class Session:
    """A pytest plugin that replaces collection and the test loop by commands."""

    def __init__(
        self, channel: Channel, command: messages.PrepareSession | messages.StartSession, root: str, scratch: str
    ) -> None:
        """See :func:`serve`."""
        self._channel = channel
        self.number = command.session
        self._args = command.args
        self._isolation = ""
        self._root = root
        self._all_scratch = scratch
        self._node = Node(channel, self._fork_ended, shared=True)
        self._project = Project(root)
        self._known_modules = set(sys.modules)
        self._items: dict[str, pytest.Item] = {}
        self._described = Items(self._project)
        self._collecting: Any = None
        self._folders: dict[tuple[pytest.Collector, Path], pytest.Collector] = {}
        self.recorder = make(self._project)
        self._imports = Imports(self._project, self.recorder, lambda text: channel.send(messages.Log("error", text)))
        self._loaded = LoadedFiles(self._project)
        self._children = ChildProcesses()
        self._children.sources.root = root
        self._patcher = Patcher(self.recorder)
        self._updates = Updates(self._patcher)
        self._workers = Workers()
        self._spare = Spare(self._node, self._updates, self._settle_in_spare, self._run_in_fork)
        self._sets: dict[int, Path] = {}
        self._programs = False
        self._in_process = InProcess(channel, self._node.waiting, self._project)
        self._why_in_process = ""
        self._preparing: Preparing | None = None
        if isinstance(command, messages.PrepareSession):
            self._preparing = Preparing(channel, command, self._project, self.take_loaded, self._begin)
        else:
            self._begin(command, [])

    def _begin(self, command: messages.StartSession, waiting: list[bytes]) -> None:
        """Be the session that was ordered, with commands that came after that."""
        self._node.waiting.extend(waiting)
        self.number = self._updates.session = command.session
        self._isolation = command.isolation
        self._scratch.mkdir(0o700)

    def take_loaded(self) -> list[messages.LoadedFile]:
        """The project files loaded since the last call."""
        return self._loaded.take(self.recorder)

    @property
    def begun(self) -> bool:
        """Whether it is a session already, not one to come."""
        return self.number > 0

    @property
    def _scratch(self) -> Path:
        return Path(scratch_of(self._all_scratch, self.number))

    def open(self) -> None:
        """Start pytest; returns when the server ends the session."""
        args = [*self._args, *self._switches()]
        sys.argv = ["pytest", *args]
        sys.path.insert(0, os.getcwd())  # as `python -m pytest` has it
        # From here on, for a conftest.py may hang or crash too; pytest's own plugin takes over when it is configured.
        faulthandler.enable(os.dup(2))
        self.recorder.start()
        self._imports.follow()
        if self._preparing is not None:
            self._preparing.configure()
        config = _prepareconfig(args, [self, self._workers, hooks.Hooks()])
        self._neutralise(config)
        breakpoints.divert()
        status = config.hook.pytest_cmdline_main(config=config)
        if self._collecting is None:
            raise RuntimeError(f"pytest ended with exit status {status} before it collected any test")

    def _switches(self) -> list[str]:
        import importlib.util

        return [option for name, option in _NO_REPORTS.items() if importlib.util.find_spec(name)]

    def _neutralise(self, config: pytest.Config) -> None:
        """Undo options that would end, spread or narrow the session, or wait for somebody: -x, xdist's -n, --pdb."""
        option = config.option
        for name, value in {
            "maxfail": 0,
            "dist": "no",
            "tx": [],
            "numprocesses": None,
            "distload": False,
            "looponfail": False,
            "usepdb": False,
            "trace": False,
        }.items():
            if hasattr(option, name):
                setattr(option, name, value)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_load_initial_conftests(self) -> Generator[None, Any, Any]:
        """Before this all is pytest's and its plugins'; what comes now is the project's."""
        if self._preparing is not None:
            self._preparing.enter_project()
        return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> bool:
        """Collect nothing yet: the server says what it needs first."""
        self._collecting = session
        return True

    @pytest.hookimpl(wrapper=True, optionalhook=True)
    def pytest_collect_directory(self, path: Path, parent: pytest.Collector) -> Generator[None, Any, Any]:
        """Keep a folder's node over several collections: newer pytests bind a conftest's fixtures to it."""
        made = yield
        return made and self._folders.setdefault((parent, path), made)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Serve commands instead of running the tests in order."""
        if self._preparing is not None:
            self._preparing.collect(self._collecting)
        inside = [path for path in map(os.path.realpath, sys.path) if (path + os.sep).startswith(self._root + os.sep)]
        patterns = list(session.config.getini("python_files"))
        self._channel.send(messages.SessionReady(self.number, os.getpid(), inside, patterns))
        self._node.loop(self._handle, self._rest)
        return True

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Generator[None, Any, Any]:
        """Tell the server of a file that begins to be collected, and of one that can't be."""
        if isinstance(collector, pytest.File):
            self._channel.send(messages.Collecting(self.number, str(collector.path)))
        report: pytest.CollectReport = yield
        call = report.__dict__.get("call")
        if report.failed and call is not None and call.excinfo is not None:
            self._tell_failure(collector, report, call.excinfo.value)
        return report

    def _tell_failure(self, collector: pytest.Collector, report: pytest.CollectReport, error: BaseException) -> None:
        path = os.path.realpath(str(getattr(collector, "path", self._root)))
        failure = failure_of(root_cause(error), report.longreprtext)
        line = next((frame.line for frame in failure.frames if frame.path == path), 1)
        self._channel.send(messages.CollectFailed(self.number, path, line, failure))

    def _handle(self, command: messages.Command, line: bytes) -> None:
        if isinstance(command, (messages.Compile, messages.Patch)):
            if not self._spare.follow(command, line):
                self._updates.answer(command, self._channel)
        elif isinstance(command, messages.Run):
            self._run(command, line)
        elif isinstance(command, (messages.MoreTests, messages.DropTests)):
            self._node.send_down(command.run, line)
        elif isinstance(command, messages.Collect):
            self._collect(command)
        elif isinstance(command, messages.CancelRun):
            self._cancel(command, line)

    def _collect(self, command: messages.Collect) -> None:
        self._spare.drop()
        self._imports.following = True
        session = self._collecting
        session.testsfailed = 0
        session.shouldfail = session.shouldstop = False
        gc.disable()
        self._forget_locations()
        try:
            items = session.perform_collect(command.paths)
        except pytest.UsageError as error:
            self._channel.send(messages.Log("error", f"collection: {error}"))
            items = []
        finally:
            gc.enable()
        found = {item.nodeid: item for item in items}
        self._items.update(found)
        imports, outside = self._imports.take()
        executed = self.recorder.functions.by_file(outside)
        self.recorder.settle()
        for functions in (executed, *(module.executed for module in imports)):
            self._patcher.note_imports(functions)
        self._children.take()
        self._choose_isolation()
        self._channel.send(
            messages.Collected(
                session=self.number,
                paths=command.paths,
                tests=self._described.describe(items),
                loaded=self.take_loaded(),
                imports=imports,
                executed=executed,
                preload=self._standard_modules(),
                one_worker=self._workers.name_read,
            )
        )
        self._patcher.forget_functions()
        gc.freeze()  # a collection in a run would copy every page of the session

    def _forget_locations(self) -> None:
        for item in self._items.values() if self._updates.moved else ():
            item.__dict__.pop("location", None)  # cached by pytest with the old line
        self._updates.moved = False

    def _choose_isolation(self) -> None:
        """Fork for runs or not, as the project is now; once in process, it stays so: it isn't the same afterwards."""
        if self._why_in_process:
            return
        self._why_in_process = why_in_process(self._isolation)
        if self._why_in_process:
            self._spare.drop()  # what it has done for the session must be done here now
            self._channel.send(messages.InProcess(self.number, self._why_in_process))

    def _standard_modules(self) -> list[str]:
        """The standard library's modules that the session imported beyond base's, for the next base to know.

        Others are left alone.  What such a module does when it is imported may depend on all that ran before it:
        variables, ``sys.path``, warning filters and import hooks, which could be compared, but also on what code before
        it has patched, called or put into ``sys.modules`` (gevent, a fake module, ``matplotlib.use``),
        which can't be seen.  Only where all code before the import does nothing but import and define would base come
        to the same module; nearly every session has plugins whose code runs first, and they are no such code.
        """
        new = [name for name in sys.modules if name not in self._known_modules]
        return [name for name in new if name.split(".")[0] in sys.stdlib_module_names and "__main__" not in name]

    def _run(self, command: messages.Run, line: bytes) -> None:
        own = self._folder_of(command)
        self._sets[command.run] = own.parent
        own.parent.mkdir(exist_ok=True)
        self._choose_isolation()
        if self._why_in_process:
            self._run_here(command, own)
            return
        if command.idle:
            self._spare.catch_up()
        else:
            self._programs = command.programs  # the next run may be like this one
        if command.idle or not self._spare.take(command.run, line):
            self._node.fork(command.run, lambda channel: self._begin_run(command, channel))

    def _folder_of(self, command: messages.Run) -> Path:
        """Workers find each other's files beside their own folder, and never those of an earlier occasion."""
        return self._scratch / f"tests-{command.worker.uid}" / f"run-{command.run}"

    def _settle_in_spare(self) -> None:
        capturing.begin(self._collecting.config)
        self._patcher.rehearse()
        if self._programs:
            self._children.sources.open()

    def _begin_run(self, command: messages.Run, channel: Channel) -> None:
        capturing.begin(self._collecting.config)
        self._run_in_fork(command, channel, [])

    def _run_in_fork(self, command: messages.Run, channel: Channel, orders: list[bytes]) -> None:
        own = self._folder_of(command)
        own_temporary_folder(self._collecting.config, own)
        if command.programs and not self._children.sources.watching:
            self._children.sources.open()
        self._execute(command, channel, orders)
        shutil.rmtree(own, ignore_errors=True)

    def _execute(self, command: messages.Run, channel: Channel | RunChannel, orders: Sequence[bytes] = ()) -> set[int]:
        """Run tests in this process; returns the numbers of the functions that ran."""
        config = self._collecting.config
        self._workers.offer(config, command.worker, channel)
        run = Run(channel, command, self.recorder, self._loaded, self._children, orders)
        run.moved = self._updates.moved
        self._imports.following = False
        self.recorder.take()
        hooks.before_run(config)
        run.always = set(self.recorder.take())
        run.execute(config, self._items)
        hooks.after_run(config, channel, command.run)
        return run.ran | run.always | set(self.recorder.take())

    def _execute_here(self, command: messages.Run, channel: RunChannel) -> set[int]:
        capturing.begin(self._collecting.config)
        return self._execute(command, channel)

    def _run_here(self, command: messages.Run, own: Path) -> None:
        channel = self._in_process.share(command.run)
        ran: set[int] = set()
        unfit = self._in_process.execute(
            lambda: ran.update(self._execute_here(command, channel)), self._collecting, self._items, own
        )
        self._patcher.note_run(self.recorder.functions.by_file(ran | set(self.recorder.take())))
        if unfit:
            self._channel.send(messages.Unfit(self.number, unfit))
        self._channel.send(self._run_ended(command.run, processes.End(0, None)))

    def _rest(self) -> None:
        """Nothing has come for a while: get ready for the next save."""
        self._spare.catch_up()
        if self._spare.there:
            return
        self._patcher.prepare()
        self._choose_isolation()
        if self._items and not self._why_in_process:
            self._spare.make()

    def _fork_ended(self, number: int, end: processes.End) -> messages.RunEnded | None:
        if number in self._sets:
            return self._run_ended(number, end)
        self._spare.ended(number)
        return None

    def _run_ended(self, run: int, end: processes.End) -> messages.RunEnded:
        together = self._sets.pop(run)
        over = together not in self._sets.values()
        shutil.rmtree(together if over else together / f"run-{run}", ignore_errors=True)  # a killed run couldn't
        return messages.RunEnded(self.number, run, end.exit, end.signal, end.reason)

    def _cancel(self, command: messages.CancelRun, line: bytes) -> None:
        if command.kill:
            self._node.kill(command.run)
        else:
            self._node.send_down(command.run, line)
