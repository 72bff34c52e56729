"""Would the pool take this user? Every rule that can be judged before anything is sent (F1.*, F2.*)."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import polars as pl

from connectors.records import (
    MFA,
    PASSWORD,
    PASSWORD_HASH,
    REASON,
    USERNAME,
    PoolSchema,
)
from mappings.duplicates import CODES, KEY_EMAIL, KEY_PHONE_NUMBER, KEY_PREFERRED_USERNAME, KEY_USERNAME
from mappings.password_hashes import PasswordHashes
from mappings.rules_attributes import attribute_rules, unknown_rules
from mappings.rules_base import write_reasons
from mappings.rules_csv import csv_rules, row_rule
from mappings.rules_forms import form_of
from mappings.rules_hashes import HASH_KIND, with_algorithms, with_wish
from mappings.rules_keys import key_hashes, key_values
from mappings.rules_lists import list_rules
from mappings.rules_looks import CONTROL, Look, survey
from mappings.rules_options import RuleOptions
from mappings.rules_sign_in import sign_in_rules
from mappings.rules_tidy import tidied
from mappings.rules_username import username_form, username_rules

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from mappings.rules_forms import Form
    from mappings.spec import HashRule

__all__ = [
    "CSV_REASON",
    "HASH_KIND",
    "KEY_EMAIL",
    "KEY_PHONE_NUMBER",
    "KEY_PREFERRED_USERNAME",
    "KEY_USERNAME",
    "Judged",
    "RuleOptions",
    "Rules",
]

CSV_REASON = "@csv_reason"
"""String or null: why an import job cannot carry a user whom the pool would take another way."""

_HASH_REASON = "@hash_reason"

NO_PROMISES: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Judged:
    """A page as the rules left it.

    Attributes:
        frame: its rows.
        plain: columns in which no comma, backslash or line break stands.
        commas: columns in which commas stand, but no backslash or line break.
    """

    frame: pl.DataFrame
    plain: frozenset[str]
    commas: frozenset[str] = frozenset()


class Rules:
    """The rules of one pool, compiled once.

    Args:
        schema: the pool.
        options: how to judge what the facts leave open.
        hash_rule: what the run file says of password hashes.
    """

    def __init__(
        self,
        schema: PoolSchema,
        options: RuleOptions = RuleOptions(),  # noqa: B008 - frozen
        hash_rule: HashRule | None = None,
    ) -> None:
        self._schema = schema
        forms = _forms(schema)
        self._clean = {name: form.clean for name, form in forms.items()}
        self._promises = {name: form.promise for name, form in forms.items()}
        self._rules = [
            *username_rules(schema, options),
            *attribute_rules(schema),
            *sign_in_rules(schema, options),
            *list_rules(schema),
        ]
        self._csv_rules = csv_rules(schema, options)
        self._hashes = PasswordHashes(options.pbkdf2_alphabet, hash_rule.scheme if hash_rule else None)
        self._without = hash_rule.without if hash_rule else None
        self._needed = _needed(schema)

    def judge(self, mapped: pl.DataFrame) -> pl.DataFrame:
        """Judge every row of a page (``judge_closely``), and tell nothing else."""
        return self.judge_closely(mapped).frame

    def judge_closely(self, mapped: pl.DataFrame, promised: Mapping[str, str] = NO_PROMISES) -> Judged:
        """Judge every row of a page.

        Args:
            mapped: ``MAPPED_COLUMNS`` (``ALGORITHM`` may be missing), ``REASON`` and attributes.
            promised: attribute → the conversion that made all of its values (``CompiledMapping.promises``),
                so that they need not be asked for its form again.

        Returns:
            The columns in which no comma, backslash or line break stands, and the same rows in the same
            order, with

            - ``REASON``: filled, where it was null, if the pool would take the user by no way;
            - ``CSV_REASON``: filled where the pool would take the user, but not from an import job;
            - ``ALGORITHM``: of the password hash, where an import job takes it (F2.4); the hash itself is
              in Cognito's format then, and ``HASH_KIND`` says what it was;
            - ``KEY_USERNAME``, ``KEY_EMAIL``, ``KEY_PHONE_NUMBER``, ``KEY_PREFERRED_USERNAME``:
              UInt64, the names that the user takes in the pool, for ``find_duplicates``;
            - attribute values, and hashes that were not usable as they stood, without white space at
              their ends (F1.21), null where nothing is left; no hash of a user whom the run file lets
              travel without (``without: reset``, ``random``).
        """
        names = [name for name in mapped.columns if not name.startswith("@")]
        frame = self._with_all_columns(mapped)
        sure = {name for name, conversion in promised.items() if self._promises.get(name) == conversion}
        frame, looks = self._tidy(frame, names, sure)
        rules = [*unknown_rules(names, self._schema), *self._rules]
        frame = write_reasons(frame, rules, looks, REASON)
        frame = self._judge_for_csv(frame, names, looks)
        small = {name for name, look in looks.items() if look.small or not look.filled}
        frame = frame.with_columns(key_hashes(self._schema, small))
        writable = {name: look.has(",") for name, look in looks.items() if not look.has("\\", CONTROL)}
        plain, commas = (
            frozenset(name for name, has in writable.items() if has is wanted) for wanted in (False, True)
        )
        return Judged(frame.drop(set(self._needed).difference(names)), plain, commas)

    @property
    def key_columns(self) -> list[str]:
        """The attributes that ``key_values`` reads beside the username; it puts null for what is absent."""
        read = {name for value in key_values(self._schema).values() for name in value.meta.root_names()}
        return [name for name in self._needed if name in read]

    def key_values(self, judged: pl.DataFrame) -> pl.DataFrame:
        """The real values behind the key columns of a judged page, to confirm suspects with.

        Args:
            judged: rows of what ``judge`` returned.

        Returns:
            String columns named as the key columns, folded as the pool compares names (F1.50);
            those that the pool has no use for are all null.
        """
        frame = self._with_all_columns(judged)
        nothing = {key: pl.lit(None, pl.String).alias(key) for key in CODES}
        return frame.select((nothing | key_values(self._schema)).values())

    def _with_all_columns(self, frame: pl.DataFrame) -> pl.DataFrame:
        absent = (name for name in self._needed if name not in frame.columns)
        return frame.with_columns(pl.lit(None, pl.String).alias(name) for name in absent)

    def _tidy(
        self, frame: pl.DataFrame, names: Sequence[str], sure: Collection[str] = ()
    ) -> tuple[pl.DataFrame, dict[str, Look]]:
        """Look at the text columns, and once more at those that had white space round a value."""
        looks = survey(frame, [USERNAME, PASSWORD, MFA, *self._needed, *names], self._clean, sure)
        changed = tidied(frame, looks, [PASSWORD, *names])
        if changed:
            frame = frame.with_columns(changed.values())
            looks |= survey(frame, list(changed), self._clean)
        return frame, looks

    def _judge_for_csv(
        self, frame: pl.DataFrame, names: Sequence[str], looks: dict[str, Look]
    ) -> pl.DataFrame:
        """Set ``ALGORITHM`` and ``CSV_REASON``; what concerns secrets is the last choice of a reason."""
        frame = frame.with_columns(pl.lit(None, pl.String).alias(CSV_REASON))
        frame = with_algorithms(frame, self._hashes, _HASH_REASON)
        rules = [*self._csv_rules, row_rule(self._schema, names)]
        frame = write_reasons(frame, rules, looks | {PASSWORD_HASH: _look_at_hashes(frame)}, CSV_REASON)
        frame = with_wish(frame, self._without, CSV_REASON, _HASH_REASON)
        plain = pl.when(pl.col(PASSWORD).is_not_null()).then(pl.lit("password_plain"))
        reason = pl.when(pl.col(REASON).is_null()).then(pl.coalesce(CSV_REASON, _HASH_REASON, plain))
        return frame.with_columns(reason.alias(CSV_REASON)).drop(_HASH_REASON)


def _look_at_hashes(frame: pl.DataFrame) -> Look:
    """An upper bound of what hashes take in a row; Argon2id's hold commas (F2.7)."""
    longest = frame[PASSWORD_HASH].str.len_bytes().max()
    return Look(longest=longest if isinstance(longest, int) else 0, signs=frozenset({","}))


def _forms(schema: PoolSchema) -> dict[str, Form]:
    forms = {name: form_of(attribute) for name, attribute in schema.attributes.items()}
    forms[USERNAME] = username_form(schema)
    return {name: form for name, form in forms.items() if form}


def _needed(schema: PoolSchema) -> tuple[str, ...]:
    """The attributes that rules ask for even where the mapping has no such column."""
    required = (name for name, attribute in schema.attributes.items() if attribute.required)
    contacts = ("email", "email_verified", "phone_number", "phone_number_verified")
    return tuple(dict.fromkeys((*contacts, *required, *schema.alias_attributes)))
