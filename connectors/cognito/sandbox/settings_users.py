"""Switches of the user operations: validation, sign-in, throttling."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from connectors.cognito.sandbox.quotas import Category


class UserSettings(BaseModel):
    """How strictly the user operations judge, and how fast they may be called (F4.*, F5.*)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    throttle: bool = Field(
        default=False, description="Whether calls above a category's rate are refused (F4.1)."
    )
    throttle_rates: dict[Category, float] = Field(
        default_factory=dict,
        description="Requests a second of a category, instead of its default or provisioned rate (F4.1).",
    )
    throttle_burst_seconds: float = Field(
        default=1.0, gt=0, description="Seconds of a category's rate that may be called at once (F4.1)."
    )
    throttle_text: Literal["Rate exceeded", "Too many requests"] = Field(
        default="Rate exceeded", description="Text of TooManyRequestsException (F4.10)."
    )
    account_maximum: dict[Category, int] = Field(
        default_factory=dict,
        description="Highest rate that UpdateProvisionedLimit may set for a category; its default rate"
        " where it is not named (F4.4).",
    )
    daily_email_limit: int | None = Field(
        default=None, ge=0, description="E-mails until LimitExceededException; null: no limit (F5.12)."
    )
    taken_alias_on_create: Literal["UsernameExistsException", "AliasExistsException"] = Field(
        default="UsernameExistsException",
        description="What AdminCreateUser says of an alias that is another user's (F5.8).",
    )
    taken_alias_on_update: Literal["by_pool", "refuse", "move"] = Field(
        default="by_pool",
        description="AdminUpdateUserAttributes with a taken alias: AliasExistsException or the alias moves;"
        " `by_pool` moves it for an alias and refuses it for a sign-in attribute (F5.11).",
    )
    sign_in_modifies: bool = Field(
        default=False,
        description="Whether a sign-in moves UserLastModifiedDate; what moves it is not said (F5.17).",
    )
    birthdate_format: Literal["date", "length"] = Field(
        default="date",
        description="`date`: yyyy-mm-dd or mm/dd/yyyy; `length`: any ten characters (F1.37).",
    )
    list_users_short_pages: bool = Field(
        default=False, description="Whether ListUsers returns fewer than `Limit` with more left (F5.15)."
    )
    list_users_lag_seconds: float = Field(
        default=0.0, ge=0, description="How long ListUsers does not show a new user (F5.15)."
    )
    attributes_to_get_needs_values: bool = Field(
        default=False,
        description="Whether ListUsers refuses AttributesToGet where a user of the page lacks one (F5.15).",
    )
    mutable_if_omitted: bool = Field(
        default=False,
        description="Whether an attribute of CreateUserPool's Schema or AddCustomAttributes is mutable if it"
        " does not say; the API reference is silent, tools that left it out made immutable ones (F1.41).",
    )
    update_user_pool_omitted: Literal["reset", "measured"] = Field(
        default="reset",
        description="What UpdateUserPool leaves out goes to its default; `measured` keeps"
        " MfaConfiguration and Policies (F6.21, F6.22).",
    )
    trigger_seconds: float = Field(
        default=5.0,
        gt=0,
        description="How long an invoked trigger may take before it is tried again (F6.14).",
    )
    trigger_retries: Literal["failures", "timeouts"] = Field(
        default="failures",
        description="After what a trigger is invoked again, three times at most: also after it raised, or"
        " only after no answer; the guide does not say (F6.14).",
    )
