"""The watch of source folders notices every way in which a program can get at a source, and little else."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aftershock_agent import source_watch
from aftershock_agent.source_watch import SourceWatch

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")

_SOURCES = ("top.py", "package/inner/deep.py")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    for name in _SOURCES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("X = 1\n")
    return root


def _opened(root: Path) -> SourceWatch:
    watch = SourceWatch()
    watch.root = str(root)
    watch.open()
    return watch


@pytest.fixture
def watch(root: Path) -> Iterator[SourceWatch]:
    watch = _opened(root)
    assert not watch.noticed()
    yield watch
    assert watch.sees()


def _make_bytecode(root: Path) -> None:
    (root / "package/inner/__pycache__").mkdir()


LOOKS: dict[str, Callable[[Path], object]] = {
    "reading": lambda root: (root / "package/inner/deep.py").read_text(),
    "listing": lambda root: list((root / "package").iterdir()),
    "listing the root": lambda root: list(root.iterdir()),
    "moving away": lambda root: (root / "top.py").rename(root.parent / "top.py"),
    "making a folder": _make_bytecode,
    "removing": lambda root: (root / "top.py").unlink(),
}


@pytest.mark.parametrize("look", LOOKS)
def test_every_look_is_noticed_once(root: Path, watch: SourceWatch, look: str) -> None:
    LOOKS[look](root)
    assert watch.noticed()
    assert not watch.noticed()


def test_what_is_elsewhere_or_our_own_is_not_noticed(root: Path, watch: SourceWatch) -> None:
    (root.parent / "elsewhere.py").write_text("")
    (root / ".aftershock").mkdir()
    list((root / ".aftershock").iterdir())
    assert not watch.noticed()


def test_a_folder_that_was_replaced_is_watched_again(root: Path, watch: SourceWatch) -> None:
    shutil.copytree(root / "package", root.parent / "copy")
    shutil.rmtree(root / "package")
    (root.parent / "copy").rename(root / "package")
    assert watch.noticed()
    (root / "package/inner/deep.py").read_text()
    assert watch.noticed()


def test_bytecode_that_is_made_later_is_watched_too(root: Path, watch: SourceWatch) -> None:
    _make_bytecode(root)
    assert watch.noticed()
    (root / "package/inner/__pycache__/deep.pyc").write_bytes(b"")
    assert watch.noticed()


def test_a_source_is_noticed_under_its_other_name(root: Path, tmp_path: Path) -> None:
    os.link(root / "top.py", tmp_path / "other")
    watch = _opened(root)
    (tmp_path / "other").read_text()
    assert watch.noticed()


@pytest.mark.parametrize("folder", [".", "package", ".."])
def test_what_git_keeps_is_noticed_wherever_that_is(root: Path, folder: str) -> None:
    (root / folder / ".git").mkdir()
    (root / folder / ".git/index").write_text("")
    watch = _opened(root)
    (root / folder / ".git/index").read_text()
    assert watch.noticed()


def test_a_project_with_too_many_folders_is_not_watched(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_watch, "_MOST", 2)
    watch = _opened(root)
    assert not watch.watching
    assert watch.noticed()


def test_more_looks_than_the_kernel_keeps_are_looks(root: Path, watch: SourceWatch) -> None:
    kept = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    for _ in range(kept):
        (root / "top.py").stat()
        (root / "top.py").open().close()
        (root / "package/inner/deep.py").open().close()
    assert watch.noticed()
    assert not watch.noticed()
