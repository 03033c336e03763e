"""Tells in little time that nothing has changed in what a value leads to, so that it needn't be digested again.

An import is compared with what others hold (:mod:`~aftershock_agent.written`), and most imports change nothing of it.
The garbage collector's view of an object, all that it refers to, is asked for in C, for thousands of objects at once.
While each of them refers to the very objects that it did, there is nothing new to be found behind any of them either.
"""

from __future__ import annotations

import collections
import functools
import gc
import operator
import re
import sys
import types
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any, cast

from aftershock_agent import class_shapes
from aftershock_agent.value_parts import ATOMS, NAMED, attributes_of, is_atom, is_stateless, slots_of

Look = tuple[str, frozenset[str]]
"""A digest, and the names of the project's classes and modules that its value leads to."""

_ATOMIC = frozenset({*ATOMS, re.Pattern, types.CodeType})
_CONTAINERS = frozenset({dict, list, tuple, set, frozenset, collections.deque})
_OPEN = frozenset(
    {
        *(list, tuple, set, frozenset, collections.deque, types.CellType, types.MethodType, staticmethod, classmethod),
        *(property, functools.partial, types.MappingProxyType, types.GenericAlias, types.UnionType, *NAMED),
        *(collections.defaultdict, collections.OrderedDict),
    }
)
"""Types of which the garbage collector is told all that their objects hold."""
_NAMESPACE = type.__dict__["__dict__"]
_QUALNAME = type.__dict__["__qualname__"]
_BOUNDARY = [object()]
"""Asked between any two objects, so that nothing can move unnoticed from the end of one to the start of the next."""


class Reach:
    """All that was found behind a value, with what it referred to then.

    It keeps that alive, else another object might come to stand in the place of one.  ``others`` are the reaches of the
    project's classes that it leads to and, of containers, of what they hold; None where one can't be told.
    """

    __slots__ = ("_asked", "_dicts", "_found", "_keys", "_named", "_names", "look", "others", "value")

    def __init__(
        self,
        value: object,
        asked: Iterable[object],
        dicts: list[dict[object, object]],
        named: Sequence[Callable[[], object]],
    ) -> None:
        """``asked`` is all behind the value that can change, ``dicts`` those among it.

        The garbage collector isn't told of keys that are strings, nor of what ``named`` tells: names.
        """
        self.value = value
        self._asked = [each for one in asked for each in (one, _BOUNDARY)]
        self._dicts = dicts
        self._named = named
        self._found, self._keys, self._names = self._ask()
        self.others: tuple[Reach | None, ...] = ()
        self.look: Look | None = None

    def is_as_it_was(self) -> bool:
        """Whether all of it refers to the same objects; of ``others``, this tells nothing."""
        try:
            found, keys, names = self._ask()
        except RuntimeError:  # a thread of the project puts something into a dictionary meanwhile
            return False
        return _are_same(found, self._found) and _are_same(keys, self._keys) and names == self._names

    def _ask(self) -> tuple[list[object], list[object], list[object]]:
        keys = list(chain.from_iterable(map(dict.__iter__, self._dicts)))
        return gc.get_referents(*self._asked), keys, [each() for each in self._named]


class Reaches:
    """Remembers the reaches of values, and what was made of these, for as long as imports follow one another."""

    def __init__(self, look: Callable[[object], Look], is_own: Callable[[object], bool]) -> None:
        """``look`` digests a value; ``is_own`` tells of the name of a module whether it is the project's."""
        self._look = look
        self._is_own = is_own
        self._known: dict[int, Reach | None] = {}
        self._obscure: dict[int, object] = {}
        self._atoms: dict[tuple[type, object], Look] = {}
        self._holding: dict[Reach, bool] = {}

    def begin(self) -> None:
        """Project code may have run since the last question."""
        self._holding.clear()
        self._obscure.clear()

    def forget(self) -> None:
        """Nothing is to be kept alive any more."""
        self.begin()
        self._known.clear()
        self._atoms.clear()

    def holds(self, reach: Reach | None) -> bool:
        """Whether nothing has changed behind a value since its reach was taken."""
        if reach is None:
            return False
        answer = self._holding.get(reach)
        if answer is None:
            answer = reach.is_as_it_was() and (self._have_held(reach.others) or self._follow(reach))
            self._holding[reach] = answer
        return answer

    def _have_held(self, reaches: Iterable[Reach | None]) -> bool:
        return all(reach is not None and self._holding.get(reach) for reach in reaches)

    def _follow(self, reach: Reach) -> bool:
        pending, seen = [reach], set[Reach]()
        for each in pending:
            known = self._holding.get(each)
            if known is None and not each.is_as_it_was():
                self._holding[each] = known = False
            if known is False:
                return False
            if known is None and each not in seen:
                seen.add(each)
                for other in each.others:
                    if other is None:
                        return False
                    pending.append(other)
        # None of them leads to one that has changed.
        self._holding.update(dict.fromkeys(seen, True))
        return True

    def of(self, value: object) -> Reach | None:
        """The reach of a value as it is now; None where it can't be told whether that changes."""
        if id(value) in self._obscure:
            return None
        known = self._known.get(id(value))
        if known is None or not self.holds(known):
            known = self._known[id(value)] = self._take(value)
        if known is None:
            self._obscure[id(value)] = value  # else it is searched again for each of its places
        return known

    def look(self, value: object) -> Look:
        """What was made of a value, from memory where it is as it was."""
        if is_atom(value):
            return self._look_at_atom(value)
        reach = self.of(value)
        if reach is None:
            return self._look(value)
        if reach.look is None:
            reach.look = self._look(value)
        return reach.look

    def _look_at_atom(self, value: object) -> Look:
        if type(value) in (float, complex):
            return self._look(value)  # 0.0 and -0.0 are equal, and differ
        found = self._atoms.get((type(value), value))
        if found is None:
            found = self._atoms[type(value), value] = self._look(value)
        return found

    def _take(self, value: object) -> Reach | None:
        """Anew: of the value, and of all classes that it leads to and that have changed."""
        pending, taken = [value], list[tuple[Reach, _Search]]()
        for each in pending:
            if each is value or not self.holds(self._known.get(id(each))):
                search = _Search(self._is_own, _is_among(type(each), _CONTAINERS))
                reach = self._known[id(each)] = search.reach(each)
                if reach is not None:
                    taken.append((reach, search))
                    pending += (other for other in search.others if other is not value)
        for reach, search in taken:
            reach.others = tuple(self._known.get(id(other)) for other in search.others)
            self._holding.pop(reach, None)
        return self._known[id(value)]


class _Search:
    """Looks for all that can change behind something; ``others`` are what has reaches of its own."""

    def __init__(self, is_own: Callable[[object], bool], by_element: bool) -> None:
        """``by_element``: what containers hold, other than containers, counts among the others."""
        self._is_own = is_own
        self._by_element = by_element
        self._asked: list[object] = []
        self._dicts: list[dict[object, object]] = []
        self._named: list[Callable[[], object]] = []
        self.others: list[object] = []

    def reach(self, value: object) -> Reach | None:
        """The reach of a value, without others."""
        try:
            is_class = issubclass(type(value), type)
            is_told = self._follow(self._of_class(cast("type", value)) if is_class else [value])
            return Reach(value, self._asked, self._dicts, self._named) if is_told else None
        except Exception:  # a foreign object that can't even be asked what it is has none
            return None

    def _of_class(self, cls: type) -> list[object]:
        """What makes the shape of a class; of other members, and of foreign bases, that none took another's place."""
        related: tuple[type, ...] = (*type.__dict__["__mro__"].__get__(cls), type(cls))
        for each in related:
            if each is cls or not self._is_own(each.__module__):
                namespace: Any = gc.get_referents(_NAMESPACE.__get__(each))
                self._asked += [each, *namespace]
                self._dicts += namespace
        self._name(cls)
        return [*related[1:], vars(cls).get("__annotations__"), *class_shapes.parts(cls, self._is_own)]

    def _follow(self, values: list[object]) -> bool:
        seen, queue = set[int](), list(values)
        for value in queue:
            kind = type(value)
            if _is_among(kind, _ATOMIC) or id(value) in seen:
                continue
            seen.add(id(value))
            if issubclass(kind, type) and self._is_own(cast("type", value).__module__):
                self.others.append(value)
            elif issubclass(kind, (type, types.ModuleType)):
                self._name(value)
            elif self._by_element and not _is_among(kind, _CONTAINERS):
                self.others.append(value)
            else:
                parts = self._parts(value, kind)
                if parts is None:
                    return False
                queue += parts
        return True

    def _parts(self, value: Any, kind: type) -> Iterable[object] | None:
        """What something holds; it is asked for from now on, unless it never changes."""
        if kind is functools._lru_cache_wrapper:
            return [value.__wrapped__, attributes_of(value)]  # what is in the cache is left out
        self._asked.append(value)
        if issubclass(kind, dict):
            self._dicts.append(value)
        if kind is dict:
            return [*value, *value.values()]
        if kind is property:
            self._named.append(lambda: [each is None for each in (value.fget, value.fset, value.fdel)])
        if _is_among(kind, _OPEN):
            return gc.get_referents(value)
        if kind is types.FunctionType:
            return self._parts_of_function(value)
        if not _is_transparent(kind):
            return () if is_stateless(kind) and not class_shapes.is_python(kind) else None
        return None if _lacks_slots(value, kind) else [kind, attributes_of(value), *gc.get_referents(value)]

    def _parts_of_function(self, function: Any) -> Iterable[object] | None:
        if self._is_foreign(function):
            self._name(function)
            return ()
        module = sys.modules.get(function.__globals__.get("__name__", ""))
        if module is None or vars(module) is not function.__globals__:
            return None  # a generated one, whose namespace may hold what counts
        annotations = function.__annotations__ if sys.version_info < (3, 14) else function.__annotate__
        own = attributes_of(function)
        return [function.__defaults__, function.__kwdefaults__, function.__closure__, own, annotations]

    def _name(self, value: Any) -> None:
        """From now on its names count too, and whether it is found under them."""
        is_own = self._is_own

        def of_module() -> object:
            name = vars(value).get("__name__")
            return name, is_own(name)

        def of_member() -> object:
            module = value.__module__
            qualname = _QUALNAME.__get__(value) if is_class else value.__qualname__
            return module, qualname, is_own(module), class_shapes.found_under(module, qualname) is value

        is_class = issubclass(type(value), type)
        self._named.append(of_module if issubclass(type(value), types.ModuleType) else of_member)

    def _is_foreign(self, function: types.FunctionType) -> bool:
        """Whether it counts by its name alone."""
        if self._is_own(function.__module__) or self._is_own(function.__globals__.get("__name__")):
            return False
        return class_shapes.found_under(function.__module__, function.__qualname__) is function


def _is_among(kind: type, kinds: frozenset[type]) -> bool:
    """Whether a type is one of some; classes whose metaclass is the project's may compare, or have no hash."""
    return type(kind) is type and kind in kinds


def _is_transparent(kind: type) -> bool:
    """Whether all that objects of a class hold is known to the garbage collector."""
    if issubclass(kind, (bytearray, BaseException)):
        return False
    return kind.__module__ == "typing" or not class_shapes.has_c_state(kind)


def _lacks_slots(value: object, kind: type) -> bool:
    """Whether a slot was never set: another one that gets what a first one had would look the same."""
    slots = sum(
        type(descriptor) is types.MemberDescriptorType and name not in ("__dict__", "__weakref__")
        for base in filter(class_shapes.is_python, kind.__mro__)
        for name, descriptor in vars(base).items()
    )
    return slots != 0 and slots != len(list(slots_of(value, kind)))


def _are_same(these: list[object], those: list[object]) -> bool:
    return len(these) == len(those) and all(map(operator.is_, these, those))
