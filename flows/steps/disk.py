"""A disk that is full stops the run, and the run goes on once there is room."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from polars.exceptions import PolarsError
from sqlalchemy.exc import SQLAlchemyError

from connectors.errors import StopError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NUMBERS: Final = (errno.ENOSPC, errno.EDQUOT)
_TEXTS: Final = (*(f"(os error {number})" for number in _NUMBERS), "database or disk is full")
"""How polars and SQLite tell it; their errors carry no number."""


@contextmanager
def room_for(folder: Path) -> Iterator[None]:
    """Tell a full disk as what it is.

    Every file of a run is written under a temporary name first, so that nothing is half there.

    Args:
        folder: what is written in the block.

    Raises:
        StopError: there is no room left for it, or a quota is used up.
    """
    try:
        yield
    except (OSError, PolarsError, SQLAlchemyError) as error:
        if not _is_full(error):
            raise
        raise StopError(
            f"The disk that holds {folder} is full.", "Make room, then run the same command again."
        ) from None


def _is_full(error: Exception) -> bool:
    return getattr(error, "errno", None) in _NUMBERS or any(text in str(error) for text in _TEXTS)
