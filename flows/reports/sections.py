"""What reports tell of a run, as rows of texts: Markdown and the page lay the same ones out."""

from __future__ import annotations

from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from flows.ledger.families import PURGED, PURGING, RETRY
from flows.reports.tables import check_id_map
from flows.steps.family_verdicts import after_retries, retries_sentence, still_there
from flows.steps.first_sign_ins import SIGN_INS
from mappings.reasons import reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flows.ledger.folder import RunFolder
    from flows.ledger.store import Ledger
    from flows.reports.tables import IdMap
    from flows.steps.finishing import Summary

Row = tuple[str, ...]

FILES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "reasons.csv": "how many users have each reason, the most frequent first, and what to do",
        "rejected.csv": "who is rejected, and why",
        "failed.csv": "who has failed, and why",
        "existing.csv": "who was in the pool already",
        "id_map.csv": "old id, username and new `sub` of everybody in the pool, retries included",
        "verdicts.parquet": "one row a source user",
    }
)
"""Files that a run leaves beside its report."""

LACKS: Final = {
    "password": "the password",
    "disable": "being disabled",
    "link": "links to other providers",
    "mfa": "the second factor",
    "groups": "memberships of groups",
    "attributes": "changed attributes",
}
"""Step of the run → what a user lacks who is in the pool without it."""

SIGN_IN_HEAD: Final = ("scheme", "parameters", "users", "way", "not with the hash", "first sign-in")
LEFT_OUT_HEAD: Final = ("what is missing", "reason", "how often", "what it means", "what to do")
REASON_HEAD: Final = ("verdict", "reason", "users", "what it means", "what to do", "fact")
JOB_HEAD: Final = (
    "job_id", "batch", "attempt", "rest_of", "algorithm", "users", "status",
    "imported", "skipped", "failed", "seconds",
)  # fmt: skip


def headline(summary: Summary) -> str:
    """How the run stands, in one sentence."""
    sums = "add up" if summary["balanced"] else "do not add up yet"
    return (
        f"State: {summary['state']}. {summary['extracted']:,} users were read and their verdicts {sums}. "
        f"Seconds: {summary['seconds']:,.1f}."
    )


def family_parts(folder: RunFolder, facts: Mapping[str, Any]) -> list[str]:
    """What came after the run or before it: a parent, retries, a rollback, a purge."""
    retry, rollback = facts.get(RETRY), facts.get("rollback") or {}
    ends = facts.get("after_retries") if PURGING in facts else after_retries(folder)
    parts = []
    if retry:
        missing = f", {retry['missing']:,} of whom the source has no more" if retry.get("missing") else ""
        parts.append(
            f"A retry of run {retry['parent']}: {retry['users']:,} users were to be retried{missing}."
        )
    if ends:
        parts.append(f"With its retries ({', '.join(ends['retries'])}), {retries_sentence(ends)}.")
    if (counts := rollback.get("counts")) and rollback.get("intent") is None:
        left = sum(counts["refused"].values())
        parts.append(
            f"Rolled back: {counts['deleted']:,} users were deleted, {counts['gone_already']:,} were gone "
            f"already, {left:,} were left alone."
        )
    elif rollback:
        parts.append("A rollback has begun and is not done: `poolferry rollback` goes on with it.")
    if PURGED in facts:
        parts.append("Purged: the run knows counts and reasons, and nobody any more.")
    return parts


def reason_rows(summary: Summary) -> list[Row]:
    """Why users did not land: ``REASON_HEAD``, the most frequent first within a verdict."""
    return [
        (kind, code, f"{count:,}", reason(code).sentence, reason(code).mend, reason(code).fact)
        for kind, reasons in summary["reasons"].items()
        for code, count in reasons.items()
    ]


def job_rows(summary: Summary) -> list[Row]:
    """Every import job: ``JOB_HEAD``."""
    return [tuple(_cell(job[name]) for name in JOB_HEAD) for job in summary["jobs"]]


def _cell(value: str | float | None) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else f"{value:,}"


def sign_in_rows(facts: Mapping[str, Any]) -> list[Row]:
    """Password hashes and what became of them: ``SIGN_IN_HEAD``, the most users first."""
    return [
        (row["scheme"], row["parameters"], f"{row['users']:,}", row["way"], row["reason"], row["experience"])
        for row in facts.get(SIGN_INS, ())
    ]


def experiences(facts: Mapping[str, Any]) -> dict[str, int]:
    """What people experience at their first sign-in, and how many, the most first."""
    counts: Counter[str] = Counter()
    for row in facts.get(SIGN_INS, ()):
        counts[row["experience"] or "of many kinds"] += row["users"]
    return dict(counts.most_common())


def left_out_rows(summary: Summary) -> list[Row]:
    """What users lack although they are in the pool: ``LEFT_OUT_HEAD``."""
    return [
        (LACKS.get(step, step), code, f"{count:,}", reason(code).sentence, reason(code).mend)
        for step, reasons in summary["left_out"].items()
        for code, count in reasons.items()
    ]


def hashes_refused(facts: Mapping[str, Any], ledger: Ledger) -> list[str]:
    """Whom the pool did not take with a hash: they went another way, which their verdicts tell."""
    algorithms = facts.get("hashes_refused")
    if not isinstance(algorithms, list) or not algorithms:
        return []
    users = sum(batch.users for batch in ledger.batches() if batch.facts.get("hashes_refused"))
    told = (
        f"The pool refused import jobs with {', '.join(algorithms)} hashes (F2.2): {users:,} users went "
        "another way than with their hash, or are rejected as `pool_takes_no_hashes`."
    )
    return [told]


def drift_sentence(facts: Mapping[str, Any]) -> str | None:
    """How the pool was read back where nothing has arrived differently; else ``drift_rows`` tell it."""
    if "read_back" not in facts:
        return "The pool was not read back (`verify: none`): nobody has looked how the attributes arrived."
    if not facts["read_back"]:
        return "Nobody was read back: this run has created and updated nobody."
    if not facts.get("drift"):
        return f"{facts['read_back']:,} users were read back; every attribute arrived as it was sent."
    return None


def drift_rows(facts: Mapping[str, Any]) -> list[Row]:
    """Attributes that arrived differently, and of how many users."""
    drift = facts.get("drift") or {}
    return [(name, f"{count:,}") for name, count in drift.items()]


def file_rows(folder: RunFolder) -> list[Row]:
    """Files beside the report, and what is in each."""
    more = {
        folder.path / "rollback.csv": (folder.rolled_back, "what the last rollback did"),
        folder.vanished: (folder.vanished, "who has left the source"),
    }
    return [*FILES.items(), *((path.name, text) for path, (sign, text) in more.items() if sign.exists())]


def has_files(folder: RunFolder, facts: Mapping[str, Any]) -> bool:
    """Whether the files that name people are there: the run is finished, and was not purged."""
    return PURGING not in facts and folder.verdicts.exists()


def id_map_sentence(folder: RunFolder, facts: Mapping[str, Any]) -> str:
    """How complete the map of ids is."""
    return _complete(check_id_map(still_there(folder)), facts)


def _complete(ids: IdMap, facts: Mapping[str, Any]) -> str:
    if not ids.in_pool:
        return "`id_map.csv` names nobody: neither this run nor a retry of it has anybody in the pool."
    if ids.is_complete:
        return f"`id_map.csv` is complete: all {ids.in_pool:,} users in the pool, each with their own `sub`."
    parts = [
        f"`id_map.csv` is not complete: of {ids.in_pool:,} users in the pool {ids.known:,} have a `sub`."
    ]
    if ids.in_pool > ids.known:
        read = facts.get("read_back")
        why = "the pool was not read back" if read is None else f"only {read:,} users were read back"
        parts.append(f"Of the others it is not, since {why}: `verify: full` reads everybody.")
    if ids.repeated:
        parts.append(f"{ids.repeated:,} rows have a `sub` that another row has: please report it.")
    return " ".join(parts)
