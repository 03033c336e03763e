"""Code that gets at things by a name that it may have from elsewhere: only where it runs can a string be a name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set as AbstractSet

from aftershock.selection.details import DEFINITIONS, LOADED, STRINGS
from aftershock.selection.keys import Key, KeyKind
from aftershock.selection.mentions import COMPUTING, DEFERRED
from aftershock.selection.snapshot import Snapshot

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
_HARMLESS = frozenset({"pytest", "_pytest", "typing_extensions"})
"""Packages from elsewhere whose functions that take names are known, or that have none."""

_RESOLVING = ("logging.config", "pkgutil", "pydoc", "timeit", "runpy", "xmlrpc")
"""Modules of the standard library that make something of names which they are given."""


def body_key(path: str, function: str) -> Key:
    """The key of a function, as :class:`~aftershock.selection.details.Details` names it."""
    return Key(KeyKind.BODY, path, "" if function == DEFINITIONS else function)


def with_aliases(names: AbstractSet[str], snapshot: Snapshot) -> AbstractSet[str]:
    """Names, and all others that statements anywhere give to what they stand for."""
    found, pending = set(names), set(names)
    while pending:
        pending = {
            other
            for details in snapshot.details.values()
            for name, other in details.aliases
            if name in pending and other not in found
        }
        found |= pending
    return found


def asking_by_string(snapshot: Snapshot, imported: AbstractSet[Key]) -> frozenset[Key]:
    """The code that may ask something for a name which it has as a string; ``imported`` ran in imports."""
    return frozenset(_running(COMPUTING | LOADING, snapshot, imported))


def loading_by_string(snapshot: Snapshot, imported: AbstractSet[Key]) -> frozenset[Key]:
    """The code that may get at a module of which it has the name as a string; ``imported`` ran in imports."""
    return frozenset(_running(_REACHING, snapshot, imported))


def _resolves(modules: Iterable[str]) -> bool:
    """Whether one of these may get at things by strings that it is given, though the standard library's."""
    return any(name == each or name.startswith(f"{each}.") for name in modules for each in _RESOLVING)


def _running(names: AbstractSet[str], snapshot: Snapshot, imported: AbstractSet[Key]) -> Iterator[Key]:
    """The code that mentions one of some names; and of some files the key that stands for whoever has imported them.

    Those are files whose definitions, or functions that ran in an import, hand such a thing on or make something that
    will ask, and those that use packages which may do as they like with the strings they are given.
    """
    names, deferred = with_aliases(names, snapshot), with_aliases(DEFERRED, snapshot)
    for path, details in snapshot.details.items():
        functions = set(details.mentioning(names))
        handing = {each.removesuffix(LOADED) for each in functions if each.endswith(LOADED)}
        makes = {body_key(path, function) for function in (*details.mentioning(deferred), *handing)}
        hands_on = DEFINITIONS in handing or body_key(path, LOADED) in makes
        foreign = not _HARMLESS.issuperset(snapshot.third_party(path)) or _resolves(snapshot.imports[path].absolute)
        if hands_on or foreign or not makes.isdisjoint(imported):
            yield body_key(path, STRINGS)
        yield from (body_key(path, function) for function in functions)
