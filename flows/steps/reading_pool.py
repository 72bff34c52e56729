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
from flows.steps.pool_keys import with_keys
from mappings.duplicates import KEY_USERNAME, ORDINAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flows.steps.context import Context

CREATED = "created"
"""When the pool made the user (``UserCreateDate``), UTC."""

ONE_BY_ONE = 300
"""Up to so many users are asked for one by one; beyond that reading the whole pool is quicker."""


LAG_SECONDS = 1.0
"""Pause between two looks for users whom the pool does not show yet."""


def began(started: datetime | None) -> datetime:
    """From when on the pool's new users can be those of a job; both times are the service's own."""
    return started or datetime.fromtimestamp(0, UTC)


def pool_users(context: Context, ordinals: pl.Series) -> pl.DataFrame:
    """``ORDINAL``, ``USERNAME`` and the username's key of some users of the run."""
    wanted = ordinals.to_frame().lazy()
    columns = [ORDINAL, USERNAME, KEY_USERNAME]
    users = context.folder.scan_users().select(columns)
    return users.join(wanted, on=ORDINAL, how="semi").collect()


def present(context: Context, users: pl.DataFrame) -> pl.DataFrame:
    """Key, ``sub`` and time of creation of those of the users whom the pool has now."""
    empty = pl.DataFrame(schema={KEY_USERNAME: pl.UInt64, SUB: pl.String, CREATED: pl.Datetime("us", "UTC")})
    few = users.height <= min(ONE_BY_ONE, _pages(context))
    frames = _some(context, users[USERNAME]) if few else _all(context)
    there = pl.concat([empty, *frames]).drop_nulls(KEY_USERNAME).unique(KEY_USERNAME)
    return there.filter(pl.col(KEY_USERNAME).is_in(users[KEY_USERNAME].implode()))


def _pages(context: Context) -> int:
    """About how many calls it takes to read the whole pool."""
    return math.ceil((context.schema.estimated_users + context.ledger.extracted()) / LIST_USERS_LIMIT)


def _some(context: Context, names: pl.Series) -> list[pl.DataFrame]:
    return [_keyed(context, user) for user in look_up(context, names)]


def _all(context: Context) -> list[pl.DataFrame]:
    return [_keyed(context, users) for users in read_back(context.cognito, context.schema.pool_id)]


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


def _keyed(context: Context, users: pl.DataFrame) -> pl.DataFrame:
    return with_keys(context, users).select(KEY_USERNAME, pl.col("sub").alias(SUB), CREATED)
