"""What a plan and a report say of hashes and first sign-ins: scheme, parameters, users, way, experience."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from connectors.records import ALGORITHM, ENABLED, PASSWORD, PASSWORD_HASH
from flows.ledger.segments import scan_users
from flows.steps.columns import VERDICT
from flows.steps.creating import CONTACTS
from flows.steps.updating import UPDATE
from mappings.duplicates import ORDINAL
from mappings.hash_schemes.refused import UNVERIFIED
from mappings.password_hashes import kinds
from mappings.rules import CSV_REASON, HASH_KIND

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from flows.ledger.store import PageRecord
    from flows.steps.context import Context

NO_HASH: Final = "none"
"""Stands where a scheme stands, for users without a hash."""

DISABLED: Final = "not looked at"
"""Stands where a scheme stands, for disabled users: they travel without (F7.12)."""

MOST_ROWS: Final = 40
"""Rows of the table; of junk there can be as many kinds as users."""

WITH_HASH: Final = "import_job, with the hash"
EXPERIENCE: Final = {
    WITH_HASH: "signs in with the old password, the first time not by SRP (F2.13)",
    "import_job": "asks for a code and sets a new password (F7.2)",
    "admin_create_user": "asks for a code at a verified contact and sets a new password (F7.5, F7.18)",
    "migration_trigger": "signs in with the old password, which the migration trigger checks",
    "existing": "as before: was in the pool already",
    "rejected": "is not in the pool",
    "failed": "is not in the pool",
}
"""What people experience at their first sign-in, by way; ``experience`` knows better of some."""

_OLD_PASSWORD: Final = "signs in with the old password (F7.5)"  # noqa: S105 - no password
_UNVERIFIED: Final = (
    "asks for a code and sets a new password: the migration trigger cannot check such a hash, unless "
    "`trigger.live` asks the old system"
)
_DISABLED: Final = "is disabled"
_INVITED: Final = "signs in with the temporary password of the invitation, and sets a new one (F5.1)"
_CANNOT: Final = (
    "has no verified contact: an operator sets a password first, where the pool asks for one (F5.1, F7.18)"
)
_VERIFIED: Final = ("email_verified", "phone_number_verified")
_GROUP: Final = ("scheme", "parameters", "way", "reason", "experience")
_NOBODY: Final = pl.DataFrame(schema={**dict.fromkeys(_GROUP, pl.String), "users": pl.Int64})
_EARLY: Final = {"deferred": "migration_trigger"}
_BY_BATCH: Final = {UPDATE: "existing"}


@dataclass(frozen=True, slots=True)
class HashForecast:
    """Users whose hashes are alike and who go the same way.

    Attributes:
        scheme: its name, ``none``, or ``not looked at`` for disabled users.
        parameters: for people, as in ``cost 10``; empty where they are not known.
        users: how many.
        way: a strategy, with or without the hash; ``existing`` or ``rejected``.
        reason: why an import job does not take the hash, or not its user; empty where it does.
        experience: what happens at the first sign-in.
    """

    scheme: str
    parameters: str
    users: int
    way: str
    reason: str
    experience: str


def forecast_hashes(context: Context, early: pl.DataFrame) -> tuple[HashForecast, ...]:
    """Count the users of a routed run by their hashes, also where there are none: all of them sign in."""
    ways = pl.concat([_early_ways(early), *_batch_ways(context)]).sort(ORDINAL)
    return hash_rows(context, ways, experience(context))


def hash_rows(context: Context, ways: pl.DataFrame, told: pl.Expr) -> tuple[HashForecast, ...]:
    """Every user in one row.

    Args:
        context: the run.
        ways: as in ``counted``, in the order of the source.
        told: ``experience``, or what knows even better.
    """
    attributes = [name for name in context.attributes if name in (*_VERIFIED, *_invited_at(context))]
    return summed(
        counted(context.folder.users(page.number), of_page(ways, page), told, attributes)
        for page in context.ledger.pages()
    )


def summed(counts: Iterable[pl.DataFrame]) -> tuple[HashForecast, ...]:
    """What pages count together, the most users first; kinds beyond ``MOST_ROWS`` are one row."""
    rows = pl.concat([_NOBODY, *counts]).group_by(_GROUP).agg(pl.col("users").sum())
    rows = rows.sort("users", *_GROUP, descending=[True, *[False] * len(_GROUP)])
    made = [HashForecast(**row) for row in rows.head(MOST_ROWS).iter_rows(named=True)]
    rest = int(rows[MOST_ROWS:]["users"].sum())
    return (*made, *([HashForecast("others", "", rest, "", "", "")] if rest else []))


def of_page(ways: pl.DataFrame, page: PageRecord) -> pl.DataFrame:
    """The rows of one page's users, out of all, which are in order."""
    edges = pl.Series([page.first_ordinal, page.first_ordinal + page.users], dtype=pl.UInt64)
    start, stop = ways[ORDINAL].set_sorted().search_sorted(edges)
    return ways[start:stop]


def _early_ways(early: pl.DataFrame) -> pl.DataFrame:
    return early.select(ORDINAL, pl.col(VERDICT).replace(_EARLY).alias("way"))


def _batch_ways(context: Context) -> Iterator[pl.DataFrame]:
    for batch in context.ledger.batches():
        way = WITH_HASH if batch.algorithm else _BY_BATCH.get(batch.strategy, batch.strategy)
        yield pl.read_parquet(context.folder.batch_users(batch.number)).select(
            ORDINAL, pl.lit(way).alias("way")
        )


def counted(users: Path, ways: pl.DataFrame, told: pl.Expr, attributes: Sequence[str] = ()) -> pl.DataFrame:
    """Count the users of one page by hash, way and first sign-in.

    Args:
        users: the page's file.
        ways: ``ORDINAL``, ``way`` and whatever else ``told`` reads; a user who is not there is rejected.
        told: what a user experiences, from the columns of both.
        attributes: of the users, which ``told`` reads as well.
    """
    columns = [ORDINAL, PASSWORD_HASH, PASSWORD, ALGORITHM, HASH_KIND, ENABLED, CSV_REASON, *attributes]
    page = scan_users(users).select(columns).collect()
    kind = kinds(page, hashes=PASSWORD_HASH, algorithm=ALGORITHM, kind=HASH_KIND).alias("kind")
    parted = page.with_columns(kind).join(ways, on=ORDINAL, how="left").select(
        scheme=_scheme(),
        parameters=pl.col("kind").str.extract(r"^\S+ (.+)$", 1).fill_null(""),
        way=pl.col("way").fill_null("rejected"),
        reason=_reason(),
        experience=told,
    )  # fmt: skip
    return parted.group_by(_GROUP).agg(pl.len().cast(pl.Int64).alias("users"))


def _reason() -> pl.Expr:
    """Also what keeps the user out of a CSV, and not the hash: it stays behind for that as well."""
    left = pl.col(PASSWORD_HASH).is_not_null() & pl.col("way").ne_missing(WITH_HASH)
    return pl.when(left).then(CSV_REASON).fill_null("")


def _scheme() -> pl.Expr:
    told = pl.col("kind").str.extract(r"^(\S+)", 1)
    return pl.when(~pl.col(ENABLED)).then(pl.lit(DISABLED)).otherwise(told.fill_null(NO_HASH))


def experience(context: Context) -> pl.Expr:
    """What a user experiences at the first sign-in, from ``way`` and the columns of ``counted``."""
    way = pl.col("way").fill_null("rejected")
    inside = ~way.is_in(["existing", "rejected", "failed"])
    created, knows = way == "admin_create_user", pl.col(PASSWORD).is_not_null()
    return (
        pl.when(~pl.col(ENABLED) & inside).then(pl.lit(_DISABLED))
        .when(created & knows).then(pl.lit(_OLD_PASSWORD))
        .when(created & _invited(context)).then(pl.lit(_INVITED))
        .when(created & ~_verified(context)).then(pl.lit(_CANNOT))
        .when((way == "migration_trigger") & _scheme().is_in(UNVERIFIED) & ~knows)
        .then(pl.lit(_UNVERIFIED))
        .otherwise(way.replace_strict(EXPERIENCE, default=""))
    )  # fmt: skip


def _invited(context: Context) -> pl.Expr:
    return _any(pl.col(name).is_not_null() for name in _invited_at(context) if name in context.attributes)


def _verified(context: Context) -> pl.Expr:
    return _any(pl.col(name).eq_missing("true") for name in _VERIFIED if name in context.attributes)


def _invited_at(context: Context) -> list[str]:
    """Attributes of the contacts that the run file invites people at."""
    return [CONTACTS[medium][1] for medium in context.loaded.settings.admin_create_user.invite]


def _any(conditions: Iterable[pl.Expr]) -> pl.Expr:
    return pl.any_horizontal([pl.lit(value=False), *conditions])


def notes_on_hashes(context: Context, found: tuple[HashForecast, ...]) -> tuple[str, ...]:
    """What to know before the night, for the hashes that were found."""
    algorithms = {batch.algorithm for batch in context.ledger.batches() if batch.algorithm}
    notes = [*_on_the_pool(context)] if algorithms else []
    if "ARGON2ID" in algorithms:
        notes.append(
            "The commas of Argon2id hashes are written `\\,`, which AWS's guide does not show (F2.7): "
            "`check --try-hashes` shows whether the pool reads them."
        )
    return (*notes, *_on_the_alphabet(context, found))


def _on_the_pool(context: Context) -> Iterator[str]:
    yield (
        "Until the first sign-in with an imported hash SRP does not work: app clients must allow "
        "USER_PASSWORD_AUTH or ADMIN_USER_PASSWORD_AUTH (F2.13)."
    )
    wish = context.spec.password_hash.without if context.spec.password_hash else None
    else_ = {
        "reset": "they travel without it and ask for a code",
        "random": "they get a random password and ask for a code",
    }.get(wish or "", "the next strategy takes them, or they are rejected")
    yield (
        "Not every pool takes hashes, and only the console shows which (F2.2, F2.3): `check --try-hashes` "
        f"asks with a tiny job. Where the pool refuses, nobody is lost: {else_}."
    )


def _on_the_alphabet(context: Context, found: tuple[HashForecast, ...]) -> Iterator[str]:
    alphabet = context.loaded.settings.rules.pbkdf2_alphabet
    kept = sum(row.users for row in found if row.reason == "hash_alphabet")
    if kept:
        yield (
            f"{kept:,} users do NOT travel with their PBKDF2 hash, only because nobody knows whether the "
            "pool reads `+` or `.` (F2.8). `check --try-hashes` finds it out: then set "
            "`rules.pbkdf2_alphabet`."
        )
    pbkdf2 = sum(batch.users for batch in context.ledger.batches() if batch.algorithm == "PBKDF2_SHA256")
    if pbkdf2 and alphabet != "shared":
        yield (
            f"{pbkdf2:,} users depend on `rules.pbkdf2_alphabet: {alphabet}` (F2.8): let one of them sign in "
            "before everybody travels."
        )
