"""The people of the contract in a real OpenLDAP."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING
from uuid import UUID

from connectors.sources.ldap_source import LdapSettings, LdapSource
from tests.contracts.source_suite import PEOPLE, Specimen
from tests.servers.slapd import NOBODY, PEOPLE_DN, READER, SECRET, SUFFIX, person, start_slapd

if TYPE_CHECKING:
    from pathlib import Path

    from connectors.sources.base import Source
    from tests.servers.slapd import Slapd

OLD = {"modifyTimestamp": "20010101000000Z"}
"""Of whoever is there before any watermark is taken; slapadd would write this very second."""

HASH = "{SSHA}aGFzaC1vZi1hLXRlc3Q="
GROUPS_DN = f"ou=groups,{SUFFIX}"
GIVEN = {
    "page_users": 3,
    "page_size": 2,
    "groups": {"base": GROUPS_DN, "filter": "(objectClass=groupOfNames)"},
}


def uuid_of(number: int) -> str:
    """UUIDs that rise in another order than the entries were made in."""
    return str(UUID(int=number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128))


def ldap_specimen(folder: Path) -> Specimen:
    """The last one has bytes in a text that are no UTF-8; a directory keeps no empty texts."""
    people = [{name: value or None for name, value in one.items()} for one in PEOPLE]
    placed = sorted((uuid_of(number), one) for number, one in enumerate(people, 1))
    placed[0][1]["userPassword"] = HASH
    entries = [
        person(f"p{number}", {**one, **OLD, "entryUUID": place}) for number, (place, one) in enumerate(placed)
    ]
    bad = person("bad", {"id": "bad", "note": b"\xff", **OLD, "entryUUID": str(UUID(int=2**128 - 1))})
    staff = f"dn: cn=staff,{GROUPS_DN}\nobjectClass: groupOfNames\nmember: uid=p0,{PEOPLE_DN}\n"
    numbers = count()
    servers = {"people": start_slapd(folder / "people", [*entries[::-1], bad, staff])}

    def source(server: str = "people", **more: object) -> LdapSource:
        return ldap_source(servers[server], folder, **{**GIVEN, **more})

    def grown(size: int) -> Source:
        ids, name = (f"u{number:05d}" for number in range(size)), f"grown{size}"
        entries = (person(one, {"id": one}) for one in ids)
        servers[name] = start_slapd(folder / name, entries, limits="sizelimit unlimited")
        return source(name, page_users=50, page_size=200)

    def change() -> None:
        connection, new = servers["people"].admin(), f"more{next(numbers)}"
        named = {"cn": new, "sn": new, "id": new}
        connection.add(f"uid={new},{PEOPLE_DN}", ["inetOrgPerson", "specimen"], named)
        connection.unbind()

    def close() -> None:
        for server in servers.values():
            server.stop()

    return Specimen(
        source,
        [(number, 0, one) for number, (_, one) in enumerate(placed, 1)],
        unreadable=[(len(placed) + 1, 0, "line_undecodable")],
        change=change,
        failing=[
            lambda: source(password="wrong").check(),  # noqa: S106 - wrong on purpose
            lambda: source(bind_dn=NOBODY).check(),
            lambda: source(base="ou=nowhere,dc=example,dc=com").check(),
            lambda: source(base="no DN").check(),
            lambda: source(filter="(uid=").check(),
            lambda: source(filter="(uid=Ann Example)").check(),
            lambda: source(url="ldap://localhost:1").check(),
            lambda: source(start_tls=True).check(),
            lambda: list(source().pages(["nmae"])),
        ],
        grown=grown,
        delivered={"hashes": "userPassword", "groups": "groups"},
        changing=lambda: source(overlap_seconds=0),
        close=close,
    )


def ldap_source(
    server: Slapd, folder: Path, kind: type[LdapSource] = LdapSource, **more: object
) -> LdapSource:
    """A source that reads from a server, and does not sleep between tries."""
    given = {
        "url": server.url, "bind_dn": READER, "password": SECRET, "start_tls": False, "base": PEOPLE_DN,
        **more,
    }  # fmt: skip
    return kind(LdapSettings.model_validate(given), folder, sleep=lambda _: None)
