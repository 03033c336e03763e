"""What modules' names were bound to, as tables of digests: how two of them differ, and how values hang together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set as AbstractSet
from dataclasses import dataclass, field

from aftershock_agent.tables import (
    ANNOTATED,
    ATTRIBUTES,
    DOCSTRING,
    FAMILY,
    FUNCTION,
    GIVEN,
    INSPECTED,
    KIND,
    REACHES,
    SEEN,
    WRITTEN,
)

BESIDE = frozenset({ATTRIBUTES, FAMILY, REACHES, SEEN})
"""What stands beside a name, and is no name by itself."""
OF_FUNCTIONS = frozenset({ANNOTATED, DOCSTRING, INSPECTED, KIND, GIVEN})
"""What stands beside a function, and is told to those who can see it."""

Table = Mapping[str, str]
"""The digests of what a module's names, and its classes' members by qualified name, are bound to."""


def table_digest(table: Table) -> str:
    """Of a whole table."""
    lines = "\n".join(f"{name} {digest}" for name, digest in sorted(table.items()))
    return hashlib.blake2b(lines.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def last_of(name: str) -> str:
    """The last part of a qualified name."""
    return name.rpartition(".")[2]


def written_place(row: str) -> tuple[str, str]:
    """The file and the name in it that a row of something written (``WRITTEN``) is of."""
    path, _, name = row.removeprefix(WRITTEN).partition("::")
    return path, name


def with_owners(name: str) -> list[str]:
    """``C`` and ``C.m`` for ``C.m``."""
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts) + 1)]


@dataclass(frozen=True)
class Delta:
    """What two tables of a file tell apart: ``names``, and of these ``listed`` what one sees who lists members.

    A function that stays one, with its attributes, looks the same in a list; who calls it runs it.  ``came``: those of
    ``listed`` that came or went.  ``plain``: nothing but functions without attributes did.  ``moved``: classes, each
    with one that came into its family or left it, or with an empty name where the order of a family is another.
    ``made``: functions that were generators or coroutines, which may have been called and never have run.
    """

    names: frozenset[str]
    listed: frozenset[str]
    came: frozenset[str] = frozenset()
    plain: bool = False
    moved: frozenset[tuple[str, str]] = frozenset()
    made: frozenset[str] = frozenset()


def delta_of(old: Table, new: Table) -> Delta:
    """What the tables tell apart."""
    names = frozenset(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    beside = {name.rpartition(".")[0] for name in names if last_of(name) in (INSPECTED, KIND)}
    made = frozenset(name for name in beside if f"{name}.{KIND}" in old)
    names |= made
    listed = frozenset(name for name in names if _is_listed(name, old.get(name, ""), new.get(name, "")))
    own = {name for name in names if last_of(name) not in {*OF_FUNCTIONS, REACHES}}
    came = frozenset(name for name in names if (name in old) != (name in new))
    plain = bool(own) and all(name in came and (old.get(name) or new[name])[0] == FUNCTION for name in own)
    moved = frozenset(_moved(names, old, new))
    return Delta(names, listed, came=came & listed, plain=plain, moved=moved, made=made)


def _moved(names: Iterable[str], old: Table, new: Table) -> Iterator[tuple[str, str]]:
    for name in names:
        if last_of(name) == FAMILY and name in old and name in new:
            before, now = old[name].split(" "), new[name].split(" ")
            stayed = [[each for each in one if each in other] for one, other in ((before, now), (now, before))]
            moved = {*before} ^ {*now} if stayed[0] == stayed[1] else {""}
            yield from ((name.removesuffix(f".{FAMILY}"), each) for each in moved)


def _is_listed(name: str, before: str, now: str) -> bool:
    if last_of(name) in (OF_FUNCTIONS | BESIDE) - {ATTRIBUTES}:
        return False
    return not (before.startswith(FUNCTION) and now.startswith(FUNCTION))


@dataclass(frozen=True)
class Told:
    """What one table tells of relations, by qualified name: a class's family, what one gets at from a value.

    ``members`` are those of classes, by the plain name of the class; ``seen`` those that others may ask for.
    """

    families: Sequence[tuple[str, Sequence[str]]]
    reaches: Sequence[tuple[str, Sequence[str]]]
    members: Mapping[str, AbstractSet[str]]
    seen: Sequence[tuple[str, AbstractSet[str]]]


def told_by(table: Table) -> Told:
    """The few lines of a table that tell of relations."""
    families, reaches = list[tuple[str, list[str]]](), list[tuple[str, list[str]]]()
    members: dict[str, set[str]] = {}
    seen = list[tuple[str, set[str]]]()
    for name, text in table.items():
        if name.endswith(FAMILY):
            families.append((name.removesuffix(f".{FAMILY}"), [*map(last_of, text.split(" "))]))
        elif name.endswith(REACHES):
            reaches.append((name.removesuffix(REACHES).removesuffix("."), text.split(" ")))
        elif name.endswith(SEEN):
            seen.append((name.removesuffix(f".{SEEN}"), {*text.split(" ")}))
        elif not name.startswith(WRITTEN) and last_of(name) not in OF_FUNCTIONS | BESIDE:
            members.setdefault(last_of(name.rpartition(".")[0]), set()).add(last_of(name))
    of_classes = {last_of(owner): members.get(last_of(owner), set()) for owner, _ in families}
    return Told(families, reaches, of_classes, seen)


@dataclass
class Relations:
    """How classes and values hang together.

    ``families`` has, by the plain name of a class, those of the classes that it has members from and of its
    metaclasses; ``holders``, by the plain name of a class or (with ``module:``) module, the files and names from
    whose values one gets at it.  ``classes`` are the plain names of those that each file defines, ``members`` the
    names of those of classes, by the plain name of the class, ``seen`` those that code outside the project may ask for.
    """

    families: dict[str, set[str]] = field(default_factory=dict)
    holders: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    classes: dict[str, set[str]] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)
    seen: dict[str, set[str]] = field(default_factory=dict)

    def add(self, path: str, told: Told) -> None:
        """Take in what a file's table tells of them."""
        for owner, families in told.families:
            self.families.setdefault(last_of(owner), set()).update(families)
            self.classes.setdefault(path, set()).add(last_of(owner))
        for owner, seen in told.seen:
            self.seen.setdefault(last_of(owner), set()).update(seen)
        for name, members in told.members.items():
            self.members.setdefault(name, set()).update(members)
        for owner, reached in told.reaches:
            for each in reached:
                self.holders.setdefault(each, set()).add((path, owner))

    def is_seen(self, owner: str, member: str) -> bool:
        """Whether code outside the project may ask objects of a class, or of one derived from it, for a member."""
        return any(not {member, "*"}.isdisjoint(self.seen.get(cls, ())) for cls in self.derived(owner))

    def derived(self, name: str) -> set[str]:
        """The plain names of a class and of those that have members from it."""
        return {name, *(cls for cls, family in self.families.items() if name in family)}
