"""The names that a source is asked for, and what is said of one that it does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.errors import SourceError, unknown_field

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


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
    """Say that a source has no such name, and which it has, unless those may be a person's data."""
    return SourceError(*unknown_field(what, name, known, where=where))
