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
from mappings.texts import beginnings, exchanged

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mappings.hash_schemes.base import Scheme
    from mappings.hash_schemes.wrapped import Wrapper

SCHEMES: Final[Mapping[str, Scheme]] = MappingProxyType({each.name: each for each in (*TAKEN, *REFUSED)})
"""Every scheme by its name, in the order in which looks are tried."""

LABEL: Final = (
    r"^(\$[A-Za-z0-9-]{1,16}\$|U\$S\$|\{[A-Za-z0-9.@_-]{1,32}\}|pbkdf2:[a-z0-9]{1,10}:"
    r"|[A-Za-z0-9_]{1,16}[$:]|[\[{]\s*[{\"])"
)
"""What stands at the beginning of a hash and may tell its scheme."""

_LABEL: Final = re.compile(LABEL)
_BCRYPT: Final = re.compile(r"\$2[a-z]?\$")
_SCRYPT: Final = re.compile(r"[0-9]+\$")


def labels_of(texts: pl.Series) -> pl.Series:
    """The label that each value begins with, null where it has none."""
    return beginnings(texts, _known_label, LABEL)


def _known_label(text: str) -> str | None:
    match = _LABEL.match(text)
    label = match[1] if match else None
    return label if label and (_scheme_of(label) or _wrapper_of(label)) else None


def schemes_of(labels: pl.Series) -> pl.Series:
    """The name of the scheme that each label tells, null where it tells none."""
    return exchanged(labels, _scheme_of)


def wrappers_of(labels: pl.Series) -> pl.Series:
    """The name of the wrapper that each label tells, null where it tells none."""
    return exchanged(labels, _wrapper_of)


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


def unwrapped(texts: pl.Series, labels: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Take off what hashes are wrapped in; a wrapper without a hash gives null.

    Args:
        texts: hashes.
        labels: ``labels_of`` them.

    Returns:
        The hashes without, and the label that each has then.
    """
    wrapped = wrappers_of(labels)
    if wrapped.null_count() == wrapped.len():
        return texts, labels
    inner, labels = texts.clone(), labels.clone()
    for name in wrapped.drop_nulls().unique().to_list():
        places = (wrapped == name).arg_true()
        bare = wrapper(name).unwrap(texts.gather(places))
        inner, labels = inner.scatter(places, bare), labels.scatter(places, labels_of(bare))
    return inner, labels


def wrapper(name: str) -> Wrapper:
    """A wrapper by its name."""
    return next(each for each in WRAPPERS if each.name == name)


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
