"""``kind: ldap`` on a real Active Directory (Samba): its order, its values, refusals, changes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

import ldap3
import pytest

from connectors.errors import SourceError
from connectors.records import ENABLED, GROUPS, REASON, USERNAME, PoolAttribute, PoolSchema
from connectors.sources.ldap_directory import Directory
from connectors.sources.ldap_scout import scout
from connectors.sources.ldap_source import LdapSettings, LdapSource
from mappings.engine import compile_mapping
from mappings.recognised import recognised
from mappings.rules import Rules
from mappings.spec import parse_mapping
from tests.contracts.test_presets import STANDARD
from tests.servers.samba import DOMAIN_DN, READER, SECRET, USERS_DN, add_users, start_samba

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.samba import Samba

pytestmark = [pytest.mark.system, pytest.mark.slow]

CROWD = 60
ANA = {
    "displayName": "Ana  Example", "givenName": "Ana", "sn": "Example", "mail": "Ana@Example.com",
    "mobile": "+1 202 555 0143", "wWWHomePage": "https://example.com/ana", "streetAddress": "1 Example Way",
    "userPrincipalName": "ana@ad.example.com", "preferredLanguage": "en-GB",
}  # fmt: skip
PEOPLE: dict[str, dict[str, Any]] = {
    "ana": ANA,
    "gone": {"mail": "gone@example.com", "userAccountControl": "546"},
    "zoe": {"displayName": "Zoë Müßig, 李", "telephoneNumber": "12", "mail": "zoe@example.com"},
    "nomail": {},
    "badmail": {"mail": "no address"},
}
"""Invented people; the last one is planted to be refused."""


@pytest.fixture(scope="module")
def server(server_folder: Path) -> Iterator[Samba]:
    """A crowd of 60 in a group whose name has a space, and five people with the oddities of a directory."""
    folder = server_folder / "samba"
    folder.mkdir()
    started = start_samba(folder)
    admin = started.admin()
    crowd = {f"u{number:03d}": {"mail": f"u{number}@example.com"} for number in range(CROWD)}
    add_users(admin, crowd | PEOPLE)
    members = [f"CN={name},{USERS_DN}" for name in (*crowd, "ana")]
    admin.add(f"CN=Big Group,{USERS_DN}", ["group"], {"sAMAccountName": "Big Group", "member": members})
    admin.unbind()
    yield started
    started.stop()


def source(server: Samba, **more: Any) -> LdapSource:
    return LdapSource(settings(**more), server.folder, sleep=lambda _: None)


def settings(**more: Any) -> LdapSettings:
    given = {
        "url": "ldaps://localhost", "ca_file": "localhost.pem", "bind_dn": READER, "password": SECRET,
        "base": USERS_DN, "page_users": 20, "page_size": 7, **more,
    }  # fmt: skip
    return LdapSettings.model_validate(given)


def read(one: LdapSource, *fields: str) -> list[tuple[Any, ...]]:
    return [row[2:] for page in one.pages(fields) for row in page.rows.iter_rows()]


@pytest.mark.parametrize("url", ["ldaps://localhost", "ldap://localhost"])
def test_stopping_after_any_page_loses_nobody_and_repeats_nobody(server: Samba, url: str) -> None:
    pages = list(source(server, url=url).pages(["sAMAccountName"]))
    everybody = [name for page in pages for name in page.rows["sAMAccountName"]]
    assert sorted(everybody) == sorted([*(f"u{number:03d}" for number in range(CROWD)), *PEOPLE])
    assert [page.rows.height for page in pages] == [20, 20, 20, 5]
    for stop in range(1, len(pages) + 1):
        cursor = json.loads(json.dumps(pages[stop - 1].cursor))
        rest = [name for (name,) in read_from(source(server, url=url), cursor)]
        assert everybody[: sum(page.rows.height for page in pages[:stop])] + rest == everybody


def read_from(one: LdapSource, cursor: Any) -> list[tuple[Any, ...]]:
    return [row[2:] for page in one.pages(["sAMAccountName"], cursor) for row in page.rows.iter_rows()]


def test_a_cursor_of_another_domain_controller_is_refused(server: Samba) -> None:
    """Each one counts for itself, so that its numbers would lose people on another."""
    first = next(source(server).pages(["sAMAccountName"]))
    cursor = {**first.cursor, "server": "CN=NTDS Settings,CN=OTHER"}
    with pytest.raises(SourceError, match="another domain controller"):
        list(source(server).pages(["sAMAccountName"], cursor))
    with pytest.raises(SourceError, match="another domain controller"):
        list(source(server).changed(["sAMAccountName"], {"usn": 1, "server": "CN=NTDS Settings,CN=OTHER"}))


def test_computers_are_no_people(server: Samba) -> None:
    names = {name for (name,) in read(source(server, base=DOMAIN_DN), "sAMAccountName")}
    assert {"Administrator", "reader", "ana"} <= names
    assert not [name for name in names if name.endswith("$")]


def test_binary_values_are_text_and_bits_are_fields(server: Samba) -> None:
    fields = ("objectGUID", "objectSid", "userAccountControl", "userAccountControl.disabled", "memberOf.name")
    (ana,) = read(source(server, filter="(sAMAccountName=ana)"), *fields)
    (gone,) = read(source(server, filter="(sAMAccountName=gone)"), *fields)
    admin = server.admin()
    admin.search(f"<GUID={UUID(ana[0])}>", "(objectClass=*)", "BASE", attributes=["sAMAccountName"])
    assert admin.response[0]["raw_attributes"]["sAMAccountName"] == [b"ana"], (
        "the server knows the GUID's text"
    )
    admin.search(f"<SID={ana[1]}>", "(objectClass=*)", "BASE", attributes=["sAMAccountName"])
    assert admin.response[0]["raw_attributes"]["sAMAccountName"] == [b"ana"], "and the SID's"
    admin.unbind()
    assert ana[2:] == ("544", "false", '["Big Group"]')
    assert gone[2:] == ("546", "true", None)


def test_nested_groups_are_found_by_a_matching_rule(server: Samba) -> None:
    admin = server.admin()
    outer = {"sAMAccountName": "Outer", "member": [f"CN=Big Group,{USERS_DN}"]}
    admin.add(f"CN=Outer,{USERS_DN}", ["group"], outer)
    admin.unbind()
    groups = {"base": USERS_DN, "filter": "(objectClass=group)", "member": "member:1.2.840.113556.1.4.1941:"}
    ((found,),) = read(source(server, filter="(sAMAccountName=ana)", groups=groups), "groups")
    assert json.loads(found) == ["Big Group", "Outer"]


def test_long_lists_are_read_range_by_range(server: Samba) -> None:
    """Microsoft's servers cut lists at 1,500 values by themselves; this one does so when asked."""
    directory = Directory(settings(), server.folder)
    found = list(directory.search(USERS_DN, "(cn=Big Group)", ["member;range=0-9"], "Reading"))
    directory.close()
    assert len(found[0][1]["member"]) == CROWD + 1


def test_only_who_has_changed_since_a_watermark_is_read(server: Samba) -> None:
    mark = json.loads(json.dumps(source(server).watermark()))
    assert list(source(server).changed(["sAMAccountName"], mark)) == []
    admin = server.admin()
    admin.modify(f"CN=u007,{USERS_DN}", {"mail": [(ldap3.MODIFY_REPLACE, ["seven@example.com"])]})
    admin.unbind()
    pages = list(source(server).changed(["sAMAccountName"], mark))
    assert [name for page in pages for name in page.rows["sAMAccountName"]] == ["u007"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"password": "wrong"}, r"invalidCredentials \(49, reason 52e\)\. Check source\.bind_dn"),
        ({"url": "ldap://localhost", "start_tls": False}, r"strongerAuthRequired \(8\)\. Write ldaps://"),
        ({"bind_dn": None, "password": None}, r"operationsError \(1\)\. Give the reader the right"),
        ({"ca_file": None}, "certificate is not trusted"),
        ({"base": f"OU=away,{DOMAIN_DN}"}, r"noSuchObject \(32\)\. Check source\.base"),
    ],
)
def test_a_refusal_says_what_to_mend(server: Samba, more: dict[str, Any], said: str) -> None:
    with pytest.raises(SourceError, match=said) as caught:
        source(server, **more).check()
    assert SECRET not in str(caught.value)


def test_the_preset_maps_everybody_but_the_planted(server: Samba) -> None:
    one = source(server, page_users=1000)
    mapping = compile_mapping(
        parse_mapping("active_directory", where="test"), key="objectGUID", known_fields=one.fields()
    )
    attributes = {name: PoolAttribute(name, max_length=2048) for name in STANDARD}
    schema = PoolSchema("eu-west-1_Example01", "example", attributes, tuple(attributes))
    (page,) = one.pages(mapping.fields)
    judged = Rules(schema).judge(mapping.apply(page.rows))
    refused = {row[USERNAME]: row[REASON] for row in judged.iter_rows(named=True) if row[REASON]}
    assert refused == {"badmail": "email_invalid"}
    people = {row[USERNAME]: row for row in judged.iter_rows(named=True)}
    expected = {
        "name": "Ana Example", "given_name": "Ana", "family_name": "Example", "email": "ana@example.com",
        "phone_number": "+12025550143", "website": "https://example.com/ana", "locale": "en-GB",
        "address": "1 Example Way",
    }  # fmt: skip
    assert {name: people["ana"][name] for name in expected} == expected
    assert people["ana"]["updated_at"].isdigit()
    assert people["ana"][GROUPS] == ["Big_Group"]
    assert [name for name, person in people.items() if not person[ENABLED]] == ["gone"]
    assert people["zoe"]["name"] == "Zoë Müßig, 李"
    assert people["zoe"]["phone_number"] is None


def test_a_look_at_the_server_tells_what_a_run_file_needs(server: Samba) -> None:
    told = {"url": "ldaps://localhost", "bind_dn": READER, "password": SECRET, "ca_file": "localhost.pem"}
    found = scout(told, server.folder)
    assert found.settings == {
        "base": DOMAIN_DN,
        "filter": "(&(objectCategory=person)(objectClass=user)(!(isCriticalSystemObject=TRUE)))",
        "key": "objectGUID",
    }
    assert "Active Directory" in found.notes[0]
    source = LdapSource(LdapSettings.model_validate({**told, **found.settings}), server.folder)
    names = [name for page in source.pages(["sAMAccountName"]) for name in page.rows["sAMAccountName"]]
    assert set(PEOPLE) < set(names)
    assert not {"Administrator", "Guest", "krbtgt"} & set(names)
    (best, *_) = recognised("ldap", source.fields(), ["objectGUID", "sAMAccountName"])
    assert best.preset == "active_directory"
