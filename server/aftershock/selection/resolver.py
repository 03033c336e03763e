"""Module names to files, without importing: a name yields every file of the project that it may mean."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cached_property

from aftershock_agent.test_files import is_test_file

ABSENT = "absent"
"""The digest of what doesn't exist."""


def ancestors(path: str) -> Iterator[str]:
    """The directories above a path, nearest first, the project root (an empty string) last."""
    while path:
        path = path.rpartition("/")[0]
        yield path


def join(directory: str, name: str) -> str:
    """A path below a directory, which may be the project root."""
    return f"{directory}/{name}" if directory else name


class Resolver:
    """The modules of a set of files.

    Roots are the given ``sys.path`` entries, the project root, ``src``, and every directory above a file that
    isn't a package: wide, so that a path set up by a conftest or a build tool is among them, and safe.
    """

    def __init__(self, paths: Collection[str], roots: frozenset[str] = frozenset()) -> None:
        self.paths = frozenset(paths)
        self._modules: dict[str, tuple[str, ...]] = {}
        self._namespaces: set[str] = set()
        directories = {directory for path in self.paths for directory in ancestors(path)}
        packages = {d for d in directories if join(d, "__init__.py") in self.paths}
        self._roots = roots | (directories - packages) | {"", "src"}
        for path in sorted(self.paths):
            self._add(path)

    def _add(self, path: str) -> None:
        plain = path.removesuffix(".py").removesuffix("/__init__")
        for root in ancestors(path):
            if root not in self._roots or root == plain:
                continue
            name = (plain[len(root) + 1 :] if root else plain).replace("/", ".")
            self._modules[name] = (*self._modules.get(name, ()), path)
            while name := name.rpartition(".")[0]:
                self._namespaces.add(name)

    def files(self, name: str) -> tuple[str, ...]:
        """The files that a dotted name may mean, its parents' not included."""
        return self._modules.get(name, ())

    def is_namespace(self, name: str) -> bool:
        """Whether modules below this name exist."""
        return name in self._namespaces

    def resolves(self, name: str) -> str:
        """What a dotted name means now: its files, or ``namespace``, or ``absent``."""
        return " ".join(self.files(name)) or ("namespace" if self.is_namespace(name) else ABSENT)

    def resolves_path(self, path: str) -> str:
        """What a path means now: itself as a file, or the module's files when it has no suffix."""
        candidates = (path,) if path.endswith(".py") else module_files(path)
        return " ".join(c for c in candidates if c in self.paths) or ABSENT

    @cached_property
    def sources(self) -> frozenset[str]:
        """All files but tests and conftests: what code that loads by computed names may reach."""
        return frozenset(path for path in self.paths if not is_test_file(path))


def module_files(path: str) -> tuple[str, str]:
    """The two files that a module at this path, without suffix, may have: as a module or as a package."""
    return f"{path}.py", f"{path}/__init__.py"
