"""Faults that are planted on purpose: of requests, of whole jobs, of the log.

What real networks, services and colleagues do is a setting here, so that a client can be held against it.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from connectors.errors import unknown_name

UPLOAD = "Upload"
"""Name of the PUT to a pre-signed URL, beside AWS's names of its operations."""

SERVICES = ("cognito-idp", "logs")
"""Services whose requests can be struck."""

FaultKind = Literal["http_500", "http_503", "http_403", "throttle", "busy", "cut", "cut_half_way"]


class Fault(BaseModel):
    """A fault of requests.

    Attributes:
        at: whose requests: an operation of Cognito or CloudWatch Logs as AWS names it, or ``Upload``.
        kind: ``http_500``, ``http_503``, ``http_403``, ``throttle`` answer with that error in the form of
            the service (F4.10); ``busy`` refuses as if another job of the account were active (F3.14);
            ``cut`` closes the connection without an answer; ``cut_half_way`` does so when half of what
            the client sends has come.
        when: whether it strikes ``before`` the effect or ``after`` it, when only the reply is lost.
        skip: requests that go well first.
        times: requests that it strikes after these; null for all of them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: str
    kind: FaultKind
    when: Literal["before", "after"] = "before"
    skip: int = Field(default=0, ge=0)
    times: int | None = Field(default=1, ge=1)

    @field_validator("at")
    @classmethod
    def _is_known(cls, name: str) -> str:
        """A fault of an operation that does not exist would never strike."""
        from botocore.loaders import Loader  # noqa: PLC0415 - for those who plant faults

        load = Loader().load_service_model
        known = {UPLOAD, *(one for each in SERVICES for one in load(each, "service-2")["operations"])}
        if name not in known:
            raise ValueError(unknown_name("operation", name, known))
        return name


class JobFault(BaseModel):
    """A fault of whole jobs, in the order in which they are started.

    Attributes:
        kind: ``fail`` ends the job as Failed, ``stop`` as if somebody had stopped it in the console
            (F3.16), ``expire`` lets it expire just before its start (F3.17).
        after_rows: rows that the job takes first; null: all of them. 0: none. Not for ``expire``.
        message: its ``CompletionMessage``; null: the usual one.
        skip: jobs that go well first.
        times: jobs that it strikes after these; null for all of them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["fail", "stop", "expire"]
    after_rows: int | None = Field(default=0, ge=0)
    message: str | None = Field(default=None, max_length=128)
    skip: int = Field(default=0, ge=0)
    times: int | None = Field(default=1, ge=1)


class FaultSettings(BaseModel):
    """What goes wrong on purpose; nothing does by default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    faults: tuple[Fault, ...] = Field(
        default=(),
        description="Faults of requests, each with `at` (an operation, or `Upload`), `kind` (`http_500`,"
        " `http_503`, `http_403`, `throttle`, `busy`, `cut`, `cut_half_way`), `when` (`before` or `after`"
        " the effect), `skip` and `times`. Counted anew whenever this switch is set (F3.14, F4.10).",
    )
    job_faults: tuple[JobFault, ...] = Field(
        default=(),
        description="Faults of whole jobs, each with `kind` (`fail`, `stop`, `expire`), `after_rows`,"
        " `message`, `skip` and `times` (F3.16, F3.17, F3.22). Counted anew whenever it is set.",
    )
    log_group_missing: bool = Field(
        default=False, description="Whether jobs write no log at all, and make no log group (F3.25)."
    )
