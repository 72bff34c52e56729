"""Hashes of one system mostly have the same parameters and lengths: their parts stand at the same places.

Of such hashes one is cut and rewritten the general way; of the others the parts are sliced where that one
has them, which takes half the time of searching each value for the signs between its parts. Whatever is
not exactly alike goes the general way.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import polars as pl

from mappings.hash_schemes import base

if TYPE_CHECKING:
    from mappings.hash_schemes.base import Convert, Learn, Rewrite, Scheme

Encode = Callable[[pl.Expr, int], pl.Expr]
"""A part's bytes as they stand and how many they are in, its text in Cognito's format out; null where the
general way must look at it."""

_GLANCE: Final = 4
"""Values that are looked at for one to learn from, and kinds that are learned in a page: old parameters
stand beside new ones."""


class Rewritten(NamedTuple):
    """Rewritten hashes.

    Attributes:
        made: as ``Scheme.convert`` makes them.
        model: one of them, where all have its parameters, and salts and keys of its lengths that are as well
            formed; else None.
    """

    made: pl.Series
    model: str | None


def rewritten(scheme: Scheme, texts: pl.Series, kinds: int = _GLANCE) -> Rewritten:
    """Give what ``scheme.convert`` gives, sooner where many values are alike."""
    assert scheme.convert is not None  # noqa: S101 - the caller looked at `algorithm`
    learned = _learned(scheme.convert, scheme.learn, texts) if scheme.learn and kinds else None
    if learned is None:
        return Rewritten(scheme.convert(texts), None)
    rewrite, model = learned
    made = rewrite(texts)
    if not made.null_count():
        return Rewritten(made, model)
    rest = (made.is_null() & texts.is_not_null()).arg_true()
    more = rewritten(scheme, texts.gather(rest), kinds - 1).made
    return Rewritten(made.scatter(rest, more), None)


def _learned(convert: Convert, learn: Learn, texts: pl.Series) -> tuple[Rewrite, str] | None:
    few = texts.head(_GLANCE).drop_nulls()
    for text, made in zip(few.to_list(), convert(few).to_list(), strict=True):
        rewrite = learn(text, made) if made is not None else None
        if rewrite is not None and rewrite(pl.Series([text])).to_list() == [made]:
            return rewrite, made
    return None


@dataclass(frozen=True, slots=True)
class Places:
    """Where the parts of a hash stand, in bytes: ``head``, salt, ``middle``, key."""

    head: bytes
    salt: int
    middle: bytes
    key: int

    def fit(self, texts: pl.Series) -> pl.Series:
        """Whether each value has the same signs at the same places."""
        raw, size = pl.col("raw"), len(self.head) + self.salt + len(self.middle) + self.key
        alike = (
            (raw.bin.size() == size)
            & raw.bin.starts_with(self.head)
            & (raw.bin.slice(len(self.head) + self.salt, len(self.middle)) == self.middle)
        )
        return texts.cast(pl.Binary).to_frame("raw").select(alike.alias("alike")).to_series()

    def parts(self) -> tuple[pl.Expr, pl.Expr]:
        """Salt and key of the bytes ``raw``."""
        raw, begin = pl.col("raw"), len(self.head)
        return raw.bin.slice(begin, self.salt), raw.bin.slice(begin + self.salt + len(self.middle), self.key)


def by_places(form: str, salt: Encode, key: Encode) -> Learn:
    """Learn from where the parts stand.

    Args:
        form: matches a hash; its four groups are all of it: head, salt, middle, key.
        salt: how the salt is written in Cognito's format.
        key: how the key is.
    """
    pattern = re.compile(form)

    def learn(text: str, made: str) -> Rewrite | None:
        found = pattern.fullmatch(text)
        if found is None:
            return None
        one, two, three, four = (part.encode() for part in found.groups())
        places, beginning = Places(one, len(two), three, len(four)), made.rsplit("$", 2)[0] + "$"

        def rewrite(texts: pl.Series) -> pl.Series:
            fits, raw = places.fit(texts), texts.cast(pl.Binary)
            rows = pl.select((raw if fits.all() else pl.when(fits).then(raw)).alias("raw"))
            left, right = places.parts()
            return base.made(
                rows, base.joined(beginning, salt(left, places.salt), "$", key(right, places.key))
            )

        return rewrite

    return learn


def text_as_hex(raw: pl.Expr, _: int) -> pl.Expr:
    """A salt that is a text, in hexadecimal; the general way finds what a dollar sign in it does."""
    return pl.when(~raw.bin.contains(b"$")).then(raw.bin.encode("hex"))


def text_as_base64(raw: pl.Expr, _: int) -> pl.Expr:
    """A salt that is a text, in base64."""
    return pl.when(~raw.bin.contains(b"$")).then(base.base64_of_bytes(raw))


def base64_key(raw: pl.Expr, size: int) -> pl.Expr:
    """A key in base64 without its padding; longer ones than 32 bytes are cut the general way."""
    fits = _decoded(raw, size).bin.size() <= base.KEY_BYTES
    return pl.when(fits).then(base.unpadded(raw.cast(pl.String)))


def passlib_salt(raw: pl.Expr, size: int) -> pl.Expr:
    """A salt in passlib's base64, in the alphabet of the standard."""
    text = base.standard(raw.cast(pl.String))
    return pl.when(_decoded(text, size).is_not_null()).then(base.unpadded(text))


def passlib_key(raw: pl.Expr, size: int) -> pl.Expr:
    """A key in passlib's base64, as ``base64_key``."""
    return base64_key(base.standard(raw.cast(pl.String)), size)


def base64_as_hex(raw: pl.Expr, size: int) -> pl.Expr:
    """A salt in base64, in hexadecimal."""
    return _decoded(raw, size).bin.encode("hex")


def base64_as_hex_key(raw: pl.Expr, size: int) -> pl.Expr:
    """A key in base64 as hexadecimal, with 32 bytes at most."""
    return _decoded(raw, size).bin.head(base.KEY_BYTES).bin.encode("hex")


def hex_key(raw: pl.Expr, _: int) -> pl.Expr:
    """A key in small hexadecimal digits, with 32 bytes at most."""
    cut = raw.bin.head(2 * base.KEY_BYTES).cast(pl.String)
    return pl.when(cut.str.contains("^[0-9a-f]+$")).then(cut)


def _decoded(raw: pl.Expr, size: int) -> pl.Expr:
    padding = "=" * (-size % base.GROUP)
    text = raw.cast(pl.String)
    return (pl.concat_str(text, pl.lit(padding)) if padding else text).str.decode("base64", strict=False)
