"""The local Cognito takes no name of a group that the API's model does not know (F7.19)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sandbox_users import Pool, client_for, make_pool, refused

from connectors.cognito.sandbox import start

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with start() as running:
        pool = make_pool(client_for(running.url))
        pool.create("ann")
        yield pool


ON_A_USER = ("admin_add_user_to_group", "admin_remove_user_from_group")
ON_A_GROUP = ("create_group", "get_group", "update_group", "delete_group", "list_users_in_group")


@pytest.mark.parametrize("operation", [*ON_A_USER, *ON_A_GROUP])
@pytest.mark.parametrize(
    "name", ["Site Admins", " staff", "a\u00a0b", "a\tb", "a\u200bb", "\u3000", "g" * 129]
)
def test_white_space_controls_and_length_make_no_name_of_a_group(
    pool: Pool, operation: str, name: str
) -> None:
    user = {"Username": "ann"} if operation in ON_A_USER else {}
    with refused("InvalidParameterException", "Value at 'groupName' failed to satisfy constraint"):
        pool.call(operation, GroupName=name, **user)


@pytest.mark.parametrize("name", ["g", "Ärzte/1", "李雷", "a+b=c", "e\u0301", "g" * 128])
def test_other_names_do(pool: Pool, name: str) -> None:
    pool.call("create_group", GroupName=name)
    pool.call("admin_add_user_to_group", GroupName=name, Username="ann")
    pool.call("update_group", GroupName=name, Description="d")
    assert pool.call("get_group", GroupName=name)["Group"]["Description"] == "d"
    assert [user["Username"] for user in pool.call("list_users_in_group", GroupName=name)["Users"]] == ["ann"]
    pool.call("admin_remove_user_from_group", GroupName=name, Username="ann")
    pool.call("delete_group", GroupName=name)
