"""The order in which a directory is read: values of one attribute that never changes, as whole numbers."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from connectors.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_UUID: Final = "uuid"
"""End of the names of attributes whose values are UUIDs."""


@dataclass(frozen=True, slots=True)
class Order:
    """An attribute that users are read in order of.

    Attributes:
        attribute: its name; its values are whole numbers, or UUIDs where the name ends in UUID.
    """

    attribute: str

    def rank(self, values: Sequence[bytes]) -> int:
        """The place of an entry.

        Raises:
            SourceError: it has none, or another kind of value.
        """
        try:
            return UUID(values[0].decode()).int if self._is_uuid else int(values[0])
        except (IndexError, ValueError):
            raise SourceError(
                f"Some users have no {self.attribute} that they can be put in order by.",
                "Let the reader see that attribute, or name another one in source.order_by.",
            ) from None

    def between(self, low: int | None, high: int | None) -> str:
        """A filter for the places above ``low`` up to and with ``high``; None means no bound."""
        name = self.attribute
        written = "" if low is None else self._written(low)
        above = f"({name}>={written})(!({name}={written}))" if written else ""
        return above + ("" if high is None else f"({name}<={self._written(high)})")

    def _written(self, rank: int) -> str:
        return str(UUID(int=rank)) if self._is_uuid else str(rank)

    @property
    def _is_uuid(self) -> bool:
        return self.attribute.lower().endswith(_UUID)


def stretches(ranks: Iterable[int], size: int, low: int | None) -> list[tuple[int | None, int, int]]:
    """Cut places into stretches: lower bound, upper bound, and how many places lie up to it."""
    ordered, at = sorted(ranks), 0
    found: list[tuple[int | None, int, int]] = []
    while at < len(ordered):
        high = ordered[min(at + size, len(ordered)) - 1]
        at = bisect_right(ordered, high)  # who shares a place is in one stretch
        found.append((low, high, at))
        low = high
    return found
