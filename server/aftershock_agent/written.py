"""What imports put into the containers and objects of other modules: registrations, found by comparing contents."""

from __future__ import annotations

import collections
import os
from collections.abc import Iterable, Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any

from aftershock_agent.recording import Project
from aftershock_agent.tables import OPAQUE, WRITTEN
from aftershock_agent.value_parts import CONTENT, attributes_of, hashed
from aftershock_agent.values import Values

_MUTABLE = (dict, list, set, bytearray, collections.deque)
_FIRST = "first change"
"""Stands for the content that a container had when its own module's import ended."""

Items = Mapping[str, str]
"""The digests of what a container holds, by the digest of where it does."""


class Written:
    """Follows the contents of what modules hold, from the end of each one's own import."""

    def __init__(self, project: Project, values: Values) -> None:
        """``values`` digests them."""
        self._project = project
        self._values = values
        self._modules: dict[str, ModuleType] = {}
        self._digests: dict[tuple[str, str], str] = {}
        self._items: dict[tuple[str, str], Items] = {}

    def begin(self, path: str, module: ModuleType, table: Mapping[str, str]) -> None:
        """The import of a file has ended, with this table: from now on others may change what it holds."""
        self._modules[path] = module
        for name, _ in self._contents(module):
            self._digests[path, name] = table.get(name, "").partition("=")[0]
            self._items.pop((path, name), None)

    def since(self, paths: Iterable[str]) -> dict[str, str]:
        """What has changed in the modules of these files since the last look: rows of the table of who changed it."""
        self._values.forget()
        rows: dict[str, str] = {}
        for path in paths:
            module = self._modules.get(path)
            for name, value in self._contents(module) if module is not None else ():
                digest = self._values.digest(value)
                if digest == self._digests.get((path, name)) and OPAQUE not in digest[:2]:
                    continue
                self._digests[path, name] = digest
                rows[f"{WRITTEN}{self._relative(path)}::{name}"] = self._change((path, name), value, digest)
        return rows

    def _change(self, place: tuple[str, str], value: object, digest: str) -> str:
        """What has come to a container and gone from it; all that it holds, the first time."""
        before, now = self._items.get(place), self._items_of(value)
        self._items[place] = now
        if before is None:
            return digest if OPAQUE in digest[:2] else hashed(f"{_FIRST} {digest}")
        came, went = sorted(now.items() - before.items()), sorted(before.items() - now.items())
        return (OPAQUE if OPAQUE in digest[:2] else "") + hashed(f"{came} {went}")

    def _items_of(self, value: object) -> Items:
        kind = type(value)
        if issubclass(kind, dict):
            found: Iterable[tuple[object, object]] = dict.items(value)  # type: ignore[arg-type]
        elif issubclass(kind, _MUTABLE):
            base = next(each for each in _MUTABLE if issubclass(kind, each))
            content: Any = CONTENT[base](value)
            elements = [self._values.digest(each) for each in getattr(content, "elements", content)]
            return {each: str(count) for each, count in collections.Counter(elements).items()}
        else:
            found = (attributes_of(value) or {}).items()
        return {self._values.digest(key): self._values.digest(each) for key, each in found}

    def _contents(self, module: ModuleType) -> Iterator[tuple[str, object]]:
        """The names under which a module, and the classes in it, hold something that can change."""
        yield from self._mutable("", vars(module), vars(module).get("__name__"))

    def _mutable(self, prefix: str, namespace: Mapping[str, object], module: object) -> Iterator[tuple[str, object]]:
        for name, value in list(namespace.items()):
            if not isinstance(name, str) or (name.startswith("__") and name.endswith("__")):
                continue
            kind = type(value)
            if issubclass(kind, type):
                cls: Any = value
                if (cls.__module__, cls.__qualname__) == (module, f"{prefix}{name}"):  # not another name of it
                    yield from self._mutable(f"{prefix}{name}.", vars(cls), module)
            elif issubclass(kind, _MUTABLE) or self._is_own_object(kind):
                yield f"{prefix}{name}", value

    def _is_own_object(self, kind: type) -> bool:
        return not issubclass(kind, (FunctionType, ModuleType)) and self._values.is_own(kind.__module__)

    def _relative(self, path: str) -> str:
        return os.path.relpath(path, self._project.root).replace(os.sep, "/")
