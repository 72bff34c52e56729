"""The pool that is measured against, as ``DescribeUserPool`` and ``GetCSVHeader`` would tell it (F1.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from connectors.records import PoolSchema

STANDARD: Final = (
    "name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile",
    "picture", "website", "email", "email_verified", "gender", "birthdate", "zoneinfo", "locale",
    "phone_number", "phone_number_verified", "address", "updated_at",
)  # fmt: skip
CUSTOM: Final = ("custom:tenant", "custom:legacy_id")
HEADER: Final = (*STANDARD, *CUSTOM, "cognito:mfa_enabled", "cognito:username")


def schema() -> PoolSchema:
    """A pool with two custom attributes that ignores letter case and verifies e-mail addresses."""
    from connectors.records import PoolAttribute, PoolSchema  # noqa: PLC0415 - the script does without

    booleans = [PoolAttribute(name, "Boolean") for name in ("email_verified", "phone_number_verified")]
    special = [*booleans, PoolAttribute("updated_at", "Number", min_value=0),
               PoolAttribute("birthdate", min_length=10, max_length=10)]  # fmt: skip
    texts = [PoolAttribute(name, min_length=0, max_length=2048) for name in STANDARD]
    custom = [PoolAttribute(name, min_length=1, max_length=256) for name in CUSTOM]
    attributes = {each.name: each for each in (*texts, *special, *custom)}
    return PoolSchema(
        pool_id="eu-west-1_Benchmark",
        name="benchmark",
        attributes=attributes,
        csv_header=HEADER,
        auto_verified=("email",),
        case_sensitive=False,
        region="eu-west-1",
    )
