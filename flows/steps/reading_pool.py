"""Ask the pool who is there, with ``ListUsers`` alone, since ``AdminGetUser`` costs MAU (F8.4)."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl

from connectors.cognito.limits import LIST_USERS_LIMIT
from connectors.cognito.polling import polling
from connectors.cognito.users import find_user, read_back
from connectors.records import USERNAME
from flows.steps.columns import SUB
from flows.steps.comparing import as_sent, compared, pool_column
from flows.steps.pool_keys import with_keys
from mappings.duplicates import KEY_USERNAME, ORDINAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from flows.steps.context import Context

CREATED = "created"
"""When the pool made the user (``UserCreateDate``), UTC."""

STATUS = "status"
"""The user's ``UserStatus``."""

AS_SENT = "@as_sent"
"""Whether the user has every value in the pool that the run has for them."""

ONE_BY_ONE = 300
"""Up to so many users are asked for one by one; beyond that reading the whole pool is quicker."""


LAG_SECONDS = 1.0
"""Pause between two looks for users whom the pool does not show yet."""


def began(started: datetime | None) -> datetime:
    """From when on the pool's new users can be those of a job; both times are the service's own."""
    return started or datetime.fromtimestamp(0, UTC)


def pool_users(context: Context, ordinals: pl.Series) -> pl.DataFrame:
    """``ORDINAL``, ``USERNAME``, the username's key and the attributes of some users of the run."""
    wanted = ordinals.to_frame().lazy()
    columns = [ORDINAL, USERNAME, KEY_USERNAME, *compared(context)]
    users = context.folder.scan_users().select(columns)
    return users.join(wanted, on=ORDINAL, how="semi").collect()


def present(context: Context, users: pl.DataFrame) -> pl.DataFrame:
    """Key, ``sub``, ``STATUS``, ``CREATED`` and ``AS_SENT`` of those of the users whom the pool has now."""
    few = users.height <= min(ONE_BY_ONE, _pages(context))
    found = look_up(context, users[USERNAME]) if few else _all(context)
    return pl.concat([_NOBODY, *_met(context, users, found)]).unique(KEY_USERNAME)


_NOBODY = pl.DataFrame(
    schema={
        KEY_USERNAME: pl.UInt64,
        SUB: pl.String,
        STATUS: pl.String,
        CREATED: pl.Datetime("us", "UTC"),
        AS_SENT: pl.Boolean,
    }
)


def _pages(context: Context) -> int:
    """About how many calls it takes to read the whole pool."""
    return math.ceil((context.schema.estimated_users + context.ledger.extracted()) / LIST_USERS_LIMIT)


def _all(context: Context) -> Iterator[pl.DataFrame]:
    return read_back(context.cognito, context.schema.pool_id)


def _met(context: Context, users: pl.DataFrame, found: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Keep of each frame whom is asked for; compared at once, so that no values of a whole pool are held."""
    names = compared(context)
    sent = users.select(KEY_USERNAME, *names)
    for frame in found:
        there = [
            (pl.col(name) if name in frame.columns else pl.lit(None, pl.String)).alias(pool_column(name))
            for name in names
        ]
        keyed = with_keys(context, frame).select(
            KEY_USERNAME, pl.col("sub").alias(SUB), STATUS, CREATED, *there
        )
        both = keyed.join(sent, on=KEY_USERNAME, how="inner")
        yield both.with_columns(as_sent(context).alias(AS_SENT)).select(_NOBODY.columns)


def awaited(
    context: Context, ask: Callable[[], pl.DataFrame], enough: Callable[[pl.DataFrame], bool]
) -> pl.DataFrame:
    """Ask until there are enough of those who must be there: ListUsers shows new users late (F5.15).

    Args:
        context: the run; its ``jobs.log_patience_seconds`` bound the waiting.
        ask: asks the pool.
        enough: whether an answer will do.

    Returns:
        The last answer. Where so many are asked for that each time the whole pool is read, it is read
        twice at most.
    """
    patience = context.loaded.settings.jobs.log_patience_seconds
    first = ask()
    if not patience or enough(first):
        return first
    context.progress.note("The pool does not show everybody yet: it is asked again (F5.15).")
    tries = math.ceil(patience / LAG_SECONDS) if first.height <= ONE_BY_ONE else 1
    time.sleep(LAG_SECONDS)
    found: pl.DataFrame = polling(enough, attempts=tries, delay=LAG_SECONDS)(ask)
    return found


def look_up(context: Context, names: pl.Series) -> Iterator[pl.DataFrame]:
    """Find users one by one, by the names that the source calls them; no frame where there is none.

    A filter of ``ListUsers`` minds letter case, also where the pool does not: there the name in small
    letters is asked for too, which is how others write it (F1.50).
    """
    for name in names:
        spellings = [name] if context.schema.case_sensitive else dict.fromkeys((name, name.lower()))
        for spelling in spellings:
            user = find_user(context.cognito, context.schema, spelling)
            if user.height:
                yield user
                break
