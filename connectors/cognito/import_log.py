"""What an import job's log says of each user: lines of CloudWatch Logs joined to rows of the file.

``GetLogEvents`` is used and not ``FilterLogEvents``: it reads one stream in one order, and its end is
certain (the forward token comes back unchanged), while a page of the other may be empty or late for
reasons of its search. A late line may sort before a token, so each pass begins at the head again;
doubles do no harm, since lines are settled by their number.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final, Literal, TypeVar

import polars as pl

from connectors.cognito.error_codes import pool_call
from connectors.cognito.polling import polling
from connectors.retry import retrying

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import GetLogEventsRequestTypeDef

    from connectors.cognito.import_job import Job
    from connectors.records import PoolSchema

_T = TypeVar("_T")

LINE_IN_FILE: Final = "@line_in_file"
"""UInt32: number of the data row in the import file, the first one is 1."""
STATUSES: Final = ("SUCCEEDED", "SKIPPED", "FAILED")
"""What a line can say of a user (F3.27)."""
REFUSED: Final = "pool_refused"
"""Reason code of a failure whose text nobody has published (F3.32)."""
REASON_BY_TEXT: Final = (
    ("The User Record does not set any of the auto verified attributes to", "no_verified_contact"),
)
"""Beginnings of known failures and their reason codes; the rest of the text varies (F3.27, F3.28)."""
PAUSE_SECONDS: Final = 5.0
"""Pause between two passes over a log whose lines are still on their way."""

_LINE: Final = r"^\s*\[(SUCCEEDED|SKIPPED|FAILED)\]\s+Line Number\s+(\d{1,10})\b(?:\s+-\s+)?(.*)$"
_OUTCOMES: Final = pl.Schema({LINE_IN_FILE: pl.UInt32, "status": pl.String, "code": pl.String})
Base = Literal[1, 2]
"""The number that the log gives the first user: 1, or 2 where the header is counted (F3.30)."""


@dataclass(frozen=True, slots=True)
class LogOutcomes:
    """What a job's log settles.

    Attributes:
        outcomes: one row a settled user, sorted: ``@line_in_file`` UInt32, ``status`` one of
            ``STATUSES``, ``code`` a reason code for ``FAILED`` and else null.
        base: the number that the log gives the first user, or None where it cannot be told;
            then nothing is settled.
        complete: whether all that the job's counters speak of is settled.
        contradictory: lines that say two different things of one user; none of them is settled.
        doubt: why nothing is settled or something is missing, in words; empty where all is well.
        lines: the log's lines as ``parse`` found them, for who can tell the base by other means.
    """

    outcomes: pl.DataFrame
    base: Base | None
    complete: bool
    contradictory: int = 0
    doubt: str = ""
    lines: pl.DataFrame = field(default_factory=pl.DataFrame, repr=False)


def read_outcomes(
    client: CloudWatchLogsClient,
    schema: PoolSchema,
    job: Job,
    rows: int,
    *,
    patience: float = 60.0,
    sleep: Callable[[float], None] = time.sleep,
) -> LogOutcomes:
    """Read what became of each user of a job that has ended.

    Args:
        client: a CloudWatch Logs client of the pool's Region.
        schema: the pool; its id finds the log group, whose whole name is not certain (F3.26).
        job: the job as ``ImportJobs.wait`` returned it; its counters say how many lines there are.
        rows: data rows of the job's file, by which the base is told (F3.30).
        patience: seconds to wait for lines that are late; it ends as soon as the counters are covered.
        sleep: takes seconds; tests give one that does not sleep.

    Returns:
        What is certain. Users without a row in ``outcomes`` are not settled by the log.

    Raises:
        TargetError: the log may not be read; the text names the missing right.
        RetryError: CloudWatch Logs did not answer, in spite of several tries.
    """
    passes = 1 + math.ceil(patience / PAUSE_SECONDS)
    read = polling(partial(_covers, job), attempts=passes, delay=PAUSE_SECONDS, sleep=sleep)
    lines: pl.DataFrame = read(lambda: parse(_messages(client, schema.pool_id, job.id, sleep)))
    return settle(lines, job, rows)


def parse(messages: list[str]) -> pl.DataFrame:
    """Find the lines that speak of a user; all others are left aside (F3.29).

    Args:
        messages: messages of log events; one may hold several lines (F3.31).

    Returns:
        ``line`` Int64 as the log counts it, ``status``, ``code``; a status that was told twice of one
        line stands once.
    """
    text = pl.Series("text", messages, pl.String).str.split("\n").explode(empty_as_null=True)
    found = pl.DataFrame({"part": text.str.extract_groups(_LINE)}).unnest("part")
    found.columns = ["status", "line", "said"]
    return (
        found.drop_nulls("line")
        .select(pl.col("line").cast(pl.Int64), "status", code=_code(pl.col("status"), pl.col("said")))
        .unique(["line", "status"], keep="first", maintain_order=True)
    )


def settle(lines: pl.DataFrame, job: Job, rows: int, known_base: Base | None = None) -> LogOutcomes:
    """Join the log's lines to the rows of the file, or say why that cannot be done.

    Args:
        lines: from ``parse``.
        job: the job, for its counters.
        rows: data rows of the file.
        known_base: the base, where something else than the log has proved it.
    """
    base, doubt = (known_base, "") if known_base else tell_base(lines["line"], rows)
    if base is None:
        return LogOutcomes(_OUTCOMES.to_frame(), None, complete=job.counted == 0, doubt=doubt, lines=lines)
    certain = lines.filter((pl.len().over("line") == 1) & pl.col("line").is_between(base, rows + base - 1))
    outcomes = certain.select(
        (pl.col("line") - (base - 1)).cast(pl.UInt32).alias(LINE_IN_FILE), "status", "code"
    )
    contradictory = lines["line"].n_unique() - certain.height
    complete = _covers(job, lines) and not contradictory
    return LogOutcomes(
        outcomes.sort(LINE_IN_FILE),
        base,
        complete=complete,
        contradictory=contradictory,
        doubt="" if complete else _what_is_missing(job, certain.height, contradictory),
        lines=lines,
    )


def tell_base(lines: pl.Series, rows: int) -> tuple[Base | None, str]:
    """Decide from the log alone which number the first user has (F3.30); never guess.

    Args:
        lines: line numbers of the log, at least 0.
        rows: data rows of the file.

    Returns:
        The base and no doubt, or None and the reason: line 1 proves base 1, and the line behind the
        last row proves base 2. Neither or both prove nothing.
    """
    if lines.is_empty():
        return None, "The log has no line about any user."
    first, last = lines.to_frame("line").select(first=pl.min("line"), last=pl.max("line")).row(0)
    if first < 1 or last > rows + 1 or (first == 1 and last == rows + 1):
        return None, f"The log speaks of lines {first} to {last}, which do not fit a file of {rows} rows."
    if first == 1:
        return 1, ""
    if last == rows + 1:
        return 2, ""
    return None, f"The log speaks of lines {first} to {last} of {rows}: both ways of counting fit (F3.30)."


def _code(status: pl.Expr, said: pl.Expr) -> pl.Expr:
    code = pl.lit(REFUSED)
    for beginning, reason in REASON_BY_TEXT:
        code = pl.when(said.str.starts_with(beginning)).then(pl.lit(reason)).otherwise(code)
    return pl.when(status == "FAILED").then(code)


def _covers(job: Job, lines: pl.DataFrame) -> bool:
    """Whether at least as many users are named as the counters speak of, status by status."""
    counted = dict(zip(STATUSES, (job.imported, job.skipped, job.failed), strict=True))
    named = dict(lines.group_by("status").agg(pl.col("line").n_unique()).iter_rows())
    return all(named.get(status, 0) >= number for status, number in counted.items())


def _what_is_missing(job: Job, settled: int, contradictory: int) -> str:
    if contradictory:
        return f"The log says two things of {contradictory} users."
    return f"The log settles {settled} users, and the job counted {job.counted}."


def _messages(
    client: CloudWatchLogsClient, pool_id: str, job_id: str, sleep: Callable[[float], None]
) -> list[str]:
    """Read all streams of the job in all groups of the pool: a pool that was renamed has several."""
    messages: list[str] = []
    for group in _call("DescribeLogGroups", lambda: _groups(client, pool_id), sleep):
        for stream in _call("DescribeLogStreams", partial(_streams, client, group, job_id), sleep):
            for page in _event_pages(client, group, stream, sleep):
                messages.extend(page)
    return messages


def _groups(client: CloudWatchLogsClient, pool_id: str) -> list[str]:
    prefix = f"/aws/cognito/userpools/{pool_id}/"
    pages = client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix)
    return [group["logGroupName"] for page in pages for group in page["logGroups"]]


def _streams(client: CloudWatchLogsClient, group: str, job_id: str) -> list[str]:
    """Find the job's streams, ``JOB_ID/JOB_NAME`` (F3.25), whatever became of the name."""
    paginator = client.get_paginator("describe_log_streams")
    pages = paginator.paginate(logGroupName=group, logStreamNamePrefix=f"{job_id}/")
    return [stream["logStreamName"] for page in pages for stream in page["logStreams"]]


def _event_pages(
    client: CloudWatchLogsClient, group: str, stream: str, sleep: Callable[[float], None]
) -> Iterator[list[str]]:
    """Read one stream from its head to its end: where the token comes back that was sent."""
    request: GetLogEventsRequestTypeDef = {
        "logGroupName": group,
        "logStreamName": stream,
        "startFromHead": True,
    }
    while True:
        page = _call("GetLogEvents", partial(client.get_log_events, **request), sleep)
        yield [event["message"] for event in page["events"]]
        if page["nextForwardToken"] == request.get("nextToken"):
            return
        request["nextToken"] = page["nextForwardToken"]


def _call(operation: str, call: Callable[[], _T], sleep: Callable[[float], None]) -> _T:
    def once() -> _T:
        with pool_call(operation):
            return call()

    return retrying(operation, sleep=sleep)(once)
