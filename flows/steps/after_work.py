"""What a CSV has no column for (F1.44), done for users who have landed.

In this order, each user by user in small batches of the ledger: disabled users are disabled, identities of
other providers linked (before anybody signs in through them: F7.14), second factors switched on, groups
joined. All of it can be done twice without harm. What the pool refuses is written down by user, step and
reason, and keeps nobody from the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from connectors.cognito.after_work import AfterWork
from connectors.errors import TakenOverError, UserRefusedError
from connectors.records import ENABLED, GROUPS, IDENTITIES, SOURCE_ID, USERNAME
from flows.ledger.segments import write_parquet
from flows.ledger.states import BatchState, RunState
from flows.ledger.store import BatchRecord
from flows.steps.columns import LACK_SCHEMA, NAME_IN_POOL, STEP, STRATEGY, VERDICT, WHY
from flows.steps.crew import Crew
from flows.steps.factors import FACTOR, factor_columns, factor_of, not_portable
from flows.steps.never_joined import UNJOINABLE, never_joined
from flows.steps.proving import LANDED
from flows.steps.reading_pool import look_up
from flows.steps.stretches import forget_parts, work_off
from flows.strategies.batches import frames_of
from mappings.duplicates import ORDINAL
from mappings.rules_lists import has_unjoinable, joinable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flows.steps.context import Context

    User = dict[str, Any]
    Calls = Iterator[Callable[[], None]]

AFTER_WORK: Final = "after_work"
"""What the ledger calls the strategy of these batches; their fact ``step`` says what is done."""

USERS_PER_BATCH = 500
"""Less than a minute of calls for most steps (F4.1: 25 a second, of which the run takes its share)."""

TITLES: Final = {
    "disable": "Disabling users",
    "link": "Linking identities",
    "mfa": "Switching second factors on",
    "groups": "Joining groups",
}
"""The steps in their order: what keeps somebody out, or must come before a sign-in, goes first."""

REFUSALS: Final = "refusals"
_ROWS: Final = {ORDINAL: pl.UInt64(), REFUSALS: pl.List(pl.String())}


def after_work(context: Context) -> None:
    """Do what every landed user needs, and sum up what the pool has refused."""
    run = context.ledger.run()
    if run.state is not RunState.PROVING or run.facts.get("after_work_complete"):
        return
    if not _batches(context):
        _cut(context)
    batches = _batches(context)
    for number, batch in enumerate(batches, 1):
        if batch.state is not BatchState.SETTLED:
            _claimed(context, batch, f"{number:,} of {len(batches):,}")
    _sum_up(context)
    context.ledger.advance_run(RunState.PROVING, after_work_complete=True, left_out=left_out(context))


def _batches(context: Context) -> list[BatchRecord]:
    return [batch for batch in context.ledger.batches() if batch.strategy == AFTER_WORK]


# who needs what -------------------------------------------------------------------------------


def _cut(context: Context) -> None:
    """Write down who needs which step, in one go: the ledger knows all of these batches or none."""
    number = max((batch.number for batch in context.ledger.batches()), default=0)
    landed = _landed(context)
    made: list[BatchRecord] = []
    lacking = pl.concat([not_portable(landed), never_joined(landed)])
    write_parquet(lacking.cast(LACK_SCHEMA), context.folder.refused(0))  # type: ignore[arg-type]  # kinds of columns
    for step, needs in _needs().items():
        ordinals = landed.filter(needs).select(ORDINAL)
        for users in ordinals.iter_slices(USERS_PER_BATCH):
            number += 1
            write_parquet(users, context.folder.batch_users(number))
            made.append(_record(number, step, users.height))
    context.ledger.add_batches(made)


def _landed(context: Context) -> pl.DataFrame:
    """What decides about the steps, of everybody whom the run has put into the pool and who needs any."""
    (context.folder.path / "refused").mkdir(mode=0o700, exist_ok=True)
    came = (
        pl.scan_parquet(context.folder.all("outcomes"))
        .filter(pl.col(VERDICT).is_in(LANDED))
        .select(ORDINAL, STRATEGY)
    )
    users = context.folder.scan_users().select(
        ORDINAL,
        ENABLED,
        (joinable(pl.col(GROUPS)).list.len() > 0).alias(GROUPS),
        has_unjoinable(pl.col(GROUPS)).alias(UNJOINABLE),
        (pl.col(IDENTITIES).list.len() > 0).alias(IDENTITIES),
        *factor_columns(context),
    )
    joined = users.join(came, on=ORDINAL, how="inner").with_columns(factor_of(context))
    has_factor = pl.col(FACTOR).is_not_null()
    needy = joined.filter(pl.any_horizontal(~pl.col(ENABLED), GROUPS, UNJOINABLE, IDENTITIES, has_factor))
    return needy.sort(ORDINAL).collect(engine="streaming")


def _needs() -> dict[str, pl.Expr]:
    """Step → who needs it, in the order of the steps."""
    return {
        "disable": ~pl.col(ENABLED),
        "link": pl.col(IDENTITIES),
        "mfa": pl.col(FACTOR).is_in(["sms", "email"]),
        "groups": pl.col(GROUPS),
    }


def _record(number: int, step: str, users: int) -> BatchRecord:
    facts = {STEP: step, "bytes": 0}
    return BatchRecord(number, AFTER_WORK, None, users, BatchState.PLANNED, 1, None, None, None, facts)


# the work -------------------------------------------------------------------------------------


def _claimed(context: Context, batch: BatchRecord, place: str) -> None:
    """Do one batch while nobody else does."""
    if not context.leases.take(batch.number):
        raise TakenOverError(
            f"Batch {batch.number} is held by another worker.", "Run again once its lease has ended."
        )
    with context.leases.held(batch.number):
        _work(context, context.ledger.batch(batch.number), place)


def _work(context: Context, batch: BatchRecord, place: str) -> None:
    batch = context.ledger.advance(batch, BatchState.CREATING)
    step = str(batch.facts[STEP])
    context.progress.stage(f"{TITLES[step]}: stretch {place}", batch.users, "users")
    crew: Crew[User, User] = Crew(context.loaded.settings.admin_create_user.threads)
    doing = _Doing(context, step, AfterWork(context.cognito, context.schema.pool_id, sleep=crew.pause))
    done = work_off(context, batch, _users(context, batch), doing.all_of, _ROWS, crew)
    lacking = done.explode(REFUSALS).drop_nulls().rename({REFUSALS: WHY})
    if lacking.height:
        told = lacking.select(ORDINAL, pl.lit(step).alias(STEP), WHY)
        write_parquet(told, context.folder.refused(batch.number))
    context.ledger.advance(batch, BatchState.SETTLED, refused=lacking.height)
    forget_parts(context, batch)


def _users(context: Context, batch: BatchRecord) -> pl.DataFrame:
    """The users of a batch with what the steps read, and the pool's own usernames where they are known."""
    members = pl.read_parquet(context.folder.batch_users(batch.number))
    columns = [ORDINAL, USERNAME, GROUPS, IDENTITIES, *factor_columns(context)]
    users = pl.concat(frames_of(context, members[ORDINAL].set_sorted(), columns))
    strategies = pl.scan_parquet(context.folder.all("outcomes")).filter(
        pl.col(VERDICT).is_in(LANDED)
    ).select(ORDINAL, STRATEGY, NAME_IN_POOL).join(members.lazy(), on=ORDINAL, how="semi")  # fmt: skip
    joined = users.join(strategies.collect(), on=ORDINAL, how="left", maintain_order="left")
    return joined.with_columns(joinable(pl.col(GROUPS)), factor_of(context))


class _Doing:
    """Does one step for one user after the other; its methods may be called from several threads."""

    def __init__(self, context: Context, step: str, work: AfterWork) -> None:
        self._context = context
        self._work = work
        self._calls = {
            "disable": self._disable,
            "link": self._link,
            "mfa": self._mfa,
            "groups": self._groups,
        }[step]

    def all_of(self, user: User) -> User:
        """Make every call of the step; what the pool refuses leaves the user's other calls alone."""
        refusals = []
        for call in self._calls(user):
            try:
                call()
            except UserRefusedError as error:
                refusals.append(error.code)
        return {ORDINAL: user[ORDINAL], REFUSALS: refusals}

    def _disable(self, user: User) -> Calls:
        yield lambda: self._work.disable(_name(user))

    def _mfa(self, user: User) -> Calls:
        yield lambda: self._work.prefer(_name(user), user[FACTOR])

    def _groups(self, user: User) -> Calls:
        for group in user[GROUPS]:
            yield lambda group=group: self._work.join(_name(user), group)  # type: ignore[misc]  # bound at once

    def _link(self, user: User) -> Calls:
        name = self._own_name(user)
        for identity in user[IDENTITIES]:
            yield lambda identity=identity: self._work.link(name, identity)  # type: ignore[misc]  # bound at once

    def _own_name(self, user: User) -> str:
        """The username as the pool has it: links are made by no other name (F7.14)."""
        if user[NAME_IN_POOL] is None and self._context.schema.username_attributes:
            for found in look_up(self._context, pl.Series([user[USERNAME]])):
                return str(found["username"][0])
        return _name(user)


def _name(user: User) -> str:
    return str(user[NAME_IN_POOL] or user[USERNAME])


# what is left out -----------------------------------------------------------------------------


def _sum_up(context: Context) -> None:
    """Write who lacks what, in the source's order: ``source_id, username, step, reason``; never a value."""
    parts = [pl.scan_parquet(path) for path in context.folder.all("refused")]
    lacking = pl.concat([pl.LazyFrame(schema=LACK_SCHEMA), *parts])
    users = context.folder.scan_users().select(ORDINAL, SOURCE_ID, USERNAME)
    found = users.join(lacking, on=ORDINAL, how="inner").sort(ORDINAL, STEP, WHY)
    named = found.select(pl.col(SOURCE_ID).alias("source_id"), pl.col(USERNAME).alias("username"), STEP, WHY)
    write_parquet(named.collect(engine="streaming"), context.folder.left_out)


def left_out(context: Context) -> dict[str, dict[str, int]]:
    """Step → reason → how often the pool refused it, or nobody could do it."""
    if not context.folder.left_out.exists():
        return {}
    counted = pl.read_parquet(context.folder.left_out).group_by(STEP, WHY).len().sort(STEP, WHY)
    found: dict[str, dict[str, int]] = {}
    for step, why, count in counted.iter_rows():
        found.setdefault(step, {})[why] = count
    return found
