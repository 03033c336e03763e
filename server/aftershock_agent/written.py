"""What imports put into what other modules hold: registrations, found by comparing contents."""

from __future__ import annotations

import collections
import itertools
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any

from aftershock_agent.reaches import Look, Reach, Reaches
from aftershock_agent.recording import Project
from aftershock_agent.tables import GIVEN, OPAQUE, REACHES, WRITTEN
from aftershock_agent.value_parts import CONTENT, attributes_of, hashed, is_atom, slots_of
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
        self._reaches = Reaches(values.look, values.is_own)
        self._seen: dict[tuple[str, str], Reach | None] = {}

    def rest(self) -> None:
        """Imports are over for now: tests must find alive only what the project itself keeps alive."""
        self._reaches.forget()
        self._seen.clear()

    def begin(self, path: str, module: ModuleType, table: Mapping[str, str]) -> None:
        """The import of a file has ended, with this table: from now on others may change what it holds."""
        self._modules[path] = module
        self._reaches.begin()
        for name, value in self._contents(module):
            if type(value) is FunctionType:
                if value.__globals__ is vars(module):
                    self._values.note_names(value, f"{self._relative(path)}::{name}")
                if not value.__closure__:
                    continue
            told = "" if type(value) is FunctionType else table.get(name, "").partition("=")[0]
            self._digests[path, name] = told or self._reaches.look(value)[0]
            self._seen[path, name] = self._reaches.of(value)
            self._items.pop((path, name), None)
            self._numbers[path, name] = _number(value)

    def since(self, path: str, module: ModuleType, ran: Iterable[str]) -> dict[str, str]:
        """Rows for the table of a file whose import has ended: what has changed elsewhere since the last look.

        Looked at are the modules of which code ``ran`` in it, and those that it has imported by name.
        """
        rows: dict[str, str] = {}
        self._reaches.begin()
        for other in sorted({*ran, *self._imported_by(module)} - {path}):
            there = self._modules.get(other)
            for name, value in self._contents(there) if there is not None else ():
                if type(value) is FunctionType:
                    rows.update(self._names_given(value))
                    if not value.__closure__:
                        continue
                change = self._look((other, name), value)
                if change is not None:
                    row = f"{WRITTEN}{self._relative(other)}::{name}"
                    rows[row], reached = change
                    if reached:
                        rows[f"{row}.{REACHES}"] = " ".join(sorted(reached))
        return rows

    def _look(self, place: tuple[str, str], value: object) -> Look | None:
        """What has changed of something since the last look, and what that leads to; None for nothing."""
        last, seen = self._digests.get(place, ""), self._seen.get(place)
        if seen is not None and seen.value is value and self._reaches.holds(seen) and OPAQUE not in last[:2]:
            return None
        self._seen[place] = self._reaches.of(value)
        before = self._items.get(place)
        if before and self._seen[place] is not None:
            # It has changed before: what stays in it, of all that imports put there, isn't digested again.
            parts = Parts(value, self._reaches.look)
            if parts.items:
                self._items[place], self._digests[place] = parts.items, parts.digest
                changed = parts.digest != last or OPAQUE in last[:2]
                return (_difference(before, parts.items, parts.digest), parts.reached) if changed else None
        digest, reached = self._reaches.look(value)
        if digest == last and OPAQUE not in digest[:2]:
            return None
        self._digests[place] = digest
        return self._change(place, value, digest), reached

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
        parts = Parts(value, self._reaches.look)
        before, self._items[place] = self._items.get(place), parts.items
        if before is not None and parts.items:
            return _difference(before, parts.items, digest)
        if parts.items and self._seen.get(place) is not None:
            # From now on it is compared piece by piece.
            self._digests[place] = parts.digest
        return (OPAQUE if OPAQUE in digest[:2] else "") + hashed(digest)

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


class Parts:
    """What something holds, piece by piece: ``items`` to tell what came and went, and the ``digest`` of it all.

    ``reached`` are the names of the classes and modules that it leads to.
    """

    def __init__(self, value: object, look: Callable[[object], Look]) -> None:
        """``look`` digests a piece."""
        self._look = look
        self._told: list[str] = []
        self._obscure = False
        self._places: dict[int, int] = {}
        self._reached: set[str] = set()
        self.items: Items = self._items(value)
        self.reached = frozenset(self._reached)

    @property
    def digest(self) -> str:
        """Of all of it, in its order."""
        return (OPAQUE if self._obscure else "") + hashed("\0".join(self._told))

    def _look_at(self, value: object) -> str:
        digest, reached = self._look(value)
        self._reached |= reached
        self._obscure |= OPAQUE in digest[:2]
        return digest

    def _digest(self, value: object) -> str:
        digest = self._look_at(value)
        # One object in two places isn't two that look alike.
        place = "" if is_atom(value) else self._places.setdefault(id(value), len(self._places))
        self._told.append(f"{digest} {place}")
        return digest

    def _items(self, value: object) -> Items:
        kind = type(value)
        self._digest(kind)
        for base in (dict, set, *_SEQUENCES):
            if issubclass(kind, base):
                if kind is not base:
                    self._digest([attributes_of(value), *slots_of(value, kind)])
                return self._items_in(value, base)
        return {
            f"{where} {key}": told
            for where, each in [*(attributes_of(value) or {}).items(), *slots_of(value, kind)]
            for key, told in self._within(str(where), each).items()
        }

    def _items_in(self, container: Any, base: type) -> Items:
        content: Any = CONTENT[base](container)
        if base is set:
            found = sorted(map(self._look_at, content.elements))
            self._told += found
            return dict.fromkeys(found, "")
        # Where an element of a sequence stands is told by what stands before it.
        pairs = content if base is dict else zip(content, [None, *content], strict=False)
        return {self._digest(key): self._digest(each) for key, each in pairs}

    def _within(self, where: str, value: object) -> Items:
        """An attribute that is a container is looked into: an object that keeps a registry is told by what came."""
        self._told.append(where)
        if issubclass(type(value), (dict, set, *_SEQUENCES)):
            return self._items(value)
        return {"": self._digest(value)}


def _difference(before: Items, now: Items, digest: str) -> str:
    came, went = sorted(now.items() - before.items()), sorted(before.items() - now.items())
    return (OPAQUE if OPAQUE in digest[:2] else "") + hashed(f"{came} {went}")


def _number(value: object) -> int | None:
    """Where a counter stands, if it is one that can only go on; a number may also have been set."""
    found = _COUNT.fullmatch(repr(value)) if type(value) is itertools.count else None
    return int(found[1]) if found else None
