"""What a sample shows before anything is decided: how full, how odd, how often twice; never a value."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from connectors.records import ALGORITHM, PASSWORD_HASH, REASON, USERNAME
from flows.steps.choosing import reads
from flows.steps.unmapped import overlap, unread_fields
from mappings.forms import forms
from mappings.password_hashes import PasswordHashes, kinds
from mappings.rules import HASH_KIND, Rules
from mappings.texts import without_blanks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connectors.records import PoolSchema
    from flows.steps.choosing import Choice
    from flows.steps.sampling import Sample
    from mappings.spec import HashRule

MOST_KINDS: Final = 20
"""Kinds of hashes at most that are listed: of junk there can be as many as users."""

NAMES: Final = {USERNAME: "username", "email": "email", "phone_number": "phone_number"}
"""Columns of names that nobody may share, as people call them."""


@dataclass(frozen=True, slots=True)
class FieldProfile:
    """One field of the source.

    Attributes:
        name: its name.
        filled: share of users who have a value there, 0 to 1.
        distinct: how many different values there are.
        forms: what the values look like, with how many do; the most frequent first.
        fills: what the suggested mapping takes from it.
    """

    name: str
    filled: float
    distinct: int
    forms: dict[str, int]
    fills: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NameProfile:
    """One kind of name, as the mapping makes it.

    Attributes:
        users: who have one.
        duplicates: who have one that an earlier user of the sample has; letter case as the pool takes it.
    """

    users: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class Profile:
    """A sample, in numbers; it holds no value of a person.

    Attributes:
        users: rows of the sample.
        unreadable: lines among them that are no rows.
        fields: those that anybody has a value in, in the order of the source.
        empty: names of the others.
        unmapped: fields that nothing is taken from, with the share of users who have a value there.
        names: duplicates among the names that users would get.
        unverified: contact → how many users have it without its being known to be verified.
        hashes: password hashes by scheme and parameters.
        rejected: users whom mapping or pool would refuse, by reason.
    """

    users: int
    unreadable: int
    fields: tuple[FieldProfile, ...]
    empty: tuple[str, ...]
    unmapped: dict[str, float]
    names: dict[str, NameProfile]
    unverified: dict[str, int]
    hashes: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The profile as a JSON object."""
        return asdict(self)


def profile(sample: Sample, choice: Choice, schema: PoolSchema, told: Mapping[str, Any]) -> Profile:
    """Count what a sample shows.

    Args:
        sample: some users.
        choice: the suggested mapping.
        schema: the pool.
        told: the ``source`` part of the run file.
    """
    mapped = choice.compiled.apply(sample.rows)
    rules = Rules(schema, hash_rule=choice.spec.password_hash)
    judged = rules.judge(mapped)
    key = [("key", (str(told["key"]),))] if told.get("key") else []
    read = [*key, *reads(choice.spec)]
    full = [name for name in sample.fields if sample.shares[name]]
    unread = unread_fields(sample.fields, choice.compiled.fields, told)
    return Profile(
        users=sample.rows.height,
        unreadable=sample.unreadable,
        fields=tuple(_field(sample, name, read) for name in full),
        empty=tuple(name for name in sample.fields if not sample.shares[name]),
        unmapped=dict(sorted(((n, sample.shares[n]) for n in unread), key=lambda each: (-each[1], each[0]))),
        names={
            shown: _names(mapped, name, schema) for name, shown in NAMES.items() if name in mapped.columns
        },
        unverified=_unverified(mapped),
        hashes=_hashes(mapped[PASSWORD_HASH], choice.spec.password_hash),
        rejected=_counted(judged[REASON]),
    )


def _field(sample: Sample, name: str, read: Sequence[tuple[str, Sequence[str]]]) -> FieldProfile:
    fills = (target for target, names in read if any(overlap(name, one) for one in names))
    values = without_blanks(sample.rows[name]).drop_nulls()
    told = tuple(dict.fromkeys(fills))
    return FieldProfile(name, round(sample.shares[name], 4), values.n_unique(), forms(values), told)


def _names(mapped: pl.DataFrame, name: str, schema: PoolSchema) -> NameProfile:
    values = without_blanks(mapped[name]).str.strip_chars().drop_nulls()
    if name != USERNAME or not schema.case_sensitive:
        values = values.str.to_lowercase()
    return NameProfile(len(values), len(values) - values.n_unique())


def _unverified(mapped: pl.DataFrame) -> dict[str, int]:
    """Contacts that no rule calls verified; import jobs want one that is (F1.29)."""
    found: dict[str, int] = {}
    for contact in ("email", "phone_number"):
        if contact in mapped.columns:
            flag = f"{contact}_verified"
            is_sure = (
                mapped[flag] == "true"
                if flag in mapped.columns
                else pl.Series([False]).new_from_index(0, mapped.height)
            )
            has_one = without_blanks(mapped[contact]).is_not_null()
            found[contact] = int((has_one & ~is_sure.fill_null(value=False)).sum())
    return found


def _hashes(hashes: pl.Series, rule: HashRule | None) -> dict[str, int]:
    """Of everybody who has one, also of the disabled, who travel without (F7.12)."""
    seen = PasswordHashes(scheme=rule.scheme if rule else None).judge(hashes)
    frame = pl.DataFrame({PASSWORD_HASH: seen.values, ALGORITHM: seen.algorithms, HASH_KIND: seen.kinds})
    told = kinds(frame, hashes=PASSWORD_HASH, algorithm=ALGORITHM, kind=HASH_KIND)
    return dict(list(_counted(told).items())[:MOST_KINDS])


def _counted(values: pl.Series) -> dict[str, int]:
    """How often each value stands there, the most frequent first; null is not counted."""
    counts = values.drop_nulls().value_counts(name="users")
    return {
        str(name): int(users)
        for name, users in sorted(counts.iter_rows(), key=lambda one: (-one[1], str(one[0])))
    }
