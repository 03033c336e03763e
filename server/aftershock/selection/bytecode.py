"""Bytecode without what only the formatting of its source put there.

The compiler keeps a ``NOP`` for each line that would else have no instruction, and joins two instructions only within
one line; from 3.13 on it writes a class's first line, and the attributes that its methods assign, into its body.
"""

from __future__ import annotations

import dis
import sys
from array import array
from collections.abc import Iterator
from types import CodeType

_PLAIN, _SKIPPED, _CONSTANT, _FORWARD, _BACKWARD, _ABSOLUTE, _PAIR, _STORE_NAME = range(8)
_EXTENDED_ARG = dis.opmap["EXTENDED_ARG"]
_CACHE = 0  # from 3.11 on; before, no instruction has this number
_COMPILERS_NAMES = frozenset({"__firstlineno__", "__static_attributes__"})


def _pairs() -> dict[int, tuple[int, int]]:
    """The instructions that stand for two, such as ``LOAD_FAST_LOAD_FAST``, each argument four bits."""
    singles = ("LOAD_FAST_BORROW", "LOAD_FAST", "STORE_FAST")
    named = {f"{a}_{b}": (a, b) for a in singles for b in singles}
    found = {name: (a, b) for name, (a, b) in named.items() if name in dis.opmap}
    return {dis.opmap[name]: (dis.opmap[a], dis.opmap[b]) for name, (a, b) in found.items()}


def _kinds(pairs: dict[int, tuple[int, int]]) -> list[int]:
    kinds = [_PLAIN] * 256
    for name, number in dis.opmap.items():
        if number > 255:
            continue
        if number in dis.hasconst:
            kinds[number] = _CONSTANT
        elif number in dis.hasjabs:
            kinds[number] = _ABSOLUTE
        elif number in dis.hasjrel:
            kinds[number] = _BACKWARD if "BACKWARD" in name else _FORWARD
        elif number in pairs:
            kinds[number] = _PAIR
    kinds[dis.opmap["NOP"]] = _SKIPPED
    if sys.version_info >= (3, 13):
        kinds[dis.opmap["STORE_NAME"]] = _STORE_NAME
    return kinds


_PAIRS = _pairs()
_KINDS = _kinds(_PAIRS)


class Instructions:
    """The instructions of one code object, with jumps by instruction and constants in order of their use.

    ``constants`` are indices into ``co_consts`` of those that are used, in that order; ``text`` is everything else
    about the instructions and the exception table.
    """

    def __init__(self, code: CodeType) -> None:
        self._raw = code.co_code
        self._names = code.co_names
        self._out: list[int] = []
        self._jumps: list[tuple[int, int]] = []
        self._place = [0] * (len(self._raw) // 2 + 1)
        self._order: dict[int, int] = {}
        self._read()
        for position, target in self._jumps:
            self._out[position] = self._place[min(target, len(self._place) - 1)]
        self.constants = tuple(self._order)
        table = list(self._exceptions(getattr(code, "co_exceptiontable", b"")))
        self.text = array("I", self._out).tobytes().hex() + repr(table)

    def _read(self) -> None:
        raw, out, place, kinds = self._raw, self._out, self._place, _KINDS
        extended = 0
        for unit, (operation, argument) in enumerate(zip(raw[::2], raw[1::2], strict=True)):
            if not operation:
                continue  # a cache entry: half of all units, and no jump leads there
            place[unit] = len(out)
            if operation == _EXTENDED_ARG:
                extended = (argument | extended) << 8
                continue
            kind = kinds[operation]
            if kind == _PLAIN:
                out += (operation, argument | extended)
            elif kind != _SKIPPED:
                self._special(kind, operation, argument | extended, unit)
            extended = 0
        place[-1] = len(out)

    def _special(self, kind: int, operation: int, argument: int, unit: int) -> None:
        if kind == _CONSTANT:
            self._out += (operation, self._order.setdefault(argument, len(self._order)))
        elif kind == _PAIR:
            first, second = _PAIRS[operation]
            self._out += (first, argument >> 4, second, argument & 15)
        elif kind == _STORE_NAME:
            if self._names[argument] in _COMPILERS_NAMES:
                self._drop_last()
            else:
                self._out += (operation, argument)
        else:
            self._jumps.append((len(self._out) + 1, self._target(kind, argument, unit)))
            self._out += (operation, 0)

    def _drop_last(self) -> None:
        """Take back the load of a value that the compiler made up."""
        operation, argument = self._out[-2:]
        del self._out[-2:]
        loads = zip(self._out[::2], self._out[1::2], strict=True)
        is_last = _KINDS[operation] == _CONSTANT and argument == len(self._order) - 1
        if is_last and not any(_KINDS[each] == _CONSTANT and used == argument for each, used in loads):
            self._order.popitem()

    def _target(self, kind: int, argument: int, unit: int) -> int:
        """Where a jump leads, in units of two bytes."""
        if kind == _ABSOLUTE:
            return argument
        following = unit + 1
        while following < len(self._place) - 1 and self._raw[2 * following] == _CACHE:
            following += 1
        return following - argument if kind == _BACKWARD else following + argument

    def _exceptions(self, table: bytes) -> Iterator[tuple[int, int, int, int]]:
        """The exception table (from 3.11 on): start, end, target by instruction; depth and whether to push."""
        numbers = _numbers(table)
        for start in numbers:
            length, target, depth = next(numbers), next(numbers), next(numbers)
            yield self._place[start], self._place[start + length], self._place[target], depth


def _numbers(table: bytes) -> Iterator[int]:
    """The numbers of an exception table: six bits a byte, most significant first, bit 6 set where more follow.

    Source: ``Objects/exception_handling_notes.txt`` of CPython 3.11.
    """
    value = 0
    for byte in table:
        value = value << 6 | byte & 63
        if not byte & 64:
            yield value
            value = 0
