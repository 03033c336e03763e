"""Whom it concerns that the value of a name has changed, as code, and who that is of those for whom code ran."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set as AbstractSet
from dataclasses import dataclass, field
from itertools import chain

from aftershock.selection.computed_names import ByString
from aftershock.selection.details import IMPORTED, STRINGS
from aftershock.selection.keys import Key, KeyKind
from aftershock_agent.tables import MODULE

HANDED = "handed:"
"""Begins the name, among what one must have at hand, of what code hands on instead of asking it for names."""
KEEPING = "<keeping>"
"""Ends the name of code that counts only where it ran in an import, which may have kept what the change is of."""

Runners = Callable[[AbstractSet[Key]], int]
"""Tells for whom any of some code ran: bits that stand for facts, or for whatever else saw code run."""


def seen_by_import(ran: AbstractSet[Key], files: Iterable[str]) -> frozenset[Key]:
    """What an import has seen in which this code ran and these files were imported."""
    keeping = (key._replace(name=key.name + KEEPING) for key in ran)
    return frozenset({*ran, *keeping, *(Key(KeyKind.BODY, path, IMPORTED) for path in files)})


@dataclass
class Hand:
    """How one gets at a class or module: ``functions`` have it at once.

    ``through``: code of the first asks for it those who have got at the class of the second name.
    """

    functions: set[Key] = field(default_factory=set)
    through: list[tuple[frozenset[Key], str]] = field(default_factory=list)


@dataclass(frozen=True)
class Concern:
    """Whom a change concerns, as code, by keys of bodies; those with an empty name stand for a file's definitions.

    ``everybody``: whoever has imported the file.  ``asking``: code that asks for something of what it is handed, and
    what that must be: the names of classes, or (with ``module:``) of a module.  ``hands`` tells how one gets at each
    of these, and at those through which one does.  Keys that end with ``<strings>`` stand for strings, which do
    nothing unless code of ``by_string`` runs too.
    """

    everybody: bool
    functions: frozenset[Key] = frozenset()
    asking: tuple[tuple[frozenset[Key], frozenset[str]], ...] = ()
    hands: Mapping[str, Hand] = field(default_factory=dict)
    by_string: ByString = field(default_factory=ByString)

    @property
    def asks_by_string(self) -> bool:
        """Whether strings have a part in it."""
        hands = self.hands.values()
        through = (who for hand in hands for who, _ in hand.through)
        found = chain(self.functions, *(who for who, _ in self.asking), *(hand.functions for hand in hands), *through)
        return any(key.name.endswith(STRINGS) for key in found)

    def of(self, running: Runners, handed: Callable[[AbstractSet[str]], int]) -> int:
        """Those whom it concerns, as bits; ``handed`` tells who is given classes or modules of some names."""
        asking, loading = running(self.by_string.asking), running(self.by_string.loading)

        def runners(functions: AbstractSet[Key], by_string: int = asking) -> int:
            strings = {key for key in functions if key.name.endswith(STRINGS)}
            having = {key._replace(name=key.name.removesuffix(STRINGS) or IMPORTED) for key in strings}
            return running(functions - strings) | (running(having) & by_string)

        found = runners(self.functions)
        asked = [(runners(functions), names) for functions, names in self.asking]
        if not any(who & ~found for who, _ in asked):
            return found
        have = {
            name: runners(hand.functions, loading if name.startswith(MODULE) else asking)
            | handed({name.removeprefix(HANDED)})
            for name, hand in self.hands.items()
        }
        self._follow(have, runners)
        for who, names in asked:
            for name in names:
                found |= who & have.get(name, 0)
        return found

    def _follow(self, have: dict[str, int], runners: Runners) -> None:
        """Add to those who have each thing at hand all who get at it through another one."""
        ways = {functions for hand in self.hands.values() for functions, _ in hand.through}
        asking = {functions: runners(functions) for functions in ways}
        through: dict[str, list[tuple[str, int]]] = {}
        for name, hand in self.hands.items():
            for functions, owner in hand.through:
                if asking[functions]:
                    through.setdefault(owner, []).append((name, asking[functions]))
        pending = dict.fromkeys(have)
        while pending:
            owner, _ = pending.popitem()
            for name, who in through.get(owner, ()):
                more = who & have[owner] & ~have[name]
                if more:
                    have[name] |= more
                    pending[name] = None

    def is_of(self, seen: AbstractSet[Key]) -> bool:
        """Whether it concerns an import that has :func:`seen <seen_by_import>` this."""

        def runners(functions: AbstractSet[Key]) -> int:
            return 0 if functions.isdisjoint(seen) else 1

        return self.everybody or bool(self.of(runners, lambda _: 0))
