"""The import graph: which files a file's behaviour may depend on, by what it imports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from aftershock.selection.components import Reachability
from aftershock.selection.keys import Key, KeyKind
from aftershock.selection.resolver import Resolver, ancestors, join, module_files
from aftershock.selection.statements import (
    Imports,
    LazyImports,
    RelativeImport,
    parse_imports,
)

__all__ = [
    "ImportGraph",
    "Imports",
    "LazyImports",
    "RelativeImport",
    "Resolver",
    "parse_imports",
]

_ANYTHING = "*"  # stands for all sources, the target of dynamic imports; not a path that a file can have


class ImportGraph:
    """Who imports whom.

    ``roots`` are the ``sys.path`` entries inside the project, relative to it; ``edges`` imports seen at run
    time that the text may not tell, by importer.  Immutable; :meth:`updated` makes the next one cheaply.
    """

    def __init__(
        self,
        files: Mapping[str, Imports],
        roots: frozenset[str] = frozenset(),
        edges: Mapping[str, frozenset[str]] | None = None,
    ) -> None:
        self._files = files
        self._roots = roots
        self._edges = edges or {}
        self.resolver = Resolver(files.keys(), roots)
        self._direct: dict[str, tuple[Imports, frozenset[str]]] = {}
        self._missing: dict[str, tuple[Imports, frozenset[Key]]] = {}
        self._reach: Reachability | None = None
        self._last: tuple[Mapping[str, frozenset[str]], Reachability] | None = None

    def updated(self, files: Mapping[str, Imports], edges: Mapping[str, frozenset[str]]) -> ImportGraph:
        """The graph of other files or edges, with what was worked out for unchanged ones."""
        graph = ImportGraph.__new__(ImportGraph)
        graph._last = self._last
        graph._files, graph._roots, graph._edges, graph._reach = files, self._roots, edges, None
        same = self.resolver.paths == files.keys()
        graph.resolver = self.resolver if same else Resolver(files.keys(), self._roots)
        graph._direct = dict(self._direct) if same else {}
        graph._missing = dict(self._missing) if same else {}
        return graph

    def closure(self, path: str) -> frozenset[str]:
        """Every file that ``path`` reaches by imports, itself and the conftests above it included."""
        return self.closure_of((path, *self._conftests(path)))

    def closure_of(self, paths: Iterable[str]) -> frozenset[str]:
        """Every file that any of ``paths`` reaches by imports, themselves included."""
        if self._reach is None:
            edges = {path: self._targets(path) for path in self._files}
            edges[_ANYTHING] = self.resolver.sources
            if self._last is None or self._last[0] != edges:
                self._last = edges, Reachability(edges)
            self._reach = self._last[1]
        return self._reach.of(paths) - {_ANYTHING}

    def is_dynamic(self, files: Iterable[str]) -> bool:
        """Whether any of the files may load modules that its text doesn't name."""
        return any(self._files[path].dynamic for path in files if path in self._files)

    def absent(self, path: str) -> frozenset[Key]:
        """What would change ``path`` by coming to be: modules, conftests and packages that don't exist."""
        around = (join(directory, name) for directory in ancestors(path) for name in ("conftest.py", "__init__.py"))
        missing = {Key(KeyKind.ABSENT, path=p) for p in around if p not in self._files}
        return self.names(path) | missing

    def names(self, path: str) -> frozenset[Key]:
        """The names that ``path`` imports and whose meaning a new file could change.

        These are the top-level ones, which a file nearer on ``sys.path`` could shadow, and of each dotted
        name the first part that has no file.
        """
        imports = self._files.get(path)
        if imports is None:
            return frozenset()
        known = self._missing.get(path)
        if known is None or known[0] is not imports:
            keys = {Key(KeyKind.ABSENT, name=name) for name in self._open_names(imports)}
            keys |= {Key(KeyKind.ABSENT, path=p) for r in imports.relative for p in self._open_paths(path, r)}
            known = self._missing[path] = imports, frozenset(keys)
        return known[1]

    def _open_names(self, imports: Imports) -> Iterator[str]:
        for name in imports.absolute:
            parts = name.split(".")
            yield parts[0]
            for end in range(1, len(parts) + 1):
                prefix = ".".join(parts[:end])
                if not self.resolver.files(prefix):
                    yield prefix
                    if not self.resolver.is_namespace(prefix):
                        break

    def _open_paths(self, path: str, relative: RelativeImport) -> Iterator[str]:
        for module in _relative_modules(path, relative):
            if not any(file in self._files for file in module_files(module)):
                yield module

    def _conftests(self, path: str) -> Iterator[str]:
        return (c for d in ancestors(path) if (c := join(d, "conftest.py")) in self._files)

    def _targets(self, path: str) -> frozenset[str]:
        """The files that importing ``path`` imports directly."""
        imports = self._files[path]
        known = self._direct.get(path)
        if known is None or known[0] is not imports:
            known = self._direct[path] = imports, frozenset(self._direct_targets(path, imports))
        seen = self._edges.get(path)
        return known[1] | seen if seen else known[1]

    def _direct_targets(self, path: str, imports: Imports) -> Iterator[str]:
        for directory in ancestors(path):
            package = join(directory, "__init__.py")
            if package not in self._files:
                break
            yield package
        for name in imports.absolute:
            yield from self._with_parents(name)
        for name in imports.candidates:
            if self._names_module(name):
                yield from self._with_parents(name)
        for relative in imports.relative:
            for module in _relative_modules(path, relative):
                yield from (file for file in module_files(module) if file in self._files)
        if imports.dynamic:
            yield _ANYTHING

    def _with_parents(self, name: str) -> Iterator[str]:
        while name:
            yield from self.resolver.files(name)
            name = name.rpartition(".")[0]

    def _names_module(self, name: str) -> bool:
        """Whether a string means a module of the project: as a whole, or a dotted prefix of it does."""
        if self.resolver.files(name):
            return True
        while "." in (name := name.rpartition(".")[0]):
            if self.resolver.files(name):
                return True
        return False


def _relative_modules(path: str, relative: RelativeImport) -> Iterator[str]:
    """The modules that a relative import may mean, as paths without suffix; names may be submodules."""
    directories = list(ancestors(path))
    if relative.level > len(directories):
        return
    module = directories[relative.level - 1]
    if not relative.module:
        yield module
    for part in relative.module.split(".") if relative.module else ():
        module = join(module, part)
        yield module
    yield from (join(module, name) for name in relative.names)
