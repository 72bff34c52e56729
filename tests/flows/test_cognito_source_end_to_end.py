"""From one pool into another: custom attributes that the target lacks, groups, links, and at whose pace."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from connectors.errors import ConfigurationError
from flows.checks import check_run_file
from flows.cli import app
from flows.settings import load_run_file
from flows.steps.attributes import create_attributes
from flows.steps.context import source_of
from tests.flows.journeys import CREATED, IMPORTED, QUICK, hold, lead_to, make_pool, text_attribute, travel

if TYPE_CHECKING:
    from pathlib import Path

    from connectors.cognito.sandbox import Sandbox
    from tests.flows.conftest import Pool

POINTS = {
    "Name": "points",
    "AttributeDataType": "Number",
    "Mutable": False,
    "NumberAttributeConstraints": {"MinValue": "0", "MaxValue": "10"},
}
MAPPING: dict[str, Any] = {
    "preset": "cognito",
    "attributes": {"custom:tenant": {"from": "custom:tenant"}, "custom:points": {"from": "custom:points"}},
}
GOOGLE = {
    "ProviderName": "Google",
    "ProviderType": "Google",
    "ProviderDetails": {"client_id": "a", "client_secret": "b", "authorize_scopes": "openid"},
}


@pytest.fixture
def old(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pool:
    """The pool that is left: it knows letter case, and has what the new one lacks."""
    lead_to(sandbox, monkeypatch)
    schema = [text_attribute("tenant"), POINTS, text_attribute("unused")]
    return make_pool(sandbox, tmp_path / "old", Schema=schema, UsernameConfiguration={"CaseSensitive": True})


@pytest.fixture
def pool(old: Pool, tmp_path: Path) -> Pool:
    made = make_pool(old.sandbox, tmp_path / "new", Schema=None)
    for each in (old, made):
        each.client.create_identity_provider(UserPoolId=each.pool_id, **GOOGLE)
    return made


def put(old: Pool, username: str, **attributes: str) -> str:
    """Put somebody into the old pool; gives the ``sub`` there."""
    listed = [{"Name": name.replace("__", ":"), "Value": value} for name, value in attributes.items()]
    user = old.client.admin_create_user(
        UserPoolId=old.pool_id, Username=username, MessageAction="SUPPRESS", UserAttributes=listed
    )["User"]
    return next(str(each["Value"]) for each in user["Attributes"] if each["Name"] == "sub")


def run_file(pool: Pool, old: Pool, **changes: Any) -> Path:
    source = {
        "kind": "cognito",
        "user_pool_id": old.pool_id,
        "region": "eu-west-1",
        "key": "sub",
        "page_users": 2,
    }
    return pool.run_file([], **{"source": source, "mapping": MAPPING, "jobs": QUICK, **changes})


def people(old: Pool) -> list[str]:
    """Four people; gives their ids in the old pool."""
    verified = {"email_verified": "true", "custom__tenant": "acme"}
    ids = [
        put(old, "ann", email="ann@example.com", birthdate="1990-02-03", custom__points="7", **verified),
        put(old, "ben", email="ben@example.com", **verified),
        put(old, "emil", email="emil@example.com", email_verified="false"),
        put(old, "gil", email="gil@example.com", **verified),
    ]
    where = {"UserPoolId": old.pool_id}
    old.client.create_group(GroupName="staff", **where)
    for name in ("ann", "emil"):
        old.client.admin_add_user_to_group(Username=name, GroupName="staff", **where)
    old.client.admin_disable_user(Username="ben", **where)
    old.client.admin_link_provider_for_user(
        DestinationUser={"ProviderName": "Cognito", "ProviderAttributeValue": "gil"},
        SourceUser={
            "ProviderName": "Google",
            "ProviderAttributeName": "Cognito_Subject",
            "ProviderAttributeValue": "g-1",
        },
        **where,
    )
    return ids


def mapping_finding(path: Path) -> tuple[bool, str, str]:
    (found,) = [each for each in check_run_file(load_run_file(path)) if each.what == "mapping"]
    return found.good, found.text, found.mend


def test_from_one_pool_into_another(pool: Pool, old: Pool) -> None:
    ids = people(old)
    path = run_file(pool, old)
    good, text, mend = mapping_finding(path)
    assert not good
    assert "custom:tenant" in text
    assert "--create-attributes" in mend

    asked = CliRunner().invoke(app, ["check", str(path), "--create-attributes", "--json"])
    findings = {each["what"]: each for each in json.loads(asked.stdout)["checks"]}
    assert findings["mapping"]["good"]
    assert findings["mapping"]["text"].endswith("nothing reads the source's custom:unused")
    assert create_attributes(load_run_file(path)) == []

    journey = travel(path)
    hold(journey, pool)
    assert journey.ends() == [IMPORTED, IMPORTED, CREATED, IMPORTED]
    assert journey.verdicts["source_id"].to_list() == ids
    ann = pool.attributes("ann")
    assert (ann["custom:tenant"], ann["custom:points"]) == ("acme", "7")
    assert [name for name, user in pool.users().items() if not user["Enabled"]] == ["ben"]
    members = pool.client.list_users_in_group(UserPoolId=pool.pool_id, GroupName="staff")["Users"]
    assert {user["Username"] for user in members} == {"ann", "emil"}
    (link,) = json.loads(pool.attributes("gil")["identities"])
    assert (link["providerName"], link["userId"]) == ("Google", "g-1")
    assert "ann@example.com" not in journey.told


def test_an_attribute_is_declared_as_in_the_pool_that_it_comes_from(pool: Pool, old: Pool) -> None:
    """Any other one takes text and can be changed."""
    rules = {**MAPPING["attributes"], "custom:origin": {"const": "old pool"}}
    create_attributes(load_run_file(run_file(pool, old, mapping={"preset": "cognito", "attributes": rules})))
    listed = pool.client.describe_user_pool(UserPoolId=pool.pool_id)["UserPool"]["SchemaAttributes"]
    made = {each["Name"]: each for each in listed if each["Name"].startswith("custom:")}
    assert made.keys() == {"custom:tenant", "custom:points", "custom:origin"}
    points, origin = made["custom:points"], made["custom:origin"]
    assert (points["AttributeDataType"], points["Mutable"]) == ("Number", False)
    assert points["NumberAttributeConstraints"] == POINTS["NumberAttributeConstraints"]
    assert (origin["AttributeDataType"], origin["Mutable"]) == ("String", True)
    assert origin["StringAttributeConstraints"] == {"MinLength": "0", "MaxLength": "2048"}


def many(count: int, name: str = "custom:a{}") -> dict[str, Any]:
    return {"preset": "cognito", "attributes": {name.format(n): {"const": "x"} for n in range(count)}}


def test_more_attributes_than_a_call_takes_are_added_by_several(pool: Pool, old: Pool) -> None:
    loaded = load_run_file(run_file(pool, old, mapping=many(50)))
    assert len(create_attributes(loaded)) == 50
    assert create_attributes(loaded) == []


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        (many(51), "would get 51 more; it takes 50"),
        (many(1, "custom:" + "n" * 21), "takes no attribute called"),
        (many(1, "custom:two words"), "takes no attribute called"),
    ],
    ids=["too many", "too long", "white space"],
)
def test_what_no_pool_takes_is_refused_before_anything_is_added(
    pool: Pool, old: Pool, mapping: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        create_attributes(load_run_file(run_file(pool, old, mapping=mapping)))


def test_the_pool_that_is_read_is_read_at_the_pace_of_the_quotas(pool: Pool, old: Pool) -> None:
    """Ten calls, twenty a second: the first is free."""
    for number in range(10):
        put(old, f"u{number}", email=f"u{number}@example.com")
    source = {"kind": "cognito", "user_pool_id": old.pool_id, "page_users": 1, "region": "eu-west-1"}
    loaded = load_run_file(
        run_file(pool, old, source=source, quotas={"share": 1, "limits": {"UserList": 20}})
    )
    opened = source_of(loaded)
    opened.fields()
    began = time.monotonic()
    assert len(list(opened.pages(["Username"]))) == 10
    assert time.monotonic() - began > 9 / 20 - 0.1


def test_a_pool_is_not_carried_into_itself(pool: Pool) -> None:
    with pytest.raises(ConfigurationError, match="the same pool"):
        source_of(load_run_file(run_file(pool, pool)))


def test_a_pool_without_users_is_a_run_that_ends_well(pool: Pool, old: Pool) -> None:
    assert travel(run_file(pool, old, mapping="cognito")).ends() == []
