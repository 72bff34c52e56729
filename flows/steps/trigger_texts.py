"""What the commands round the trigger show on a terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import RenderableType

    from flows.steps.sign_in_proof import SignInProof


def status_parts(found: Mapping[str, Any]) -> Iterator[RenderableType]:
    """How far a trigger has come; a name stays on one line, so that it can be copied."""
    where = "attached" if found["attached"] else "deployed" if found["deployed"] else "not deployed"
    yield f"Trigger {found['name']}: {where}"
    yield _status_table(found)
    if found["expires"]:
        yield f"Who has not come by {datetime.fromtimestamp(found['expires'], UTC):%Y-%m-%d} is forgotten."


def _status_table(found: Mapping[str, Any]) -> Table:
    table = Table()
    table.add_column("users")
    table.add_column("number", justify="right")
    for name, label in (("deferred", "deferred"), ("arrived", "arrived"), ("to_come", "still to come")):
        table.add_row(label, f"{found[name]:,}")
    table.add_section()
    for outcome, count in found["outcomes"].items():
        table.add_row(f"answered: {outcome.replace('_', ' ')}", f"{count:,}")
    return table


def proof_table(found: SignInProof) -> Table:
    """Who could sign in, by the way into the pool."""
    table = Table(title="Sign-ins with the old password", title_justify="left")
    for name in ("way", "asked", "signed in"):
        table.add_column(name, justify="left" if name == "way" else "right")
    for way, (asked, signed_in) in found.by_way.items():
        table.add_row(way, f"{asked:,}", f"{signed_in:,}")
    return table
