"""What a scheme of password hashes is, and the encodings that schemes share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from connectors.records import HashAlgorithm

Convert = Callable[[pl.Series], pl.Series]
"""Hashes of a scheme in, hashes in Cognito's format out (F2.5); null where one is not of the scheme's form.

What comes out is judged by Cognito's format, so that parts which are no numbers or no base64 show there."""

Rewrite = Callable[[pl.Series], pl.Series]
"""Hashes in, rewritten ones out; null where a hash is not like the one that this was made for."""

Learn = Callable[[str, str], Rewrite | None]
"""Makes a ``Rewrite`` of one hash and what ``Convert`` makes of it; None where it cannot."""

KEY_BYTES = 32
"""Bytes of the keys in AWS's samples (F2.5). PBKDF2 makes its key in blocks of 32 bytes, each by itself, and
scrypt ends with one round of PBKDF2: the first 32 bytes are what the function gives where 32 are asked for.
Whether Cognito takes longer keys is unknown, so that they are cut."""

GROUP = 4
"""Characters of base64 that stand for three bytes."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """One way to write a password's hash down.

    Attributes:
        name: as a run file's ``password_hash.scheme`` calls it.
        systems: who writes it.
        form: what it looks like, for people; names in capitals stand for parts.
        told_by: how a value tells it, for people.
        algorithm: the algorithm of Cognito that underlies it; None where no import job takes it (F2.4).
        convert: rewrites it into Cognito's format; None where no import job takes it.
        labels: beginnings of values that tell it, as ``listed.LABEL`` finds them.
        looks: what all its values match, where they have no label; the first scheme that matches is it.
        why: why no import job takes it, or what there is to know about the conversion.
        learn: learns of one value how those are rewritten that are like it; None where ``convert`` is all.
    """

    name: str
    systems: str
    form: str
    told_by: str
    algorithm: HashAlgorithm | None = None
    convert: Convert | None = None
    labels: tuple[str, ...] = ()
    looks: str = ""
    why: str = ""
    learn: Learn | None = None


def split(texts: pl.Series, by: str, parts: int) -> pl.DataFrame:
    """Cut at a sign into columns named ``1``, ``2``, …; the last has the rest, null where there are fewer.

    This takes a third of the time of a pattern with as many groups.
    """
    cut = texts.to_frame("text").select(pl.col("text").str.splitn(by, parts)).unnest("text")
    cut.columns = [str(number + 1) for number in range(parts)]
    return cut


def made(parts: pl.DataFrame, hashed: pl.Expr) -> pl.Series:
    """Compute one column."""
    return parts.select(hashed.alias("made")).to_series()


def unpadded(text: pl.Expr) -> pl.Expr:
    """Base64 without its padding."""
    return text.str.strip_chars_end("=")


def base64_of_text(text: pl.Expr) -> pl.Expr:
    """The text's bytes in unpadded base64: some systems take a salt as it is written."""
    return base64_of_bytes(text.cast(pl.Binary))


def base64_of_bytes(raw: pl.Expr) -> pl.Expr:
    """Bytes in unpadded base64."""
    return unpadded(raw.bin.encode("base64"))


def base64_of_hex(digits: pl.Expr) -> pl.Expr:
    """Bytes in hexadecimal as unpadded base64; null where a digit is none."""
    return base64_of_bytes(digits.str.decode("hex", strict=False))


def hex_of_text(text: pl.Expr) -> pl.Expr:
    """The text's bytes in hexadecimal."""
    return text.cast(pl.Binary).bin.encode("hex")


def hex_of_base64(text: pl.Expr) -> pl.Expr:
    """Bytes in base64, padded or not, as hexadecimal; null where a character is none of base64."""
    return decoded(text).bin.encode("hex")


def hex_key(text: pl.Expr) -> pl.Expr:
    """A scrypt key in base64 as hexadecimal, with 32 bytes at most."""
    return decoded(text).bin.slice(0, KEY_BYTES).bin.encode("hex")


def decoded(text: pl.Expr) -> pl.Expr:
    """The bytes that base64 stands for, padded or not; null where a character is none of base64."""
    bare = unpadded(text)
    missing = (GROUP - bare.str.len_bytes() % GROUP) % GROUP
    padded = pl.concat_str(bare, pl.lit("==").str.head(missing))
    return padded.str.decode("base64", strict=False)


def standard(text: pl.Expr) -> pl.Expr:
    """Passlib's base64, which has ``.`` for ``+``, in the alphabet of the standard."""
    return text.str.replace_all(".", "+", literal=True)


def key64(text: pl.Expr) -> pl.Expr:
    """A PBKDF2 key in base64, without padding and with 32 bytes at most."""
    bare = unpadded(text)
    cut = base64_of_bytes(decoded(bare).bin.slice(0, KEY_BYTES))
    longest = -(-KEY_BYTES * 8 // 6)
    return pl.when(bare.str.len_bytes() > longest).then(cut).otherwise(bare)


def pbkdf2(iterations: pl.Expr, salt: pl.Expr, key: pl.Expr) -> pl.Expr:
    """A PBKDF2 hash as Cognito writes it; salt and key in unpadded base64."""
    return joined("$pbkdf2-sha256$", iterations, "$", salt, "$", key64(key))


def scrypt(*, cost: pl.Expr, block: pl.Expr, parallel: pl.Expr, salt: pl.Expr, key: pl.Expr) -> pl.Expr:
    """A scrypt hash as Cognito writes it; salt and key in hexadecimal."""
    return joined(cost, "$", block, "$", parallel, "$", salt, "$", key)


def joined(*parts: pl.Expr | str) -> pl.Expr:
    """Parts one after the other; null where one of them is."""
    return pl.concat_str(pl.lit(each) if isinstance(each, str) else each for each in parts)
