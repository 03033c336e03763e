"""What pytest has collected, as the server is told of it."""

from __future__ import annotations

import os
from typing import Any

import pytest

from aftershock_agent import messages
from aftershock_agent.recording import Project
from aftershock_agent.values import Values
from aftershock_agent.workers import shared_beyond_file

_GENERATE = "pytest_generate_tests"


class Items:
    """Describes items; what many of them share is worked out once."""

    def __init__(self, project: Project) -> None:
        """``project`` tells which values are the project's own."""
        self._project = project
        self._values = Values(project)
        self._fixtures: dict[int, tuple[object, str]] = {}

    def describe(self, items: list[pytest.Item]) -> list[messages.CollectedTest]:
        """Tell of the items of one collection."""
        self._values.forget()
        return [self._describe(item) for item in items]

    def _describe(self, item: pytest.Item) -> messages.CollectedTest:
        line = item.location[1]
        chain = item.nodeid.split("::", 1)[1:] or [item.name]
        names = _split_outside_brackets(chain[0])
        markers = sorted({marker.name for marker in item.iter_markers()})
        path = os.path.realpath(str(item.path))
        shared = shared_beyond_file(item)
        return messages.CollectedTest(item.nodeid, path, (line or 0) + 1, names, markers, shared, self._digest(item))

    def _digest(self, item: pytest.Item) -> str:
        """What collecting has made of it beside its function, in words: see :class:`messages.CollectedTest`."""
        callspec: Any = getattr(item, "callspec", None)
        parameters, reached = self._values.look(None if callspec is None else callspec.params)
        counted = parameters if self._is_generated(item) else "-"
        return " ".join((self._fixtures_of(item), counted, *sorted(reached)))

    def _is_generated(self, item: pytest.Item) -> bool:
        """Whether parameters may come from elsewhere than marks and fixtures, which count by themselves."""
        hook = item.ihook.pytest_generate_tests
        plugins = (getattr(each.plugin, "__file__", None) for each in hook.get_hookimpls())
        if any(isinstance(file, str) and self._project.path_of(file) is not None for file in plugins):
            return True
        scopes: tuple[Any, ...] = getattr(item, "module", None), getattr(item, "cls", None)
        return any(hasattr(scope, _GENERATE) for scope in scopes)

    def _fixtures_of(self, item: pytest.Item) -> str:
        info: Any = getattr(item, "_fixtureinfo", None)
        definitions = getattr(info, "name2fixturedefs", None)
        if definitions is None:
            return "-"
        known = self._fixtures.get(id(info))
        if known is None or known[0] is not info:
            parts = [(name, [_fixture(each) for each in definitions.get(name, ())]) for name in info.names_closure]
            known = self._fixtures[id(info)] = info, self._values.digest(parts)
        return known[1]


def _fixture(definition: Any) -> tuple[object, ...]:
    function: Any = definition.func
    name = getattr(function, "__module__", ""), getattr(function, "__qualname__", repr(type(function)))
    return definition.baseid, str(definition.scope), definition.params, name


def _split_outside_brackets(names: str) -> list[str]:
    """Split ``Class::test[a::b]`` at the separators that are not part of a parameter."""
    plain, bracket, parameter = names.partition("[")
    parts = plain.split("::")
    parts[-1] += bracket + parameter
    return parts
