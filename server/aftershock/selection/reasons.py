"""Why a test is affected, in words."""

from __future__ import annotations

from collections.abc import Sequence, Set as AbstractSet
from dataclasses import dataclass

from aftershock.selection.concern_search import EFFECTS
from aftershock.selection.details import STRINGS
from aftershock.selection.keys import TEXT, Key, KeyKind
from aftershock.selection.listing import LAMBDAS
from aftershock.selection.relations import BESIDE, written_place
from aftershock.selection.resolver import ABSENT
from aftershock.selection.snapshot import Snapshot
from aftershock_agent.modules_got import GOT
from aftershock_agent.tables import ANNOTATED, DOCSTRING, FAMILY, GIVEN, INSPECTED, KIND, WRITTEN


@dataclass(frozen=True)
class Reason:
    """One cause: the key that moved (None: there is no fact to compare with), and a short sentence.

    ``recorded`` is the key's digest in the fact; ``names`` are the symbols of the key's file that have changed, where
    these are known.
    """

    key: Key | None
    text: str
    recorded: str = ""
    names: AbstractSet[str] = frozenset()


NEVER_RUN = Reason(None, "never run")
OTHER_VARIANT = Reason(None, "never run with this Python")

_NAMED = 3
"""How many names a sentence lists."""
_EFFECTS_IN_WORDS = "what its import does"
_BESIDE_IN_WORDS = {
    DOCSTRING: "docstring",
    INSPECTED: "defaults",
    KIND: "kind",
    ANNOTATED: "annotations",
    FAMILY: "bases",
}

_CODE_IN_WORDS = {LAMBDAS: "a lambda", STRINGS: "a string", GOT: "code that lists what is"}

_FIXED = {
    KeyKind.CONFIG: "configuration changed",
    KeyKind.DIST: "installed packages changed",
    KeyKind.COLLECT: "its parameters or fixtures changed",
    KeyKind.DIR: "a source file was added or removed",
    KeyKind.PROJECT: "a source file changed, and the test did what recording can't follow",
}


def reason_for(key: Key, recorded: str, snapshot: Snapshot, names: AbstractSet[str] | None = None) -> Reason:
    """Why ``key``, recorded with this digest, doesn't match the present; ``names`` of a file have other values now."""
    if names:
        return Reason(key, f"{key.path}: {_listed(names)} changed", recorded, names)
    body = frozenset({key.name} if key.kind is KeyKind.BODY else ())
    return Reason(key, _FIXED.get(key.kind) or _text(key, recorded, snapshot), recorded, body)


def in_words(functions: Sequence[Key]) -> str:
    """Some functions, with their files."""
    shown = [f"{_code_in_words(key.name)} in {key.path}" for key in functions[:_NAMED]]
    more = len(functions) - _NAMED
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _code_in_words(function: str) -> str:
    """A function, or the other code that a key's name stands for."""
    name = function.partition("<")[0].rstrip(".")
    return name or _CODE_IN_WORDS.get(function, "the code outside of functions")


def _listed(names: AbstractSet[str]) -> str:
    """Some names, the plainest first: members before the classes that hold them say more, but are many."""
    plain = sorted(set(map(_in_words, names)))
    shown = plain[:_NAMED]
    return ", ".join(shown) + (f" and {len(plain) - _NAMED} more" if len(plain) > _NAMED else "")


def _in_words(name: str) -> str:
    if name == EFFECTS:
        return _EFFECTS_IN_WORDS
    if name.startswith(WRITTEN):
        path, what = written_place(name.removesuffix(f".{GIVEN}"))
        return f"what it puts into {what} of {path}"
    owner, _, beside = name.rpartition(".")
    if beside in _BESIDE_IN_WORDS:
        return f"{owner or 'the module'}'s {_BESIDE_IN_WORDS[beside]}"
    return owner if beside in BESIDE else name


def _text(key: Key, recorded: str, snapshot: Snapshot) -> str:
    now = snapshot.digest(key)
    symbols = snapshot.symbols.get(key.path)
    if key.kind is KeyKind.ABSENT:
        if recorded == ABSENT and now != ABSENT:
            return f"{now} was added"
        return f"{key.name or key.path} was {recorded} and is {now}"
    if key.kind in (KeyKind.BODY, KeyKind.DEF, KeyKind.IMPORT) and symbols is None:
        return f"{key.path} was removed"
    if symbols is not None and symbols.error is not None:
        return f"{key.path}: {symbols.error.message} in line {symbols.error.line}"
    if key.kind is KeyKind.BODY:
        return f"{key.path}: {key.name} was removed" if now == ABSENT else f"{key.path}: body of {key.name} changed"
    if key.kind in (KeyKind.DEF, KeyKind.IMPORT):
        return f"{key.path}: definitions changed"
    if key.kind is KeyKind.FILE and key.name == TEXT:
        return f"{key.path}: lines changed that the failure may quote"
    return f"{key} changed"
