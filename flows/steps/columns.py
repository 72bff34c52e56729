"""Columns that the steps add to the shapes of ``connectors.records``."""

from __future__ import annotations

import polars as pl

from connectors.records import ALGORITHM, ENABLED, PASSWORD, PASSWORD_HASH, REASON
from mappings.duplicates import ORDINAL
from mappings.rules import CSV_REASON

VERDICT = "verdict"
STRATEGY = "strategy"
JOB_ID = "job_id"
JOB_LINE = "job_line"
SUB = "sub"
NAME_IN_POOL = "name_in_pool"
WHY = "reason"
PARENT = "@parent"
"""UInt64: a retried user's ordinal in the run that is retried."""
ROW_BYTES = "@row_bytes"
"""UInt32: bytes of the user's line in an import file of their own algorithm, LF included."""

LINE_KIND = "@line_kind"
"""UInt8: the algorithm that the user's line is for, by ``flows.steps.lines``; 0 where there is no line."""

FORCED = "@forced"
"""Boolean: the user takes an alias away from another user of the pool, since the run file asks for it."""

IN_THE_POOL = ("imported", "created", "updated", "existing")
"""Verdicts of users whom the pool has when the run is over."""

NOT_LANDED = ("rejected", "failed")
"""Verdicts of users whom another run may still bring into the pool."""

ROUTED = (ORDINAL, REASON, CSV_REASON, ALGORITHM, PASSWORD, PASSWORD_HASH, ENABLED)
"""What the strategies ask of a judged user."""

OUTCOME_SCHEMA: dict[str, pl.DataType] = {
    ORDINAL: pl.UInt64(),
    VERDICT: pl.String(),
    WHY: pl.String(),
    STRATEGY: pl.String(),
    JOB_ID: pl.String(),
    JOB_LINE: pl.UInt32(),
    SUB: pl.String(),
    NAME_IN_POOL: pl.String(),
}
"""One row of an outcomes file. ``JOB_LINE`` counts data rows of the job's CSV from 1; a null
verdict means that the user travelled and is not settled yet. ``NAME_IN_POOL`` is the username that the
pool made (F5.6), where the run has been told it."""

STEP = "step"
LACK_SCHEMA: dict[str, pl.DataType] = {ORDINAL: pl.UInt64(), STEP: pl.String(), WHY: pl.String()}
"""One row of a file of what a landed user lacks: ``STEP`` is what was not done, ``WHY`` a reason code."""


def outcomes(frame: pl.DataFrame, **constants: str | None) -> pl.DataFrame:
    """Shape a frame with ``ORDINAL`` into outcomes; ``constants`` are values for whole columns."""
    made = {name: pl.lit(value, dtype=OUTCOME_SCHEMA[name]) for name, value in constants.items()}
    columns = [
        made[name].alias(name) if name in made
        else pl.col(name).cast(kind) if name in frame.columns
        else pl.lit(None, dtype=kind).alias(name)
        for name, kind in OUTCOME_SCHEMA.items()
    ]  # fmt: skip
    return frame.select(columns)
