"""What ``existing: update`` would write of users who are in the pool already, found before anything is sent.

Only what differs is written. Nothing is taken away: an attribute that the source lacks stays, nothing that
is verified becomes unverified, groups are only joined, and whether a user is enabled stays as it is. An
e-mail address or phone number changes only together with its verified flag: else Cognito would take the
new one for unverified and send a code to it. A name that somebody else signs in with is left alone, since
some pools would move it in silence (F5.11). So is who has the name of a user whom an earlier run has landed,
and another ``sub``: it may be a stranger who came after that user was deleted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from connectors.records import ALGORITHM, GROUPS
from flows.ledger.families import chain_of
from flows.ledger.segments import write_parquet
from flows.steps.columns import STRATEGY, VERDICT
from flows.steps.comparing import CONTACTS, SIGN_IN, contradicts, pool_column
from flows.steps.existing import ALIAS_KEYS, NAME_BEFORE, SUB_BEFORE, Existing
from flows.steps.family_verdicts import in_the_end
from flows.steps.pool_keys import KEY_COLUMNS, with_keys
from flows.steps.reading_groups import GROUP, members_of
from mappings.duplicates import KEY_USERNAME, ORDINAL
from mappings.rules_lists import GROUP_NAME_INVALID, has_unjoinable, joinable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flows.steps.context import Context

UPDATE: Final = "update_existing"
"""What the ledger and the verdicts call this way; the run file asks for it with ``existing: update``."""

CHANGES: Final = "@changes"
MISSING: Final = "@missing"
LEFT: Final = "@left"
KNOWN: Final = "@known"
"""Hash of the ``sub`` by which a user was landed."""

_REPLACED: Final = "user_replaced"


@dataclass(frozen=True, slots=True)
class Updates:
    """Compares users of the source with the pool as it was before the run.

    Attributes:
        context: the run.
        existing: the keys of the pool's users.
        contested: by alias key, the values that more than one user of the source wants.
        members: who is in which of the source's groups already.
        landed: ``KEY_USERNAME`` and ``KNOWN`` of whom the runs before this one have landed.
    """

    context: Context
    existing: Existing
    contested: dict[str, pl.Series]
    members: pl.DataFrame
    landed: pl.DataFrame

    @classmethod
    def of_run(cls, context: Context, existing: Existing) -> Updates:
        """Read what the comparison needs; who is in which group is read from the pool once."""
        path = context.folder.members
        if not path.exists():
            write_parquet(_read_members(context), path)
        return cls(context, existing, _contested(context), pl.read_parquet(path), _landed(context))

    @property
    def columns(self) -> list[str]:
        """The columns of a page that the comparison reads."""
        return [ORDINAL, GROUPS, *KEY_COLUMNS, *self.context.attributes]

    def reroute(self, routed: pl.DataFrame, users: pl.DataFrame) -> pl.DataFrame:
        """Give those of a page's existing users a way who differ from what the pool has of them.

        Args:
            routed: the page, with ``VERDICT`` and ``STRATEGY``.
            users: ``columns`` of the same page.
        """
        there = routed.filter(pl.col(VERDICT) == "existing").select(ORDINAL)
        differing = self.of(users.join(there, on=ORDINAL, how="semi"))[ORDINAL]
        is_one = pl.col(ORDINAL).is_in(differing.implode())
        return routed.with_columns(
            pl.when(~is_one).then(VERDICT).alias(VERDICT),
            pl.when(is_one).then(pl.lit(UPDATE)).otherwise(STRATEGY).alias(STRATEGY),
            pl.when(~is_one).then(ALGORITHM).alias(ALGORITHM),
        )

    def of(self, users: pl.DataFrame) -> pl.DataFrame:
        """What is to be written of existing users who differ.

        Args:
            users: ``columns`` of users who are in the pool.

        Returns:
            ``ORDINAL``, ``SUB_BEFORE``, ``NAME_BEFORE``; ``CHANGES``: list of ``name`` and ``value``;
            ``MISSING``: groups to join; ``LEFT``: reason codes of what differs and is left alone. Whoever
            has none of the three is not in it.
        """
        pairs = self._with_groups(self._with_clashes(self._paired(users)))
        pairs = pairs.join(self.landed, on=KEY_USERNAME, how="left", maintain_order="left")
        other = (pl.col(KNOWN) != pl.col(SUB_BEFORE).hash()).fill_null(value=False)
        found = pairs.select(
            ORDINAL,
            SUB_BEFORE,
            NAME_BEFORE,
            pl.when(~other).then(self._changes()).otherwise([]).alias(CHANGES),
            pl.when(~other).then(MISSING).otherwise([]).alias(MISSING),
            pl.when(~other).then(self._left()).otherwise([_REPLACED]).alias(LEFT),
        )
        return found.filter(pl.any_horizontal(pl.col(CHANGES, MISSING, LEFT).list.len() > 0)).sort(ORDINAL)

    def _paired(self, users: pl.DataFrame) -> pl.DataFrame:
        """Users beside what the pool has of them."""
        before = pl.scan_parquet(self.context.folder.all("before")).drop(ALIAS_KEYS)
        mine = before.join(users.lazy().select(KEY_USERNAME), on=KEY_USERNAME, how="semi")
        return users.join(mine.collect().unique(KEY_USERNAME), on=KEY_USERNAME, how="inner")

    def _with_clashes(self, pairs: pl.DataFrame) -> pl.DataFrame:
        """Mark the names that another user of the pool has, or another one of the source wants."""
        for key in ALIAS_KEYS:
            holders = self.existing.keys.select(key, pl.col(SUB_BEFORE).alias("@holder"))
            pairs = pairs.join(holders.drop_nulls(key).unique(key), on=key, how="left", maintain_order="left")
            others = (pl.col("@holder") != pl.col(SUB_BEFORE)).fill_null(value=False)
            wanted = pl.col(key).is_in(self.contested[key].implode()).fill_null(value=False)
            pairs = pairs.with_columns((others | wanted).alias(_clash(key))).drop("@holder")
        return pairs

    def _with_groups(self, pairs: pl.DataFrame) -> pl.DataFrame:
        """Add the groups that a user is not in yet."""
        named = joinable(pl.col(GROUPS)).alias(GROUP)
        wanted = pairs.select(ORDINAL, NAME_BEFORE, named).explode(GROUP).drop_nulls()
        lacking = wanted.join(self.members, on=[GROUP, NAME_BEFORE], how="anti")
        lists = lacking.group_by(ORDINAL, maintain_order=True).agg(pl.col(GROUP).alias(MISSING))
        joined = pairs.join(lists, on=ORDINAL, how="left", maintain_order="left")
        return joined.with_columns(pl.col(MISSING).fill_null(pl.lit([], dtype=pl.List(pl.String))))

    def _changes(self) -> pl.Expr:
        pieces = [
            pl.when(is_written).then(pl.struct(pl.lit(name).alias("name"), value.alias("value")))
            for name, value, is_written in self._writes()
        ]
        empty = pl.lit([], dtype=pl.List(pl.Struct({"name": pl.String, "value": pl.String})))
        return pl.concat_list(pieces).list.drop_nulls() if pieces else empty

    def _writes(self) -> Iterator[tuple[str, pl.Expr, pl.Expr]]:
        """Name, value and condition of everything that may be written."""
        for name in self.context.attributes:
            flag_of = name.removesuffix("_verified")
            if flag_of in CONTACTS and flag_of != name:
                yield name, pl.lit("true"), self._flag_is_written(flag_of)
            elif self._mutable(name):
                yield name, pl.col(name), self._differs(name) & ~self._why_left(name).is_not_null()

    def _flag_is_written(self, contact: str) -> pl.Expr:
        """With its contact, or alone where the contact is the same and gets verified by it."""
        if contact not in self.context.attributes or not self._mutable(f"{contact}_verified"):
            return pl.lit(value=False)
        moves = self._differs(contact)
        lacks = self._differs(f"{contact}_verified")
        written = pl.when(moves).then(self._why_left(contact).is_null() & self._mutable(contact)).otherwise(
            lacks & ~pl.col(_clash(SIGN_IN[contact])) & pl.col(contact).is_not_null()
        )  # fmt: skip
        return written.fill_null(value=False)

    def _left(self) -> pl.Expr:
        """Reason codes of what differs and is left alone."""
        codes = [
            pl.when(self._differs(name)).then(
                self._why_left(name) if self._mutable(name) else pl.lit("attribute_immutable")
            )
            for name in self.context.attributes
            if name.removesuffix("_verified") not in CONTACTS or name in CONTACTS
        ]  # fmt: skip
        codes.append(pl.when(has_unjoinable(pl.col(GROUPS))).then(pl.lit(GROUP_NAME_INVALID)))
        return pl.concat_list(codes).list.drop_nulls().list.unique()

    def _why_left(self, name: str) -> pl.Expr:
        """Reason code, or null where a value that differs may be written."""
        why: pl.Expr = pl.lit(None, pl.String)
        if name in SIGN_IN:
            why = pl.when(pl.col(_clash(SIGN_IN[name]))).then(pl.lit("alias_taken"))
        if name in CONTACTS:
            flag = f"{name}_verified"
            proved = pl.col(flag) == "true" if flag in self.context.attributes else pl.lit(value=False)
            unproved = pl.when(~proved.fill_null(value=False)).then(pl.lit("contact_not_verified"))
            why = pl.coalesce(unproved, why)
        return why

    def _differs(self, name: str) -> pl.Expr:
        return contradicts(self.context.schema, name, pl.col(name), pl.col(pool_column(name)))

    def _mutable(self, name: str) -> bool:
        return self.context.schema.attributes[name].mutable


def _clash(key: str) -> str:
    return f"{key} clashes"


def _contested(context: Context) -> dict[str, pl.Series]:
    """By alias key, what several users of the source want."""
    found = {}
    for key in ALIAS_KEYS:
        keys = context.folder.scan_users().select(key).drop_nulls().group_by(key).len()
        found[key] = keys.filter(pl.col("len") > 1).collect()[key]
    return found


def _landed(context: Context) -> pl.DataFrame:
    """By username key, the ``sub`` of whom the runs before this one have landed; the newest word.

    A run that was purged knows nobody any more.
    """
    found = [pl.DataFrame(schema={KEY_USERNAME: pl.UInt64, KNOWN: pl.UInt64})]
    for run in (run for run in reversed(chain_of(context.folder)[:-1]) if run.has_users()):
        users = in_the_end(run).select("username", "sub").drop_nulls().collect()
        found.append(with_keys(context, users).select(KEY_USERNAME, pl.col("sub").hash().alias(KNOWN)))
    return pl.concat(found).unique(KEY_USERNAME, keep="first", maintain_order=True)


def _read_members(context: Context) -> pl.DataFrame:
    """Read who is in the groups that the source names."""
    named = context.folder.scan_users().select(joinable(pl.col(GROUPS)).explode()).drop_nulls()
    return members_of(context, named.unique().collect()[GROUPS])
