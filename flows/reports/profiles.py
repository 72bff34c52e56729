"""The profile of a sample as tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.table import Table

from flows.reports.delta import percent
from mappings.reasons import reason

if TYPE_CHECKING:
    from flows.steps.profiling import FieldProfile, Profile

MOST_FORMS: Final = 3
"""Forms of a field at most that are shown."""


def profile_tables(seen: Profile) -> list[Table]:
    """Fields with how full they are and what they look like; then names, hashes and reasons."""
    made = (_fields(seen), _people(seen), _hashes(seen), _rejected(seen))
    return [table for table in made if table.row_count]


def _fields(seen: Profile) -> Table:
    empty = f"Empty for everybody: {', '.join(seen.empty)}" if seen.empty else None
    title = f"Fields, in a sample of {seen.users:,} users"
    table = Table(title=title, title_justify="left", caption=empty, caption_justify="left")
    for head in ("field", "filled", "different", "looks like", "fills"):
        right = head in ("filled", "different")
        table.add_column(head, justify="right" if right else "left", overflow="fold", no_wrap=right)
    for one in seen.fields:
        name = " ".join(one.name.split())
        fills = ", ".join(one.fills) or ("nothing" if one.name in seen.unmapped else "")
        if not fills:  # a part of what stands there as a whole
            continue
        table.add_row(
            name,
            percent(one.filled),
            f"{one.distinct:,}",
            _forms(one),
            fills,
            style=None if one.fills else "dim",
        )
    return table


def _forms(one: FieldProfile) -> str:
    total = sum(one.forms.values()) or 1
    shown = list(one.forms.items())[:MOST_FORMS]
    if len(one.forms) == 1:
        return shown[0][0]
    return ", ".join(f"{name} {percent(users / total)}" for name, users in shown)


def _people(seen: Profile) -> Table:
    table = Table(title="Names, as the mapping makes them", title_justify="left")
    for head in ("name", "users who have one", "have an earlier user's", "not known to be verified"):
        table.add_column(head, justify="left" if head == "name" else "right")
    for name, one in seen.names.items():
        unverified = seen.unverified.get(name)
        table.add_row(
            name, f"{one.users:,}", f"{one.duplicates:,}", "" if unverified is None else f"{unverified:,}"
        )
    return table


def _hashes(seen: Profile) -> Table:
    table = Table(title="Password hashes", title_justify="left")
    table.add_column("scheme")
    table.add_column("users", justify="right")
    for name, users in seen.hashes.items():
        table.add_row(name, f"{users:,}")
    return table


def _rejected(seen: Profile) -> Table:
    table = Table(title="Would be rejected, as the mapping stands", title_justify="left")
    for head in ("reason", "users", "what to do"):
        table.add_column(head, justify="right" if head == "users" else "left", overflow="fold")
    for code, users in seen.rejected.items():
        table.add_row(code, f"{users:,}", reason(code).mend)
    return table
