"""Users who came through another provider before the run: their address signs in nobody (F7.20)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from moto.cognitoidp.models import cognitoidp_backends

from connectors.cognito.sandbox import Sandbox, start
from connectors.cognito.sandbox.directory import directory_of
from connectors.cognito.sandbox.stored_user import StoredUser
from tests.flows.conftest import Pool, person
from tests.flows.journeys import CREATED, IMPORTED, check, lead_to, make_pool, mapping
from tests.flows.scenes import BCRYPT, Scene, wrong

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SOCIAL = "Google_104"
BY_EMAIL: dict[str, Any] = {"UsernameAttributes": ["email"]}
BY_ALIAS: dict[str, Any] = {"AliasAttributes": ["email"]}
PEOPLE = [person(1), person(2, verified="no")]


@pytest.fixture(scope="module")
def inside() -> Iterator[Sandbox]:
    """A local Cognito in this process, so that a test can put somebody in whom no operation makes."""
    with start() as running:
        yield running


def federated(pool: Pool, email: str, name: str = SOCIAL) -> str:
    """Let somebody sign in through another provider; gives their ``sub``."""
    (account,) = cognitoidp_backends.values()
    there = account["eu-west-1"].user_pools[pool.pool_id]
    attributes = {"email": email, "email_verified": "true"}
    user = StoredUser.create(pool.pool_id, name, "EXTERNAL_PROVIDER", attributes)
    directory_of(there).insert(user)
    return user.id


@pytest.mark.parametrize("settings", [BY_EMAIL, BY_ALIAS], ids=["names", "aliases"])
def test_an_address_of_a_federated_user_is_free(
    inside: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: dict[str, Any]
) -> None:
    """Whoever has the same address in the source is somebody of their own, also for the id map."""
    lead_to(inside, monkeypatch)
    pool = make_pool(inside, tmp_path, **settings)
    others = {federated(pool, each["email"], f"{SOCIAL}{each['id']}") for each in PEOPLE}
    own = mapping(username="email" if settings is BY_EMAIL else "id")
    journey = check(pool, PEOPLE, [IMPORTED, CREATED], mapping=own)
    subs = set(journey.verdicts["sub"])
    assert len(subs) == len(PEOPLE)
    assert not subs & others


def test_nobody_arrives_or_is_replaced_by_a_federated_user_of_the_same_address(
    inside: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lead_to(inside, monkeypatch)
    pool = make_pool(inside, tmp_path, **BY_EMAIL)
    people = [person(1), person(2, pw=BCRYPT.replace("$10$", "$13$"))]
    scene = Scene.of(pool, people, mapping=mapping(username="email"))
    pool.client.admin_delete_user(UserPoolId=pool.pool_id, Username=people[0]["email"])
    for each in people:
        federated(pool, each["email"], f"{SOCIAL}{each['id']}")
    found = scene.held()
    assert (found.deferred, found.arrived) == (1, 0)
    assert wrong(found) == {"missing": 1, "extra": 2}
