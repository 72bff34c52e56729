"""Switches of the CSV reader: what fails a row, what fails the job."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class CsvSettings(BaseModel):
    """How the file is read (F1.7-F1.26)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    missing_column: Literal["fail_job", "fail_rows", "allow"] = Field(
        default="fail_job",
        description="A column of the pool is missing; `allow`: fine if it is optional (F1.9, F1.10, F1.12).",
    )
    unknown_column: Literal["fail_job", "ignore"] = Field(
        default="fail_job", description="The header has a column that the pool has not (F1.11)."
    )
    duplicate_column: Literal["fail_job", "last_wins"] = Field(
        default="fail_job", description="A column stands twice in the header (F1.13)."
    )
    header_spaces: Literal["fail_job", "trim"] = Field(
        default="fail_job", description="White space round a column's name (F1.13)."
    )
    byte_order_mark: Literal["fail_job", "ignore"] = Field(
        default="fail_job", description="The file begins with a byte order mark (F1.14)."
    )
    bad_utf8: Literal["fail_job", "fail_row"] = Field(
        default="fail_job", description="Bytes that are not UTF-8 (F1.14)."
    )
    quotes: Literal["fail_row", "keep"] = Field(
        default="fail_row", description="A quotation mark in a value (F1.15)."
    )
    lone_backslash: Literal["fail_row", "keep"] = Field(
        default="fail_row", description="A backslash that no comma follows (F1.17)."
    )
    carriage_return: Literal["fail_row", "strip"] = Field(
        default="fail_row", description="Lines that end in CRLF; in the header it fails the job (F1.19)."
    )
    blank_line: Literal["fail_row", "ignore"] = Field(
        default="fail_row", description="An empty line; it keeps its line number either way (F1.20)."
    )
    field_count: Literal["fail_row", "fail_job"] = Field(
        default="fail_row", description="More or fewer values than columns (table 1e)."
    )
    long_row: Literal["fail_row", "fail_job"] = Field(
        default="fail_row", description="A row longer than `max_row_characters` (F1.22)."
    )
    max_row_characters: int = Field(
        default=16_000, ge=1, description="Longest row in characters, escapes counted (F1.22)."
    )
    max_rows: int = Field(
        default=500_000, ge=1, description="Most users in a file; above, the job fails (F1.23)."
    )


class RowSettings(BaseModel):
    """How one user's row is judged (F1.27-F1.50, F2.5-F2.12)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value_limit_unit: Literal["bytes", "characters"] = Field(
        default="bytes", description="What the limit of 2,048 counts (F1.40)."
    )
    auto_verified_waived_by_hash: bool = Field(
        default=False, description="Whether a row with a hash needs no verified contact (F1.32)."
    )
    mfa_rule: Literal["current", "older"] = Field(
        default="current", description="`older`: `cognito:mfa_enabled` may never be empty (F1.34)."
    )
    taken_alias: Literal["fail", "skip", "steal"] = Field(
        default="fail", description="A row whose e-mail address, phone number or alias is another's (F1.48)."
    )
    duplicate_username: Literal["skip", "fail"] = Field(
        default="skip", description="A username that stood earlier in the same file (F1.50, table 1e)."
    )
    username_is_attribute: bool = Field(
        default=True,
        description="Whether a sign-in name must equal its attribute's cell, or else replaces it (F1.47).",
    )
    birthdate_stored: Literal["as_given", "iso"] = Field(
        default="as_given", description="Whether mm/dd/yyyy is stored as it is or as yyyy-mm-dd (F1.37)."
    )
    hash_without_algorithm: Literal["fail_job", "fail_row", "ignore"] = Field(
        default="fail_job",
        description="`password_hash` in a job without an algorithm (table 1e); `fail_row`: a filled cell.",
    )
    pbkdf2_alphabet: Literal["either", "base64", "passlib"] = Field(
        default="either", description="`+` (base64), `.` (passlib) or both in a PBKDF2 hash (F2.8)."
    )
    passwordless_status: Literal["CONFIRMED", "RESET_REQUIRED"] = Field(
        default="CONFIRMED", description="A user who can sign in with a code, in a job without hashes (F7.4)."
    )
    passwordless_empty_hash: Literal["CONFIRMED", "RESET_REQUIRED"] = Field(
        default="RESET_REQUIRED", description="The same with an empty hash cell (F2.12)."
    )
