"""``kind: ldap`` on a real OpenLDAP: limits, encryption, lists, groups, changes, a server that dies."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import ldap3
import pytest
from _pytest.outcomes import Failed

from connectors.errors import ConfigurationError, RetryError, SourceError
from connectors.sources.ldap_directory import Directory
from connectors.sources.ldap_scout import scout
from connectors.sources.ldap_source import LdapSettings, LdapSource
from tests.contracts.ldap_specimen import ldap_source, uuid_of
from tests.servers.slapd import NOBODY, PEOPLE_DN, READER, SECRET, SUFFIX, certificate, person, start_slapd

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from connectors.records import Cursor, Page
    from connectors.sources.ldap_directory import Entry
    from connectors.sources.record_source import Batch
    from tests.servers.slapd import Slapd

pytestmark = pytest.mark.system

PEOPLE = 700
READERS = 'limits dn.exact="cn=reader,dc=example,dc=com" size.soft=500 size.hard=500 size.prtotal=unlimited'
HASHES = ["{SSHA}bm8gcmVhbCBoYXNo", "{ARGON2}$argon2id$v=19$m=7168,t=5,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"]
OLD = {"modifyTimestamp": "20260101000000Z"}
JPEG = b"\xff\xd8\xff\xe0"


def number_of(row: str) -> int:
    return int(row.removeprefix("u"))


@pytest.fixture(scope="module")
def folder(server_folder: Path) -> Path:
    """A folder with a certificate for localhost."""
    made = server_folder / "ldap"
    made.mkdir()
    certificate(made)
    return made


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Slapd]:
    """700 people; the first has two addresses, two passwords, a picture, and is in groups."""
    entries = [
        person(f"u{n:04d}", {"entryUUID": uuid_of(n), "mail": f"u{n}@example.com", **OLD})
        for n in range(1, PEOPLE)
    ]
    rich = {"mail": ["a@example.com", "b@example.com"], "userPassword": HASHES, "jpegPhoto": JPEG}
    entries.append(person("u0000", {**rich, **OLD, "entryUUID": uuid_of(PEOPLE)}))
    started = start_slapd(
        folder / "server", entries, limits=READERS, tls=(folder / "localhost.pem", folder / "localhost.key")
    )
    admin = started.admin()
    first = f"uid=u0000,{PEOPLE_DN}"
    for name in ("staff", "Sales, R&D (EU)"):
        dn = f"cn={ldap3.utils.dn.escape_rdn(name)},ou=groups,{SUFFIX}"
        admin.add(dn, ["groupOfNames"], {"cn": name, "member": [first]})
    admin.add(
        f"cn=posix,ou=groups,{SUFFIX}", ["posixGroup"], {"gidNumber": 1, "memberUid": ["u0000", "u0001"]}
    )
    admin.unbind()
    yield started
    started.stop()


def read(one: LdapSource, *fields: str) -> list[tuple[Any, ...]]:
    return [row[2:] for page in one.pages(fields) for row in page.rows.iter_rows()]


def uids(pages: list[Page]) -> list[str]:
    return [uid for page in pages for uid in page.rows["uid"]]


@pytest.mark.parametrize("way", ["StartTLS", "LDAPS"])
def test_everybody_is_read_over_an_encrypted_connection(server: Slapd, folder: Path, way: str) -> None:
    url = f"ldaps://localhost:{server.tls_port}" if way == "LDAPS" else server.url
    one = ldap_source(server, folder, url=url, start_tls=True, ca_file="localhost.pem")
    assert sorted(map(number_of, uids(list(one.pages(["uid"]))))) == list(range(PEOPLE))


@pytest.mark.parametrize(
    "more",
    [
        {"url": "ldap://localhost:{0.port}"},
        {"url": "ldaps://localhost:{0.tls_port}"},
        {"url": "ldap://127.0.0.1:{0.port}", "ca_file": "localhost.pem"},
        {"url": "ldaps://127.0.0.1:{0.tls_port}", "ca_file": "localhost.pem"},
    ],
    ids=["StartTLS unknown", "LDAPS unknown", "StartTLS other name", "LDAPS other name"],
)
def test_a_certificate_that_is_not_trusted_stops_before_the_password_is_sent(
    server: Slapd, folder: Path, more: dict[str, str]
) -> None:
    binds = server.log.read_text().count(" BIND ")
    settings = {**more, "url": more["url"].format(server), "start_tls": True}
    with pytest.raises(SourceError, match="certificate is not trusted"):
        ldap_source(server, folder, **settings).check()
    assert server.log.read_text().count(" BIND ") == binds


def test_a_file_of_authorities_that_is_not_there_is_named(server: Slapd, folder: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no file nobody\.pem"):
        ldap_source(server, folder, start_tls=True, ca_file="nobody.pem").check()


class Trusting(Directory):
    """Broken: pages as ldap3 does by itself, which takes an exceeded limit for the end."""

    def search(self, base: str, found_by: str, attributes: Sequence[str], what: str) -> Iterator[Entry]:
        del what
        found = self._connection().extend.standard.paged_search(
            base, found_by, ldap3.SUBTREE, attributes=list(attributes), paged_size=500, generator=True
        )
        yield from ((each["dn"], each["raw_attributes"]) for each in found)


@pytest.fixture(scope="module")
def limited(folder: Path) -> Iterator[tuple[Slapd, Slapd]]:
    """501 people where 500 may be read, OpenLDAP's default; and where a page may have 100."""
    entries = [person(f"u{number:04d}", {}) for number in range(501)]
    small = start_slapd(folder / "small", entries)
    paged = start_slapd(folder / "paged", entries, limits="sizelimit size.pr=100 size.prtotal=unlimited")
    yield small, paged
    small.stop()
    paged.stop()


def refuses_to_lose_people(one: LdapSource) -> None:
    with pytest.raises(SourceError, match=r"sizeLimitExceeded.*size\.prtotal"):
        list(one.pages(["uid"]))


def test_a_size_limit_stops_instead_of_losing_people(limited: tuple[Slapd, Slapd], folder: Path) -> None:
    refuses_to_lose_people(ldap_source(limited[0], folder))


def test_a_reader_that_takes_a_limit_for_the_end_is_noticed(
    limited: tuple[Slapd, Slapd], folder: Path
) -> None:
    broken = ldap_source(limited[0], folder)
    broken._directory = Trusting(broken._settings, folder)
    with pytest.raises(Failed, match="DID NOT RAISE"):
        refuses_to_lose_people(broken)


def test_a_page_that_is_too_large_is_told(limited: tuple[Slapd, Slapd], folder: Path) -> None:
    with pytest.raises(SourceError, match=r"adminLimitExceeded.*page_size"):
        list(ldap_source(limited[1], folder).pages(["uid"]))
    assert len(read(ldap_source(limited[1], folder, page_size=100), "uid")) == 501


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"password": "wrong"}, r"invalidCredentials \(49\)\. Check source\.bind_dn"),
        ({"bind_dn": NOBODY, "password": SECRET}, r"noSuchObject \(32\).*reader may see it"),
        ({"bind_dn": None, "password": None}, r"insufficientAccessRights \(50\)\. Give the reader the right"),
        ({"base": "ou=away,dc=example,dc=com"}, r"noSuchObject \(32\)\. Check source\.base"),
        ({"order_by": "employeeNumber"}, "have no employeeNumber"),
        ({"order_by": "uid"}, "have no uid that they can be put in order by"),
    ],
)
def test_a_refusal_says_what_to_mend(server: Slapd, folder: Path, more: dict[str, Any], said: str) -> None:
    with pytest.raises(SourceError, match=said) as caught:
        ldap_source(server, folder, **more).check()
    assert SECRET not in str(caught.value)


def test_a_name_without_its_password_is_refused_since_that_would_be_nobody() -> None:
    with pytest.raises(ValueError, match="both `bind_dn` and `password`") as caught:
        LdapSettings(url="ldap://localhost", base=SUFFIX, password=SECRET)
    assert SECRET not in str(caught.value)


def test_several_values_are_a_list_and_bytes_are_text(server: Slapd, folder: Path) -> None:
    one = ldap_source(server, folder, filter="(|(uid=u0000)(uid=u0001))")
    fields = ("uid", "mail", "mail[0]", "mail[1]", "userPassword", "jpegPhoto", "memberOf.name", "dn")
    second, first = read(one, *fields)
    assert first[:4] == ("u0000", '["a@example.com","b@example.com"]', "a@example.com", "b@example.com")
    assert json.loads(first[4]) == HASHES
    assert first[5] == "/9j/4A=="
    assert sorted(json.loads(first[6])) == ["Sales, R&D (EU)", "staff"]
    assert first[7] == f"uid=u0000,{PEOPLE_DN}"
    assert second[1:] == (
        "u1@example.com",
        "u1@example.com",
        None,
        None,
        None,
        None,
        f"uid=u0001,{PEOPLE_DN}",
    )


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ({"filter": "(objectClass=groupOfNames)"}, {"u0000": ["Sales, R&D (EU)", "staff"], "u0001": []}),
        ({"member": "memberUid", "user": "uid"}, {"u0000": ["posix"], "u0001": ["posix"]}),
    ],
)
def test_groups_are_found_by_searching(
    server: Slapd, folder: Path, search: dict[str, str], found: dict[str, list[str]]
) -> None:
    groups = {"base": f"ou=groups,{SUFFIX}", **search}
    one = ldap_source(server, folder, filter="(|(uid=u0000)(uid=u0001))", groups=groups)
    assert "groups" in one.fields()
    assert {uid: json.loads(names) for names, uid in read(one, "groups", "uid")} == found


def test_no_more_is_fetched_than_asked_for(server: Slapd, folder: Path) -> None:
    before = len(server.log.read_text())
    list(ldap_source(server, folder).pages(["mail[0]", "uid", "memberOf.name"]))
    asked = {
        line.split("attr=")[1] for line in server.log.read_text()[before:].splitlines() if "attr=" in line
    }
    assert asked - {"subschemaSubentry highestCommittedUSN dsServiceName", "attributeTypes"} == {
        "entryUUID",
        "mail uid memberOf entryUUID",
    }


def test_only_who_has_changed_since_a_watermark_is_read(server: Slapd, folder: Path) -> None:
    one = ldap_source(server, folder, overlap_seconds=0)
    later: Cursor = {"time": "29990101000000Z"}
    assert list(one.changed(["uid"], later)) == []
    mark = json.loads(json.dumps(one.watermark()))
    assert uids(list(one.changed(["uid"], mark))) == []
    admin = server.admin()
    admin.modify(f"uid=u0007,{PEOPLE_DN}", {"mail": [(ldap3.MODIFY_REPLACE, ["new@example.com"])]})
    admin.unbind()
    assert uids(list(one.changed(["uid"], mark))) == ["u0007"]


def test_the_overlap_is_taken_off_the_clock(server: Slapd, folder: Path) -> None:
    one = ldap_source(server, folder)
    one._now = lambda: datetime(2026, 3, 1, 0, 5, tzinfo=UTC)
    assert one.watermark() == {"time": "20260228235500Z"}


class Counting(LdapSource):
    """Broken: goes on by counting users, as paging from the beginning and skipping would."""

    def _read(self, only: str, fields: Sequence[str], after: Cursor | None) -> Iterator[Batch]:
        skipped = int(after["read"]) if after else 0
        for batch in super()._read(only, fields, None):
            if skipped == 0:
                yield batch
            skipped = max(0, skipped - len(batch.records))


def goes_on_while_people_come_and_go(server: Slapd, folder: Path, kind: type[LdapSource]) -> None:
    """Between the pages most of those who were read go, one who was not goes, and some come everywhere.

    More go than come: wherever those get their places, counting from the beginning is wrong.
    """

    def anew() -> LdapSource:
        return ldap_source(server, folder, kind, page_users=30)

    whole = uids(list(anew().pages(["uid"])))
    first = next(anew().pages(["uid"]))
    admin = server.admin()
    for gone in (*whole[3:28], whole[60]):
        admin.delete(f"uid={gone},{PEOPLE_DN}")
    for more in range(20):
        admin.add(f"uid=new{more},{PEOPLE_DN}", ["inetOrgPerson"], {"cn": "new", "sn": "new"})
    admin.unbind()
    rest = uids(list(anew().pages(["uid"], json.loads(json.dumps(first.cursor)))))
    stayed = [uid for uid in rest if not uid.startswith("new")]
    assert uids([first]) + stayed == [uid for uid in whole if uid != whole[60]]
    assert len(set(rest)) == len(rest)


@pytest.fixture
def living(tmp_path: Path) -> Iterator[Slapd]:
    """A small directory that a test changes."""
    entries = [person(f"u{n:04d}", {"entryUUID": uuid_of(n)}) for n in range(100)]
    started = start_slapd(tmp_path / "living", entries)
    yield started
    started.stop()


def test_who_comes_and_goes_costs_nobody_else_a_place(living: Slapd, tmp_path: Path) -> None:
    goes_on_while_people_come_and_go(living, tmp_path, LdapSource)


def test_going_on_by_counting_is_noticed(living: Slapd, tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        goes_on_while_people_come_and_go(living, tmp_path, Counting)


def test_a_server_that_dies_between_pages_is_asked_again(tmp_path: Path) -> None:
    dying = start_slapd(tmp_path / "dying", [person(f"u{number:04d}", {}) for number in range(90)])
    one = ldap_source(dying, tmp_path, page_users=30)
    pauses: list[float] = []

    def wait(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            dying.start()

    one._sleep = wait
    try:
        pages = one.pages(["uid"])
        first = next(pages)
        dying.stop()
        assert len(set(uids([first, *pages]))) == 90
        assert len(pauses) == 2
        dying.stop()
        with pytest.raises(RetryError, match=r"gave up after 8 tries\. (?!.*gave up)"):
            ldap_source(dying, tmp_path).check()
    finally:
        dying.stop()


def test_a_look_at_the_server_tells_what_a_run_file_needs(tmp_path: Path) -> None:
    """Users have no memberOf here, so that the groups are searched for."""
    plain = "dn: cn=staff,ou=groups,dc=example,dc=com\nobjectClass: groupOfNames\ncn: staff\n"
    group = f"{plain}member: uid=ana,{PEOPLE_DN}\n"  # written past the overlay that would tell the user
    server = start_slapd(tmp_path / "look", [person("ana", {}), person("ben", {}), group])
    told = {"url": server.url, "start_tls": False, "bind_dn": READER, "password": SECRET}
    try:
        found = scout(told, tmp_path)
        assert found.settings == {
            "base": SUFFIX,
            "filter": "(objectClass=inetOrgPerson)",
            "key": "entryUUID",
            "groups": {
                "base": SUFFIX, "filter": "(objectClass=groupOfNames)", "member": "member", "user": "dn",
            },
        }  # fmt: skip
        assert found.notes[0] == "server: OpenLDAP, by its root DSE."
        source = LdapSource(LdapSettings.model_validate({**told, **found.settings}), tmp_path)
        (page,) = source.pages(["uid", "groups"])
        assert dict(page.rows.select("uid", "groups").iter_rows()) == {"ana": '["staff"]', "ben": "[]"}
        assert scout({**told, **found.settings}, tmp_path).settings == {}, "what is told is left alone"
        with pytest.raises(SourceError, match="insufficientAccessRights"):
            scout({"url": server.url, "start_tls": False}, tmp_path)
        with pytest.raises(ConfigurationError, match="name both `bind_dn` and `password`"):
            scout({"url": server.url, "bind_dn": READER}, tmp_path)
    finally:
        server.stop()


def test_a_look_says_whom_its_filter_leaves_out_and_no_group_is_dropped_for_its_name(tmp_path: Path) -> None:
    plain = "".join(f"dn: uid=old{nr},{PEOPLE_DN}\nobjectClass: account\nuid: old{nr}\n\n" for nr in range(3))
    name = base64.b64encode("Team\u00a0A\u200d\u00ad".encode()).decode()
    group = f"dn: cn=team,ou=groups,{SUFFIX}\nobjectClass: groupOfNames\ncn:: {name}\ncn: team\n"
    entries = [person("ana", {}), plain.strip() + "\n", f"{group}member: uid=ana,{PEOPLE_DN}\n"]
    server = start_slapd(tmp_path / "left", entries)
    told = {"url": server.url, "start_tls": False, "bind_dn": READER, "password": SECRET, "base": PEOPLE_DN}
    try:
        found = scout(told, tmp_path)
        (note,) = [note for note in found.notes if note.startswith("filter")]
        wider = "(|(objectClass=inetOrgPerson)(objectClass=account))"
        assert note.endswith(f" It leaves out 3 that are account: --set 'filter={wider}' reads all.")
        source = LdapSource(
            LdapSettings.model_validate({**told, **found.settings, "filter": wider}), tmp_path
        )
        groups = {uid: json.loads(names) for names, uid in read(source, "groups", "uid")}
        assert groups == {"ana": ["Team\u00a0A\u200d\u00ad", "team"], "old0": [], "old1": [], "old2": []}
    finally:
        server.stop()
