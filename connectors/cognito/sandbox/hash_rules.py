"""What a ``password_hash`` cell may hold, by algorithm (F2.5-F2.10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from connectors.cognito.sandbox.settings import SandboxSettings

Maxima = tuple[tuple[int, int], ...]
"""Pairs of a group of the pattern and the largest number it may hold."""


@dataclass(frozen=True, slots=True)
class HashFormat:
    """One algorithm's cell.

    Attributes:
        shape: a pattern that tells the algorithm from the others, right or wrong.
        pattern: the whole format; its groups are the parameters.
        maxima: the published maximum parameters; minima are not published (F2.5).
    """

    shape: str
    pattern: str
    maxima: Maxima


BASE64 = "[A-Za-z0-9+/]"
ALPHABETS = {"either": "[A-Za-z0-9+./]", "base64": BASE64, "passlib": "[A-Za-z0-9./]"}


def hash_formats(settings: SandboxSettings) -> dict[str, HashFormat]:
    """The four formats with their maxima (F2.5), under the settings' PBKDF2 alphabet (F2.8)."""
    ab64 = ALPHABETS[settings.pbkdf2_alphabet]
    return {
        "BCRYPT": HashFormat(
            r"^\$2[abxy]?\$",
            r"^\$2[abxy]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}$",
            ((1, 12),),
        ),
        "SCRYPT": HashFormat(
            r"^[0-9]+\$[0-9]+\$[0-9]+\$",
            r"^([1-9][0-9]{0,9})\$([1-9][0-9]{0,9})\$([1-9][0-9]{0,9})"
            r"\$(?:[0-9a-fA-F]{2})+\$(?:[0-9a-fA-F]{2})+$",
            ((1, 65_536), (2, 8), (3, 1)),
        ),
        "ARGON2ID": HashFormat(
            r"^\$argon2",
            r"^\$argon2id\$v=[0-9]+\$m=([1-9][0-9]{0,9}),t=([1-9][0-9]{0,9}),p=([1-9][0-9]{0,9})"
            rf"\${BASE64}+\${BASE64}+$",
            ((1, 19_456), (2, 2), (3, 1)),
        ),
        "PBKDF2_SHA256": HashFormat(
            r"^\$pbkdf2-sha256\$",
            rf"^\$pbkdf2-sha256\$([1-9][0-9]{{0,9}})\${ab64}+\${ab64}+$",
            ((1, 600_000),),
        ),
    }


def hash_problem(cell: pl.Expr, algorithm: str, settings: SandboxSettings) -> pl.Expr:
    """A reason code, or null where a filled cell is a hash of the job's algorithm.

    The three named causes of a row are told apart (F2.15): of another algorithm, malformed, over
    a maximum. An empty cell has no problem (F2.11).
    """
    formats = hash_formats(settings)
    own = formats.pop(algorithm)
    other = pl.any_horizontal(cell.str.contains(entry.shape) for entry in formats.values())
    return (
        pl.when(cell == "").then(None)
        .when(~cell.str.contains(own.shape) & other).then(pl.lit("hash_other_algorithm"))
        .when(~cell.str.contains(own.pattern)).then(pl.lit("hash_malformed"))
        .when(_broken_body(cell, algorithm)).then(pl.lit("hash_malformed"))
        .when(_over_maximum(cell, own)).then(pl.lit("hash_over_maximum"))
    )  # fmt: skip


def _over_maximum(cell: pl.Expr, own: HashFormat) -> pl.Expr:
    return pl.any_horizontal(_number(cell, own, group) > most for group, most in own.maxima)


def _number(cell: pl.Expr, own: HashFormat, group: int) -> pl.Expr:
    return cell.str.extract(own.pattern, group).cast(pl.UInt64, strict=False)


def _broken_body(cell: pl.Expr, algorithm: str) -> pl.Expr:
    """What a pattern cannot see: scrypt's N is a power of two, base64 never leaves one character over."""
    if algorithm == "BCRYPT":
        return pl.lit(value=False)
    if algorithm == "SCRYPT":
        cost = cell.str.extract(r"^([0-9]+)\$", 1).cast(pl.UInt64, strict=False)
        return (cost < 2) | ((cost & (cost - 1)) != 0)  # noqa: PLR2004 - the smallest power of two
    tail = (cell.str.extract(r"\$([^$]+)\$[^$]+$", 1), cell.str.extract(r"\$([^$]+)$", 1))
    return pl.any_horizontal(part.str.len_bytes() % 4 == 1 for part in tail)
