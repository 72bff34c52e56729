"""Switches of the import jobs: time, states, who may start, what the log shows."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class JobSettings(BaseModel):
    """How import jobs live (F3.*): clock, upload, states, refusals, threshold, role."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    clock_offset_seconds: float = Field(
        default=0.0, description="Shift of the sandbox's clock, so that tests reach an expiry (F3.10, F3.17)."
    )
    pending_seconds: float = Field(
        default=0.0, ge=0, description="How long a started job stays `Pending` (F3.2)."
    )
    rows_per_second: float | None = Field(
        default=None, gt=0, description="Pace of a running job; null for as fast as it goes (F3.37)."
    )
    stopping_seconds: float = Field(
        default=0.0, ge=0, description="How long `Stopping` lasts; 0: Stop answers `Stopped` at once (F3.16)."
    )
    upload_seconds: int = Field(
        default=899, ge=1, description="Life of a pre-signed URL in seconds, X-Amz-Expires (F3.10)."
    )
    upload_settles_seconds: float = Field(
        default=0.0, ge=0, description="How long after the PUT a Start still finds no file (F3.13)."
    )
    job_expires_hours: float = Field(
        default=24.0, gt=0, description="Age at which a job that was not started expires, 24 to 48 (F3.17)."
    )
    max_jobs_per_pool: int = Field(
        default=1_000, ge=0, description="Jobs a pool may ever have (F3.7, F3.15)."
    )
    max_list_results: Literal[50, 60] = Field(
        default=60, description="Highest `MaxResults` of ListUserImportJobs; the model says both (F3.5)."
    )
    active_scope: Literal["account_region", "pool"] = Field(
        default="account_region", description="Within what only one job may be active (F3.14)."
    )
    created_is_active: bool = Field(
        default=False, description="Whether `Created` counts as active, so that Create is refused (F3.14)."
    )
    created_blocks_pool_changes: bool = Field(
        default=False, description="Whether `Created` raises UserImportInProgressException (F3.18)."
    )
    no_auto_verified_refused_at: Literal["create", "start"] = Field(
        default="start", description="Which call a pool without an auto-verified attribute refuses (F1.30)."
    )
    hashes_eligible: bool = Field(
        default=True, description="Whether pools take `PasswordHashingAlgorithm` at all (F2.2)."
    )
    hashes_ineligible_error: Literal["InvalidParameterException", "OperationNotEnabledException"] = Field(
        default="InvalidParameterException", description="What Create says if they do not (F2.3)."
    )
    header_has_password_hash: bool = Field(
        default=False, description="Whether GetCSVHeader lists `password_hash` (F1.4)."
    )
    header_custom_attributes: Literal["before_cognito", "after_cognito"] = Field(
        default="before_cognito",
        description="Where custom columns stand, seen from the two `cognito:` columns (F1.6).",
    )
    header_has_developer_attributes: bool = Field(
        default=False, description="Whether GetCSVHeader lists `dev:custom:` attributes (F1.6)."
    )
    oversize_refused_at: Literal["upload", "job"] = Field(
        default="upload", description="What refuses a file over 100 MB: the PUT or the running job (F1.26)."
    )
    max_file_bytes: int = Field(default=100_000_000, ge=1, description="Largest file in bytes (F1.24).")
    too_many_share: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Share of failed and skipped rows above which a job fails (F3.23).",
    )
    too_many_minimum: int = Field(
        default=1,
        ge=1,
        description="Failed and skipped rows a job has at least when it fails (F3.21, F3.23).",
    )
    too_many_early_after_rows: int | None = Field(
        default=100,
        ge=1,
        description="Rows after which a job may fail before its last row; null: only at the end (F3.23).",
    )
    check_role: bool = Field(
        default=False,
        description="Whether trust and rights of the log role are read from IAM (F3.34, F3.36).",
    )


class LogSettings(BaseModel):
    """What a reader of the import log gets to see, and when (F3.25-F3.32)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    log_first_user_line: int = Field(
        default=2, ge=0, description="Line number of the first user: 2 counts the header, 1 does not (F3.30)."
    )
    log_test_lines: int = Field(
        default=2, ge=0, le=2, description="`Test Log` events ahead of the lines of the users (F3.29)."
    )
    log_auto_verified_wording: Literal["true", "verified"] = Field(
        default="true", description="Last words of the line on auto-verified attributes (F3.27, F3.28)."
    )
    log_delay_seconds: float = Field(
        default=0.0, ge=0, description="How long after a row its line can be read (F3.31)."
    )
    log_shuffle: bool = Field(default=False, description="Whether lines come in another order (F3.31).")
    log_duplicate_every: int = Field(
        default=0, ge=0, description="Every n-th line comes twice; 0: none (F3.31)."
    )
    log_drop_every: int = Field(default=0, ge=0, description="Every n-th line never comes; 0: none (F3.31).")
    log_group_replacement: str = Field(
        default="_",
        pattern=r"^[A-Za-z0-9_./#-]?$",
        description="What stands in the log group's name for what it may not hold (F3.26).",
    )
