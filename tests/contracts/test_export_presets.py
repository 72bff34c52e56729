"""From the exports of systems to judged users: their presets reject the planted people alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from connectors.records import ENABLED, GROUPS, IDENTITIES, MFA, PASSWORD_HASH, REASON, SOURCE_ID, USERNAME
from connectors.registry import make_source
from mappings.engine import compile_mapping
from mappings.rules import Rules
from mappings.spec import parse_mapping
from tests.contracts.keycloak_specimen import KEYCLOAK_PEOPLE, settings
from tests.servers.keycloak import SECRET, KeycloakServer
from tests.unit.pool_rules import pool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connectors.records import PoolSchema
    from connectors.sources.base import Source

PRESETS = Path(__file__).parent / "presets"
OPTIONAL_MFA = pool(mfa="OPTIONAL", identity_providers=("Google",), alias_attributes=("email",))


def judged(
    source: Source, mapping: Mapping[str, object], schema: PoolSchema = OPTIONAL_MFA
) -> dict[str, dict[str, object]]:
    """Every user of a source as a run would judge them, by the source's id."""
    spec = parse_mapping(mapping, where="test")
    compiled = compile_mapping(spec, key="id", known_fields=source.fields())
    rows = pl.concat(page.rows for page in source.pages(compiled.fields))
    frame = Rules(schema).judge(compiled.apply(rows))
    return {row[SOURCE_ID]: row for row in frame.iter_rows(named=True)}


def rejected(people: Mapping[str, Mapping[str, object]]) -> dict[object, object]:
    return {row[USERNAME]: row[REASON] for row in people.values() if row[REASON]}


KEYCLOAK = {"kind": "keycloak_export", "path": "keycloak.json"}


def keycloak_users() -> list[dict[str, object]]:
    return list(json.loads(KEYCLOAK_PEOPLE.read_text(encoding="utf-8"))["users"])


def test_keycloak_s_people_are_mapped_and_only_planted_ones_rejected() -> None:
    people = judged(make_source(KEYCLOAK, PRESETS), {"preset": "keycloak"})
    by_name = {row[USERNAME]: row for row in people.values()}
    assert rejected(people) == {"len@example.com": "username_email_shaped", "mia.thirteen": "email_invalid"}
    assert "service-account-backend" not in by_name
    assert by_name["ada.one"][GROUPS] == ["staff", "staff/editors"]
    assert by_name["ada.one"]["phone_number"] == "+15555550101"
    assert by_name["gus.seven"]["name"] is None
    assert by_name["kim.eleven"]["birthdate"] is by_name["kim.eleven"]["phone_number"] is None
    assert [name for name, row in by_name.items() if not row[ENABLED]] == ["eve.five"]
    assert [name for name, row in by_name.items() if row[MFA]] == ["cyn.three", "dan.four"]


def test_keycloak_s_password_is_handed_on_as_it_stands_and_no_seed_with_it() -> None:
    people = judged(make_source(KEYCLOAK, PRESETS), {"preset": "keycloak"})
    for user in keycloak_users():
        if user.get("serviceAccountClientId"):
            continue
        listed = user["credentials"]
        assert isinstance(listed, list)
        passwords = [each for each in listed if each["type"] == "password"]
        found = people[str(user["id"])][PASSWORD_HASH]
        assert (json.loads(str(found)) if found else None) == (passwords[0] if passwords else None)


def test_keycloak_s_one_time_passwords_are_refused_where_the_pool_has_no_mfa() -> None:
    source = make_source(KEYCLOAK, PRESETS)
    refused = rejected(judged(source, {"preset": "keycloak"}, pool()))
    assert [name for name, why in refused.items() if why == "mfa_not_in_pool"] == ["cyn.three", "dan.four"]
    assert len(rejected(judged(source, {"preset": "keycloak", "mfa": None}, pool()))) == len(refused) - 2


def test_keycloak_s_identities_and_roles_can_be_mapped_as_its_preset_says() -> None:
    rule = {
        "from": "federatedIdentities",
        "each": "{identityProvider}/{userId}",
        "then": [{"replace": {"google/": "Google/"}}],
    }
    roles = [{"from": "groups", "then": [{"slice": {"start": 1}}]}, {"from": "realmRoles"}]
    people = judged(
        make_source(KEYCLOAK, PRESETS), {"preset": "keycloak", "identities": rule, "groups": roles}
    )
    by_name = {row[USERNAME]: row for row in people.values()}
    assert by_name["hal.eight"][IDENTITIES] == ["Google/100000000000000000008"]
    assert by_name["ivy.nine"][REASON] == "identity_provider_unknown"
    assert by_name["ada.one"][GROUPS] == ["staff", "staff/editors", "default-roles-example", "admin"]


def test_keycloak_s_api_gives_the_same_people_without_their_passwords() -> None:
    with KeycloakServer(keycloak_users()) as server:
        given = settings(server).model_dump() | {"client_secret": SECRET}
        source = make_source(given, PRESETS)
        mapping = {"preset": "keycloak"}
        found = judged(source, mapping)
        server.requests.clear()
        list(source.pages(["id", "email"]))
        assert {request.path for request in server.requests} == {
            "/admin/realms/example/users", "/admin/realms/example/users/count",
        }  # fmt: skip
    expected = judged(make_source(KEYCLOAK, PRESETS), mapping)
    skipped = {PASSWORD_HASH, "@algorithm", "@line", "@csv_reason"}
    assert [{k: v for k, v in row.items() if k not in skipped} for row in found.values()] == [
        {k: v for k, v in row.items() if k not in skipped} for row in expected.values()
    ]
    assert not [row for row in found.values() if row[PASSWORD_HASH]]
