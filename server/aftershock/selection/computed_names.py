"""Code that gets at things by a name that it may have from elsewhere: only where it runs can a string be a name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set as AbstractSet
from dataclasses import dataclass

from aftershock.selection.details import DEFINITIONS, IMPORTED, LOADED, STRINGS
from aftershock.selection.keys import Key
from aftershock.selection.mentions import COMPUTING, DEFERRED
from aftershock.selection.module_of import MAKES, MAKING, RENAMES, RENAMES_FOR_OTHERS
from aftershock.selection.name_index import NameIndex, body_key
from aftershock.selection.relations import last_of

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
_FRAMES = frozenset({"_getframe", "_getframemodulename", "currentframe", "stack", "f_globals", "f_back"})
"""Names of what tells code who calls it."""


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


def things_of(module: str, paths: Iterable[str], index: NameIndex) -> Iterator[Key]:
    """The code that makes classes and functions, or hands on functions, of the modules in some files of this name.

    Or that gives things this name of a module.
    """
    asked = {last_of(each) for functions in index.places_of(_FRAMES).values() for each in functions}
    making = index.places_of({*index.with_aliases(MAKING | _FRAMES | asked), MAKES})
    for path in paths:
        yield from (body_key(path, each) for each in making.get(path, ()))
        # Who has a method has an object of the class, and who has a function's own has made it.
        for name in index.with_aliases({each for each in index.functions_of(path) if each.isidentifier()}):
            yield from (body_key(other, each) for other, found in index.handing(name).items() for each in found)
    renaming, anywhere = index.places_of([RENAMES]), bool(index.places_of([RENAMES_FOR_OTHERS]))
    for path, functions in index.having(module).items():
        here = functions if anywhere else renaming.get(path, set()).intersection(functions)
        yield from (body_key(path, each) for each in here if each != DEFINITIONS)
    for path, found in index.places_of([module]).items():
        if STRINGS in found and (anywhere or DEFINITIONS in renaming.get(path, ())):
            yield body_key(path, IMPORTED)
