"""The names that a source is asked for, and what is said of one that it does not have."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from connectors.errors import SourceError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_MOST_SHOWN = 200
_LOOKS_LIKE_DATA = re.compile(r"@|\d{5}|^[\d\W_]*$")
"""An address, a longer number, or no letter at all: hardly the name of a field."""


def asked_once(fields: Sequence[str]) -> list[str]:
    """Check the names that a source is asked for.

    Raises:
        SourceError: one begins with ``@``; such columns are Poolferry's own.
    """
    for field in fields:
        if field.startswith("@"):
            raise SourceError(
                f"The field {field!r} cannot be read: names with @ in front are Poolferry's own.",
                "Rename the field in the source.",
            )
    return list(dict.fromkeys(fields))


def not_there(what: str, name: str, known: Collection[str], where: str) -> SourceError:
    """Say that a source has no such name, and which it has, unless those may be a person's data.

    A file without a header line has a person where the names should be, and an object may have
    people's ids for its keys: then no name is shown at all.
    """
    if len(known) > _MOST_SHOWN or any(map(_LOOKS_LIKE_DATA.search, known)):
        return SourceError(
            f"{where}: unknown {what} {name!r}. What stands there looks like data, so it is not shown.",
            "Check that names stand there: a CSV file without a header line needs `columns`.",
        )
    return SourceError(unknown_name(what, name, known, where=where))
