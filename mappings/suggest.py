"""A first mapping from what a source has and what a pool takes; a person reads it before it is used."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mappings import suggest_looks as looks
from mappings.convert import FALSE, TRUE
from mappings.documents import write_rules
from mappings.presets_read import preset

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import polars as pl

    from connectors.records import AttributeType, PoolAttribute

RuleData = dict[str, Any]

_MORE: Mapping[str, tuple[str, ...]] = {
    "email": ("emails[0].value", "emails[0]", "primaryEmail", "userPrincipalName"),
    "email_verified": ("verified",),
    "phone_number": ("phoneNumbers[0].value", "telephoneNumber", "cell", "cellphone"),
    "name": ("name.formatted", "cn"),
    "updated_at": ("updated_at", "updated", "modified", "last_modified", "lastModified"),
    "groups": ("memberOf", "realmRoles", "role", "group"),
    "mfa": ("mfa", "mfa_enabled", "cognito:mfa_enabled", "two_factor", "use_2fa"),
}
"""Names of fields beside those of the preset ``plain``."""

_PASSWORDS = frozenset({"password", "passwd", "pass", "pwd", "pw", "userpassword", "passwordhash", "hash"})
_OLD_IDS = frozenset({"legacyid", "oldid", "externalid", "sourceid", "originalid"})
"""Custom attributes that keep what named the user before, since a new user gets a new ``sub`` (F1.42)."""

_DISABLED = frozenset({"disabled", "blocked", "banned", "suspended", "locked", "inactive", "isdisabled"})
_NOT = dict.fromkeys(TRUE, "false") | dict.fromkeys(FALSE, "true")
_TYPES: Mapping[AttributeType, str] = {"Boolean": "boolean", "Number": "number"}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A mapping as data, with what a person should know about it.

    Attributes:
        mapping: what may stand below ``mapping:`` in a run file.
        notes: what was decided or could not be; no value of the sample is in them.
        unused: fields of the source that nothing is taken from.
    """

    mapping: dict[str, Any]
    notes: tuple[str, ...]
    unused: tuple[str, ...]

    @property
    def yaml(self) -> str:
        """The mapping as YAML, one rule a line."""
        return write_rules(self.mapping)


def suggest(
    fields: Sequence[str],
    sample: pl.DataFrame,
    attributes: Mapping[str, PoolAttribute],
    *,
    username_attributes: Iterable[str] = (),
) -> Suggestion:
    """Suggest a mapping.

    Args:
        fields: names of the source's fields.
        sample: some rows of the source, a String column for each field.
        attributes: the pool's attributes by name.
        username_attributes: what the pool takes for usernames, e.g. ``email`` (F1.46).

    Returns:
        A mapping that names only fields and attributes that exist; its ``username`` is missing
        if no field of the sample names every user.
    """
    draft = _Draft(fields, sample)
    draft.username(tuple(username_attributes))
    for name, attribute in attributes.items():
        draft.attribute(name, attribute)
    draft.whole_name(attributes)
    draft.sign_in()
    return draft.done(attributes)


def is_old_id(attribute: str) -> bool:
    """Whether an attribute of the pool is made for what named the user before (F1.42)."""
    return _bare(attribute.removeprefix("custom:")) in _OLD_IDS


def _names() -> dict[str, tuple[str, ...]]:
    """Usual names of fields by what they fill, the likelier ones first."""
    rules = preset("plain")
    usual = {name: tuple(rule["first_of"]) for name, rule in rules["attributes"].items()}
    usual |= {name: tuple(rule["first_of"]) for name, rule in rules.items() if name != "attributes"}
    return {name: (*usual.get(name, ()), *_MORE.get(name, ())) for name in (*usual, *_MORE)}


@dataclass(slots=True)
class _Draft:
    fields: Sequence[str]
    sample: pl.DataFrame
    rules: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, RuleData] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    names: Mapping[str, tuple[str, ...]] = field(default_factory=_names)

    def username(self, username_attributes: tuple[str, ...]) -> None:
        """The first field that names every user of the sample."""
        wanted = [name for one in username_attributes for name in self.names.get(one, ())]
        tried = _matching(self.fields, wanted or self.names["username"])
        for name in tried:
            if looks.names_one_user(looks.values_of(self.sample, name), self.sample.height):
                self.rules["username"] = {"from": name}
                self.used.add(name)
                return
        self.notes.append(
            f"username: no field names every user of the sample by a value of its own without white space "
            f"(looked at: {', '.join(tried) or 'no field has a usual name'})."
        )

    def attribute(self, name: str, attribute: PoolAttribute) -> None:
        """The first field with one of the usual names of an attribute, or with its own name."""
        if is_old_id(name) and "username" in self.rules:
            self.attributes[name] = dict(self.rules["username"])
            return
        usual = self.names.get(name, ()) or tuple(filter(None, (name, name.partition(":")[2])))
        for found in _matching(self.fields, usual):
            if found not in self.used or name in ("email", "phone_number"):
                self.attributes[name] = self._rule(name, found, attribute.type)
                self.used.add(found)
                return

    def whole_name(self, attributes: Mapping[str, PoolAttribute]) -> None:
        """``name`` from its two halves, where the source has only those."""
        halves = [self.attributes.get(half, {}).get("from") for half in ("given_name", "family_name")]
        if "name" in attributes and "name" not in self.attributes and all(halves):
            self.attributes["name"] = {"template": f"{{{halves[0]}}} {{{halves[1]}}}"}

    def sign_in(self) -> None:
        """What is no attribute: the password's hash, groups, whether a user may sign in, MFA."""
        self._password()
        for target, make in (("groups", self._list), ("enabled", self._boolean), ("mfa", _plain)):
            found = self._unused(self.names[target])
            if found is not None:
                self.rules[target] = make(target, found)
                self.used.add(found)
        disabled = next(
            (name for name in self.fields if name not in self.used and _last(name) in _DISABLED), None
        )
        if "enabled" not in self.rules and disabled is not None:
            self.rules["enabled"] = {"from": disabled, "then": ["trim", "lower", {"values": dict(_NOT)}]}
            self.used.add(disabled)
            self.notes.append(f"enabled: the opposite of {disabled}.")

    def done(self, attributes: Mapping[str, PoolAttribute]) -> Suggestion:
        """Put the draft together and say what the pool requires beyond it."""
        missing = [name for name, one in attributes.items() if one.required and name not in self.attributes]
        self.notes.extend(
            f"{name}: the pool requires it and no field has a usual name for it." for name in missing
        )
        order = ("username", "attributes", "password_hash", "groups", "enabled", "mfa")
        rules = {**self.rules, "attributes": self.attributes}
        unused = tuple(name for name in self.fields if name not in self.used)
        return Suggestion({key: rules[key] for key in order if key in rules}, tuple(self.notes), unused)

    def _unused(self, names: Iterable[str]) -> str | None:
        return next((name for name in _matching(self.fields, names) if name not in self.used), None)

    def _rule(self, name: str, found: str, kind: AttributeType) -> RuleData:
        if name == "email":
            return {"from": found, "then": ["trim", "lower"]}
        if name == "phone_number":
            return self._phone(found)
        if name in ("birthdate", "updated_at"):
            return self._date(name, found)
        if name in ("email_verified", "phone_number_verified"):
            return {**self._boolean(name, found), "default": False}
        if kind == "Boolean":
            return self._boolean(name, found)
        return {"from": found, "as": _TYPES[kind]} if kind in _TYPES else {"from": found}

    def _phone(self, found: str) -> RuleData:
        bare = looks.without_country_code(looks.values_of(self.sample, found))
        if bare:
            self.notes.append(
                f"phone_number: {bare} numbers of the sample have no country code or are invalid; "
                "give the region they belong to, as in `then: [{e164: DE}]`."
            )
        return {"from": found, "then": ["e164"]}

    def _date(self, name: str, found: str) -> RuleData:
        values = looks.values_of(self.sample, found)
        formats = looks.date_formats(values) if name == "birthdate" else [looks.epoch_format(values)]
        if not formats and name == "birthdate" and (near := looks.near_date_format(values)):
            format_, others = near
            self.notes.append(
                f"{name}: {others} values of {found} in the sample are not of the format {format_}, and "
                "reject their users unless the rule has `bad: drop`."
            )
            self._doubts(name, found, [format_])
            return {"from": found, "as": {"date": format_}}
        if not formats or formats[0] is None:
            self.notes.append(
                f"{name}: the sample of {found} has no format that is known here; write `as` yourself."
            )
            return {"from": found}
        self._doubts(name, found, formats)
        return {"from": found, "as": {"date" if name == "birthdate" else "epoch": formats[0]}}

    def _doubts(self, name: str, found: str, formats: Sequence[str | None]) -> None:
        """What the sample cannot tell of its days."""
        if any({f"%d/%m/{year}", f"%m/%d/{year}"} <= set(formats) for year in ("%Y", "%y")):
            self.notes.append(f"{name}: the sample of {found} does not tell day from month; check `as`.")
        if "%y" in (formats[0] or ""):
            self.notes.append(
                f"{name}: the years in {found} have two digits, so that the century is guessed: 70 to 99 "
                "become 1970 to 1999, 00 to 69 become 2000 to 2069; deliver four digits where that is wrong."
            )

    def _boolean(self, name: str, found: str) -> RuleData:
        if not looks.all_booleans(looks.values_of(self.sample, found)):
            self.notes.append(f"{name}: the sample of {found} has values that are no booleans.")
        return {"from": found, "as": "boolean"}

    def _list(self, _: str, found: str) -> RuleData:
        split = looks.separator(looks.values_of(self.sample, found))
        return {"from": found} if split is None else {"from": found, "split": split}

    def _password(self) -> None:
        for name in self.fields:
            values = looks.values_of(self.sample, name)
            if name not in self.used and looks.all_hashes(values):
                self.rules["password_hash"] = {"from": name}
                self.used.add(name)
                return
            if _last(name) in _PASSWORDS and len(values):
                self.notes.append(
                    f"password: {name} may hold passwords or hashes of a kind that is not known here."
                )


def _plain(_: str, found: str) -> RuleData:
    return {"from": found}


def _matching(fields: Sequence[str], names: Iterable[str]) -> list[str]:
    """Fields that have one of the names, whole or behind the last dot, in the order of the names."""
    found = [name for usual in names for name in fields if _bare(name) == _bare(usual)]
    found += [name for usual in names for name in fields if _last(name) == _bare(usual)]
    return list(dict.fromkeys(found))


def _last(name: str) -> str:
    return _bare(name.rpartition(".")[2])


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9\[\]]", "", name.lower())
