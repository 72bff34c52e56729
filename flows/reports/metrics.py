"""The numbers of a finished run in Prometheus' text format, for node_exporter's textfile collector."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from flows.ledger.segments import write_text
from flows.steps.calls import CALLS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import GaugeMetricFamily

    from flows.ledger.folder import RunFolder
    from flows.ledger.store import Ledger
    from flows.steps.finishing import Summary

_RUN: Final = ("run", "run_id")
_RESULTS: Final = ("imported", "skipped", "failed")


def write_metrics(folder: RunFolder, ledger: Ledger, summary: Summary) -> None:
    """Write ``metrics.prom``: counts of users and jobs, seconds; no value and no id of a user."""
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 - only at a run's end

    registry = CollectorRegistry()
    registry.register(_Numbers(ledger, summary))
    write_text(generate_latest(registry).decode(), folder.metrics)


class _Numbers:
    """What Prometheus' client asks for; numbers of a run that is over, which no process adds to."""

    def __init__(self, ledger: Ledger, summary: Summary) -> None:
        self._run = ledger.run()
        self._summary = summary

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Every number, each with the names of the run."""
        told, jobs = self._summary, self._summary["jobs"]
        yield self._gauge("users", "Source users by verdict.", "verdict", told["verdicts"])
        yield self._reasons()
        yield self._gauge("jobs", "Import jobs by their last status.", "status", Counter(_statuses(jobs)))
        results = {name: sum(job[name] or 0 for job in jobs) for name in _RESULTS}
        yield self._gauge("job_rows", "Rows of import files by what the jobs counted.", "result", results)
        yield self._gauge("calls", "Calls of the pool by operation.", "operation", self._calls("calls"))
        throttled = self._calls("throttled")
        yield self._gauge("calls_throttled", "Those that were throttled.", "operation", throttled)
        yield self._one("users_extracted", "Source users that were read.", told["extracted"])
        yield self._one("run_balanced", "1 where every user has exactly one verdict.", told["balanced"])
        yield self._one("run_seconds", "Seconds from the run's beginning to its end.", told["seconds"])
        finished = self._run.finished or 0.0
        yield self._one("run_finished_timestamp_seconds", "When the run ended, since 1970.", finished)

    def _reasons(self) -> GaugeMetricFamily:
        family = _family(
            "users_with_reason", "Source users by verdict and reason.", (*_RUN, "verdict", "reason")
        )
        for verdict, counts in self._summary["reasons"].items():
            for reason, count in counts.items():
                family.add_metric((*self._names, verdict, reason), count)
        return family

    def _calls(self, what: str) -> dict[str, int]:
        noted = self._run.facts.get(CALLS) or {}
        return {operation: use[what] for operation, use in noted.items()}

    def _gauge(self, name: str, what: str, label: str, counts: dict[str, int]) -> GaugeMetricFamily:
        family = _family(name, what, (*_RUN, label))
        for key, count in counts.items():
            family.add_metric((*self._names, key), count)
        return family

    def _one(self, name: str, what: str, value: float) -> GaugeMetricFamily:
        family = _family(name, what, _RUN)
        family.add_metric(self._names, float(value))
        return family

    @property
    def _names(self) -> tuple[str, str]:
        return self._run.name, self._run.run_id


def _family(name: str, what: str, labels: tuple[str, ...]) -> GaugeMetricFamily:
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415 - as above

    return GaugeMetricFamily(f"poolferry_{name}", what, labels=labels)


def _statuses(jobs: list[dict[str, Any]]) -> list[str]:
    return [str(job["status"]) for job in jobs]
