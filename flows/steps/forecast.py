"""What a run would do, found out by the run's own code: read, map, judge, route - and send nothing."""

from __future__ import annotations

import math
import shutil
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from connectors.records import LINE, SOURCE_ID
from flows.ledger.families import DELTA
from flows.ledger.folder import PLAN, RunFolder, new_run_id, only_beginner, remove_unbegun
from flows.steps.columns import VERDICT, WHY
from flows.steps.extract import extract
from flows.steps.extras import extras_of
from flows.steps.finishing import delta_counts
from flows.steps.forecast_hashes import HashForecast, forecast_hashes, notes_on_hashes
from flows.steps.route import route
from flows.steps.running import begin, opened_in
from flows.steps.unmapped import UNMAPPED
from flows.steps.updating import UPDATE
from mappings.duplicates import ORDINAL
from mappings.rules import CSV_REASON

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flows.settings import LoadedRunFile
    from flows.steps.context import Context, Worker
    from flows.steps.extras import Extras

EXAMPLES = 3
"""How many users are named as examples of a reason."""

JOB_USERS_PER_SECOND = 30
"""The only published lower bound of an import job's pace (F3.39); AWS publishes no rate (F3.37)."""

USERS_PER_PAGE = 60
"""Users of one ``ListUsers`` page (F5.15)."""


@dataclass(frozen=True, slots=True)
class ReasonForecast:
    """How many users go one way for one reason, and a few of them by id or line.

    ``way`` is ``rejected``, or the strategy they take because the first one cannot carry them.
    """

    way: str
    reason: str
    users: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BatchForecast:
    """One batch that would be sent."""

    number: int
    strategy: str
    algorithm: str | None
    users: int
    bytes: int


@dataclass(frozen=True, slots=True)
class CallForecast:
    """Calls of one operation that the run would make, and how long they take at the pace that it keeps.

    Attributes:
        operation: the API's name.
        calls: how many.
        category: the category of request rates that it draws on (F4.1).
        limit: requests a second of that category in the account and Region.
        origin: where the limit is known from: the run file, the service, or its default.
        share: what part of it the run takes.
        hours: what the calls take at limit x share.
        note: why the service could not be asked for the limit, if so.
    """

    operation: str
    calls: int
    category: str
    limit: float
    origin: str
    share: float
    hours: float
    note: str


@dataclass(frozen=True, slots=True)
class Forecast:
    """What would happen, in numbers.

    Attributes:
        ways: users by strategy; deferred ones are under ``migration_trigger``.
        seconds: by stretch of work; for import jobs at the slowest pace that AWS has published, so an
            upper bound by its figures; for calls see ``calls``.
        calls: the calls that are made one by one, at the pace of the governor.
        active_users: users who become billable this month by the run itself (F8.2, F8.3).
        unread: fields of the source that nothing is taken from, and the share of a sample's users who have a
            value there.
        delta: of a delta run: since which run, how it reads, and how many are new, changed and so on.
        messages: invitations and codes that the run would send.
        active_unknown: users of whom AWS does not say whether the run makes them billable (F8.5).
        aliases_taken: users who would take a sign-in name away from another user of the pool (F5.8).
        left_out: users whose second factor stays behind, who join not every group, or of whom an attribute
            is left as it is, by reason.
        hashes: users by the scheme of their password hash, by way and by what they experience.
        notes: what to know of these hashes before the night.
    """

    extracted: int
    ways: dict[str, int]
    existing: int
    rejected: int
    reasons: tuple[ReasonForecast, ...]
    batches: tuple[BatchForecast, ...]
    seconds: dict[str, float]
    calls: tuple[CallForecast, ...]
    active_users: int
    unread: dict[str, float | None]
    messages: int = 0
    active_unknown: int = 0
    aliases_taken: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    hashes: tuple[HashForecast, ...] = ()
    notes: tuple[str, ...] = ()
    delta: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The forecast as a JSON object."""
        return asdict(self)


def plan(loaded: LoadedRunFile, worker: Worker) -> Forecast:
    """Forecast the run of a run file; the pool is read, nothing is written to it."""
    with scratch(loaded, worker) as context:
        extract(context)
        route(context)
        return forecast(context)


@contextmanager
def scratch(
    loaded: LoadedRunFile, worker: Worker, begun: Callable[[Context], None] = begin
) -> Iterator[Context]:
    """A run in a hidden folder that is removed at the end, whatever happens; ``begun`` writes it down."""
    run_id = new_run_id(loaded.state_folder, datetime.fromtimestamp(worker.clock(), UTC))
    folder = RunFolder(loaded.state_folder / f"{PLAN}{run_id}")
    with ExitStack() as beginning:
        beginning.enter_context(only_beginner(loaded.state_folder))
        remove_unbegun(loaded.state_folder)
        folder.make()
        try:
            with opened_in(folder, loaded, worker) as context:
                beginning.close()
                begun(context)
                yield context
        finally:
            shutil.rmtree(folder.path, ignore_errors=True)


def forecast(context: Context) -> Forecast:
    """Read a forecast from a routed run."""
    early = pl.concat([pl.read_parquet(path) for path in context.folder.all("outcomes")])
    counts = dict(early.group_by(VERDICT).len().iter_rows())
    batches = context.ledger.batches()
    ways: dict[str, int] = {}
    for batch in batches:
        ways[batch.strategy] = ways.get(batch.strategy, 0) + batch.users
    ways |= {"migration_trigger": counts["deferred"]} if counts.get("deferred") else {}
    sent = sum(batch.users for batch in batches)
    extras = extras_of(context)
    calls = tuple(_calls(context, sent, extras))
    hashes = forecast_hashes(context, early)
    facts = context.ledger.run().facts
    return Forecast(
        extracted=context.ledger.extracted(),
        ways=ways,
        existing=counts.get("existing", 0),
        rejected=counts.get("rejected", 0),
        reasons=_reasons(context, early),
        batches=tuple(
            BatchForecast(b.number, b.strategy, b.algorithm, b.users, int(b.facts["bytes"])) for b in batches
        ),
        seconds=_seconds(ways, calls),
        calls=calls,
        active_users=extras.active_users,
        unread=facts.get(UNMAPPED, {}),
        messages=extras.messages,
        active_unknown=extras.active_unknown,
        aliases_taken=int(facts.get("aliases_taken", 0)),
        left_out=extras.left_out,
        hashes=hashes,
        notes=notes_on_hashes(context, hashes),
        delta=delta_counts(facts[DELTA]) if DELTA in facts else {},
    )


def _reasons(context: Context, early: pl.DataFrame) -> tuple[ReasonForecast, ...]:
    users = context.folder.scan_users().select(ORDINAL, SOURCE_ID, LINE, CSV_REASON)
    named = (
        pl.concat([_rejected(early), *_detours(context, early)])
        .join(users, on=ORDINAL, how="left")
        .with_columns(
            pl.coalesce(WHY, CSV_REASON).alias(WHY),
            pl.coalesce(SOURCE_ID, pl.format("line {}", LINE)).alias("@who"),
        )
    )
    groups = (
        named.filter(pl.col(WHY).is_not_null())
        .group_by("@way", WHY)
        .agg(pl.len().alias("@users"), pl.col("@who").sort_by(ORDINAL).head(EXAMPLES))
        .sort("@way", "@users", WHY, descending=[True, True, False])
        .collect()
    )
    rows = groups.select("@way", WHY, "@users", "@who").iter_rows()
    return tuple(ReasonForecast(way, why, users, tuple(who)) for way, why, users, who in rows)


def _rejected(early: pl.DataFrame) -> pl.LazyFrame:
    chosen = early.lazy().filter(pl.col(VERDICT) == "rejected")
    return chosen.select(ORDINAL, pl.col(WHY), pl.lit("rejected").alias("@way"))


def _detours(context: Context, early: pl.DataFrame) -> Iterator[pl.LazyFrame]:
    """Users who go another way than the first one: the rules said why an import job cannot carry them."""
    no_reason = pl.lit(None, pl.String).alias(WHY)
    deferred = early.lazy().filter(pl.col(VERDICT) == "deferred")
    yield deferred.select(ORDINAL, no_reason, pl.lit("migration_trigger").alias("@way"))
    for batch in context.ledger.batches():
        if batch.strategy not in ("import_job", UPDATE):
            users = pl.scan_parquet(context.folder.batch_users(batch.number))
            yield users.select(ORDINAL, no_reason, pl.lit(batch.strategy).alias("@way"))


def _calls(context: Context, sent: int, extras: Extras) -> Iterator[CallForecast]:
    """The calls of each operation that is called at all; a limit is asked for only where it matters."""
    pages = math.ceil((sent + context.schema.estimated_users) / USERS_PER_PAGE)
    counts = {**extras.calls, "ListUsers": pages if context.loaded.settings.verify == "full" else 0}
    for operation, count in counts.items():
        if count:
            found = context.governor.allowance(operation)
            hours = round(count / found.rate / 3600, 4)
            yield CallForecast(
                operation, count, found.category, found.limit, found.origin, found.share, hours, found.note
            )


def _seconds(ways: dict[str, int], calls: tuple[CallForecast, ...]) -> dict[str, float]:
    jobs = round(ways.get("import_job", 0) / JOB_USERS_PER_SECOND, 1)
    return {"import_job": jobs} | {
        call.operation: round(call.calls / (call.limit * call.share), 1) for call in calls
    }
