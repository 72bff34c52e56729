"""Whose groups the pool cannot have by the form of their names (F7.19), known before anything is sent."""

from __future__ import annotations

from typing import Final

import polars as pl

from flows.steps.columns import STEP, WHY
from mappings.duplicates import ORDINAL
from mappings.rules_lists import GROUP_NAME_INVALID

UNJOINABLE: Final = "@unjoinable"
"""Boolean: the user is in a group that the pool cannot have."""


def never_joined(users: pl.DataFrame) -> pl.DataFrame:
    """``ORDINAL``, step and reason of every user who is in the pool without one of their groups.

    Args:
        users: ``ORDINAL`` and ``UNJOINABLE`` of users whom the run puts into the pool.
    """
    lacking = users.filter(UNJOINABLE)
    return lacking.select(ORDINAL, pl.lit("groups").alias(STEP), pl.lit(GROUP_NAME_INVALID).alias(WHY))
