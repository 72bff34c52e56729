"""People of a real OpenLDAP, by the preset, in the pool: whom each oddity of a directory leads where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ldap3
import pytest

from tests.flows.journeys import CREATED, DEFERRED, IMPORTED, QUICK, hold, rejected, travel
from tests.servers.slapd import PEOPLE_DN, READER, SECRET, SUFFIX, person, start_slapd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.flows.conftest import Pool
    from tests.servers.slapd import Slapd

pytestmark = pytest.mark.system

BCRYPT = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
PEOPLE: dict[str, dict[str, Any]] = {
    "ana": {
        "cn": ["Ana Example", "A. Example"], "displayName": "Ana  Example", "givenName": "Ana",
        "sn": "Example", "mail": ["Ana@Example.com", "ana.old@example.com"], "mobile": "+1 202 555 0143",
        "telephoneNumber": "ext. 7", "labeledURI": "https://example.com/ana Home of Ana",
        "preferredLanguage": "en-GB, en;q=0.8", "postalAddress": "1 Example Way$London",
        "modifyTimestamp": "20260102030405Z",
    },
    "zoe": {"cn": "Zoë Müßig, 李", "sn": "Müßig", "mail": "zoe@example.com", "telephoneNumber": "12"},
    "hash": {"mail": "hash@example.com", "userPassword": ["{SSHA}bm8gcmVhbCBoYXNo", "{MD5}bm8="]},
    "kept": {"mail": "kept@example.com", "userPassword": "{CRYPT}" + BCRYPT},
    "locked": {"mail": "locked@example.com", "pwdAccountLockedTime": "000001010000Z"},
    "tired": {"mail": "tired@example.com", "pwdAccountLockedTime": "20260102030405Z"},
    "quoted": {"cn": 'The "quoted"', "mail": "quoted@example.com"},
    "nomail": {"cn": "No Mail", "mobile": "+12025550144"},
    "twice": {"mail": "twice@example.com", "uid": ["twice", "second.name"]},
    "badmail": {"mail": "no address"},
}  # fmt: skip
"""Invented people; the last one is planted to be refused."""

NAMESAKE = person("zoe", {"mail": "other@example.com", "entryUUID": f"{'f' * 8}-ffff-4fff-8fff-{'f' * 12}"})
"""Somebody of the same uid elsewhere, planted too."""


ENDS = {
    "hash": DEFERRED,
    "quoted": CREATED,
    "nomail": CREATED,
    "badmail": rejected("email_invalid"),
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Slapd]:
    """A directory with these people, and one group whose name has a space."""
    elsewhere = NAMESAKE.replace(PEOPLE_DN, f"ou=groups,{SUFFIX}", 1)
    started = start_slapd(
        tmp_path / "slapd", [*(person(uid, told) for uid, told in PEOPLE.items()), elsewhere]
    )
    admin = started.admin()
    members = [f"uid={uid},{PEOPLE_DN}" for uid in ("ana", "zoe")]
    admin.add(
        f"cn=Sales Europe,ou=groups,{SUFFIX}", ["groupOfNames"], {"cn": "Sales Europe", "member": members}
    )
    admin.modify(f"uid=zoe,{PEOPLE_DN}", {"preferredLanguage": [(ldap3.MODIFY_ADD, ["de"])]})
    admin.unbind()
    yield started
    started.stop()


def test_a_directory_arrives_in_the_pool(server: Slapd, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LDAP_PASSWORD", SECRET)
    source = {
        "kind": "ldap", "url": server.url, "start_tls": False, "bind_dn": READER,
        "password": "${LDAP_PASSWORD}", "base": SUFFIX, "key": "uid",
        "filter": "(objectClass=inetOrgPerson)", "page_users": 3,
    }  # fmt: skip
    verified = {"const": True, "when": {"field": "mail[0]", "present": True}}
    mapping = {"preset": "openldap", "attributes": {"email_verified": verified}}
    journey = travel(pool.run_file([], source=source, mapping=mapping, jobs=QUICK))
    hold(journey, pool)

    ends = [*journey.verdicts.select("username", "verdict", "reason").iter_rows()]
    expected = [(uid, *ENDS.get(uid, IMPORTED)) for uid in PEOPLE]
    assert sorted(ends, key=str) == sorted([*expected, ("zoe", *rejected("duplicate_username"))], key=str)

    told = pool.attributes("ana")
    del told["sub"]
    assert told == {
        "name": "Ana Example", "given_name": "Ana", "family_name": "Example", "email": "ana@example.com",
        "email_verified": "true", "phone_number": "+12025550143", "website": "https://example.com/ana",
        "locale": "en-GB", "address": "1 Example Way, London", "updated_at": "1767323045",
    }  # fmt: skip
    assert pool.attributes("zoe")["name"] == "Zoë Müßig, 李"
    assert "phone_number" not in pool.attributes("zoe")
    groups = pool.client.admin_list_groups_for_user(UserPoolId=pool.pool_id, Username="zoe")["Groups"]
    assert [group["GroupName"] for group in groups] == ["Sales_Europe"]
    assert pool.users()["kept"]["UserStatus"] == "CONFIRMED", "the hash has arrived with the user"
    assert pool.users()["ana"]["UserStatus"] == "RESET_REQUIRED"
    assert [name for name, user in pool.users().items() if not user["Enabled"]] == ["locked"]
    assert SECRET not in journey.told
    assert "example.com" not in journey.told
