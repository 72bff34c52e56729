"""Calls beside the import jobs, and what they cost: counted from a routed run, nothing is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from connectors.records import ENABLED, GROUPS, IDENTITIES, PASSWORD
from flows.steps.columns import STRATEGY, WHY
from flows.steps.creating import CONTACTS
from flows.steps.existing import Existing
from flows.steps.factors import FACTOR, factor_columns, factor_of, not_portable
from flows.steps.never_joined import UNJOINABLE, never_joined
from flows.steps.updating import CHANGES, LEFT, MISSING, UPDATE, Updates
from flows.strategies.batches import frames_of
from mappings.duplicates import ORDINAL
from mappings.rules_lists import has_unjoinable, joinable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flows.steps.context import Context

CALLED: Final = "admin_create_user"


@dataclass(frozen=True, slots=True)
class Extras:
    """What a run does one user at a time.

    Attributes:
        calls: how many calls, by operation.
        active_users: users whom these calls make billable this month (F8.2, F8.3).
        active_unknown: others, of whose calls AWS does not say whether they do (F8.5).
        messages: invitations that Cognito would send.
        left_out: users whose second factor stays behind, who join not every group, or of whom an attribute
            is left as it is, by reason.
    """

    calls: dict[str, int]
    active_users: int
    active_unknown: int
    messages: int
    left_out: dict[str, int]


def extras_of(context: Context) -> Extras:
    """Count what the users of all batches need beside their import."""
    travellers = _travellers(context)
    users = travellers.lazy().select(_counts(context)).collect().row(0, named=True)
    counts = {name: int(value or 0) for name, value in users.items()}
    updates = _updates(context, travellers)
    joins = int(updates[MISSING].list.len().sum())
    changed = updates.filter(pl.col(CHANGES).list.len() > 0)
    billed = updates.filter(pl.any_horizontal(pl.col(CHANGES, MISSING).list.len() > 0))
    kept = updates.select(pl.col(LEFT).alias(WHY)).explode(WHY).drop_nulls()
    new = travellers.filter(pl.col(STRATEGY) != UPDATE)
    lost = pl.concat([not_portable(travellers).select(WHY), never_joined(new).select(WHY), kept])
    messages, active, unknown = (counts.pop(name) for name in ("messages", "active", "unknown"))
    counts["AdminAddUserToGroup"] += joins
    calls = counts | {"AdminUpdateUserAttributes": changed.height}
    left_out = dict(lost.group_by(WHY).len().sort(WHY).iter_rows())
    return Extras(calls, active + billed.height, unknown, messages, left_out)


def _travellers(context: Context) -> pl.DataFrame:
    """Who is in a batch, with what decides about calls."""
    parts = [
        pl.scan_parquet(context.folder.batch_users(batch.number)).select(
            ORDINAL, pl.lit(batch.strategy).alias(STRATEGY)
        )
        for batch in context.ledger.batches()
    ]
    nobody = pl.LazyFrame(schema={ORDINAL: pl.UInt64, STRATEGY: pl.String})
    flags = [name for name in ("email_verified", "phone_number_verified") if name in context.attributes]
    users = context.folder.scan_users().select(
        ORDINAL,
        ENABLED,
        joinable(pl.col(GROUPS)).list.len().fill_null(0),
        has_unjoinable(pl.col(GROUPS)).alias(UNJOINABLE),
        pl.col(IDENTITIES).list.len().fill_null(0),
        pl.col(PASSWORD).is_not_null(),
        pl.any_horizontal(pl.lit(value=False), *(pl.col(name) == "true" for name in flags)).alias("verified"),
        *factor_columns(context),
    )
    joined = pl.concat([nobody, *parts]).join(users, on=ORDINAL, how="inner")
    return joined.with_columns(factor_of(context)).collect(engine="streaming")


def _counts(context: Context) -> Iterator[pl.Expr]:
    """One number a call, over ``_travellers``; users who are updated are compared elsewhere."""
    called, new = pl.col(STRATEGY) == CALLED, pl.col(STRATEGY) != UPDATE
    invitations = pl.when(called & pl.col(ENABLED) & ~pl.col(PASSWORD)).then(_media(context)).otherwise(0)
    verified = pl.lit(value=False) if context.schema.passwordless else pl.col("verified") & (invitations == 0)
    has_password = called & pl.col(ENABLED) & (pl.col(PASSWORD) | verified)
    switched = pl.col(FACTOR).is_in(["sms", "email"]).fill_null(value=False)
    active = called | (new & (pl.col(GROUPS) > 0))
    yield called.sum().alias("AdminCreateUser")
    yield has_password.sum().alias("AdminSetUserPassword")
    yield (new & ~pl.col(ENABLED)).sum().alias("AdminDisableUser")
    yield pl.col(IDENTITIES).filter(new).sum().alias("AdminLinkProviderForUser")
    yield (new & switched).sum().alias("AdminSetUserMFAPreference")
    yield pl.col(GROUPS).filter(new).sum().alias("AdminAddUserToGroup")
    yield invitations.sum().alias("messages")
    yield active.sum().alias("active")
    touched = ~pl.col(ENABLED) | switched | (pl.col(IDENTITIES) > 0)
    yield (new & ~active & touched).sum().alias("unknown")


def _media(context: Context) -> pl.Expr:
    """How many media an invitation goes by: those asked for that the user has a contact for."""
    contacts = [CONTACTS[medium][1] for medium in context.loaded.settings.admin_create_user.invite]
    present = [pl.col(name).is_not_null().cast(pl.Int32) for name in contacts if name in context.attributes]
    return pl.sum_horizontal(pl.lit(0), *present)


def _updates(context: Context, travellers: pl.DataFrame) -> pl.DataFrame:
    """What would be written of existing users."""
    ordinals = travellers.filter(pl.col(STRATEGY) == UPDATE)[ORDINAL].sort().set_sorted()
    empty = pl.DataFrame(schema=dict.fromkeys((CHANGES, MISSING, LEFT), pl.List(pl.String)))
    if ordinals.is_empty():
        return empty
    updates = Updates.of_run(context, Existing.of_run(context))
    pages = frames_of(context, ordinals, updates.columns)
    return pl.concat([updates.of(page).select(CHANGES, MISSING, LEFT) for page in pages])
