"""Which releases of which projects, and what their suites need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Release:
    """A source release that holds its own tests.

    `source` is the folder that goes on the import path, relative to the unpacked release; `tests` the folder
    that the suite lies in; `requirements` what the suite needs besides the project, each pinned by
    constraints.txt; `configured` tells whether the release configures pytest.
    """

    name: str
    version: str
    source: str
    tests: str
    requirements: tuple[str, ...]
    configured: bool = True


RELEASES: Mapping[str, Release] = MappingProxyType(
    {
        release.name: release
        for release in (
            Release("marshmallow", "4.4.0", "src", "tests", ("pytest", "simplejson")),
            Release("attrs", "26.1.0", "src", "tests", ("pytest", "cloudpickle", "hypothesis", "pympler")),
            Release("click", "8.5.1", "src", "tests", ("pytest",)),
            Release("networkx", "3.6.1", ".", "networkx", ("pytest",), configured=False),
            Release("toolz", "1.2.0", ".", "toolz", ("pytest",)),
            Release("mistune", "3.4.0", "src", "tests", ("pytest",)),
            Release("sqlparse", "0.6.1", ".", "tests", ("pytest",), configured=False),
            Release("cachetools", "8.0.1", "src", "tests", ("pytest",), configured=False),
            Release("glom", "25.12.0", ".", "glom/test", ("pytest", "PyYAML")),
            Release("itsdangerous", "2.2.0", "src", "tests", ("pytest", "freezegun")),
            Release("jinja2", "3.1.6", "src", "tests", ("pytest", "trio")),
        )
    }
)
