"""People of SCIM, Okta and Entra travel into a pool by the preset of their system, groups and all."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.flows.journeys import CREATED, IMPORTED, QUICK, hold, rejected, travel
from tests.servers import entra, okta, scim

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from tests.flows.conftest import Pool

WHITE_SPACE = rejected("username_white_space")
FIXTURES = Path(__file__).parent.parent / "contracts" / "presets"


def people(system: str) -> list[dict[str, Any]]:
    return json.loads((FIXTURES / f"{system}.json").read_text())  # type: ignore[no-any-return]  # a list


@contextmanager
def scim_source() -> Iterator[dict[str, Any]]:
    with scim.ScimServer(cursor=True) as server:
        ids = [server.add("User", **person) for person in people("scim")]
        server.add("Group", displayName="staff", members=[{"value": ids[0]}, {"value": ids[1]}])
        yield {
            "kind": "scim",
            "url": server.base,
            "token": scim.TOKEN,
            "groups_from": "groups",
            "page_users": 3,
        }


@contextmanager
def okta_source() -> Iterator[dict[str, Any]]:
    with okta.OktaServer(people("okta")) as server:
        server.add_group("staff", ["00u1", "00u2"])
        yield {"kind": "okta", "url": server.url, "token": okta.TOKEN, "page_users": 3}


@contextmanager
def entra_source() -> Iterator[dict[str, Any]]:
    with entra.GraphServer(people("entra")) as server:
        server.add_group("staff", ["a1", "b2"])
        yield {
            "kind": "entra", "tenant": entra.TENANT, "client_id": entra.CLIENT, "client_secret": entra.SECRET,
            "graph_url": server.graph, "login_url": server.url, "page_users": 3,
        }  # fmt: skip


@pytest.mark.parametrize(
    ("source", "email", "ends", "staff", "disabled"),
    [
        (
            scim_source, "emails[0].value",
            {"dora.no.mail": CREATED, "planted bad mail": WHITE_SPACE},
            {"ann", "ben"}, {"ben"},
        ),
        (
            okta_source, "profile.email",
            {"planted bad login": WHITE_SPACE, "planted-bad-mail": rejected("email_invalid")},
            {"ann@example.com", "ben@example.com"}, {"ben@example.com", "gus@example.com"},
        ),
        (
            entra_source, "signInNames.emailAddress",
            {"planted bad name": WHITE_SPACE},
            {"ann@example.com", "ben@example.com"}, {"ben@example.com"},
        ),
    ],
    ids=["scim", "okta", "entra"],
)  # fmt: skip
def test_people_travel_by_the_preset_of_their_system(
    pool: Pool,
    source: Callable[[], AbstractContextManager[dict[str, Any]]],
    email: str,
    ends: dict[str, tuple[str, str | None]],
    staff: set[str],
    disabled: set[str],
) -> None:
    with source() as told:
        verified = {"const": "true", "when": {"field": email, "present": True}}
        mapping = {"preset": told["kind"], "attributes": {"email_verified": verified}}
        strategies = ["import_job", "admin_create_user"]
        run_file = pool.run_file([], source=told, mapping=mapping, strategies=strategies, jobs=QUICK)
        journey = travel(run_file)
    hold(journey, pool)
    found = dict(zip(journey.verdicts["username"], journey.ends(), strict=True))
    assert {name: found[name] for name in ends} == ends
    assert set(found.values()) == {*ends.values(), IMPORTED} | (
        {CREATED} if told["kind"] == "entra" else set()
    )
    members = pool.client.list_users_in_group(UserPoolId=pool.pool_id, GroupName="staff")["Users"]
    assert {user["Username"] for user in members} == staff
    assert {name for name, user in pool.users().items() if not user["Enabled"]} == disabled
