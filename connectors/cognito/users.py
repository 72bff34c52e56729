"""Who is in the pool: everybody by pages, or one by name. ``ListUsers`` makes nobody billable (F8.4)."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final

import polars as pl

from connectors.cognito.error_codes import pool_call
from connectors.cognito.limits import LIST_USERS_LIMIT, MAX_FILTER_CHARACTERS
from connectors.errors import TargetError
from connectors.retry import retrying

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_cognito_idp.type_defs import (
        ListUsersInGroupRequestTypeDef,
        ListUsersInGroupResponseTypeDef,
        ListUsersRequestTypeDef,
        ListUsersResponseTypeDef,
        UserTypeTypeDef,
    )

    from connectors.records import PoolSchema

PAGES_OF_A_FRAME: Final = 100
"""Replies that are put together into one frame: 6,000 users where every page is full."""
USER_COLUMNS: Final = pl.Schema(
    {
        "username": pl.String(),
        "sub": pl.String(),
        "status": pl.String(),
        "enabled": pl.Boolean(),
        "created": pl.Datetime("us", "UTC"),
        "modified": pl.Datetime("us", "UTC"),
    }
)
"""The columns that every frame of users begins with; ``status`` is ``UserStatus``.

``modified`` is ``UserLastModifiedDate``, of which the model says only "when the item was modified": what
moves it, a sign-in for instance, is not documented.
"""

NATIVE: Final = pl.col("status").ne_missing("EXTERNAL_PROVIDER")
"""Whether somebody is the pool's own: who came through another provider signs in by no address (F7.20)."""

_REPLY: Final = pl.Schema(
    {
        "Username": pl.String(),
        "UserStatus": pl.String(),
        "Enabled": pl.Boolean(),
        "UserCreateDate": pl.Datetime("us", "UTC"),
        "UserLastModifiedDate": pl.Datetime("us", "UTC"),
        "Attributes": pl.List(pl.Struct({"Name": pl.String(), "Value": pl.String()})),
    }
)


def read_back(
    client: CognitoIdentityProviderClient,
    pool_id: str,
    *,
    attributes: Sequence[str] | None = None,
    token: str | None = None,
    on_token: Callable[[str | None], None] | None = None,
) -> Iterator[pl.DataFrame]:
    """Read all users of a pool, some thousands at a time.

    The service is never asked for chosen attributes (``AttributesToGet``): it refuses a page as soon as
    one user on it lacks one of them. They are chosen here. What was written a moment ago may be
    missing (F5.15); one whole reading has no user twice.

    Args:
        client: a client of the pool's Region.
        pool_id: the pool.
        attributes: attributes to hand out; None for all that the users of a frame have, sorted.
        token: where to go on, as ``on_token`` was told; None for the beginning.
        on_token: called when the caller comes back for more, so after each frame was taken in: with the
            token to go on behind it, or None after the last.

    Yields:
        ``USER_COLUMNS``, then one String column an attribute, null where a user has none.

    Raises:
        TargetError: the pool is not there, a right is missing, or the token is too old.
        RetryError: the service did not answer, in spite of several tries.
    """
    pages = _pages(client, pool_id, token)
    while batch := list(islice(pages, PAGES_OF_A_FRAME)):
        users = [user for page in batch for user in page["Users"]]
        yield users_frame(users, attributes)
        if on_token:
            on_token(batch[-1].get("PaginationToken"))


def users_frame(users: Sequence[UserTypeTypeDef], attributes: Sequence[str] | None) -> pl.DataFrame:
    """Put users of ``ListUsers`` into the form that ``read_back`` yields."""
    told = pl.from_dicts(users, schema=_REPLY).with_row_index("row")
    values = (
        told.select("row", "Attributes").explode("Attributes").drop_nulls("Attributes").unnest("Attributes")
    )
    wanted = sorted(values["Name"].unique()) if attributes is None else list(attributes)
    of_a_user = values.group_by("row").agg(
        pl.col("Value").filter(pl.col("Name") == name).first().alias(name)
        for name in dict.fromkeys(("sub", *wanted))
    )
    return told.join(of_a_user, on="row", how="left", maintain_order="left").select(
        pl.col("Username").alias("username"),
        "sub",
        pl.col("UserStatus").alias("status"),
        pl.col("Enabled").alias("enabled"),
        pl.col("UserCreateDate").alias("created"),
        pl.col("UserLastModifiedDate").alias("modified"),
        *(name for name in wanted if name != "sub"),
    )


def _pages(
    client: CognitoIdentityProviderClient, pool_id: str, token: str | None
) -> Iterator[ListUsersResponseTypeDef]:
    request: ListUsersRequestTypeDef = {"UserPoolId": pool_id, "Limit": LIST_USERS_LIMIT}
    while True:
        if token:
            request["PaginationToken"] = token
        page = retrying("ListUsers")(partial(_page, client, request))
        yield page
        token = page.get("PaginationToken")
        if not token:
            return


def _page(
    client: CognitoIdentityProviderClient, request: ListUsersRequestTypeDef
) -> ListUsersResponseTypeDef:
    with pool_call("ListUsers"):
        return client.list_users(**request)


def find_user(client: CognitoIdentityProviderClient, schema: PoolSchema, name: str) -> pl.DataFrame:
    """Look one user up without making them billable (F8.4: ``AdminGetUser`` would).

    Args:
        client: a client of the pool's Region.
        schema: the pool. Where users sign in with an e-mail address or a phone number the username is
            the pool's own (F5.6), and that attribute is searched instead.
        name: what the source calls the user, exactly.

    Returns:
        The user in the form of ``read_back`` with all attributes; no row where nobody has the name. A
        user who was made a moment ago may not be found yet (F5.15). Nobody is found by an address who came
        through another provider.

    Raises:
        TargetError: the pool is not there or a right is missing, or the name is too long for a filter.
        RetryError: the service did not answer, in spite of several tries.
    """
    found = _search(client, schema.pool_id, _filter(_searched(schema, name), name))
    return found.filter(NATIVE) if schema.username_attributes else found


def find_username(client: CognitoIdentityProviderClient, pool_id: str, username: str) -> pl.DataFrame:
    """Look one user up by the pool's own username, as ``find_user`` does by the name of the source."""
    return _search(client, pool_id, _filter("username", username))


def find_sub(client: CognitoIdentityProviderClient, pool_id: str, sub: str) -> pl.DataFrame:
    """Look one user up by what no other user ever has, without making them billable (F8.4).

    Args:
        client: a client of the pool's Region.
        pool_id: the pool.
        sub: the user's ``sub``.

    Returns, Raises:
        As ``find_user``.
    """
    return _search(client, pool_id, _filter("sub", sub))


def find_holders(
    client: CognitoIdentityProviderClient, pool_id: str, attribute: str, value: str
) -> pl.DataFrame:
    """Look up everybody who signs in by a value, as ``find_user`` does by name.

    Args:
        client: a client of the pool's Region.
        pool_id: the pool.
        attribute: one that can be searched: ``email``, ``phone_number`` or ``preferred_username``.
        value: the value, exactly.
    """
    return _search(client, pool_id, _filter(attribute, value)).filter(NATIVE)


def members(client: CognitoIdentityProviderClient, pool_id: str, group: str) -> Iterator[list[str]]:
    """Read the usernames of a group, some at a time (``ListUsersInGroup``).

    Raises:
        UserRefusedError: the pool has no such group.
        TargetError: a right is missing.
        RetryError: the service did not answer, in spite of several tries.
    """
    request: ListUsersInGroupRequestTypeDef = {
        "UserPoolId": pool_id, "GroupName": group, "Limit": LIST_USERS_LIMIT
    }  # fmt: skip
    while True:
        page = retrying("ListUsersInGroup")(partial(_members, client, request))
        yield [user["Username"] for user in page["Users"]]
        if "NextToken" not in page:
            return
        request["NextToken"] = page["NextToken"]


def _members(
    client: CognitoIdentityProviderClient, request: ListUsersInGroupRequestTypeDef
) -> ListUsersInGroupResponseTypeDef:
    with pool_call("ListUsersInGroup"):
        return client.list_users_in_group(**request)


def _search(client: CognitoIdentityProviderClient, pool_id: str, wanted: str) -> pl.DataFrame:
    request: ListUsersRequestTypeDef = {"UserPoolId": pool_id, "Filter": wanted}
    users: list[UserTypeTypeDef] = []
    while True:
        page = retrying("ListUsers")(partial(_page, client, request))
        users.extend(page["Users"])
        if "PaginationToken" not in page:  # an empty page may have others behind it
            return users_frame(users, None)
        request["PaginationToken"] = page["PaginationToken"]


def can_be_searched(attribute: str, value: str) -> bool:
    """Whether a value is short enough to be looked for: a filter has 256 characters at most."""
    return len(_written(attribute, value)) <= MAX_FILTER_CHARACTERS


def _filter(attribute: str, name: str) -> str:
    """Write the filter of ``ListUsers``, or say that it would be too long."""
    found = _written(attribute, name)
    if len(found) > MAX_FILTER_CHARACTERS:
        raise TargetError("A username is too long to be looked for with ListUsers.", "Read the pool back.")
    return found


def _written(attribute: str, name: str) -> str:
    """Write ``attribute = "name"``; a quote or a backslash in the name gets a backslash before it."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'{attribute} = "{escaped}"'


def _searched(schema: PoolSchema, name: str) -> str:
    """Say which attribute holds a name that users sign in with (F1.46)."""
    if not schema.username_attributes:
        return "username"
    wanted = "phone_number" if name.startswith("+") else "email"
    return wanted if wanted in schema.username_attributes else schema.username_attributes[0]
