"""Values of a directory as records: bytes become text, and what is packed into a value is a field too."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Final
from uuid import UUID

from ldap3.core.exceptions import LDAPInvalidDnError
from ldap3.protocol.formatters.formatters import format_sid
from ldap3.utils.dn import parse_dn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from connectors.sources.ldap_directory import Entry

DN: Final = "dn"
"""The field with an entry's name."""

FLAGS: Final[Mapping[str, int]] = {
    "disabled": 0x2,
    "passwordNotRequired": 0x20,
    "passwordNeverExpires": 0x10000,
    "smartcardRequired": 0x40000,
}
"""Bits of ``userAccountControl`` (MS-ADTS 2.2.16) that are fields, as in ``userAccountControl.disabled``."""

CONTROL, MEMBER_OF, NAMES = "userAccountControl", "memberOf", "memberOf.name"
"""``memberOf.name`` lists the first part of each DN in ``memberOf``, which is the group's name."""

_UNDECODED: Final = re.compile("[\ud800-\udfff]")
"""What ``surrogateescape`` makes of bytes that are no UTF-8."""

_INDEX: Final = re.compile(r"\[(\d+)\]$")
_ESCAPED: Final = re.compile(rb"\\([0-9A-Fa-f]{2}|.)", re.DOTALL)
_GUIDS: Final = frozenset({"objectguid"})
_SIDS: Final = frozenset({"objectsid", "sidhistory"})
_GUID_BYTES: Final = 16


def values_of(entry: Entry, attribute: str) -> list[bytes]:
    """All values of an attribute, whatever case its name is written in."""
    return next((found for name, found in entry[1].items() if name.lower() == attribute.lower()), [])


def texts_of(entry: Entry, attribute: str) -> list[str]:
    """The same as texts; those that are no UTF-8 are left out."""
    found = (value.decode(errors="surrogateescape") for value in values_of(entry, attribute))
    return [text for text in found if not _UNDECODED.search(text)]


def attribute_of(field: str) -> str:
    """The attribute that a field is made from: ``mail`` for ``mail[0]``."""
    name = _INDEX.sub("", field)
    return name.split(".", 1)[0] if name in DERIVED else name


def record_of(entry: Entry, fields: Sequence[str], is_text: Callable[[str], bool]) -> dict[str, object]:
    """Turn an entry into a record.

    Args:
        entry: name, and values of each attribute.
        fields: what is asked for, each spelled as it shall be in the record; none: all there is.
        is_text: whether an attribute's values are texts by the schema.

    Returns:
        A text for one value, a list of texts for several, always a list for ``memberOf.name``. Bytes that are
        no UTF-8 are base64; of a text attribute they are kept as lone surrogates, so that ``gather`` refuses
        the user.
    """
    dn, raw = entry
    values = {
        name.lower(): [_text(name, value, is_text) for value in found] for name, found in raw.items() if found
    }
    asked = fields or (DN, *raw, *_derived_in(values))
    found = {field: _field(field, dn, values) for field in asked}
    return {field: value for field, value in found.items() if value is not None}


def _derived_in(values: Mapping[str, Sequence[str]]) -> list[str]:
    return [field for field in DERIVED if attribute_of(field).lower() in values]


def _field(field: str, dn: str, values: Mapping[str, list[str]]) -> object:
    if field == DN:
        return dn
    found = values.get(attribute_of(field).lower(), [])
    if field in DERIVED:
        return DERIVED[field](found)
    if index := _INDEX.search(field):
        at = int(index[1])
        return found[at] if at < len(found) else None
    if len(found) > 1:
        return found
    return found[0] if found else None


def _text(name: str, value: bytes, is_text: Callable[[str], bool]) -> str:
    plain = name.lower()
    if plain in _GUIDS and len(value) == _GUID_BYTES:
        return str(UUID(bytes_le=value))
    if plain in _SIDS:
        return str(format_sid(value))  # type: ignore[no-untyped-call]
    try:
        return value.decode()
    except UnicodeDecodeError:
        if is_text(name):
            return value.decode(errors="surrogateescape")
        return base64.b64encode(value).decode()


def names_of(dns: Sequence[str]) -> list[str]:
    """The value of the first part of each DN, its escapes undone; a text that is no DN as it stands."""
    return [_first_part(dn) for dn in dns]


def _first_part(dn: str) -> str:
    try:
        _, value, _ = parse_dn(dn)[0]
    except (LDAPInvalidDnError, IndexError):
        return dn
    plain = _ESCAPED.sub(_unescaped, value.encode(errors="surrogateescape"))
    return plain.decode(errors="surrogateescape")


def _unescaped(found: re.Match[bytes]) -> bytes:
    sign = found[1]
    return bytes.fromhex(sign.decode()) if len(sign) > 1 else sign


def _flag(bit: int) -> Callable[[Sequence[str]], object]:
    def is_set(values: Sequence[str]) -> object:
        try:
            return "true" if int(values[0]) & bit else "false"
        except (IndexError, ValueError):
            return None

    return is_set


DERIVED: Final[Mapping[str, Callable[[Sequence[str]], object]]] = {
    **{f"{CONTROL}.{name}": _flag(bit) for name, bit in FLAGS.items()},
    NAMES: lambda dns: names_of(dns) or None,
}
"""Fields that are made from an attribute, and how."""
