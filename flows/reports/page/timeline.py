"""When what of a run happened: its stages by our own clock, its import jobs by the service's."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from flows.ledger.states import RunState
from flows.ledger.store import CAME
from flows.reports.units import duration
from flows.steps.job_records import jobs_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flows.ledger.store import Ledger, RunRecord

MOST_SPANS: Final = 60
"""Jobs that the chart shows: the longest."""


@dataclass(frozen=True, slots=True)
class Span:
    """A bar on the timeline; times are seconds since the run began.

    Attributes:
        label: what it is.
        kind: ``stage``, or how the job has ended: ``good`` or ``bad``.
        begun: when it began.
        ended: when it ended.
        told: more about it.
    """

    label: str
    kind: str
    begun: float
    ended: float
    told: str

    @property
    def took(self) -> str:
        """How long it took."""
        return duration(self.ended - self.begun)


def timeline(ledger: Ledger) -> dict[str, Any]:
    """The stages, and the longest jobs in their order.

    Returns:
        ``stages`` and ``spans``, both as dicts of ``Span``, how many ``jobs`` have a time, and how many of
        them are shown at ``most``.
    """
    run = ledger.run()
    stages, jobs = list(_stages(run)), list(_jobs(ledger, run.created))
    longest = sorted(jobs, key=lambda job: job.begun - job.ended)[:MOST_SPANS]
    shown = [*stages, *sorted(longest, key=lambda job: (job.begun, job.label))]
    return {
        "stages": [{**asdict(stage), "took": stage.took} for stage in stages],
        "spans": [{**asdict(span), "took": span.took} for span in shown],
        "jobs": len(jobs),
        "most": MOST_SPANS,
    }


def _stages(run: RunRecord) -> Iterator[Span]:
    """What is over of a run: a run that was stopped for a while has stages that are as much longer.

    Of a run that an earlier version has begun the times are not known, and so no stage.
    """
    came = {RunState.READING: run.created, **run.facts.get(CAME, {})}
    for state, following in pairwise(RunState):
        if state in came and following in came:
            yield Span(state, "stage", came[state] - run.created, came[following] - run.created, "stage")


def _jobs(ledger: Ledger, since: float) -> Iterator[Span]:
    for batch in ledger.batches():
        for job in jobs_of(batch):
            if job["started"] is not None and job["ended"] is not None:
                kind = "good" if job["status"] == "Succeeded" else "bad"
                hashes = f", {batch.algorithm}" if batch.algorithm else ""
                told = f"{batch.users:,} users{hashes}: {job['status']}"
                label = f"job {batch.number}" + (f", try {job['attempt']}" if job["attempt"] > 1 else "")
                yield Span(label, kind, job["started"] - since, job["ended"] - since, told)
