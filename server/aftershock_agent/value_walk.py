"""One value, all the way down: its digest, and which of the project's classes and modules it leads to."""

from __future__ import annotations

import copyreg
import hashlib
import marshal
import sys
import types
from collections.abc import Iterable
from typing import Any, cast

from aftershock_agent import class_shapes
from aftershock_agent.recording import Project
from aftershock_agent.tables import MODULE, OPAQUE
from aftershock_agent.value_kinds import PLAIN, SPECIAL
from aftershock_agent.value_parts import (
    CONTENT,
    Unordered,
    attributes_of,
    hashed,
    is_stateless,
    slots_of,
)

_LONG = 500  # elements of a container from which on C code is tried
_BEYOND_CALLS = 0x40 | 0x4000000  # CO_NOFREE, CO_HAS_DOCSTRING: no caller can tell
MADE = 0x20 | 0x80 | 0x100 | 0x200
"""The flags of code that is a generator or coroutine: calling it runs nothing yet."""


class Known:
    """What several walks share: the shapes of classes, and what is the project's own."""

    def __init__(self, project: Project) -> None:
        """``project`` tells which functions and classes are its own."""
        self._project = project
        self.shapes: dict[type, tuple[str, frozenset[str]]] = {}
        self.open: dict[type, int] = {}
        self.provisional: dict[type, tuple[str, frozenset[str]]] = {}
        self._homes: dict[str, bool] = {}

    def forget(self) -> None:
        """Shapes may have changed."""
        self.shapes.clear()
        self._homes.clear()

    def is_own(self, name: object) -> bool:
        """Whether a module of this name is the project's, or nobody's that is known."""
        if not isinstance(name, str):
            return True
        known = self._homes.get(name)
        if known is None:
            module = sys.modules.get(name)
            file = getattr(module, "__file__", None)
            known = module is None or (isinstance(file, str) and self._project.path_of(file) is not None)
            self._homes[name] = known
        return known

    def is_own_code(self, code: types.CodeType) -> bool:
        """Whether code is of a source of the project, and so is recorded when it runs."""
        return self._project.path_of(code.co_filename) is not None


class Walk:
    """One value, all the way down."""

    def __init__(self, known: Known, apart: Iterable[types.FunctionType] = (), named: str = "") -> None:
        """``apart``: functions of which what is inspected is told elsewhere; ``named``: what these are known by."""
        self._known = known
        self._apart = frozenset(map(id, apart))
        self._named = named
        self._out: list[str] = []
        self._seen: dict[int, int] = {}
        self._kept: list[object] = []  # what was made on the way: an id is taken as long as its object lives
        self.opaque = False
        self.lowest = sys.maxsize
        self.reached: set[str] = set()

    @property
    def digest(self) -> str:
        """Of all that was taken in so far."""
        return (OPAQUE if self.opaque else "") + hashed("\0".join(self._out))

    @property
    def is_empty(self) -> bool:
        """Whether nothing was taken in."""
        return not (self._out or self.opaque)

    def note(self, text: str) -> None:
        """Something to tell values apart by."""
        self._out.append(text)

    def take(self, value: object) -> None:
        """Take in a value; never raises."""
        try:
            self.take_next(value)
        except RecursionError:
            self.obscure("too deep")
        except Exception as error:  # a foreign object that can't even be asked what it is
            self.obscure(f"{type(error).__name__}")

    def obscure(self, what: str) -> None:
        """Here is something that can't be looked into."""
        self.opaque = True
        self.note(f"opaque {what}")

    def take_next(self, value: object) -> None:
        """Take in another value of the same walk; may raise whatever a strange object raises."""
        kind = type(value)
        if kind in PLAIN:
            self.note(PLAIN[kind](value))
            return
        if issubclass(kind, type):
            self.take_class(cast("type", value))
            return
        if issubclass(kind, types.ModuleType):
            name = str(vars(cast("types.ModuleType", value)).get("__name__"))
            self.note(f"module {name}")
            if self._known.is_own(name):
                self.reached.add(MODULE + name.rpartition(".")[2])
            return
        place = self._seen.get(id(value))
        if place is not None:
            self.note(f"again {place}")
            return
        self._seen[id(value)] = len(self._seen)
        self._kept.append(value)
        special = SPECIAL.get(kind)
        if special is not None:
            special(self, value)
        elif kind.__module__ == "typing" or kind is types.GenericAlias:
            self._typing(value)
        else:
            self._object(value, kind)

    def each(self, name: str, elements: Iterable[object]) -> None:
        """A kind of value that holds others."""
        elements = list(elements)
        self.note(f"{name} {len(elements)}")
        for element in elements:
            self.take_next(element)

    def unordered(self, name: str, elements: Iterable[object]) -> None:
        """Others, in no order that counts."""
        found = []
        for element in elements:
            walk = self.beside()
            walk.take(element)
            found.append(walk.digest)
            self.absorb(walk)
        self.note(f"{name} {','.join(sorted(found))}")

    def beside(self) -> Walk:
        """A walk of its own, for what is digested apart."""
        walk = Walk(self._known)
        walk._seen = dict(self._seen)
        return walk

    def absorb(self, walk: Walk) -> None:
        """What a walk beside this one came across."""
        self.opaque |= walk.opaque
        self.reached |= walk.reached
        self.lowest = min(self.lowest, walk.lowest)
        self._kept.append(walk._kept)

    def items(self, name: str, value: Any, pairs: Iterable[tuple[object, object]]) -> None:
        """Pairs of keys and values, in their order."""
        pairs = list(pairs)
        if len(pairs) > _LONG and self._by_marshal(value):
            return
        self.note(f"{name} {len(pairs)}")
        for key, each in pairs:
            self.take_next(key)
            self.take_next(each)

    def sequence(self, name: str, value: Any, elements: Iterable[object]) -> None:
        """Elements in order."""
        elements = list(elements)
        if len(elements) > _LONG and self._by_marshal(value):
            return
        self.each(name, elements)

    def _by_marshal(self, value: Any) -> bool:
        try:
            data = marshal.dumps(value, 2)  # without references: by content alone
        except ValueError:
            return False
        self.note(f"{type(value).__name__} {hashlib.blake2b(data, digest_size=12).hexdigest()}")
        return True

    def take_class(self, cls: type) -> None:
        """A class by its name, the project's own by its shape too."""
        name = f"{cls.__module__}:{cls.__qualname__}"
        if not self._known.is_own(cls.__module__):
            self.note(f"class {name}")
            return
        self.reached.add(cls.__qualname__.rpartition(".")[2])
        depth = self._known.open.get(cls)
        if depth is not None:
            self.lowest = min(self.lowest, depth)
            self.note(f"class {name}, being looked at")
            return
        known = self._known.shapes.get(cls)
        if known is None and cls in self._known.provisional:
            known, self.lowest = self._known.provisional[cls], 0  # what it lacks is told further up
        if known is None:
            known = self._shape(cls)
        digest, reached = known
        self.opaque |= digest.startswith(OPAQUE)
        self.reached |= reached
        self.note(f"class {name} {digest}")

    def _shape(self, cls: type) -> tuple[str, frozenset[str]]:
        own = len(self._known.open)
        self._known.open[cls] = own
        walk = Walk(self._known)
        try:
            for part in class_shapes.parts(cls, self._known.is_own):
                walk.take(part)
        finally:
            del self._known.open[cls]
        found = walk.digest, frozenset(walk.reached)
        if walk.lowest >= own:
            self._known.shapes[cls] = found  # it is all there: nothing in it was cut short further up
        else:
            self.lowest = min(self.lowest, walk.lowest)
            self._known.provisional[cls] = found
        if not self._known.open:
            self._known.provisional.clear()
        return found

    def function(self, value: types.FunctionType) -> None:
        """All but the body, where that is recorded."""
        code, own = value.__code__, self._known.is_own_code(value.__code__)
        name = f"{value.__module__}:{value.__qualname__}"
        foreign = not own and not self._known.is_own(value.__module__)
        if foreign and class_shapes.found_under(value.__module__, value.__qualname__) is value:
            self.note(f"function {name}")
            return
        apart = id(value) in self._apart
        if apart and self._named:
            name = self._named
        flags = code.co_flags & ~(_BEYOND_CALLS | MADE if apart else _BEYOND_CALLS)
        counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, flags)
        stars = bool(code.co_flags & 4) + bool(code.co_flags & 8)
        arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + stars]
        ran_as = getattr(code, "co_qualname", code.co_name)  # a wrapper bears the name of what it wraps
        self.note(f"def {name} {ran_as} {counts} {arguments} {code.co_freevars}")
        if apart:
            self.note(f"defaults {len(value.__defaults__ or ())} {sorted(value.__kwdefaults__ or ())}")
        else:
            self.take_next(value.__defaults__)
            self.take_next(value.__kwdefaults__)
            self.annotations(value)
        attributes = value.__dict__
        if attributes:
            self.items("attributes", attributes, attributes.items())
        for cell in value.__closure__ or ():
            self.cell(cell)
        if not own or code.co_name.startswith("<"):
            self.code(code)
            if not own:
                self._globals(value)

    def take_defaults(self, function: types.FunctionType) -> None:
        """Take in what of a function only its own body sees, or who inspects it; never raises."""
        self.take(function.__defaults__)
        self.take(function.__kwdefaults__)

    def take_annotations(self, function: types.FunctionType) -> None:
        """Take in what of a function only those see who inspect it; never raises."""
        try:
            self.annotations(function)
        except Exception as error:  # as in take()
            self.obscure(f"{type(error).__name__}")

    def cell(self, cell: types.CellType) -> None:
        """A variable of an enclosing function."""
        try:
            content = cell.cell_contents
        except ValueError:
            self.note("empty cell")
            return
        self.take_next(content)

    def annotations(self, value: Any) -> None:
        """Names of types say enough; evaluated lazily, from 3.14 on, they are taken as code."""
        lazy = getattr(value, "__annotate__", None)
        if isinstance(lazy, types.FunctionType):
            self.code(lazy.__code__)
            return
        found = value.__annotations__ if isinstance(value, types.FunctionType) else value
        for name, annotation in (found or {}).items() if isinstance(found, dict) else ():
            self.note(str(name))
            if type(annotation) is type:
                self.note(f"{annotation.__module__}:{annotation.__qualname__}")
            else:
                self.take_next(annotation)

    def code(self, code: types.CodeType) -> None:
        """Code, by what it does."""
        self.note(f"code {code.co_code.hex()} {code.co_names} {code.co_varnames} {code.co_freevars}")
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                self.code(constant)
            else:
                self.take_next(constant)

    def _globals(self, value: types.FunctionType) -> None:
        """A generated function's namespace may be no module's, and hold defaults (attrs does so)."""
        module = sys.modules.get(value.__globals__.get("__name__", ""))
        if module is not None and vars(module) is value.__globals__:
            return
        for name in sorted({*value.__code__.co_names} & {name for name in value.__globals__ if isinstance(name, str)}):
            self.note(name)
            self.take_next(value.__globals__[name])

    def _typing(self, value: object) -> None:
        attributes = getattr(value, "__dict__", None) or {}
        self.note(f"typing {type(value).__qualname__} {attributes.get('_name')} {attributes.get('__name__')}")
        if type(value) is types.GenericAlias or "__args__" in attributes:
            self.take_next(getattr(value, "__origin__", None))
            self.take_next(getattr(value, "__args__", None))
            self.take_next(attributes.get("__metadata__"))
        elif "__origin__" not in attributes and not attributes:
            self.note(repr(value))
        else:
            self.take_next({name: each for name, each in attributes.items() if not callable(each)})

    def _object(self, value: object, kind: type) -> None:
        self.take_class(kind)
        content = next((base for base in kind.__mro__ if base in CONTENT), None)
        if content is not None:
            held = CONTENT[content](value)
            self.unordered("set", held.elements) if isinstance(held, Unordered) else self.take_next(held)
        attributes = attributes_of(value)
        if attributes is not None:
            self.items("attributes", attributes, attributes.items())
        self.items("slots", None, slots_of(value, kind))
        if content is None and class_shapes.has_c_state(kind):
            self._reduced(value, kind)

    def _reduced(self, value: Any, kind: type) -> None:
        """What C code keeps, as pickle would have it."""
        name = f"{kind.__module__}.{kind.__qualname__}"
        if is_stateless(kind):
            return
        if not class_shapes.may_reduce(kind, self._known.is_own):
            self.obscure(name)
            return
        known = copyreg.dispatch_table.get(kind)
        try:
            reduced = known(value) if known is not None else value.__reduce_ex__(4)
        except Exception:
            self.obscure(name)
            return
        if isinstance(reduced, str):
            self.note(reduced)
            return
        self._kept.append(reduced)
        maker, arguments, *rest = cast("tuple[Any, ...]", reduced)
        self.each("reduced", [maker, arguments, *(list(part) if hasattr(part, "__next__") else part for part in rest)])
