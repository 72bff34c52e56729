"""Every limit, quota and price of Cognito that Poolferry plans with, as data with its fact's number.

Rates are per account and Region, pooled over all pools and all operations of a category (F4.1):
live sign-ins draw on the same ones. Prices are notes for ``plan`` and not offers (F8.8).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from connectors.errors import ConfigurationError, unknown_name

# One import file and one pool
MAX_ROWS: Final = 500_000
"""Users in one file, the header not counted (F1.23)."""
MAX_FILE_BYTES: Final = 100_000_000
"""Bytes of one file with its header: AWS's own importer reads "100 MB" so (F1.24)."""
MAX_ROW_CHARACTERS: Final = 16_000
"""Characters of one row; Poolferry counts escapes and the header as well, the careful reading (F1.22)."""
MAX_JOBS: Final = 1_000
"""Import jobs of one pool, adjustable; jobs cannot be deleted, so this is a lifetime count (F3.15)."""

# The upload
UPLOAD_SECONDS: Final = 899
"""How long a pre-signed URL lives after the job's creation; then only a new job helps (F3.10)."""
UPLOAD_HEADERS: Final = (("x-amz-server-side-encryption", "aws:kms"),)
"""Signed with the URL: without exactly this the upload is refused (F3.8, F3.9)."""

# Pages
LIST_USERS_LIMIT: Final = 60
"""Users in one reply of ``ListUsers`` (F5.15)."""
LIST_JOBS_LIMIT: Final = 50
"""Jobs in one reply of ``ListUserImportJobs``: the lower of the two documented maxima (F3.5)."""
MAX_FILTER_CHARACTERS: Final = 256
"""Length of ``Filter`` in ``ListUsers`` (the service's model)."""

# Values
MAX_VALUE_BYTES: Final = 2_048
"""Bytes of one attribute value: the lower of the two documented readings (F1.40)."""
MAX_USERNAME_CHARACTERS: Final = 128
"""Characters of a username (F1.27)."""
MAX_PASSWORD_CHARACTERS: Final = 256
"""Characters of a password (F5.14)."""
MAX_GROUPS: Final = 10_000
"""Groups of one pool (resource quotas, after F4.9)."""
MAX_GROUPS_OF_A_USER: Final = 100
"""Groups one user can be in (resource quotas, after F4.9)."""
MAX_IDENTITIES: Final = 5
"""Identities linked to one user (resource quotas, after F4.9)."""
MAX_CUSTOM_ATTRIBUTES: Final = 50
"""Custom attributes of one pool (resource quotas, after F4.9)."""
MAX_ADDED_ATTRIBUTES: Final = 25
"""Attributes in one call of ``AddCustomAttributes`` (the service's model)."""
MAX_ATTRIBUTE_NAME: Final = 20
"""Characters of a custom attribute's name, after ``custom:`` (resource quotas, after F4.9)."""


Category = Literal[
    "UserCreation",
    "UserAccountRecovery",
    "UserUpdate",
    "UserResourceUpdate",
    "UserRead",
    "UserResourceRead",
    "UserList",
    "UserAuthentication",
    "UserFederation",
    "UserToken",
    "UserPoolRead",
    "UserPoolUpdate",
    "UserPoolResourceRead",
    "UserPoolResourceUpdate",
    "UserPoolClientRead",
    "UserPoolClientUpdate",
    "LimitManagement",
]
"""Names of the categories, as ``GetProvisionedLimit`` takes them (F4.5)."""
PER_POOL_RPS: Final = 5
"""What one operation may do on one pool besides, in the categories of pools' resources (F4.1)."""

SHARE: Final = 0.5
"""The share of a rate that a run takes unless told otherwise: the other half is left to live traffic."""


@dataclass(frozen=True, slots=True)
class Quota:
    """One request-rate category.

    Attributes:
        category: AWS's name, as ``UpdateProvisionedLimit`` takes it.
        default_rps: requests a second of the whole account in one Region.
        operations: the members that matter to a migration.
        adjustable: whether the rate can be raised.
        per_pool_rps: what one operation may do on one pool besides, or None.
    """

    category: Category
    default_rps: int
    operations: tuple[str, ...]
    adjustable: bool = False
    per_pool_rps: int | None = None


QUOTAS: Final = (
    Quota(
        "UserCreation",
        50,
        ("AdminConfirmSignUp", "AdminCreateUser", "ConfirmSignUp", "SignUp"),
        adjustable=True,
    ),
    Quota(
        "UserAccountRecovery",
        30,
        (
            "AdminResetUserPassword",
            "AdminSetUserPassword",
            "ChangePassword",
            "ConfirmForgotPassword",
            "ForgotPassword",
        ),
    ),
    Quota(
        "UserUpdate",
        25,
        (
            "AdminAddUserToGroup",
            "AdminDeleteUser",
            "AdminDisableProviderForUser",
            "AdminDisableUser",
            "AdminEnableUser",
            "AdminLinkProviderForUser",
            "AdminRemoveUserFromGroup",
            "AdminUpdateUserAttributes",
            "AdminUserGlobalSignOut",
        ),
    ),
    Quota(
        "UserResourceUpdate",
        25,
        (
            "AdminSetUserMFAPreference",
            "AdminSetUserSettings",
            "AssociateSoftwareToken",
            "VerifySoftwareToken",
        ),
    ),
    Quota("UserRead", 120, ("AdminGetUser", "AdminGetUserAuthFactors", "GetUser"), adjustable=True),
    Quota(
        "UserResourceRead",
        50,
        ("AdminListDevices", "AdminListGroupsForUser", "AdminListUserAuthEvents"),
        adjustable=True,
    ),
    Quota("UserList", 30, ("ListUsers", "ListUsersInGroup")),
    Quota("UserAuthentication", 120, ("AdminInitiateAuth", "InitiateAuth"), adjustable=True),
    Quota("UserFederation", 25, (), adjustable=True),
    Quota("UserToken", 120, ("RevokeToken",), adjustable=True),
    Quota("UserPoolRead", 15, ("DescribeUserPool", "ListUserPools")),
    Quota("UserPoolUpdate", 15, ("CreateUserPool", "DeleteUserPool", "UpdateUserPool")),
    Quota(
        "UserPoolResourceRead",
        20,
        (
            "DescribeUserImportJob",
            "GetCSVHeader",
            "GetGroup",
            "GetUserPoolMfaConfig",
            "ListGroups",
            "ListIdentityProviders",
            "ListUserImportJobs",
        ),
        per_pool_rps=PER_POOL_RPS,
    ),
    Quota(
        "UserPoolResourceUpdate",
        15,
        (
            "AddCustomAttributes",
            "CreateGroup",
            "CreateUserImportJob",
            "SetUserPoolMfaConfig",
            "StartUserImportJob",
            "StopUserImportJob",
            "UpdateGroup",
        ),
        per_pool_rps=PER_POOL_RPS,
    ),
    Quota(
        "UserPoolClientRead", 15, ("DescribeUserPoolClient", "ListUserPoolClients"), per_pool_rps=PER_POOL_RPS
    ),
    Quota(
        "UserPoolClientUpdate",
        15,
        ("CreateUserPoolClient", "UpdateUserPoolClient"),
        per_pool_rps=PER_POOL_RPS,
    ),
    Quota("LimitManagement", 1, ("GetProvisionedLimit", "UpdateProvisionedLimit")),
)
"""The rates of an account that never asked for more (F4.1)."""


def quota_of(operation: str) -> Quota:
    """Find the category that an operation draws on.

    Raises:
        ConfigurationError: no category is known for it; the known operations are listed.
    """
    for quota in QUOTAS:
        if operation in quota.operations:
            return quota
    known = [name for quota in QUOTAS for name in quota.operations]
    raise ConfigurationError(unknown_name("Cognito operation", operation, known))


@dataclass(frozen=True, slots=True)
class MauPrice:
    """What one monthly active user costs in a feature plan (US dollars, first tier; F8.8)."""

    tier: str
    usd: float


PRICES_AS_OF: Final = "2026-09-20"
"""When a third party copied the prices from AWS's page: to be checked before use (F8.8)."""
MAU_PRICES: Final = (
    MauPrice("LITE", 0.0055),
    MauPrice("ESSENTIALS", 0.015),
    MauPrice("PLUS", 0.020),
)
"""Feature plans by the names of ``UserPoolTier`` (F8.8)."""
