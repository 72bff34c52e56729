"""How far the users of a pool were read, so that others can go on there, with the token or without it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from connectors.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mypy_boto3_cognito_idp.type_defs import UserTypeTypeDef

    from connectors.records import Cursor

_MARKS: Final = 1 << 128


@dataclass(frozen=True, slots=True)
class Place:
    """How far a chain of pages was read.

    Attributes:
        token: ``PaginationToken`` of the next page; empty at the beginning and behind the last page.
        read: users up to here.
        mark: the sum of their names' hashes: the same users have the same one, in whatever order.
    """

    token: str = ""
    read: int = 0
    mark: int = 0

    @classmethod
    def at(cls, cursor: Cursor) -> Self:
        """The place that a cursor was made of."""
        return cls(str(cursor["token"]), int(cursor["read"]), int(str(cursor["mark"]), 16))

    @property
    def cursor(self) -> Cursor:
        """The place as a cursor has it."""
        return {"token": self.token, "read": self.read, "mark": f"{self.mark:x}"}

    def share_of(self, estimate: int) -> float:
        """Share of the pool up to here; how many users it has is an estimate of the service's."""
        return self.read / max(estimate, self.read + 1) if self.token else 1.0

    def behind(self, users: Sequence[UserTypeTypeDef], token: str) -> Place:
        """The place behind some more users."""
        return Place(token, self.read + len(users), (self.mark + _mark(users)) % _MARKS)

    def unseen(self, before: Place, users: Sequence[UserTypeTypeDef]) -> Sequence[UserTypeTypeDef]:
        """What stands behind this place, of a page in a reading that has begun anew.

        Args:
            before: how far the new reading has come before the page.
            users: the page.

        Raises:
            SourceError: as many users as up to this place were read anew, and they are not the same ones.
        """
        seen = max(0, min(self.read - before.read, len(users)))
        if seen and before.read + seen == self.read and before.behind(users[:seen], "").mark != self.mark:
            raise _others()
        return users[seen:]

    def refuse_fewer(self, end: Place) -> None:
        """Raise a ``SourceError`` where a reading that has begun anew ends before this place."""
        if end.read < self.read:
            raise _others()


def _mark(users: Iterable[UserTypeTypeDef]) -> int:
    names = (hashlib.sha256(user["Username"].encode()).digest() for user in users)
    return sum(int.from_bytes(name[:16], "big") for name in names)


def _others() -> SourceError:
    return SourceError(
        "ListUsers does not take its token any more, and it lists other users now than before, so that the"
        " reading cannot go on where it was.",
        "Begin another run with --new while nobody is added to the pool or deleted from it.",
    )
