"""Sets of facts as bits of integers: thousands of facts are united by the thousand, for each name that has changed."""

from __future__ import annotations

from collections.abc import Iterable


class FactBits:
    """Gives each fact, by ``id``, a bit of its own as long as it is in use."""

    def __init__(self) -> None:
        """No fact is in use."""
        self._bits: dict[int, int] = {}
        self._facts: list[int] = []
        self._free: list[int] = []

    def add(self, fact: int) -> None:
        """A fact is in use; it may have been before."""
        if fact in self._bits:
            return
        if not self._free:
            self._free.append(len(self._facts))
            self._facts.append(fact)
        bit = self._bits[fact] = self._free.pop()
        self._facts[bit] = fact

    def remove(self, fact: int) -> None:
        """A fact is in use no more."""
        self._free.append(self._bits.pop(fact))

    def of(self, facts: Iterable[int]) -> int:
        """The bits of some facts in use."""
        found = bytearray(len(self._facts) // 8 + 1)
        for fact in facts:
            bit = self._bits[fact]
            found[bit >> 3] |= 1 << (bit & 7)
        return int.from_bytes(found, "little")

    def facts(self, bits: int) -> set[int]:
        """The facts of some bits."""
        found = set[int]()
        for place, byte in enumerate(bits.to_bytes(len(self._facts) // 8 + 1, "little")):
            if byte:
                found.update(self._facts[place * 8 + bit] for bit in range(8) if byte >> bit & 1)
        return found
