"""What a delta run and its forecast say of changes in the source; counts and names of fields alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flows.reports.markdown import table

if TYPE_CHECKING:
    from collections.abc import Mapping


def percent(share: float | None) -> str:
    """A share as people read it; ``0 %`` and ``100 %`` only where it is just so."""
    if share is None:
        return "unknown"
    return f"{share * 100:.0f} %" if share in (0, 1) else f"{min(99, max(1, round(share * 100)))} %"


def delta_lines(delta: Mapping[str, Any]) -> list[tuple[str, int]]:
    """What the counts of a delta run mean, and how many users; nothing for other runs."""
    lines = {
        "new": "users who are new in the source",
        "changed": "users who have changed in the source",
        "repaired": "users who are as before in the source, and are taken since `reconcile` named them",
        "unchanged": "users who were read, are as before, and are left out",
        "vanished": "users who have left the source, and stay in the pool",
        "left": "users who have changed and were left as they are in the pool (`existing.csv`)",
    }
    return [(text, delta[name]) for name, text in lines.items() if delta.get(name) is not None]


def reads_sentence(delta: Mapping[str, Any]) -> str:
    """How a delta run has found the changes."""
    if delta["reads"] == "changed":
        return "The source told who has changed, so nobody knows who has left it."
    return "Everybody was read and compared."


def delta_parts(facts: Mapping[str, Any]) -> list[str]:
    """The part of a report that tells what has changed in the source since the run before."""
    delta = facts.get("delta")
    if delta is None:
        return []
    rows = [(text, f"{count:,}") for text, count in delta_lines(delta)]
    head = [f"## Changes since run {delta['since']}", reads_sentence(delta)]
    gone = "`vanished.csv` names who has left the source; nobody was deleted."
    return [
        *head,
        *([table(("who", "users"), rows)] if rows else []),
        *([gone] if delta.get("vanished") else []),
    ]


def unmapped_rows(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Fields which nothing carries over, and how full each is."""
    fields: Mapping[str, float | None] = facts.get("unmapped", {})
    return [(name, percent(share)) for name, share in fields.items()]


def unmapped_parts(facts: Mapping[str, Any]) -> list[str]:
    """The part of a report that names fields which nothing carries over."""
    rows = unmapped_rows(facts)
    if not rows:
        return []
    return [
        "## Fields of the source that nothing carries over",
        table(("field", "filled, in a sample"), rows),
    ]
