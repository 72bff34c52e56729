"""From the exports of systems to judged users: their presets reject the planted people alone."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from connectors.cognito.trigger.handler import hashes as hashes_of_trigger
from connectors.records import ENABLED, GROUPS, IDENTITIES, MFA, PASSWORD_HASH, REASON, SOURCE_ID, USERNAME
from connectors.registry import make_source
from connectors.sources.auth0_api import Auth0Source
from connectors.sources.firebase_api import FirebaseSource
from mappings.engine import compile_mapping
from mappings.password_hashes import PasswordHashes
from mappings.rules import Rules
from mappings.spec import parse_mapping
from tests.contracts import auth0_specimen, firebase_specimen
from tests.contracts.keycloak_specimen import KEYCLOAK_PEOPLE, settings
from tests.servers import auth0, firebase
from tests.servers.keycloak import SECRET, KeycloakServer
from tests.unit.pool_rules import pool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connectors.records import PoolSchema
    from connectors.sources.base import Source

PRESETS = Path(__file__).parent / "presets"
OPTIONAL_MFA = pool(mfa="OPTIONAL", identity_providers=("Google",), alias_attributes=("email",))


def judged(
    source: Source, mapping: Mapping[str, object], schema: PoolSchema = OPTIONAL_MFA, key: str = "id"
) -> dict[str, dict[str, object]]:
    """Every user of a source as a run would judge them, by the source's id."""
    spec = parse_mapping(mapping, where="test")
    compiled = compile_mapping(spec, key=key, known_fields=source.fields())
    rows = pl.concat(page.rows for page in source.pages(compiled.fields))
    frame = Rules(schema).judge(compiled.apply(rows))
    return {row[SOURCE_ID]: row for row in frame.iter_rows(named=True)}


def rejected(people: Mapping[str, Mapping[str, object]]) -> dict[object, object]:
    return {row[USERNAME]: row[REASON] for row in people.values() if row[REASON]}


def profile(row: Mapping[str, object]) -> dict[str, object]:
    """What a user is besides a password, and where the source had them."""
    kept = (USERNAME, SOURCE_ID, GROUPS, ENABLED, MFA, REASON)
    return {name: value for name, value in row.items() if name in kept or not name.startswith("@")}


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
    source = make_source(KEYCLOAK, PRESETS)
    rows = pl.concat(page.rows for page in source.pages(["id", "passwordCredential"]))
    found = dict(rows.select("id", "passwordCredential").iter_rows())
    for user in keycloak_users():
        if not user.get("serviceAccountClientId"):
            listed = user["credentials"]
            assert isinstance(listed, list)
            passwords = [each for each in listed if each["type"] == "password"] or [None]
            assert json.loads(found[user["id"]] or "null") == passwords[0]


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
        assert {request.path for request in server.requests if not server.is_token_call(request)} == {
            "/admin/realms/example/users", "/admin/realms/example/users/count",
        }  # fmt: skip
    expected = judged(make_source(KEYCLOAK, PRESETS), mapping)
    assert list(map(profile, found.values())) == list(map(profile, expected.values()))
    assert not [row for row in found.values() if row[PASSWORD_HASH]]


AUTH0 = {"kind": "auth0_export", "path": "auth0.jsonl", "hashes": "auth0-hashes.jsonl"}


def test_auth0_s_people_are_mapped_and_only_planted_ones_rejected() -> None:
    people = judged(make_source(AUTH0, PRESETS), {"preset": "auth0"}, key="user_id")
    by_name = {str(row["nickname"]): row for row in people.values()}
    assert set(rejected(people).values()) == {"email_invalid", "username_white_space"}
    assert {name for name, row in by_name.items() if row[REASON]} == {"planted.address", "planted.blank"}
    assert [name for name, row in by_name.items() if not row[ENABLED]] == ["dan.four"]
    assert [name for name, row in by_name.items() if row[MFA]] == ["gus.eight"]
    assert by_name["ada.one"][GROUPS] == ["staff", "editors"]
    assert by_name["ivy.ten"][GROUPS] == ["admin"]
    assert by_name["bob.two"]["phone_number"] == "+15555550102"
    assert (by_name["sms.seven"]["phone_number_verified"], by_name["sms.seven"]["email"]) == ("true", None)


def test_auth0_s_hashes_reach_their_users_by_id_alternative_id_and_linked_identity() -> None:
    people = judged(make_source(AUTH0, PRESETS), {"preset": "auth0"}, key="user_id")
    by_name = {str(row["nickname"]): row for row in people.values()}
    lines = (PRESETS / "auth0-hashes.jsonl").read_text(encoding="utf-8").splitlines()
    hashes = {each["email"].partition("@")[0]: each["passwordHash"] for each in map(json.loads, lines)}
    assert {name: row[PASSWORD_HASH] for name, row in by_name.items() if row[PASSWORD_HASH]} == hashes
    assert {"bob.two", "fay.six"} < hashes.keys()
    travel = [name for name, row in by_name.items() if row[PASSWORD_HASH] and row["@algorithm"] != "BCRYPT"]
    assert travel == ["dan.four"], "a blocked user's hash does not travel (F7.12)"


def test_auth0_s_job_gives_the_same_people_and_is_asked_for_no_more_than_the_mapping_reads() -> None:
    lines = (PRESETS / "auth0.jsonl").read_text(encoding="utf-8").splitlines()
    pauses: list[float] = []
    with auth0.Auth0Server([json.loads(line) for line in lines], slow=2) as server:
        given = auth0_specimen.settings(server, hashes="auth0-hashes.jsonl")
        source = Auth0Source(given, PRESETS, sleep=pauses.append)
        assert source.count() == len(lines)
        found = judged(source, {"preset": "auth0"}, key="user_id")
        list(source.pages(["email", "user_metadata.plan"]))
        asked = [{field["name"] for field in job["fields"]} for job in server.jobs]
    assert asked[1] == {"user_id", "identities", "email", "user_metadata"}
    assert pauses == [1.0, 2.0] * 2
    assert found == judged(make_source(AUTH0, PRESETS), {"preset": "auth0"}, key="user_id")


SIGNER = "bSXPc0xJod0nPk2Pq19b240QmewF6P3Hwdc0d3ZIq3O94gGCUEXk2jLaXpZ5a50weOZFLylpzM3CcQyDhp7LeQ=="
PARAMETERS = {
    "firebase_scrypt": {"signer_key": SIGNER, "salt_separator": "Bw==", "rounds": 8, "mem_cost": 14}
}
"""Of the invented project that the recorded people's hashes were made for."""

FIREBASE = {"kind": "firebase_export", "path": "firebase.json"}


def by_address(people: Mapping[str, Mapping[str, object]]) -> dict[str, Mapping[str, object]]:
    return {str(row["email"]).partition("@")[0]: row for row in people.values() if row["email"]}


def test_firebase_s_people_are_mapped_and_only_planted_ones_rejected() -> None:
    people = judged(make_source(FIREBASE, PRESETS), {"preset": "firebase"}, key="localId")
    assert len(people) == 11
    assert rejected(people) == {"with a blank": "username_white_space"}
    found = by_address(people)
    assert [name for name, row in found.items() if not row[ENABLED]] == ["dan.four"]
    assert (found["ada.one"][GROUPS], found["jo.ten"][GROUPS]) == (["staff", "editors"], ["admin"])
    assert found["bob.two"]["name"] == "Example, Bob"
    assert found["ivy.nine"]["phone_number_verified"] == "true"
    assert found["cyn.three"]["email_verified"] == "false"


def test_firebase_s_hashes_are_told_from_others_and_fit_in_the_trigger() -> None:
    people = judged(make_source(FIREBASE, PRESETS), {"preset": "firebase"}, key="localId")
    hashes = [str(row[PASSWORD_HASH]) for row in people.values() if row[PASSWORD_HASH]]
    found = PasswordHashes().judge(pl.Series(hashes))
    assert len(hashes) == 8
    assert all(re.fullmatch(r"\$firebase-scrypt\$[\w+/]+=*\$[\w+/]{86}==", each) for each in hashes)
    assert all(hashes_of_trigger.fits("example of a password", each, PARAMETERS) for each in hashes[:2])
    assert set(found.kinds) == {"firebase_scrypt"}
    assert set(found.problems) == {"hash_not_taken"}


def test_firebase_s_csv_gives_the_same_people_as_its_json() -> None:
    identities = {"from": "providerUserInfo", "each": "{providerId}/{rawId}"}
    mapping = {"preset": "firebase", "identities": identities}
    providers = pool(identity_providers=("google.com", "facebook.com"))
    csv = make_source({**FIREBASE, "path": "firebase.csv"}, PRESETS)
    expected = judged(make_source(FIREBASE, PRESETS), mapping, providers, "localId")
    assert judged(csv, mapping, providers, "localId") == expected
    assert by_address(expected)["fay.six"][IDENTITIES] == [
        "google.com/100000000000000000006",
        "facebook.com/2000006",
    ]


def test_firebase_s_api_gives_the_same_people_and_their_factors_and_is_asked_for_no_more() -> None:
    answer = json.loads((PRESETS / "firebase-api.json").read_text(encoding="utf-8"))
    with firebase.FirebaseServer(answer["users"]) as server:
        source = FirebaseSource(firebase_specimen.settings(server), PRESETS)
        people = judged(source, {"preset": "firebase"}, key="localId")
        server.requests.clear()
        list(source.pages(["email", "scryptHash", "nobody.knows"]))
    asked = {request.query["fields"] for request in server.requests}
    assert asked == {"nextPageToken,users(email,localId,passwordHash,salt,version)"}
    assert [name for name, row in by_address(people).items() if row[MFA] == "sms"] == ["ivy.nine"]
    exported = judged(make_source(FIREBASE, PRESETS), {"preset": "firebase"}, key="localId")
    assert {name: {**row, MFA: None} for name, row in people.items()} == {
        name: {**row, MFA: None} for name, row in exported.items()
    }


def test_keycloak_s_hashes_travel_where_cognito_takes_them() -> None:
    people = judged(make_source(KEYCLOAK, PRESETS), {"preset": "keycloak"})
    hashes = {str(row[USERNAME]): row[PASSWORD_HASH] for row in people.values() if row[PASSWORD_HASH]}
    found = PasswordHashes("base64").judge(pl.Series(hashes.values()))
    assert dict(zip(hashes, found.algorithms, strict=True)) == {
        "ada.one": "PBKDF2_SHA256",
        "bob.two": "PBKDF2_SHA256",
        "cyn.three": None,
        "dan.four": "ARGON2ID",
        "eve.five": None,
        "fay.six": None,
        "ivy.nine": "PBKDF2_SHA256",
        "jo.ten": "PBKDF2_SHA256",
    }
