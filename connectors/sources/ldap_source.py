"""Users in an LDAP directory or in Active Directory, stretch by stretch of an order that never changes.

The cookie of a paged search dies with its connection, and no server promises an order. So a run first reads
one attribute of everybody that never changes (``entryUUID``; in Active Directory ``uSNCreated``), about 50
bytes a user, and cuts its values into stretches. A page is everybody in one stretch, read whole and sorted
here: stopping loses nobody and repeats nobody, also while people come and go, and no server needs to sort.
"""

from __future__ import annotations

import hashlib
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, Final

from connectors.errors import SourceError, unknown_name
from connectors.retry import retrying
from connectors.sources.base import SourceTraits
from connectors.sources.ldap_directory import Directory, escaped
from connectors.sources.ldap_settings import LdapSettings
from connectors.sources.ldap_stretches import Order, stretches
from connectors.sources.ldap_values import DERIVED, DN, attribute_of, record_of, texts_of, values_of
from connectors.sources.record_source import SAMPLED, Batch, RecordSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from connectors.records import Cursor, Page
    from connectors.sources.ldap_directory import Entry
    from connectors.sources.ldap_settings import GroupSearch

__all__ = ["AD_PEOPLE", "LdapSettings", "LdapSource"]

_USN: Final = "highestcommittedusn"
"""What only Active Directory says of itself."""

GROUPS: Final = "groups"
"""The field that ``source.groups`` adds."""

_PEOPLE: Final = "(objectClass=person)"
AD_PEOPLE: Final = "(&(objectCategory=person)(objectClass=user))"
"""Who has an account in Active Directory."""


class LdapSource(RecordSource):
    """Reads users from a directory; proven against OpenLDAP 2.5 and Samba's Active Directory 4.17.

    Active Directory hands out no password hashes; its order and watermarks belong to one domain controller.

    Args:
        settings: where, and whom.
        base: the folder that the path of ``ca_file`` begins at.
        sleep: takes seconds; tests give one that does not sleep.
        now: tells the time.
    """

    traits: ClassVar[SourceTraits] = SourceTraits(
        resumable=True, changed_since=True, live=True, delivers=frozenset({"hashes", "groups"})
    )
    declared: ClassVar[tuple[str, ...]] = (
        DN, "uid", "cn", "sn", "givenName", "middleName", "displayName", "mail", "telephoneNumber", "mobile",
        "preferredLanguage", "labeledURI", "wWWHomePage", "postalAddress", "streetAddress", "memberOf",
        "userPassword", "pwdAccountLockedTime", "entryUUID", "createTimestamp", "modifyTimestamp",
        "sAMAccountName", "userPrincipalName", "userAccountControl", "objectGUID", "objectSid",
        "accountExpires", "pwdLastSet", "whenCreated", "whenChanged", "uSNCreated", "uSNChanged", *DERIVED,
    )  # fmt: skip

    def __init__(
        self,
        settings: LdapSettings,
        base: Path,
        *,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._sleep = sleep
        self._now = now
        self._directory = Directory(settings, base)

    def check(self) -> None:
        """Log in, look at the server, and find one user."""
        with closing(self._directory):
            if self._tried(lambda: next(self._ranks(""), None)) is None:
                raise SourceError(
                    "The directory shows no user.",
                    "Check source.base and source.filter, and what the reader may see.",
                )

    def fields(self) -> list[str]:
        """Known fields that the server's schema has, then those that a sample has besides."""
        with closing(self._directory):
            records = self._tried(self._sample)
            declared = [name for name in self.declared if self._is_known(name)]
        found = [name for record in records for name in record]
        added = [GROUPS] if self._settings.groups else []
        names: dict[str, str] = {}  # servers differ in the case of letters
        for name in (*declared, *found, *added):
            names.setdefault(name.lower(), name)
        return list(names.values())

    def _sample(self) -> list[dict[str, object]]:
        """Some users with all they have; the search is left when there are enough."""
        named = dict.fromkeys(attribute_of(name) for name in self.declared if name != DN)
        found = self._search("", ["*", *named], "Reading a sample")  # operational ones are in no *
        return [record_of(entry, (), self._directory.is_text) for entry in islice(found, SAMPLED)]

    def fingerprint(self) -> str:
        """Hash of the place: address, base, filter and order; no password, no content."""
        told = self._settings
        said = repr((told.url, told.base, told.filter, told.order_by, told.groups))
        return hashlib.sha256(said.encode()).hexdigest()

    def watermark(self) -> Cursor:
        """``highestCommittedUSN`` of the domain controller now, elsewhere the time now less the overlap."""
        with closing(self._directory):
            root = self._tried(self._directory.root)
            if usn := root.get(_USN):
                return {"usn": int(usn[0]), "server": self._tried(lambda: self._server)}
        moment = self._now() - timedelta(seconds=self._settings.overlap_seconds)
        return {"time": moment.strftime("%Y%m%d%H%M%SZ")}

    def changed(self, fields: Sequence[str], since: Cursor, after: Cursor | None = None) -> Iterator[Page]:
        """Yield pages of whoever has changed since a watermark.

        A new membership changes the group and not the user, so it is no change here.
        """
        with closing(self._directory):
            if "usn" in since:
                self._refuse_other_server(since)
                only = f"(uSNChanged>={int(since['usn']) + 1})"
            else:
                only = f"(modifyTimestamp>={since['time']})"
            yield from self._pages_of(fields, after, partial(self._read, only))

    def _batches(self, fields: Sequence[str], after: Cursor | None) -> Iterator[Batch]:
        with closing(self._directory):
            yield from self._read("", fields, after)

    def _read(self, only: str, fields: Sequence[str], after: Cursor | None) -> Iterator[Batch]:
        self._refuse_unknown(fields)
        low, before = None, 0
        if after:
            self._refuse_other_server(after)
            low, before = int(after["after"]), int(after["read"])
        ranks = self._tried(lambda: list(self._ranks(only + self._order.between(low, None))))
        total = before + len(ranks)
        for lower, upper, count in stretches(ranks, self._settings.page_users, low):
            records = self._tried(partial(self._stretch, fields, only + self._order.between(lower, upper)))
            read = before + count
            if records:
                place: Cursor = {"after": str(upper), "read": read, "server": self._server}
                yield Batch(records, place, read / total)

    def _ranks(self, only: str) -> Iterator[int]:
        """Places of everybody, from no more than that attribute of theirs."""
        found = self._search(only, [self._order.attribute], "Finding the users")
        return (self._rank(entry) for entry in found)

    def _rank(self, entry: Entry) -> int:
        return self._order.rank(values_of(entry, self._order.attribute))

    def _search(self, only: str, attributes: Sequence[str], what: str) -> Iterator[Entry]:
        return self._directory.search(self._settings.base, self._filter(only), attributes, what)

    def _stretch(self, fields: Sequence[str], only: str) -> list[dict[str, object]]:
        """Records of everybody in a stretch, in order."""
        groups = self._settings.groups if GROUPS in fields else None
        plain = [field for field in fields if field != GROUPS or groups is None]
        asked = [attribute_of(field) for field in plain if field != DN]
        if groups and groups.user != DN:
            asked.append(groups.user)
        asked.append(self._order.attribute)
        found = sorted(self._search(only, list(dict.fromkeys(asked)), "Reading users"), key=self._rank)
        records = [record_of(entry, plain, self._directory.is_text) for entry in found]
        if groups:
            for entry, record in zip(found, records, strict=True):
                record[GROUPS] = self._groups_of(entry, groups)
        return records

    def _groups_of(self, entry: Entry, told: GroupSearch) -> list[str]:
        """Names of the groups that name a user."""
        own = [entry[0]] if told.user == DN else texts_of(entry, told.user)
        members = "".join(f"({told.member}={escaped(one)})" for one in own)
        if not members:
            return []
        found = self._directory.search(
            told.base, f"(&{_bracketed(told.filter)}(|{members}))", [told.name], "Searching groups"
        )
        return sorted({name for group in found for name in texts_of(group, told.name)})

    @cached_property
    def _root(self) -> Mapping[str, list[bytes]]:
        """What the server said of itself at first; never tried again here, since its callers do."""
        return self._directory.root()

    @property
    def _is_active_directory(self) -> bool:
        return _USN in self._root

    @property
    def _server(self) -> str:
        """Which server counts the USNs; empty where there are none."""
        names = self._root.get("dsservicename", [b""]) if self._is_active_directory else [b""]
        return names[0].decode()

    @cached_property
    def _order(self) -> Order:
        return Order(self._settings.order_by or ("uSNCreated" if self._is_active_directory else "entryUUID"))

    def _filter(self, more: str) -> str:
        told = self._settings.filter or (AD_PEOPLE if self._is_active_directory else _PEOPLE)
        return f"(&{_bracketed(told)}{more})" if more else _bracketed(told)

    def _refuse_other_server(self, place: Cursor) -> None:
        """A number of one domain controller means nothing to another one."""
        if place["server"] != self._tried(lambda: self._server):
            raise SourceError(
                "This is another domain controller than the one that the run began with.",
                "Name that one in source.url, or begin a new run.",
            )

    def _refuse_unknown(self, fields: Sequence[str]) -> None:
        for name in fields:
            if not self._is_known(name):
                raise SourceError(unknown_name("field", name, self.fields(), where="The directory"))

    def _is_known(self, field: str) -> bool:
        """Whether the server's schema has it; everything is, where the reader may not see the schema."""
        if field == DN or (field == GROUPS and self._settings.groups):
            return True
        schema = self._tried(lambda: self._directory.schema)
        return not schema or attribute_of(field).lower().partition(";")[0] in schema

    def _tried(self, call: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the call gives
        return retrying("The directory", sleep=self._sleep)(call)


def _bracketed(told: str) -> str:
    told = told.strip()
    return told if told.startswith("(") else f"({told})"
