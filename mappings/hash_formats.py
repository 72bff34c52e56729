"""Is this a password hash that an import job takes? The four formats and their maxima (F2.4-F2.9)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import polars as pl

from mappings.texts import beginnings, exchanged, null_where, octets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connectors.records import HashAlgorithm
    from mappings.rules_options import Pbkdf2Alphabet

_BASE64 = "A-Za-z0-9+/"
_ALPHABETS: dict[Pbkdf2Alphabet, str] = {
    "shared": "A-Za-z0-9/",
    "base64": _BASE64,
    "passlib": "A-Za-z0-9./",
}
_ANY_ALPHABET = "A-Za-z0-9+./"
_HEX = "(?:[0-9a-f]{2})+"
_COUNT = "([1-9][0-9]{0,9})"


def _encoded(alphabet: str) -> str:
    """Unpadded base64 of whole bytes: never one character over a group of four."""
    return rf"(?:[{alphabet}]{{4}})*(?:[{alphabet}]{{2,4}})"


@dataclass(frozen=True, slots=True)
class HashFormat:
    """One algorithm's cell.

    Attributes:
        algorithm: as ``CreateUserImportJob`` names it.
        usable: matches what the pool takes: the format, within the maxima (F2.5, F2.6).
        format: matches the format at any cost.
        beginning: matches its parameters alone; its groups are those with a maximum.
        maxima: the highest value of each of those groups.
        between: all texts of the format are from the first to the second of these in the order of bytes, and
            none of another format is: to compare takes a tenth of the time that a pattern takes.
        shown: says the parameters to people; ``{}`` for each of those groups.
    """

    algorithm: HashAlgorithm
    usable: str
    format: str
    maxima: tuple[int, ...]
    beginning: str
    between: tuple[str, str]
    shown: str


def hash_formats(alphabet: Pbkdf2Alphabet) -> tuple[HashFormat, ...]:
    """The four formats, under what is assumed of PBKDF2's alphabet (F2.8)."""
    return (_BCRYPT, _pbkdf2(_ALPHABETS[alphabet]), _ARGON2ID, _SCRYPT)


_BCRYPT_BEGINNING = r"^\$2[abxy]\$(?:0[4-9]|1[0-2])\$"
_BCRYPT_BYTES = 60
_BCRYPT_DOLLARS = 3
_LOWER_CASE = 0x20
"""The bit that tells a small letter from a capital one."""

_BCRYPT = HashFormat(
    "BCRYPT",
    usable=_BCRYPT_BEGINNING + "[./A-Za-z0-9]{53}$",
    format=r"^\$2[abxy]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}$",
    maxima=(12,),
    beginning=r"^\$2[abxy]\$0?([0-9]+)\$",
    between=("$2", "$3"),
    shown="cost {}",
)

_ARGON2ID = HashFormat(
    "ARGON2ID",
    usable=r"^\$argon2id\$v=[0-9]+\$m=(?:[1-9][0-9]{0,3}|1[0-8][0-9]{3}|19[0-3][0-9]{2}|194[0-4][0-9]|1945[0-6])"
    rf",t=[12],p=1\${_encoded(_BASE64)}\${_encoded(_BASE64)}$",
    format=rf"^\$argon2id\$v=[0-9]+\$m={_COUNT},t={_COUNT},p={_COUNT}"
    rf"\${_encoded(_BASE64)}\${_encoded(_BASE64)}$",
    maxima=(19_456, 2, 1),
    beginning=r"^\$argon2id\$v=[0-9]+\$m=([0-9]+),t=([0-9]+),p=([0-9]+)\$",
    between=("$argon2id$", "$argon2id%"),
    shown="m={} t={} p={}",
)

_POWERS_OF_TWO = "|".join(str(2**power) for power in range(1, 17))
_LARGE_POWERS_OF_TWO = "|".join(str(2**power) for power in range(1, 33))

_SCRYPT = HashFormat(
    "SCRYPT",
    usable=rf"^(?:{_POWERS_OF_TWO})\$[1-8]\$1\${_HEX}\${_HEX}$",
    format=rf"^({_LARGE_POWERS_OF_TWO})\${_COUNT}\${_COUNT}\${_HEX}\${_HEX}$",
    maxima=(65_536, 8, 1),
    beginning=r"^([0-9]+)\$([0-9]+)\$([0-9]+)\$",
    between=("0", ":"),
    shown="N={} r={} p={}",
)


def _pbkdf2(alphabet: str) -> HashFormat:
    return HashFormat(
        "PBKDF2_SHA256",
        usable=r"^\$pbkdf2-sha256\$(?:[1-9][0-9]{0,4}|[1-5][0-9]{5}|600000)"
        rf"\${_encoded(alphabet)}\${_encoded(alphabet)}$",
        format=rf"^\$pbkdf2-sha256\${_COUNT}\${_encoded(_ANY_ALPHABET)}\${_encoded(_ANY_ALPHABET)}$",
        maxima=(600_000,),
        beginning=r"^\$pbkdf2-sha256\$([0-9]+)\$",
        between=("$pbkdf2-sha256$", "$pbkdf2-sha256%"),
        shown="{} iterations",
    )


FORMATS: Mapping[str, HashFormat] = MappingProxyType(
    {each.algorithm: each for each in hash_formats("passlib")}
)
"""The formats by algorithm, for what no alphabet changes."""


class HashFormats:
    """Recognises hashes value by value.

    Args:
        alphabet: what is assumed of PBKDF2's alphabet (F2.8).
    """

    def __init__(self, alphabet: Pbkdf2Alphabet = "shared") -> None:
        self._formats = hash_formats(alphabet)
        self._models = hash_formats("base64") if alphabet == "shared" else self._formats
        self._refused_sign = "+" if alphabet == "shared" else None

    def algorithms(self, hashes: pl.Series) -> pl.Series:
        """Name the algorithm of each hash that the pool takes.

        Args:
            hashes: String.

        Returns:
            String of ``HASH_ALGORITHMS``, null where there is no hash or the pool does not take it.
        """
        usable = _is_bcrypt(hashes)
        found = pl.select(pl.when(usable).then(pl.lit(_BCRYPT.algorithm))).to_series()
        places = (hashes.is_not_null() & ~usable.fill_null(value=False)).arg_true()
        for each in self._formats[1:]:
            if places.is_empty():
                break
            likely = hashes.gather(places).is_between(*each.between)
            if likely.any():
                near, places = places.filter(likely), places.filter(~likely)
                fits = hashes.gather(near).str.contains(each.usable)
                found = found.scatter(near.filter(fits), each.algorithm)
        return found.alias(hashes.name)

    def judged(
        self, algorithm: HashAlgorithm, hashes: pl.Series, model: str | None = None
    ) -> tuple[pl.Series, pl.Series]:
        """Judge hashes that mean to be of one algorithm.

        Args:
            algorithm: the algorithm.
            hashes: String; null where a hash could not even be rewritten. In PBKDF2's, ``+`` stands for ``.``
                under the alphabet ``shared``.
            model: one of them that all others are like but for the signs of salt and key, where they are.

        Returns:
            Boolean, whether the pool takes the hash; and String, why not: ``hash_malformed``,
            ``hash_cost_too_high`` or ``hash_alphabet``, null where it does.
        """
        place = [each.algorithm for each in self._formats].index(algorithm)
        own = self._formats[place]
        if model is not None and re.search(self._models[place].usable, model):
            usable = self._spelled(own, hashes)
            return usable, pl.select(pl.when(~usable).then(pl.lit("hash_alphabet"))).to_series()
        usable = hashes.str.contains(own.usable).fill_null(value=False)
        problems = pl.Series([None], dtype=pl.String).new_from_index(0, hashes.len())
        if not usable.all():
            others = (~usable).arg_true()
            problems = problems.scatter(others, _problems(own, hashes.gather(others)))
        return usable, problems

    def _spelled(self, own: HashFormat, hashes: pl.Series) -> pl.Series:
        """Whether each hash of a right form is written in the alphabet that was asked for."""
        if self._refused_sign is None or own.algorithm != "PBKDF2_SHA256":
            return pl.repeat(value=True, n=hashes.len(), eager=True)
        return ~hashes.str.contains(self._refused_sign, literal=True)


def parameters(algorithm: str, hashes: pl.Series) -> pl.Series:
    """The parameters of hashes in one of the formats, for people; null where they are not in it."""
    known = FORMATS[algorithm]
    return exchanged(_costs(known, hashes), lambda costs: known.shown.format(*_numbers(known, costs)))


def _is_bcrypt(hashes: pl.Series) -> pl.Series:
    """What ``_BCRYPT.usable`` says of each value, mostly in a third of the time.

    All values of the right size are looked at as one run of bytes: whether they begin alike, and whether
    the rest is of the alphabet. If it has three dollar signs a value, each value has no more than those
    of its beginning.
    """
    likely = hashes.str.len_bytes() == _BCRYPT_BYTES
    run = octets(hashes.filter(likely))
    if not _begin_as_bcrypt(run):
        likely &= hashes.str.contains(_BCRYPT_BEGINNING)
        run = octets(hashes.filter(likely))
    letters = (run | _LOWER_CASE).is_between(ord("a"), ord("z"))
    dollars = run == ord("$")
    known = letters | run.is_between(ord("."), ord("9")) | dollars
    if known.all() and dollars.sum() == likely.sum() * _BCRYPT_DOLLARS:
        return likely
    return hashes.str.contains(_BCRYPT.usable)


def _begin_as_bcrypt(run: pl.Series) -> bool:
    """Whether every ``_BCRYPT_BYTES`` bytes begin as ``_BCRYPT_BEGINNING`` says."""
    places = [run.gather_every(_BCRYPT_BYTES, place) for place in range(7)]
    for place, sign in enumerate("$2 $  $"):
        if sign != " " and not (places[place] == ord(sign)).all():
            return False
    if not places[2].is_in([ord(letter) for letter in "abxy"]).all():
        return False
    tens, ones = places[4], places[5]
    small = (tens == ord("0")) & ones.is_between(ord("4"), ord("9"))
    large = (tens == ord("1")) & ones.is_between(ord("0"), ord("2"))
    return bool((small | large).all())


def _problems(known: HashFormat, hashes: pl.Series) -> pl.Series:
    """Why values of this scheme are not usable; a usable one under another alphabet is the last case."""
    well = hashes.str.contains(known.format).fill_null(value=False)
    wrong = exchanged(_costs(known, null_where(hashes, ~well)), lambda costs: _wrong(known, costs))
    return pl.select(pl.when(~well).then(pl.lit("hash_malformed")).otherwise(wrong)).to_series()


def _costs(known: HashFormat, hashes: pl.Series) -> pl.Series:
    """What each value begins with, up to the end of its parameters: a source has few of them."""
    pattern = re.compile(known.beginning)

    def told(text: str) -> str | None:
        found = pattern.match(text)
        return found[0] if found else None

    return beginnings(hashes, told, known.beginning)


def _numbers(known: HashFormat, costs: str) -> tuple[str, ...]:
    found = re.match(known.beginning, costs)
    assert found is not None  # noqa: S101 - the same pattern has found them
    return found.groups()


def _wrong(known: HashFormat, costs: str) -> str:
    """What is wrong with a hash of the format, by its parameters."""
    numbers = zip(_numbers(known, costs), known.maxima, strict=True)
    return "hash_cost_too_high" if any(int(number) > most for number, most in numbers) else "hash_alphabet"
