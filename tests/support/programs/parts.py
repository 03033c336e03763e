"""What random projects are made of: pieces of a source module, each in several variants, and expressions that see them.

In a text, ``$it`` is the piece's name, and a *hole* (:data:`HOLES`) something of another piece: a value, a class, a
decorator, a list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import dedent

HOLES: Mapping[str, str] = {"value": "7", "base": "object", "decorator": "(lambda it: it)", "list": "[0]"}
"""What each hole holds where no other piece fits."""


@dataclass(frozen=True)
class Part:
    """A kind of piece.

    ``variants`` are its texts, ``seen`` expressions that tell them apart; ``fits`` is the hole that its name may fill,
    besides that of a value, which any of its expressions may.
    """

    kind: str
    variants: tuple[str, ...]
    seen: tuple[str, ...]
    fits: str = ""


def part(kind: str, variants: str, seen: str, fits: str = "") -> Part:
    """Variants are separated by lines of dashes, expressions stand one a line."""
    texts = tuple(text.strip("\n") + "\n" for text in dedent(variants).split("\n---\n"))
    return Part(kind, texts, tuple(line.strip() for line in seen.strip().splitlines()), fits)
