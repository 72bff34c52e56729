"""All schemes, and which of them a value tells."""

from __future__ import annotations

import re
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import polars as pl

from mappings.hash_schemes.refused import REFUSED, UNKNOWN
from mappings.hash_schemes.taken import TAKEN
from mappings.hash_schemes.wrapped import JSON, WRAPPERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mappings.hash_schemes.base import Scheme
    from mappings.hash_schemes.wrapped import Wrapper

SCHEMES: Final[Mapping[str, Scheme]] = MappingProxyType({each.name: each for each in (*TAKEN, *REFUSED)})
"""Every scheme by its name, in the order in which looks are tried."""

LABEL: Final = (
    r"^(\$[A-Za-z0-9-]{1,16}\$|U\$S\$|\{[A-Za-z0-9.-]{1,20}\}|pbkdf2:[a-z0-9]{1,10}:"
    r"|[A-Za-z0-9_]{1,16}[$:]|[\[{]\s*[{\"])"
)
"""What stands at the beginning of a hash and may tell its scheme."""

_FEW: Final = 8
"""Labels that are looked for one by one."""

_LABEL: Final = re.compile(LABEL)
_BCRYPT: Final = re.compile(r"\$2[a-z]?\$")
_SCRYPT: Final = re.compile(r"[0-9]+\$")


def labels_of(texts: pl.Series) -> pl.Series:
    """The label that each value begins with, null where it has none.

    Most columns have one label or a few: they are told from one value each, and the others only compared.
    """
    found = pl.Series([None], dtype=pl.String).new_from_index(0, texts.len())
    rest = texts.is_not_null()
    for _ in range(_FEW):
        first = rest.arg_max() if rest.any() else None
        label = None if first is None else _known_label(texts[first])
        if label is None:
            break
        same = rest & texts.str.starts_with(label)
        found = pl.select(pl.when(same).then(pl.lit(label)).otherwise(found)).to_series()
        rest &= ~same
    if not rest.any():
        return found
    return found.scatter(rest.arg_true(), texts.filter(rest).str.extract(LABEL, 1))


def _known_label(text: str) -> str | None:
    match = _LABEL.match(text)
    label = match[1] if match else None
    return label if label and (_scheme_of(label) or _wrapper_of(label)) else None


def schemes_of(labels: pl.Series) -> pl.Series:
    """The name of the scheme that each label tells, null where it tells none."""
    return _exchanged(labels, _scheme_of)


def wrappers_of(labels: pl.Series) -> pl.Series:
    """The name of the wrapper that each label tells, null where it tells none."""
    return _exchanged(labels, _wrapper_of)


def by_looks(texts: pl.Series) -> pl.Series:
    """The name of the first scheme that each value looks like, ``unknown`` where it looks like none."""
    found = pl.repeat(UNKNOWN, texts.len(), dtype=pl.String, eager=True).alias("scheme")
    places = texts.is_not_null().arg_true()
    for scheme in SCHEMES.values():
        if scheme.looks and places.len():
            looks = texts.gather(places).str.contains(scheme.looks)
            found = found.scatter(places.filter(looks), scheme.name)
            places = places.filter(~looks)
    return found


def unwrapped(texts: pl.Series, labels: pl.Series) -> pl.Series:
    """Take off what hashes are wrapped in; a wrapper without a hash gives null.

    Args:
        texts: hashes.
        labels: ``labels_of`` them.
    """
    inner, wrapped = texts, wrappers_of(labels)
    for name in wrapped.drop_nulls().unique().to_list():
        places = (wrapped == name).arg_true()
        inner = inner.clone().scatter(places, wrapper(name).unwrap(texts.gather(places)))
    return inner


def wrapper(name: str) -> Wrapper:
    """A wrapper by its name."""
    return next(each for each in WRAPPERS if each.name == name)


def _exchanged(labels: pl.Series, name_of: object) -> pl.Series:
    """Ask once for each distinct label: of known ones there are few."""
    distinct = labels.drop_nulls().unique()
    names = pl.Series([name_of(label) for label in distinct.to_list()], dtype=pl.String)  # type: ignore[operator]
    return labels.replace_strict(distinct, names, default=None, return_dtype=pl.String)


def _scheme_of(label: str) -> str | None:
    if _BCRYPT.fullmatch(label):
        return "bcrypt"
    if _SCRYPT.fullmatch(label):
        return "scrypt"
    return _by_label().get(_plain(label))


def _wrapper_of(label: str) -> str | None:
    known = {label: each.name for each in WRAPPERS for label in each.labels}
    is_json = label[0] in "[{" and label[-1] in '{"'
    return known.get(JSON if is_json else _plain(label))


@cache
def _by_label() -> Mapping[str, str]:
    return {label: each.name for each in SCHEMES.values() for label in each.labels}


def _plain(label: str) -> str:
    """Labels in braces are read in any case."""
    return label.upper() if label.startswith("{") else label
