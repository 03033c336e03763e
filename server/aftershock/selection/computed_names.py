"""Code that gets at things by a name that it may have from elsewhere: only where it runs can a string be a name."""

from __future__ import annotations

from collections.abc import Iterator, Set as AbstractSet
from dataclasses import dataclass

from aftershock.selection.details import DEFINITIONS, IMPORTED, LOADED, STRINGS
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


@dataclass(frozen=True)
class ByString:
    """The code that may ask something for a name which it has as a string, or get at a module of that name."""

    asking: frozenset[Key] = frozenset()
    loading: frozenset[Key] = frozenset()


def by_string(snapshot: Snapshot, imported: AbstractSet[Key]) -> ByString:
    """Such code; ``imported`` are the functions that ran in imports."""
    deferred = with_aliases(DEFERRED, snapshot)
    found = (
        frozenset(_running(with_aliases(names, snapshot), deferred, snapshot, imported))
        for names in (COMPUTING | LOADING, _REACHING)
    )
    return ByString(*found)


def is_foreign(path: str, snapshot: Snapshot) -> bool:
    """Whether a file imports something that may do as it likes with what it is handed: strings, functions, classes."""
    names = snapshot.imports[path].absolute
    resolves = any(name == each or name.startswith(f"{each}.") for name in names for each in _RESOLVING)
    return resolves or not _HARMLESS.issuperset(snapshot.third_party(path))


def _running(
    names: AbstractSet[str], deferred: AbstractSet[str], snapshot: Snapshot, imported: AbstractSet[Key]
) -> Iterator[Key]:
    """The code that mentions one of some names; and of some files the key that stands for whoever has imported them.

    Those are files whose definitions, or functions that ran in an import, hand such a thing on or make something that
    will ask, and those that use packages which may do as they like with the strings they are given.
    """
    for path, details in snapshot.details.items():
        mentioning, making = set(details.mentioning(names)), set(details.mentioning(deferred))
        # That definitions mention something may only mean that they import it: what they do with it counts.
        later = {each.removesuffix(LOADED) for each in mentioning | making if each.endswith(LOADED)}
        later |= {each for each in making if each and not each.endswith((LOADED, STRINGS))}
        ran = DEFINITIONS in later or any(body_key(path, each) in imported for each in later)
        if ran or is_foreign(path, snapshot):
            yield body_key(path, IMPORTED)
        yield from (body_key(path, each) for each in mentioning if each and not each.endswith((LOADED, STRINGS)))
