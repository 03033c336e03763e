"""Facts as bits."""

from __future__ import annotations

from aftershock.selection.fact_bits import FactBits


def test_bits_go_round() -> None:
    bits = FactBits()
    for fact in range(100, 120):
        bits.add(fact)

    assert bits.facts(bits.of([103, 117]) | bits.of([100, 103])) == {100, 103, 117}
    assert bits.facts(0) == set()


def test_a_bit_is_another_facts_after_its_own_has_gone() -> None:
    bits = FactBits()
    for fact in (1, 2, 3):
        bits.add(fact)
        bits.add(fact)
    old = bits.of([2])
    bits.remove(2)
    bits.add(4)

    assert bits.of([4]) == old
    assert bits.facts(bits.of([1, 3, 4])) == {1, 3, 4}
