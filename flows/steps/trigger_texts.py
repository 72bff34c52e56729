"""What the commands round the trigger show on a terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flows.steps.sign_in_proof import SignInProof


def status_table(found: Mapping[str, Any]) -> Table:
    """How far a trigger has come."""
    where = "attached" if found["attached"] else "deployed" if found["deployed"] else "not deployed"
    table = Table(title=f"Trigger {found['name']}: {where}", title_justify="left")
    table.add_column("users")
    table.add_column("number", justify="right")
    for name, label in (("deferred", "deferred"), ("arrived", "arrived"), ("to_come", "still to come")):
        table.add_row(label, f"{found[name]:,}")
    table.add_section()
    for outcome, count in found["outcomes"].items():
        table.add_row(f"answered: {outcome.replace('_', ' ')}", f"{count:,}")
    if found["expires"]:
        table.caption = (
            f"Who has not come by {datetime.fromtimestamp(found['expires'], UTC):%Y-%m-%d} is forgotten."
        )
    return table


def proof_table(found: SignInProof) -> Table:
    """Who could sign in, by the way into the pool."""
    table = Table(title="Sign-ins with the old password", title_justify="left")
    for name in ("way", "asked", "signed in"):
        table.add_column(name, justify="left" if name == "way" else "right")
    for way, (asked, signed_in) in found.by_way.items():
        table.add_row(way, f"{asked:,}", f"{signed_in:,}")
    return table
