"""What a source imports, as far as its statements and strings tell."""

from __future__ import annotations

import dis
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import CodeType
from typing import TypeVar

from aftershock.selection.compiling import MadeOfPieces, SyntaxProblem, code_objects, piece_code

_IMPORT_NAME = dis.opmap["IMPORT_NAME"]
_LOAD_CONST = dis.opmap["LOAD_CONST"]
_LOAD_SMALL_INT = dis.opmap.get("LOAD_SMALL_INT")  # from 3.14 on
_DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*(:[^\W\d][\w.]*)?")

# fmt: off
_LOADERS = frozenset((
    "import_module", "__import__", "runpy", "run_path", "run_module", "pkgutil", "iter_modules",
    "walk_packages", "zipimport", "zipimporter", "spec_from_file_location", "spec_from_loader",
    "module_from_spec", "SourceFileLoader", "SourcelessFileLoader", "exec_module", "load_module",
    "load_source", "find_spec", "find_loader", "find_module", "get_loader", "entry_points",
    "iter_entry_points", "import_string", "import_object", "import_from_string", "autodiscover",
    "lazy_loader", "LazyLoader", "LazyImport", "lazy_import", "pydoc", "path_hooks", "meta_path", "imp",
))
# fmt: on
"""Names that load modules whose names aren't in the text."""

_BUILTIN_LOADERS = frozenset({"exec", "eval"})
"""Loaders only as plain names: ``frame.eval`` and ``cursor.exec`` are other things."""


@dataclass(frozen=True)
class RelativeImport:
    """``from <level dots><module> import <names>``."""

    level: int
    module: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Imports:
    """The modules that a source may import, wherever in it the import stands.

    ``absolute`` has dotted names (``from a import b`` gives ``a`` and ``a.b``), ``candidates`` strings that
    look like dotted names (``mock.patch("a.b.f")``, ``pytest_plugins``), which matter where they name a
    module of the project. ``dynamic``: it may load modules that its text doesn't name.
    """

    absolute: frozenset[str] = frozenset()
    relative: frozenset[RelativeImport] = frozenset()
    candidates: frozenset[str] = frozenset()
    dynamic: bool = False


LazyImports = Imports | Callable[[], Imports]


Parsed = TypeVar("Parsed")


class LazyTable(Mapping[str, Parsed]):
    """What was parsed of files, by path, each when first asked for: on the way from a save to a verdict nobody asks."""

    def __init__(self, entries: Mapping[str, Parsed | Callable[[], Parsed]]) -> None:
        self._entries = dict(entries)

    def __getitem__(self, path: str) -> Parsed:
        entry = self._entries[path]
        if callable(entry):
            entry = self._entries[path] = entry()
        return entry

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def replaced(self, changes: Mapping[str, Parsed | Callable[[], Parsed] | None]) -> LazyTable[Parsed]:
        """A table with some entries changed (None: removed); nothing is parsed for it."""
        entries = {**self._entries, **changes}
        return LazyTable({path: entry for path, entry in entries.items() if entry is not None})


def parse_imports(source: bytes, path: str) -> Imports:
    """The imports of a source; none for one that can't be compiled.  Never raises for any content."""
    pieces = _PIECES.of(source, path, _imports_of)
    if isinstance(pieces, SyntaxProblem):
        return Imports()
    return Imports(
        frozenset[str]().union(*(piece.absolute for piece in pieces)),
        frozenset[RelativeImport]().union(*(piece.relative for piece in pieces)),
        frozenset[str]().union(*(piece.candidates for piece in pieces)),
        any(piece.dynamic for piece in pieces),
    )


_PIECES = MadeOfPieces(lambda piece: _imports_of(piece_code(piece)))


def _imports_of(code: CodeType) -> Imports:
    collector = _Collector()
    for each in code_objects(code):
        collector.visit(each)
    return Imports(
        frozenset(collector.absolute),
        frozenset(collector.relative),
        frozenset(collector.candidates),
        collector.dynamic,
    )


class _Collector:
    """Gathers what single code objects tell."""

    def __init__(self) -> None:
        self.absolute: set[str] = set()
        self.relative: set[RelativeImport] = set()
        self.candidates: set[str] = set()
        self.dynamic = False

    def visit(self, code: CodeType) -> None:
        """Take in one code object, not those in it."""
        for constant in code.co_consts:
            self._constant(constant)
        names = set(code.co_names)
        self.dynamic |= not _LOADERS.isdisjoint(names) or (
            not _BUILTIN_LOADERS.isdisjoint(names) and _uses_builtin_loader(code)
        )
        if _IMPORT_NAME in code.co_code[::2]:
            for name, level, names_from in _import_statements(code):
                self._import(name, level, names_from)

    def _constant(self, constant: object) -> None:
        if isinstance(constant, str):
            if len(constant) < 200 and _DOTTED.fullmatch(constant):
                self.candidates.add(constant.replace(":", "."))
        elif isinstance(constant, (tuple, frozenset)):
            for each in constant:
                self._constant(each)

    def _import(self, module: str, level: int, names: tuple[str, ...]) -> None:
        names = tuple(name for name in names if name != "*")
        if level:
            self.relative.add(RelativeImport(level, module, names))
            return
        self.absolute.add(module)
        self.absolute.update(f"{module}.{name}" for name in names)
        self.dynamic |= module.partition(".")[0] in _LOADERS or not _LOADERS.isdisjoint(names)
        self.dynamic |= module == "builtins" and not _BUILTIN_LOADERS.isdisjoint(names)


def _import_statements(code: CodeType) -> Iterator[tuple[str, int, tuple[str, ...]]]:
    """Module, level and names of each import: the two constants loaded before ``IMPORT_NAME`` are the latter two."""
    loaded: list[object] = [None, None]
    for operation, argument in _instructions(code):
        if operation == _IMPORT_NAME:
            level, names = loaded[-2:]
            yield (
                code.co_names[argument],
                level if isinstance(level, int) else 0,
                names if isinstance(names, tuple) else (),
            )
        elif operation == _LOAD_CONST:
            loaded = [loaded[-1], code.co_consts[argument]]
        elif operation == _LOAD_SMALL_INT:
            loaded = [loaded[-1], argument]


def _uses_builtin_loader(code: CodeType) -> bool:
    """Whether ``exec`` or ``eval`` stands as a name of its own, or as an attribute of ``builtins``."""
    if "builtins" in code.co_names:
        return True
    return any(
        i.opname in ("LOAD_GLOBAL", "LOAD_NAME") and i.argval in _BUILTIN_LOADERS for i in dis.get_instructions(code)
    )


def _instructions(code: CodeType) -> Iterator[tuple[int, int]]:
    raw = code.co_code
    extended = 0
    for operation, argument in zip(raw[::2], raw[1::2], strict=True):
        argument |= extended
        extended = argument << 8 if operation == dis.EXTENDED_ARG else 0
        yield operation, argument
