"""The states of a batch and of a run; each only moves forward."""

from __future__ import annotations

from enum import StrEnum


class BatchState(StrEnum):
    """Where a batch is. The order of the members is the order of the way.

    ``planned``   its users are fixed
    ``creating``  the intent to create its import job is written; ask the pool before trying again
    ``created``   the job exists and its id is known
    ``uploaded``  the file lies at Cognito
    ``started``   the job was started
    ``ended``     the job has reached an end, good or bad
    ``settled``   every user of the batch has an outcome
    """

    PLANNED = "planned"
    CREATING = "creating"
    CREATED = "created"
    UPLOADED = "uploaded"
    STARTED = "started"
    ENDED = "ended"
    SETTLED = "settled"

    @property
    def rank(self) -> int:
        """Position on the way, 0 first."""
        return list(BatchState).index(self)

    @property
    def in_flight(self) -> bool:
        """True while a job of this batch exists or may exist."""
        return BatchState.CREATING.rank <= self.rank < BatchState.SETTLED.rank


class RunState(StrEnum):
    """Where a run is: reading, then routing, sending, proving, finished."""

    READING = "reading"
    ROUTING = "routing"
    SENDING = "sending"
    PROVING = "proving"
    FINISHED = "finished"

    @property
    def rank(self) -> int:
        """Position on the way, 0 first."""
        return list(RunState).index(self)
