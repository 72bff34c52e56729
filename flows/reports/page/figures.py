"""What the page draws: numbers of the ledger by name, never a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flows.reports.units import share

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flows.steps.finishing import Summary

MEANINGS: Final = {
    "imported": "An import job created the user.",
    "created": "AdminCreateUser created the user.",
    "updated": "Was there already, and now carries what differed in the source.",
    "existing": "Was there already, and was left alone.",
    "deferred": "Left to the migration trigger at first sign-in.",
    "rejected": "Refused by the mapping or the pool's rules before anything was sent.",
    "failed": "Refused by the pool, or could not be settled.",
}
"""What each verdict says of a user."""

OPEN: Final = "open"
"""Stands where a verdict stands, for users of an unfinished run who have none yet."""


def verdict_rows(summary: Summary) -> list[dict[str, Any]]:
    """Verdict, users, share and meaning; the users add up to those who were read, also on the way."""
    tally = dict(summary["verdicts"])
    meanings = dict(MEANINGS)
    if left := summary["extracted"] - sum(tally.values()):
        tally[OPEN], meanings[OPEN] = left, "Has no verdict yet: the run is not finished."
    return [
        {"name": name, "users": users, "share": share(users, summary["extracted"]), "meaning": meanings[name]}
        for name, users in tally.items()
    ]


def parts_of(values: Mapping[str, Any]) -> dict[str, str]:
    """Anchors of the parts that the page of these values has, in their order, and how each is called."""
    has = {
        "verdicts": ("Verdicts", True),
        "reasons": ("Reasons", values["reasons"]),
        "sign-ins": ("First sign-ins", values["experiences"]),
        "time": ("Time and jobs", values["jobs"] or values["time"]["spans"]),
        "quotas": ("Request rates", values["calls"]),
        "lacks": ("What users lack", values["lacks"]),
        "changes": ("Changes", values["changes"]),
        "fields": ("Fields left behind", values["unmapped"]),
        "drift": ("Read back", True),
        **{each.verdict: (f"{each.verdict.capitalize()} users", True) for each in values["named"]},
        "files": ("Files", values["files"]),
    }
    return {anchor: title for anchor, (title, is_there) in has.items() if is_there}
