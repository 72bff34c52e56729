"""A column of password hashes: each value's scheme told, and rewritten into Cognito's format where that goes.

A page whose hashes all stand in Cognito's formats is looked at once and no further; only what is left is
sorted by the label that it begins with, and rewritten a scheme at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from mappings.hash_formats import HashFormats, parameters
from mappings.hash_schemes.alike import Rewritten, rewritten
from mappings.hash_schemes.listed import SCHEMES, by_looks, labels_of, schemes_of, unwrapped
from mappings.hash_schemes.refused import NO_PASSWORD, UNKNOWN

if TYPE_CHECKING:
    from mappings.hash_schemes.base import Scheme
    from mappings.rules_options import Pbkdf2Alphabet

HASH_REASONS = (
    "hash_unknown_scheme", "hash_not_taken", "hash_malformed", "hash_cost_too_high", "hash_alphabet",
)  # fmt: skip
"""What ``Judged.problems`` may hold."""

KIND_OF_ALGORITHM: Final = {
    "BCRYPT": "bcrypt", "SCRYPT": "scrypt", "ARGON2ID": "argon2id", "PBKDF2_SHA256": "pbkdf2_sha256",
}  # fmt: skip
"""The scheme that is an algorithm's format as it stands."""

_PLACE, _VALUE, _ALGORITHM, _PROBLEM, _KIND = "place", "value", "algorithm", "problem", "kind"


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a column of hashes; every series is String and as long as the column.

    Attributes:
        values: in Cognito's format where an import job takes them, else as they stood without white space
            at their ends; null where there is no hash.
        algorithms: of those that an import job takes, else null.
        problems: one of ``HASH_REASONS`` for the others, null where there is no hash.
        kinds: the scheme, and behind it the parameters of hashes that an import job does not take, as in
            ``bcrypt cost 13``; null where there is no hash, and where it stood in Cognito's format already.
    """

    values: pl.Series
    algorithms: pl.Series
    problems: pl.Series
    kinds: pl.Series


class PasswordHashes:
    """Recognises and rewrites hashes.

    Args:
        alphabet: which alphabet PBKDF2 hashes are written in (F2.8).
        scheme: the name of the scheme of values that do not tell theirs.
    """

    def __init__(self, alphabet: Pbkdf2Alphabet = "shared", scheme: str | None = None) -> None:
        self._formats = HashFormats(alphabet)
        self._sign = {"passlib": ("+", "."), "base64": (".", "+"), "shared": (".", "+")}[alphabet]
        self._scheme = scheme

    def judge(self, hashes: pl.Series) -> Judged:
        """Judge a String column."""
        algorithms = self._formats.algorithms(hashes)
        nothing = _nothing(hashes.len()).alias(hashes.name)
        if algorithms.null_count() == hashes.null_count():
            return Judged(hashes, algorithms, nothing, nothing)
        found = {_VALUE: hashes, _ALGORITHM: algorithms, _PROBLEM: nothing, _KIND: nothing}
        if algorithms.null_count() == hashes.len():
            found = self._closer(hashes).to_dict()
        elif algorithms.null_count() > hashes.null_count():
            places = (hashes.is_not_null() & algorithms.is_null()).arg_true()
            closer = self._closer(hashes.gather(places))
            found = {name: each.clone().scatter(places, closer[name]) for name, each in found.items()}
        return Judged(*(found[name].alias(hashes.name) for name in (_VALUE, _ALGORITHM, _PROBLEM, _KIND)))

    def _closer(self, given: pl.Series) -> pl.DataFrame:
        """Judge hashes that are in none of Cognito's formats as they stand."""
        trimmed = given.str.strip_chars()
        texts = trimmed.set(trimmed == "", None).alias(_VALUE)
        inner, names = self._told(texts)
        rows = pl.DataFrame({_PLACE: pl.int_range(texts.len(), eager=True), _VALUE: texts, "inner": inner,
                             "name": names})  # fmt: skip
        schemes = [name for name in names.drop_nulls().unique().to_list() if name != NO_PASSWORD]
        if names.null_count() == 0 and len(schemes) == 1 and NO_PASSWORD not in names:
            return self._of_scheme(schemes[0], rows)
        parts = [self._of_scheme(name, rows.filter(pl.col("name") == name)) for name in schemes]
        none = pl.col("name").is_null() | (pl.col("name") == NO_PASSWORD)
        return pl.concat([*parts, _none_of(rows.filter(none))]).sort(_PLACE)

    def _told(self, texts: pl.Series) -> tuple[pl.Series, pl.Series]:
        """Take off what the hashes are wrapped in, and name the scheme of each; null where there is none."""
        inner, labels = unwrapped(texts, labels_of(texts))
        names = schemes_of(labels)
        lost = texts.is_not_null() & names.is_null()
        if lost.any():
            places = lost.arg_true()
            names = names.clone().scatter(places, self._untold(inner.gather(places)))
        return inner, names

    def _untold(self, texts: pl.Series) -> pl.Series:
        """The scheme of values without a label that tells it."""
        looks = by_looks(texts)
        if self._scheme is None:
            return looks
        return pl.select(
            pl.when(looks == NO_PASSWORD).then(looks).otherwise(pl.lit(self._scheme))
        ).to_series()

    def _of_scheme(self, name: str, rows: pl.DataFrame) -> pl.DataFrame:
        scheme = SCHEMES.get(name)
        if scheme is None or scheme.algorithm is None:
            code = "hash_unknown_scheme" if scheme is None else "hash_not_taken"
            return _shaped(rows, problem=pl.lit(code), kind=pl.lit(name))
        made, model = self._rewritten(scheme, rows["inner"])
        algorithm, kind = pl.lit(scheme.algorithm), pl.lit(name)
        usable, problems = self._formats.judged(scheme.algorithm, made, model)
        if usable.all():
            return _shaped(rows, value=pl.lit(made), algorithm=algorithm, kind=kind)
        refused = (~usable).arg_true()
        shown = parameters(scheme.algorithm, made.gather(refused)).fill_null("")
        told = pl.Series([name]).new_from_index(0, rows.height)
        return _shaped(
            rows.with_columns(made.alias("made"), usable.alias("usable")),
            value=pl.when("usable").then("made").otherwise(_VALUE),
            algorithm=pl.when("usable").then(algorithm),
            problem=pl.lit(problems),
            kind=pl.lit(told.scatter(refused, (name + " " + shown).str.strip_chars_end(" "))),
        )

    def _rewritten(self, scheme: Scheme, texts: pl.Series) -> Rewritten:
        """Hashes of one scheme in Cognito's format, PBKDF2 in the alphabet that was asked for (F2.8)."""
        made, model = rewritten(scheme, texts)
        if scheme.algorithm != "PBKDF2_SHA256":
            return Rewritten(made, model)
        return Rewritten(
            made.str.replace_all(*self._sign, literal=True), model and model.replace(*self._sign)
        )


def _nothing(rows: int) -> pl.Series:
    return pl.Series([None], dtype=pl.String).new_from_index(0, rows)


def _none_of(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows without a hash: blank ones, and the marks of users who have no password."""
    return _shaped(rows, value=pl.lit(None, pl.String), kind=pl.col("name"))


def _shaped(rows: pl.DataFrame, **made: pl.Expr) -> pl.DataFrame:
    nothing = {_VALUE: pl.col(_VALUE)} | dict.fromkeys((_ALGORITHM, _PROBLEM, _KIND), pl.lit(None))
    return rows.select(
        _PLACE, **{name: made.get(name, each).cast(pl.String) for name, each in nothing.items()}
    )


def kinds(frame: pl.DataFrame, *, hashes: str, algorithm: str, kind: str) -> pl.Series:
    """Scheme and parameters of every hash, also of those that an import job takes (``Judged.kinds``).

    Args:
        frame: judged rows.
        hashes: the column of ``Judged.values``.
        algorithm: the column of ``Judged.algorithms``.
        kind: the column of ``Judged.kinds``.
    """
    told = frame[kind].cast(pl.String)
    for name, scheme in KIND_OF_ALGORITHM.items():
        rows = (frame[algorithm] == name).arg_true()
        shown = parameters(name, frame[hashes].gather(rows))
        told = told.clone().scatter(rows, told.gather(rows).fill_null(scheme) + " " + shown)
    return told


__all__ = ["HASH_REASONS", "UNKNOWN", "Judged", "PasswordHashes", "kinds"]
