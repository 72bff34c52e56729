"""Given and family names in many scripts (``names.yaml``), joined at random: nobody in the demo exists."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ruamel.yaml import YAML

if TYPE_CHECKING:
    from collections.abc import Mapping

_FILE: Final = Path(__file__).with_name("names.yaml")


@dataclass(frozen=True, slots=True)
class Name:
    """A name as it is written, and in the Latin letters of an e-mail address."""

    written: str
    latin: str


@dataclass(frozen=True, slots=True)
class Language:
    """Names of one language (BCP 47 tag)."""

    tag: str
    given: tuple[Name, ...]
    family: tuple[Name, ...]


def languages() -> tuple[Language, ...]:
    """Latin with and without diacritics, Greek, Cyrillic, Hebrew, Arabic, Indic scripts, Han and more."""
    data = YAML(typ="safe").load(_FILE)
    return tuple(Language(tag, _names(part["given"]), _names(part["family"])) for tag, part in data.items())


def _names(listed: Mapping[str, str]) -> tuple[Name, ...]:
    return tuple(Name(written, latin) for written, latin in listed.items())


ACCENTED: Final = ("Renée", "Zoë", "Müge", "Ángel", "Søfía", "Ngọc", "がく", "Jürgen", "Čeněk", "한결")
"""Given names that are longer in Unicode's form NFD than in NFC."""

EMOJI: Final = ("🌻", "😀", "👩‍💻", "🇺🇳", "👍🏽", "❤️")
"""Single code points, joined sequences, flags, skin tones and variation selectors."""
