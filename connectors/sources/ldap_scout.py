"""What a directory says of itself, and what is below it: base, filter and key, for who has named none."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from connectors.errors import ConfigurationError, SourceError
from connectors.retry import retrying
from connectors.sources.ldap_directory import Directory
from connectors.sources.ldap_settings import LdapSettings
from connectors.sources.ldap_source import AD_PEOPLE
from connectors.sources.ldap_values import values_of
from connectors.sources.scouted import Scouted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from connectors.sources.ldap_directory import Entry

_LOOKED_AT: Final = 200
"""Entries at most that a guess is made from."""

_CLASSES: Final = ("inetOrgPerson", "posixAccount", "organizationalPerson", "person", "account")
"""Object classes of people, the closer ones first."""

_AD_USERS: Final = AD_PEOPLE.removesuffix(")") + "(!(isCriticalSystemObject=TRUE)))"

_MEMBERS: Final = (
    ("groupOfNames", "member", "dn"),
    ("groupOfUniqueNames", "uniqueMember", "dn"),
    ("posixGroup", "memberUid", "uid"),
)
"""Object classes of groups, the attribute that names a member, and what of a user stands there."""


@dataclass(frozen=True, slots=True)
class _Server:
    """What the root DSE tells (RFC 4512, 5.1)."""

    contexts: tuple[str, ...]
    vendor: str
    is_active_directory: bool


def scout(told: Mapping[str, object], base: Path) -> Scouted:
    """Name base, filter and key, as far as they are not told, and groups where users do not name theirs.

    Raises:
        SourceError: the directory cannot be read, or shows nobody.
        ConfigurationError: the settings are wrong.
    """
    try:
        settings = LdapSettings.model_validate({"base": "", **told})
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False, include_context=False)
        raise ConfigurationError(f"source: {' '.join(str(each['msg']) for each in faults)}.") from None
    with closing(Directory(settings, base)) as directory:
        return retrying("The directory")(partial(_scouted, directory, told))


def _scouted(directory: Directory, told: Mapping[str, object]) -> Scouted:
    server = _server(directory)
    notes = [f"server: {server.vendor}, by its root DSE."]
    chosen: dict[str, object] = {}
    if not told.get("base"):
        chosen["base"], why = _base(directory, server)
        notes.append(why)
    base = str(told.get("base") or chosen["base"])
    if not told.get("filter"):
        chosen["filter"], why = _filter(directory, base, server)
        notes.append(why)
    people = _some(directory, base, str(told.get("filter") or chosen["filter"]))
    if not told.get("key"):
        key = "objectGUID" if server.is_active_directory else "entryUUID"
        if any(values_of(one, key) for one in people):
            chosen["key"] = key
            notes.append(f"key {key}: it names a user for good, where names may change.")
        else:
            notes.append(f"key: nobody has {key}; see `order_by` in the reference for such servers.")
    if not told.get("groups") and not any(values_of(one, "memberOf") for one in people):
        groups, why = _groups(directory, server)
        chosen |= {"groups": groups} if groups else {}
        notes += [why] if why else []
    return Scouted(chosen, tuple(notes))


def _server(directory: Directory) -> _Server:
    told = directory.root("namingContexts", "defaultNamingContext", "vendorName", "objectClass")
    root = {name: [each.decode(errors="replace") for each in values] for name, values in told.items()}
    is_ad = "highestcommittedusn" in root
    default = root.get("defaultnamingcontext", [])
    vendor = root.get("vendorname", ["a directory that does not name its maker"])[0]
    if is_ad:
        vendor = "Active Directory" + (f" ({root['vendorname'][0]})" if "vendorname" in root else "")
    elif "OpenLDAProotDSE" in root.get("objectclass", ()):
        vendor = "OpenLDAP"
    return _Server(tuple(default or root.get("namingcontexts", ())), vendor, is_ad)


def _base(directory: Directory, server: _Server) -> tuple[str, str]:
    """The naming context that has people; of several the one that shows most of them."""
    if len(server.contexts) == 1:
        return server.contexts[0], f"base {server.contexts[0]}: the server's one naming context."
    counts = {place: len(_some(directory, place, _any_person(server))) for place in server.contexts}
    if not any(counts.values()):
        listed = ", ".join(server.contexts) or "none that this reader may see"
        raise SourceError(
            f"No naming context of the server shows people: {listed}.",
            "Name the place with --set base=DN; who reads is --set bind_dn=DN and --set 'password=${NAME}'.",
        )
    best = max(counts, key=lambda place: counts[place])
    return best, f"base {best}: of the naming contexts {', '.join(counts)} the one with most people."


def _any_person(server: _Server) -> str:
    classes = "".join(f"(objectClass={name})" for name in _CLASSES)
    return AD_PEOPLE if server.is_active_directory else f"(|{classes})"


def _filter(directory: Directory, base: str, server: _Server) -> tuple[str, str]:
    """The closest object class that anybody below the base has."""
    if server.is_active_directory:
        return _AD_USERS, "filter: people with an account, without the system's own such as krbtgt."
    for name in _CLASSES:
        if _some(directory, base, f"(objectClass={name})", 1):
            found_by = f"(objectClass={name})"
            left_out = _left_out(directory, base, name)
            return found_by, f"filter {found_by}: there are such people below the base.{left_out}"
    raise SourceError(
        f"Nobody below {base} is of a class of people that this reader may see: {', '.join(_CLASSES)}.",
        "Name whom to read with --set base=DN or --set 'filter=(objectClass=…)'; who reads is "
        "--set bind_dn=DN and --set 'password=${NAME}'.",
    )


def _left_out(directory: Directory, base: str, chosen: str) -> str:
    """How many are of the other classes alone, and the filter that would read them too: none goes unsaid."""
    others = "".join(f"(objectClass={name})" for name in _CLASSES if name != chosen)
    found = _some(directory, base, f"(&(|{others})(!(objectClass={chosen})))")
    if not found:
        return ""
    many = f"{len(found)} or more" if len(found) == _LOOKED_AT else str(len(found))
    classes = dict.fromkeys([chosen, *filter(None, map(_closest, found))])
    wider = "".join(f"(objectClass={name})" for name in classes)
    return (
        f" It leaves out {many} that are {', '.join(list(classes)[1:])}: --set 'filter=(|{wider})' reads all."
    )


def _closest(entry: Entry) -> str | None:
    """The closest class of people that an entry has."""
    own = {name.decode(errors="replace").lower() for name in values_of(entry, "objectClass")}
    return next((name for name in _CLASSES if name.lower() in own), None)


def _groups(directory: Directory, server: _Server) -> tuple[dict[str, str] | None, str]:
    """How groups name their members, where users do not name their groups."""
    for kind, member, user in _MEMBERS if not server.is_active_directory else ():
        for place in server.contexts:
            if _some(directory, place, f"(&(objectClass={kind})({member}=*))", 1):
                found = {"base": place, "filter": f"(objectClass={kind})", "member": member, "user": user}
                return (
                    found,
                    f"groups: users have no memberOf, and each {kind} names its members in {member}.",
                )
    return None, ""


def _some(directory: Directory, base: str, found_by: str, most: int = _LOOKED_AT) -> Sequence[Entry]:
    attributes = ["entryUUID", "objectGUID", "memberOf", "objectClass"]
    return list(islice(directory.search(base, found_by, attributes, "Looking at the directory"), most))
