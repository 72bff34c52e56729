"""Telephone numbers that nobody has: from the ranges that regulators keep for films and books."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from random import Random


@dataclass(frozen=True, slots=True)
class Range:
    """A range kept for fiction: ``x`` stands for a digit that may be anything.

    ``national`` is how people of that country write it.
    """

    international: str
    national: str


FICTION: Final = (
    Range("+493023125xxx", "030 23125-xxx"),
    Range("+496990009xxx", "(069) 90009xxx"),
    Range("+494066969xxx", "040/66969xxx"),
    Range("+492214710xxx", "0221 4710 xxx"),
    Range("+498999998xxx", "089-99998-xxx"),
    Range("+4917139200xx", "0171 39200xx"),
)
"""Germany (Bundesnetzagentur), the country of the demo's national numbers."""

FICTION_ABROAD: Final = (
    Range("+442079460xxx", "020 7946 0xxx"),
    Range("+331990000xx", "01 99 00 00 xx"),
    Range("+468465004xx", "08-465 004 xx"),
    Range("+120255501xx", "(202) 555-01xx"),
    Range("+121255501xx", "(212) 555-01xx"),
    Range("+61255501xxx", "(02) 5550 1xxx"),
)
"""United Kingdom (Ofcom), France (Arcep), Sweden (PTS), North America (NANPA), Australia (ACMA)."""

INVALID: Final = (
    "0123",
    "n/a",
    "+49 30",
    "ask the office",
    "00000000000",
    "12",
    "none",
    "+49 30 23125 0000 0000 000",
)
"""What stands in telephone columns and is no number."""


def draw(ranges: tuple[Range, ...], rng: Random) -> tuple[str, str]:
    """A number of one of the ranges: in E.164 and as written in its country."""
    chosen = rng.choice(ranges)
    digits = iter(f"{rng.randrange(1000):03d}")
    width = chosen.international.count("x")
    drawn = [next(digits) for _ in range(width)]
    return _fill(chosen.international, drawn), _fill(chosen.national, drawn)


def spaced(number: str) -> str:
    """An E.164 number as people type it: ``+49 30 231 25x xx`` or with dashes."""
    rest = number[3:]
    return " ".join((number[:3], rest[:3], rest[3:6], rest[6:]))


def _fill(pattern: str, digits: list[str]) -> str:
    left = iter(digits)
    return "".join(next(left) if character == "x" else character for character in pattern)
