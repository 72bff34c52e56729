"""The demo's people: a seeded generator of invented users, and the file that it writes.

``python -m flows.demo.people`` writes ``users.csv`` beside this file; the same seed always gives the
same bytes.
"""

from __future__ import annotations

import csv
import io
from bisect import bisect_left
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

from flows.demo.dirt import KINDS, Cells, Kind
from flows.demo.names import languages
from flows.demo.phones import FICTION, FICTION_ABROAD, draw

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flows.demo.names import Language, Name

SEED: Final = 20_260_715
USERS: Final = 3_000
FILE: Final = Path(__file__).with_name("users.csv")
COLUMNS: Final = (
    "id", "email", "verified", "first_name", "last_name", "phone",
    "born", "language", "pw", "roles", "active", "created",
)  # fmt: skip
"""``language`` and ``created`` are there for nobody, as columns of real exports often are."""

_DOMAINS = ("example.com", "example.org", "example.net")
_FIRST_BIRTH, _FIRST_DAY = date(1938, 1, 1), date(2014, 3, 1)
_CLEAN_AHEAD = 40
"""So many users at the head of the file are clean, so that every duplicate has somebody to copy."""


@dataclass(frozen=True, slots=True)
class Person:
    """One user of the source.

    Attributes:
        cells: column to text, as the file's line means it; empty where there is no value.
        kind: the dirt they carry, or None.
    """

    cells: Cells
    kind: Kind | None


def people(count: int = USERS, seed: int = SEED) -> list[Person]:
    """Draw the users in the order of the file.

    Args:
        count: how many; as many as the kinds of dirt need at least.
        seed: another one gives other people.
    """
    rng = Random(seed)  # noqa: S311 - invented people need no secrecy
    known = languages()
    drawn = [_clean(number, rng.choice(known), rng) for number in range(1, count + 1)]
    planted = _planted(count, rng)
    clean = [number for number in range(count) if number not in planted]
    earlier = [number for number in clean if drawn[number]["id"].isidentifier()]
    found = []
    for number, cells in enumerate(drawn):
        kind = planted.get(number)
        if kind and kind.spoil:
            kind.spoil(cells, drawn[_before(earlier, number)], rng)
        found.append(Person(cells, kind))
    return found


def text_of(persons: Sequence[Person]) -> bytes:
    """The file: UTF-8 with a header, commas, quotes where they must be, line feeds."""
    head = _line(COLUMNS)
    return b"\n".join((head, *(_spoiled(person) for person in persons))) + b"\n"


def _clean(number: int, language: Language, rng: Random) -> Cells:
    """A user without any dirt; a third have a name as their id, the others digits with zeros ahead."""
    given, family = rng.choice(language.given), rng.choice(language.family)
    handle = f"{given.latin[0]}_{family.latin}{number}"
    return {
        "id": handle if number % 3 == 0 else f"{number:05d}",
        "email": _address(number, given, family, rng),
        "verified": rng.choice(("true", "true", "true", "TRUE", "yes", "1")),
        "first_name": given.written,
        "last_name": family.written,
        "phone": _phone(language, rng),
        "born": str(_FIRST_BIRTH + timedelta(days=rng.randrange(26_000))),
        "language": language.tag,
        "pw": "",
        "roles": "",
        "active": rng.choice(("true", "true", "yes", "")),
        "created": f"{_FIRST_DAY + timedelta(days=rng.randrange(4_000))}T09:30:00Z",
    }


def _address(number: int, given: Name, family: Name, rng: Random) -> str:
    first, last = given.latin.replace(" ", ""), family.latin.replace(" ", "")
    shapes = (
        f"{first}.{last}.{number}",
        f"{last}{number}",
        f"{first}+shop{number}",
        f"{first}_{last}-{number}",
    )
    return f"{rng.choice(shapes)}@{rng.choice(_DOMAINS)}"


def _phone(language: Language, rng: Random) -> str:
    """One in four has none; numbers of other countries always carry their code."""
    number, _ = draw(FICTION if language.tag.startswith("de") else FICTION_ABROAD, rng)
    return rng.choice(("", number, number, number))


def _planted(count: int, rng: Random) -> dict[int, Kind]:
    kinds = [kind for kind in KINDS for _ in range(kind.users)]
    places = rng.sample(range(_CLEAN_AHEAD, count), len(kinds))
    return dict(zip(places, kinds, strict=True))


def _before(earlier: Sequence[int], number: int) -> int:
    """The nearest of the clean users whose id has letters, ahead of a user; the first one if none is."""
    return earlier[max(0, bisect_left(earlier, number) - 1)]


def _spoiled(person: Person) -> bytes:
    line = _line([person.cells[column] for column in COLUMNS])
    return person.kind.line(line) if person.kind and person.kind.line else line


def _line(cells: Sequence[str]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue().removesuffix("\n").encode()


def main() -> None:
    """Write the shipped file."""
    FILE.write_bytes(text_of(people()))


if __name__ == "__main__":
    main()
