"""What imports put into what other modules hold: registrations, found by comparing contents."""

from __future__ import annotations

import collections
import itertools
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any

from aftershock_agent.recording import Project
from aftershock_agent.tables import GIVEN, OPAQUE, REACHES, WRITTEN
from aftershock_agent.value_parts import CONTENT, attributes_of, hashed, slots_of
from aftershock_agent.values import Values

_SEQUENCES = (list, collections.deque)
_COUNT = re.compile(r"count\((-?\d+)\)")
_NAMESPACE = type.__dict__["__dict__"]

Items = Mapping[str, str]
"""The digests of what something holds, by the digest of where it does."""


class Written:
    """Follows what modules hold, from the end of each one's own import; no code of the project runs for that."""

    def __init__(self, project: Project, values: Values) -> None:
        """``values`` digests them."""
        self._project = project
        self._values = values
        self._modules: dict[str, ModuleType] = {}
        self._digests: dict[tuple[str, str], str] = {}
        self._items: dict[tuple[str, str], Items] = {}
        self._numbers: dict[tuple[str, str], int | None] = {}

    def begin(self, path: str, module: ModuleType, table: Mapping[str, str]) -> None:
        """The import of a file has ended, with this table: from now on others may change what it holds."""
        self._modules[path] = module
        for name, value in self._contents(module):
            if type(value) is FunctionType:
                if value.__globals__ is vars(module):
                    self._values.note_names(value, f"{self._relative(path)}::{name}")
                if not value.__closure__:
                    continue
            told = "" if type(value) is FunctionType else table.get(name, "").partition("=")[0]
            self._digests[path, name] = told or self._values.digest(value)
            self._items.pop((path, name), None)
            self._numbers[path, name] = _number(value)

    def since(self, path: str, module: ModuleType, ran: Iterable[str]) -> dict[str, str]:
        """Rows for the table of a file whose import has ended: what has changed elsewhere since the last look.

        Looked at are the modules of which code ``ran`` in it, and those that it has imported by name.
        """
        rows: dict[str, str] = {}
        for other in sorted({*ran, *self._imported_by(module)} - {path}):
            there = self._modules.get(other)
            for name, value in self._contents(there) if there is not None else ():
                if type(value) is FunctionType:
                    rows.update(self._names_given(value))
                    if not value.__closure__:
                        continue
                digest, reached = self._values.look(value)
                if digest == self._digests.get((other, name)) and OPAQUE not in digest[:2]:
                    continue
                self._digests[other, name] = digest
                row = f"{WRITTEN}{self._relative(other)}::{name}"
                rows[row] = self._change((other, name), value, digest)
                if reached:
                    rows[f"{row}.{REACHES}"] = " ".join(sorted(reached))
        return rows

    def _names_given(self, function: FunctionType) -> Iterator[tuple[str, str]]:
        """The row of a function that was given other names; wherever it was found, it tells of it at home."""
        named = self._values.renamed(function)
        if named is not None:
            yield f"{WRITTEN}{named.place}.{GIVEN}", hashed(str(named.told))

    def _imported_by(self, module: ModuleType) -> Iterator[str]:
        for value in list(vars(module).values()):
            home = self._values.home_of(value)
            if home is not None:
                yield home
            others: list[object] = [value]
            if type(value) is FunctionType:
                others = [sys.modules.get(str(each)) for each in (value.__module__, value.__globals__.get("__name__"))]
            for other in others:
                file = vars(other).get("__file__") if type(other) is ModuleType else None
                found = self._project.path_of(file) if isinstance(file, str) else None
                if found is not None:
                    yield found

    def _change(self, place: tuple[str, str], value: object, digest: str) -> str:
        """What has come to something and gone from it; all that it holds where that can't be told apart.

        Of an :class:`itertools.count`, by how much it went on, which is the same whatever the order of imports.
        """
        last, self._numbers[place] = self._numbers.get(place), _number(value)
        number = self._numbers[place]
        if last is not None and number is not None:
            return hashed(f"{number - last:+}")
        before, now = self._items.get(place), self._items_of(value)
        self._items[place] = now
        obscure = OPAQUE if OPAQUE in digest[:2] else ""
        if before is None or not now:
            return obscure + hashed(digest)
        came, went = sorted(now.items() - before.items()), sorted(before.items() - now.items())
        return obscure + hashed(f"{came} {went}")

    def _items_of(self, value: object) -> Items:
        kind = type(value)
        if issubclass(kind, dict):
            return self._digested(dict.items(value))  # type: ignore[arg-type]
        if issubclass(kind, set):
            content: Any = CONTENT[set](value)
            return dict.fromkeys(map(self._values.digest, content.elements), "")
        for base in _SEQUENCES:
            if issubclass(kind, base):
                elements: Any = CONTENT[base](value)
                # Where an element stands is told by what stands before it.
                return self._digested(zip(elements, [None, *elements], strict=False))
        return {
            f"{where} {key}": digest
            for where, each in [*(attributes_of(value) or {}).items(), *slots_of(value, kind)]
            for key, digest in self._within(each).items()
        }

    def _within(self, value: object) -> Items:
        """An attribute that is a container is looked into: an object that keeps a registry is told by what came."""
        if issubclass(type(value), (dict, set, *_SEQUENCES)):
            return self._items_of(value)
        return {"": self._values.digest(value)}

    def _digested(self, pairs: Iterable[tuple[object, object]]) -> Items:
        return {self._values.digest(key): self._values.digest(each) for key, each in pairs}

    def _contents(self, module: ModuleType) -> Iterator[tuple[str, object]]:
        """The names of a module, and of the classes in it, with what they hold."""
        yield from self._held("", vars(module), vars(module).get("__name__"))

    def _held(self, prefix: str, namespace: Mapping[str, object], module: object) -> Iterator[tuple[str, object]]:
        for name, value in list(namespace.items()):
            if not isinstance(name, str) or (name.startswith("__") and name.endswith("__")):
                continue
            kind = type(value)
            if issubclass(kind, type):
                inner = _NAMESPACE.__get__(value)
                # Not another name of a class.
                own = type.__dict__["__qualname__"].__get__(value) == f"{prefix}{name}"
                if own and inner.get("__module__") == module:
                    yield from self._held(f"{prefix}{name}.", inner, module)
            elif kind not in (ModuleType, staticmethod, classmethod, property):
                yield f"{prefix}{name}", value

    def _relative(self, path: str) -> str:
        return os.path.relpath(path, self._project.root).replace(os.sep, "/")


def _number(value: object) -> int | None:
    """Where a counter stands, if it is one that can only go on; a number may also have been set."""
    found = _COUNT.fullmatch(repr(value)) if type(value) is itertools.count else None
    return int(found[1]) if found else None
