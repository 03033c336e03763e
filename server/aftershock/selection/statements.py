"""What a source imports, as far as its statements and strings tell."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

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


class ImportTable(Mapping[str, Imports]):
    """Imports by path, each parsed when first asked for: on the way from a save to a verdict nobody asks."""

    def __init__(self, entries: Mapping[str, LazyImports]) -> None:
        self._entries = dict(entries)

    def __getitem__(self, path: str) -> Imports:
        entry = self._entries[path]
        if not isinstance(entry, Imports):
            entry = self._entries[path] = entry()
        return entry

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def replaced(self, changes: Mapping[str, LazyImports | None]) -> ImportTable:
        """A table with some entries changed (None: removed); nothing is parsed for it."""
        entries = {**self._entries, **changes}
        return ImportTable({path: entry for path, entry in entries.items() if entry is not None})


def parse_imports(source: bytes, path: str) -> Imports:
    """The imports of a source; none for one that can't be parsed.  Never raises for any content."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source, path)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return Imports()
    collector = _Collector()
    for node in ast.walk(tree):
        collector.visit(node)
    return Imports(
        frozenset(collector.absolute),
        frozenset(collector.relative),
        frozenset(collector.candidates),
        collector.dynamic,
    )


class _Collector:
    """Gathers what single nodes tell."""

    def __init__(self) -> None:
        self.absolute: set[str] = set()
        self.relative: set[RelativeImport] = set()
        self.candidates: set[str] = set()
        self.dynamic = False

    def visit(self, node: ast.AST) -> None:
        """Take in one node, not its children."""
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str) and len(node.value) < 200 and _DOTTED.fullmatch(node.value):
                self.candidates.add(node.value.replace(":", "."))
        elif isinstance(node, ast.Name):
            self.dynamic |= node.id in _LOADERS or node.id in _BUILTIN_LOADERS
        elif isinstance(node, ast.Attribute):
            builtin = isinstance(node.value, ast.Name) and node.value.id == "builtins"
            self.dynamic |= node.attr in _LOADERS or (builtin and node.attr in _BUILTIN_LOADERS)
        elif isinstance(node, ast.Import):
            self._import(node)
        elif isinstance(node, ast.ImportFrom):
            self._import_from(node)

    def _import(self, node: ast.Import) -> None:
        self.absolute.update(alias.name for alias in node.names)
        self.dynamic |= any(alias.name.partition(".")[0] in _LOADERS for alias in node.names)

    def _import_from(self, node: ast.ImportFrom) -> None:
        names = tuple(alias.name for alias in node.names if alias.name != "*")
        module = node.module or ""
        if node.level:
            self.relative.add(RelativeImport(node.level, module, names))
            return
        self.absolute.add(module)
        self.absolute.update(f"{module}.{name}" for name in names)
        self.dynamic |= module.partition(".")[0] in _LOADERS or not _LOADERS.isdisjoint(names)
        self.dynamic |= module == "builtins" and not _BUILTIN_LOADERS.isdisjoint(names)
