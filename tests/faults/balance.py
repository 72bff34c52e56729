"""The whole balance of a run that came to its end: source, verdicts, pool. Whoever breaks it is named.

``problems`` is pure, so that a planted wrong settling proves that it would be caught.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import boto3
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

User = dict[str, Any]
"""A user as ``ListUsers`` tells of them."""

NEW: Final = ("imported", "created")
"""Verdicts of users whom the run has put into the pool."""

IN_THE_POOL: Final = (*NEW, "updated", "existing")
"""Verdicts of users who are in the pool when a run is over."""

TOLD: Final = ("rejected", "failed")
"""Verdicts that have a reason."""


def pool_users(pool_id: str, client: Any = None) -> list[User]:
    """Everybody in a pool."""
    client = client or boto3.client("cognito-idp", region_name="eu-west-1")
    pages = client.get_paginator("list_users").paginate(UserPoolId=pool_id)
    return [user for page in pages for user in page["Users"]]


def hold_balance(
    folder: Path,
    users: Sequence[User],
    *,
    before: Iterable[User] = (),
    source_ids: Iterable[str] | None = None,
) -> None:
    """Hold a finished run's folder to its promises.

    Args:
        folder: the run's folder, with ``summary.json`` and ``verdicts.parquet``.
        users: everybody in the pool now, from ``pool_users``.
        before: who was in the pool before the run, or was put there by somebody else.
        source_ids: ids of all source users in order, where the test knows them.
    """
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    verdicts = pl.read_parquet(folder / "verdicts.parquet")
    found = problems(summary, verdicts, users, before=before, source_ids=source_ids)
    assert not found, "; ".join(found)


def problems(
    summary: Mapping[str, Any],
    verdicts: pl.DataFrame,
    users: Iterable[User],
    *,
    before: Iterable[User] = (),
    source_ids: Iterable[str] | None = None,
) -> list[str]:
    """Say what does not add up; an empty list means that all of it does."""
    known = {sub_of(user) for user in before}
    return [
        *_of_counts(summary, verdicts),
        *_of_sources(verdicts, source_ids),
        *_of_pool(verdicts, {sub_of(user): user for user in users}, known),
    ]


def _of_counts(summary: Mapping[str, Any], verdicts: pl.DataFrame) -> Iterator[str]:
    if summary["state"] != "finished":
        yield f"the run is {summary['state']}, not finished"
    if not summary["balanced"]:
        yield "the summary says that it is not balanced"
    counted = dict(verdicts.drop_nulls("verdict").group_by("verdict").len().iter_rows())
    if {name: count for name, count in summary["verdicts"].items() if count} != counted:
        yield f"the summary counts {summary['verdicts']}, the verdicts are {counted}"
    if not summary["extracted"] == verdicts.height == sum(summary["verdicts"].values()):
        yield f"{summary['extracted']} were extracted, {verdicts.height} have a line"
    if nobody := verdicts["verdict"].null_count():
        yield f"{nobody} users have no verdict"
    if silent := verdicts.filter(pl.col("verdict").is_in(TOLD))["reason"].null_count():
        yield f"{silent} rejected or failed users have no reason"


def _of_sources(verdicts: pl.DataFrame, source_ids: Iterable[str] | None) -> Iterator[str]:
    if source_ids is not None and verdicts["source_id"].to_list() != list(source_ids):
        yield "the verdicts are not those of the source's users, one for each, in order"


def _of_pool(verdicts: pl.DataFrame, users: Mapping[str, User], known: set[str]) -> Iterator[str]:
    """Whoever has landed is there under the ``sub`` that is told, and nobody else came."""
    fresh = {sub: user for sub, user in users.items() if sub not in known}
    there = verdicts.filter(pl.col("verdict").is_in(IN_THE_POOL))
    yield from _of_subs(there.drop_nulls("sub"), users)
    ours = there.filter(pl.col("verdict").is_in(NEW))
    named = [row["sub"] or _sub_by_name(fresh, row["username"]) for row in ours.iter_rows(named=True)]
    if len(named) != len(set(named)):
        yield "two verdicts name one user of the pool"
    if stolen := len(set(named) & known):
        yield f"{stolen} users of others are called ours"
    if absent := len(set(named) - fresh.keys() - known):
        yield f"{absent} users are said to have landed and are not in the pool"
    if unsaid := len(fresh.keys() - set(named)):
        yield f"{unsaid} users of the pool are ours, and no verdict says so"


def _of_subs(there: pl.DataFrame, users: Mapping[str, User]) -> Iterator[str]:
    for sub, username in there.select("sub", "username").iter_rows():
        if sub not in users:
            yield "a verdict names a sub that the pool does not have"
        elif username.lower() not in names_of(users[sub]):
            yield "a verdict names somebody else's sub"


def _sub_by_name(users: Mapping[str, User], username: str) -> str:
    """The ``sub`` of the one user of that name, where a run was not asked to read the pool back."""
    found = [sub for sub, user in users.items() if username.lower() in names_of(user)]
    return found[0] if len(found) == 1 else f"nobody or several called {username}"


def sub_of(user: User) -> str:
    """The ``sub`` of a user of ``ListUsers``."""
    return next(item["Value"] for item in user["Attributes"] if item["Name"] == "sub")


def names_of(user: User) -> set[str]:
    """What the source may call a user, in small letters: pools that make usernames know them by a contact."""
    contacts = {item["Value"] for item in user["Attributes"] if item["Name"] in ("email", "phone_number")}
    return {name.lower() for name in {user["Username"], *contacts}}
