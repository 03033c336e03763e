"""What the project's modules hold: compared before and after a run, to see that a test has left something there.

A look at the surface: names of modules, attributes of their classes and of objects of these, the elements of their
containers, how much their ``lru_cache``s hold.  What lies deeper isn't seen.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from aftershock_agent.recording import Project

_MANY = 10_000
"""Elements of a container beyond which only their number is compared."""

_PASSING = frozenset(("tearDown_exceptions",))
"""What running a test sets by itself: unittest's record of class cleanups."""

Shape = tuple[object, ...]


class ModuleState:
    """The modules of the project and the surface of what they hold, at one moment."""

    def __init__(self, project: Project) -> None:
        """Look now."""
        self.modules = dict(sys.modules)
        self._held = {
            name: {key: _shape(value, name) for key, value in _names(module)}
            for name, module in self.modules.items()
            if _is_of(project, module)
        }

    def changed_since(self, before: ModuleState) -> str:
        """The first thing that differs, in words that follow "left"; empty when nothing does.

        A library's module that was imported meanwhile is no difference.  One of the project's is: what ran in its
        import would be missing from what later tests depend on, and it may have seen what the test had set up.
        """
        for name, module in before.modules.items():
            if self.modules.get(name) is not module:
                return f"the module {name} replaced" if name in self.modules else f"the module {name} removed"
        for name in self.modules.keys() - before.modules.keys():
            if getattr(self.modules[name], "__spec__", None) is None:
                return f"something that was not imported in sys.modules[{name!r}]"
            if name in self._held:
                return f"the module {name} imported, which was not before"
        for name, held in before._held.items():
            key = _first_difference(held, self._held.get(name, {}))
            if key:
                return f"{name}.{key} changed"
        return ""


def _is_of(project: Project, module: object) -> bool:
    return isinstance(module, ModuleType) and project.path_of(getattr(module, "__file__", None) or "") is not None


def _names(owner: Any) -> Iterator[tuple[str, object]]:
    for key, value in list(vars(owner).items()):
        # Python and pytest keep notes of their own under such names (__warningregistry__, @pytest_ar).
        if not (key.startswith(("__", "@")) or key in _PASSING):
            yield key, value


def _shape(value: object, module: str) -> Shape:
    """What of a value is compared, each part by identity; the parts are kept alive, so that no id is used twice."""
    kind = type(value)  # isinstance would wake a lazy object, by asking it for its __class__
    if issubclass(kind, (list, tuple, set, frozenset, deque)):
        elements: Any = value
        return (value, len(elements), *(elements if len(elements) <= _MANY else ()))
    if issubclass(kind, dict):
        items: Any = value
        return (value, len(items), *(part for item in items.items() for part in item if len(items) <= _MANY))
    if kind.__module__ == module or (issubclass(kind, type) and vars(value).get("__module__") == module):
        return (value, _cached(value), *_inside(value))
    return (value, _cached(value))


def _inside(value: object) -> Iterator[object]:
    if hasattr(type(value), "__dict__") and hasattr(value, "__dict__"):
        for key, attribute in _names(value):
            yield key
            yield attribute
            if isinstance(attribute, (list, set, dict)):
                yield len(attribute)


def _cached(value: object) -> int:
    """How many results an ``lru_cache`` holds."""
    info = getattr(type(value), "cache_info", None)
    return int(value.cache_info().currsize) if info is not None else 0  # type: ignore[attr-defined]


def _first_difference(before: dict[str, Shape], after: dict[str, Shape]) -> str:
    for key in before.keys() | after.keys():
        old, new = before.get(key), after.get(key)
        if old is None or new is None or not _same(old, new):
            return key
    return ""


def _same(old: Shape, new: Shape) -> bool:
    # Identity, for == may run the project's code; numbers of elements are small integers or equal ones.
    return len(old) == len(new) and all(
        mine is theirs or (type(mine) is type(theirs) is int and mine == theirs)
        for mine, theirs in zip(old, new, strict=True)
    )
