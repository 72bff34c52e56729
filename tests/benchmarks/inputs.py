"""The users that are measured: made by arithmetic on whole columns, the same for the same size and seed.

Nobody has their telephone numbers: no country has the code +999, and the German ones are kept for films.

They are kept in the system's folder for temporary files, so that they are made once. Nine in ten are
as a tidy system writes them; the others have the dirt that costs time: addresses with capitals and
spaces, numbers without country code, days that are none, duplicates, users whom a CSV cannot carry.
"""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

SEED: Final = 1
COLUMNS: Final = (
    "id", "email", "verified", "first_name", "last_name", "phone", "born", "pw", "roles", "active",
)  # fmt: skip

_CHUNK = 500_000
_GIVEN = ("Anna", "José", "Jürgen", "Mary Jane", "Łukasz", "Олена", "美咲", "Noah", "Siobhán", "Ali")
_FAMILY = (
    "Smith",
    "Müller",
    "O'Brien",
    "Nguyễn",
    "de la Cruz",
    "Жуков",
    "佐藤",
    "Kowalski",
    "Jones, Jr.",
    "Öz",
)
_NATIONAL = (
    "030 23125 ",
    "030/23125-",
    "(030) 23125",
    "069 90009 ",
    "069-90009-",
    "040/66969 ",
    "089 99998",
    "0221 4710 ",
)
_BCRYPT = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class Input:
    """One file of users.

    Attributes:
        users: how many.
        dirt: share of users with something that needs mending, 0 to 1.
        seed: another one gives other users.
    """

    users: int
    dirt: float = 0.1
    seed: int = SEED

    @property
    def path(self) -> Path:
        """Where the file is kept."""
        name = f"users-{self.users}-{self.dirt:g}-{self.seed}-polars-{pl.__version__}.csv"
        return Path(tempfile.gettempdir()) / "poolferry-benchmarks" / name

    def make(self) -> Path:
        """Write the file unless it is there already; it is there whole or not at all."""
        if self.path.exists():
            return self.path
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(f".{os.getpid()}")
        with temporary.open("wb") as file:
            for start in range(0, self.users, _CHUNK):
                chunk = self._chunk(start, min(start + _CHUNK, self.users))
                chunk.write_csv(file, include_header=start == 0)
        temporary.replace(self.path)
        return self.path

    def _chunk(self, start: int, stop: int) -> pl.DataFrame:
        numbers = pl.DataFrame({"n": pl.int_range(start, stop, eager=True)})
        clean = numbers.with_columns(**_clean(self.seed))
        dirty = pl.col("n").hash(self.seed + 1000) % 1_000_000 < int(self.dirt * 1_000_000)
        kind = pl.when(dirty).then(pl.col("n").hash(self.seed + 2000) % len(_DIRT)).otherwise(-1)
        spoiled = clean.with_columns(kind.cast(pl.Int32).alias("kind"))
        for number, (column, value) in enumerate(_DIRT):
            spoiled = spoiled.with_columns(
                pl.when(pl.col("kind") == number).then(value).otherwise(column).alias(column)
            )
        return spoiled.select(COLUMNS)


def _draw(seed: int, below: int) -> pl.Expr:
    return (pl.col("n").hash(seed) % below).cast(pl.Int64)


def _one_of(seed: int, texts: tuple[str, ...]) -> pl.Expr:
    return pl.lit(pl.Series(texts)).gather(_draw(seed, len(texts)))


def _digits(seed: int, width: int) -> pl.Expr:
    return _draw(seed, 10**width).cast(pl.String).str.zfill(width)


def _letters(seed: int, width: int) -> pl.Expr:
    alphabet = tuple(a + b for a in _BCRYPT for b in _BCRYPT)
    pairs = [_one_of(seed + place, alphabet) for place in range((width + 1) // 2)]
    return pl.concat_str(pairs).str.slice(0, width)


def _clean(seed: int) -> dict[str, pl.Expr]:
    number = pl.col("n").cast(pl.String)
    born = (pl.lit(0).cast(pl.Date) + pl.duration(days=_draw(seed + 1, 14_000))).dt.to_string("%Y-%m-%d")
    bcrypt = pl.concat_str(
        pl.lit("$2b$10$"), _letters(seed + 100, 21), pl.lit("e"), _letters(seed + 200, 30), pl.lit(".")
    )
    return {
        "id": number.str.zfill(8),
        "email": pl.format("person.{}@example.{}", number, _one_of(seed + 2, ("com", "org", "net"))),
        "verified": pl.lit("true"),
        "first_name": _one_of(seed + 3, _GIVEN),
        "last_name": _one_of(seed + 4, _FAMILY),
        "phone": pl.when(_draw(seed + 5, 4) > 0).then(pl.format("+999{}", _digits(seed + 6, 9))),
        "born": born,
        "pw": pl.when(_draw(seed + 7, 2) > 0).then(bcrypt),
        "roles": pl.when(_draw(seed + 8, 50) == 0).then(pl.lit("editor;viewer")),
        "active": pl.when(_draw(seed + 9, 100) > 0).then(pl.lit("true")).otherwise(pl.lit("false")),
    }


_DIRT: Final = (
    ("email", pl.format("  {} ", pl.col("email").str.to_uppercase())),
    ("email", pl.format("{}@", pl.col("email"))),
    ("verified", pl.lit("no")),
    ("verified", pl.lit(None, pl.String)),
    ("id", (pl.col("n") // 2).cast(pl.String).str.zfill(8)),
    ("phone", pl.concat_str(_one_of(11, _NATIONAL), _digits(12, 3))),
    ("phone", pl.lit("n/a")),
    ("born", pl.lit("1990-02-31")),
    ("first_name", pl.format('{} "Bo"', pl.col("first_name"))),
    ("last_name", pl.format("{}\nat home", pl.col("last_name"))),
    ("pw", pl.lit("{SSHA}bm90IGEgaGFzaCBvZiBhbnlib2R5IGF0IGFsbA==")),
    ("active", pl.lit("0")),
)
"""Column and what a dirty user has there; each dirty user has one of them."""


def main(users: str, dirt: str) -> None:
    """Make one file and print where it is; a process of its own, since whoever measures must stay small."""
    sys.stdout.write(f"{Input(int(users), float(dirt)).make()}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
