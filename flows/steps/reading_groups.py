"""Ask the pool who is in which group, with one ``ListUsersInGroup`` for every 60 members of a group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from connectors.cognito.users import members
from connectors.errors import UserRefusedError
from flows.steps.existing import NAME_BEFORE

if TYPE_CHECKING:
    from flows.steps.context import Context

GROUP: Final = "group"

MEMBERS: Final = {GROUP: pl.String(), NAME_BEFORE: pl.String()}
"""A name of a group and the pool's own username of one who is in it."""


def members_of(context: Context, groups: pl.Series) -> pl.DataFrame:
    """Read who is in some groups; a group that is not there has nobody.

    Returns:
        ``MEMBERS``.

    Raises:
        TargetError: a right is missing.
        RetryError: the service did not answer, in spite of several tries.
    """
    context.progress.stage("Reading who is in which group", None, "users")
    frames = [pl.DataFrame(schema=MEMBERS)]
    done = 0
    for group in groups.sort():
        names: list[str] = []
        try:
            for page in members(context.cognito, context.schema.pool_id, group):
                names += page
                context.progress.update(done + len(names))
        except UserRefusedError:
            names = []
        done += len(names)
        frames.append(pl.DataFrame({GROUP: [group] * len(names), NAME_BEFORE: names}, schema=MEMBERS))
    return pl.concat(frames)
