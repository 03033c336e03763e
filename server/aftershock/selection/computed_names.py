"""Code that gets at things by a name that it may have from elsewhere: only where it runs can a string be a name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set as AbstractSet
from dataclasses import dataclass

from aftershock.selection.details import DEFINITIONS, IMPORTED, LOADED, STRINGS
from aftershock.selection.keys import Key
from aftershock.selection.mentions import COMPUTING, DEFERRED
from aftershock.selection.name_index import NameIndex, body_key

LOADING = frozenset(
    {
        *("import_module", "__import__", "modules", "import_string", "getmodule", "reload", "importorskip"),
        *("find_spec", "exec_module", "load_module", "resolve_name", "run_module", "run_path", "locate"),
    }
)
"""Names of what gets at a module by a computed name."""
_REACHING = frozenset(
    {
        *LOADING,
        *("getattr", "attrgetter", "getattr_static", "patch", "exec", "eval"),
        *("vars", "globals", "locals", "__dict__", "f_globals", "f_locals"),
    }
)
"""The same, and of what gets at a module where another one has it."""


@dataclass(frozen=True)
class ByString:
    """The code that may ask something for a name which it has as a string, or get at a module of that name."""

    asking: frozenset[Key] = frozenset()
    loading: frozenset[Key] = frozenset()


def by_string(index: NameIndex, imported: AbstractSet[Key]) -> ByString:
    """Such code; ``imported`` are the functions that ran in imports."""
    deferred = index.places_of(index.with_aliases(DEFERRED))
    found = (
        frozenset(_running(index.places_of(index.with_aliases(names)), deferred, index, imported))
        for names in (COMPUTING | LOADING, _REACHING)
    )
    return ByString(*found)


def _running(
    mentioning: Mapping[str, AbstractSet[str]],
    deferred: Mapping[str, AbstractSet[str]],
    index: NameIndex,
    imported: AbstractSet[Key],
) -> Iterator[Key]:
    """Code that mentions one of some names; and of some files the key that stands for whoever has imported them.

    Those are files whose definitions, or functions that ran in an import, hand such a thing on or make something that
    will ask, and those that use packages which may do as they like with the strings they are given.
    """
    for path in mentioning.keys() | deferred.keys() | index.foreign:
        found, making = mentioning.get(path, set()), deferred.get(path, set())
        # That definitions mention something may only mean that they import it: what they do with it counts.
        later = {each.removesuffix(LOADED) for each in found | making if each.endswith(LOADED)}
        later |= {each for each in making if each and not each.endswith((LOADED, STRINGS))}
        ran = DEFINITIONS in later or any(body_key(path, each) in imported for each in later)
        if ran or path in index.foreign:
            yield body_key(path, IMPORTED)
        yield from (body_key(path, each) for each in found if each and not each.endswith((LOADED, STRINGS)))
