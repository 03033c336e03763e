"""Digests of what a module's names are bound to: equal ones mean that no code can tell the values apart.

After an edit the project is imported again anyway, so what came out is compared with what came out before, name by
name and, of a class, member by member.  A value counts by what it holds, all the way down:

- data by type and content; a function by its signature, closure, attributes and name, but not by its body, which is
  recorded where it runs (a lambda's, or one without a source, is part of it); its docstring has a name of its own,
  ``f.__doc__``, and so have its defaults, annotations and kind (:mod:`~aftershock_agent.tables`), if it runs as f;
- a class by its *shape*: metaclass, annotations, layout in memory, and what code outside the project may look up by
  name; all else in it has names of its own, ``C.member``, and its bases ``C.<family>``.  A class whose readers can't be
  told has everything in its shape;
- an object by its class and attributes; what C code keeps by how it would be pickled.  What can't be looked into is
  *opaque*, and marked so.

No code of the project runs meanwhile: attributes are taken from where they are kept.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Sequence, Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from aftershock_agent import class_shapes
from aftershock_agent.recording import Project
from aftershock_agent.tables import (
    ANNOTATED,
    ATTRIBUTES,
    DOCSTRING,
    FAMILY,
    FUNCTION,
    GIVEN,
    INSPECTED,
    KIND,
    REACHES,
    SEEN,
)
from aftershock_agent.value_parts import ATOMS, NAMED, hashed
from aftershock_agent.value_walk import MADE, Known, Walk

_MACHINERY = frozenset(
    {
        *("__builtins__", "__cached__", "__file__", "__loader__", "__name__", "__package__", "__path__", "__spec__"),
        *("__warningregistry__", "__annotate__", "__conditional_annotations__", "@py_builtins", "@pytest_ar"),
        DOCSTRING,
    }
)
"""Names in a module that its import puts there, the same for the same file."""


@dataclass
class Named:
    """The names of a function, which is kept so that no other has its ``id``."""

    function: types.FunctionType
    place: str
    at_home: tuple[str, ...]
    told: tuple[str, ...]


class Values:
    """Digests values; remembers the shapes of classes until :meth:`forget`."""

    def __init__(self, project: Project) -> None:
        """``project`` tells which functions and classes are the project's own."""
        self._known = Known(project)
        self._owners: dict[int, tuple[str, object]] = {}
        self._named: dict[int, Named] = {}

    def forget(self) -> None:
        """Shapes may have changed."""
        self._known.forget()

    def is_own(self, name: object) -> bool:
        """Whether a module of this name is the project's."""
        return self._known.is_own(name)

    def home_of(self, value: object) -> str | None:
        """The file that had this very object first, where one did whose objects others may import."""
        owner = self._owners.get(id(value))
        return owner[0].partition("::")[0] if owner is not None and owner[1] is value else None

    def note_names(self, function: types.FunctionType, place: str) -> None:
        """The import of a function's module has ended: what others name it from now on is theirs to tell.

        ``place`` is where the function is, the file and its qualified name; of several, the first one counts.
        """
        if id(function) not in self._named:
            self._named[id(function)] = Named(function, place, _names_of(function), _names_of(function))

    def renamed(self, function: types.FunctionType) -> Named | None:
        """What is known of a function that has other names than were last told; they are told now."""
        named, now = self._named.get(id(function)), _names_of(function)
        if named is None or named.told == now:
            return None
        named.told = now
        return named

    def _names_at_home(self, function: types.FunctionType) -> tuple[str, ...]:
        """Those that its own module gave it; others have rows, of who gave them or of the next who imports it."""
        named = self._named.get(id(function))
        return named.at_home if named is not None else _names_of(function)

    def table(self, module: types.ModuleType, path: str, shared: bool) -> dict[str, str]:
        """The digests of all that ``module``, imported from ``path``, binds: by name, members by qualified name.

        ``shared``: other modules may import from it, so that its objects are known by their names in it.
        """
        self.forget()
        found: dict[str, str] = {}
        for name, value in sorted(vars(module).items(), key=lambda item: str(item[0])):
            if name in _MACHINERY or not isinstance(name, str):
                continue
            if type(value) is types.FunctionType and _home(value) != module.__name__:
                self._note_imported(name, value, found)
            else:
                self._note(name, value, found, self._own_functions(value, name, module.__name__))
            found[name] += self._owner(value, f"{path}::{name}", shared)
            if type(value) is types.FunctionType and _home(value) == module.__name__:
                self._function(name, value, found)
            elif _is_class(value) and value.__module__ == module.__name__:
                self._members(value, found)
        found[DOCSTRING] = self.digest(vars(module).get(DOCSTRING))
        return found

    def digest(self, value: object) -> str:
        """Of any value; begins with ``tables.OPAQUE`` where it holds something that can't be looked into."""
        return self.look(value)[0]

    def look(self, value: object) -> tuple[str, frozenset[str]]:
        """The digest of a value, and the names of the project's classes and modules that it leads to."""
        walk = Walk(self._known)
        walk.take(value)
        return walk.digest, frozenset(walk.reached)

    def _note(self, name: str, value: object, found: dict[str, str], own: Sequence[types.FunctionType]) -> None:
        walk = Walk(self._known, own)
        walk.take(value)
        reached = walk.reached
        if own:
            defaults, annotations = Walk(self._known), Walk(self._known)
            for function in own:
                defaults.take_defaults(function)
                annotations.take_annotations(function)
            found[f"{name}.{INSPECTED}"] = defaults.digest
            kinds = [each.__code__.co_flags & MADE for each in own]
            if any(kinds):
                found[f"{name}.{KIND}"] = str(kinds)
            if not annotations.is_empty:
                found[f"{name}.{ANNOTATED}"] = annotations.digest
            reached |= defaults.reached | annotations.reached
        self._enter(name, walk.digest, reached, found)

    def _note_imported(self, name: str, value: types.FunctionType, found: dict[str, str]) -> None:
        """A function of another module: the table of that one tells the rest, if it is known there under its name.

        Where its own module has named it otherwise, that has a row of its own.
        """
        home, qualname = _home(value), getattr(value.__code__, "co_qualname", value.__qualname__)
        known = class_shapes.found_under(home, qualname) is value and self._is_recorded(value, qualname, str(home))
        walk = Walk(self._known, [value], f"{home}:{qualname}") if known else Walk(self._known)
        walk.take(value)
        self._enter(name, walk.digest, walk.reached, found)
        given = self._names_at_home(value)
        if known and given != (home, qualname, qualname.rpartition(".")[2]):
            found[f"{name}.{GIVEN}"] = hashed(str(given))

    @staticmethod
    def _enter(name: str, digest: str, reached: AbstractSet[str], found: dict[str, str]) -> None:
        found[name] = digest
        if reached:
            found[f"{name}.{REACHES}"] = " ".join(sorted(reached))

    def _own_functions(self, value: Any, name: str, module: str) -> list[types.FunctionType]:
        """The functions that a value consists of, if running one of them is recorded under this very name."""
        if type(value) is property:
            found = [value.fget, value.fset, value.fdel]
        else:
            found = [value.__func__ if type(value) in (staticmethod, classmethod) else value]
        return [each for each in found if type(each) is types.FunctionType and self._is_recorded(each, name, module)]

    def _is_recorded(self, function: types.FunctionType, name: str, module: str) -> bool:
        code = function.__code__
        if _home(function) != module or not self._known.is_own_code(code):
            return False
        if sys.version_info >= (3, 11):
            return code.co_qualname == name
        # A wrapper that bears the name of what it wraps has that at hand.
        wraps = function.__closure__ or function.__dict__
        given = function.__module__ == module and function.__qualname__ == name
        return given and code.co_name == name.rpartition(".")[2] and not wraps

    def _owner(self, value: object, name: str, shared: bool) -> str:
        """Two names of one object that can change are not two objects that look the same: its first name, in short."""
        if type(value) not in (dict, list, set, bytearray) and not self._known.is_own(type(value).__module__):
            return ""
        if issubclass(type(value), (type, types.ModuleType, types.FunctionType, *NAMED, *ATOMS)):
            return ""
        owner = self._owners.get(id(value))
        if owner is None or owner[1] is not value:
            if shared:
                self._owners[id(value)] = name, value
            return ""
        return "" if owner[0] == name else f"={hashed(owner[0])}"

    def _members(self, cls: type, found: dict[str, str]) -> None:
        qualname = cls.__qualname__
        if "<" in qualname or f"{qualname}." in found:
            return
        found[f"{qualname}."] = ""
        for name, value in class_shapes.told_by_name(cls, self._known.is_own):
            own = self._own_functions(value, f"{qualname}.{name}", cls.__module__)
            self._note(f"{qualname}.{name}", value, found, own)
            plain = value.__func__ if type(value) in (staticmethod, classmethod) else value
            if type(plain) in (types.FunctionType, property):
                self._function(f"{qualname}.{name}", plain, found)
            elif _is_class(value) and value.__qualname__ == f"{qualname}.{name}":
                self._members(value, found)
        found[f"{qualname}.{DOCSTRING}"] = self.digest(vars(cls).get(DOCSTRING))
        found[f"{qualname}.{FAMILY}"] = " ".join(class_shapes.family(cls, self._known.is_own))
        seen = class_shapes.seen(cls, self._known.is_own)
        if seen:
            found[f"{qualname}.{SEEN}"] = " ".join(seen)
        del found[f"{qualname}."]

    def _function(self, name: str, function: Any, found: dict[str, str]) -> None:
        """What stands of a function beside its value, which is noted already."""
        found[name] = FUNCTION + found[name]
        found[f"{name}.{DOCSTRING}"] = self.digest(function.__doc__)
        attributes = None if type(function) is property else function.__dict__
        if attributes:
            found[f"{name}.{ATTRIBUTES}"] = self.digest(attributes)


def _names_of(function: types.FunctionType) -> tuple[str, ...]:
    return function.__module__, function.__qualname__, function.__name__


def _home(function: types.FunctionType) -> object:
    """The name of the module that a function is from, whatever name of one it was given."""
    return function.__globals__.get("__name__")


def _is_class(value: Any) -> bool:
    """As ``isinstance`` would tell, which asks an object what it is, and may run code of its class."""
    return issubclass(type(value), type)
