"""Which category of the API's request rates an operation counts in, and how fast it may be called (F4.1).

The fact sheet names the members that a migration meets; the others are placed beside their likes,
so that every operation that botocore knows has a category (a test compares the lists).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

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


@dataclass(frozen=True, slots=True)
class Quota:
    """One row of the quota table.

    Attributes:
        rate: default requests a second, an account and Region (F4.1).
        adjustable: whether UpdateProvisionedLimit takes it (F4.6).
        per_pool: requests a second of one operation on one pool, or None.
        operations: members, as the API writes them.
    """

    rate: int
    operations: tuple[str, ...]
    adjustable: bool = False
    per_pool: int | None = None


QUOTAS: Mapping[Category, Quota] = MappingProxyType(
    {
        "UserCreation": Quota(
            50, ("AdminConfirmSignUp", "AdminCreateUser", "ConfirmSignUp", "SignUp"), adjustable=True
        ),
        "UserAccountRecovery": Quota(
            30,
            (
                "AdminResetUserPassword",
                "AdminSetUserPassword",
                "ChangePassword",
                "ConfirmForgotPassword",
                "ForgotPassword",
            ),
        ),
        "UserUpdate": Quota(
            25,
            (
                "AdminAddUserToGroup",
                "AdminDeleteUser",
                "AdminDeleteUserAttributes",
                "AdminDisableProviderForUser",
                "AdminDisableUser",
                "AdminEnableUser",
                "AdminLinkProviderForUser",
                "AdminRemoveUserFromGroup",
                "AdminUpdateUserAttributes",
                "AdminUserGlobalSignOut",
                "DeleteUser",
                "DeleteUserAttributes",
                "GlobalSignOut",
                "UpdateUserAttributes",
                "VerifyUserAttribute",
            ),
        ),
        "UserResourceUpdate": Quota(
            25,
            (
                "AdminDeleteSoftwareToken",
                "AdminForgetDevice",
                "AdminRevokeUserSession",
                "AdminSetUserMFAPreference",
                "AdminSetUserSettings",
                "AdminUpdateAuthEventFeedback",
                "AdminUpdateDeviceStatus",
                "AssociateSoftwareToken",
                "CompleteWebAuthnRegistration",
                "ConfirmDevice",
                "DeleteWebAuthnCredential",
                "ForgetDevice",
                "RevokeUserSession",
                "SetUserMFAPreference",
                "SetUserSettings",
                "StartWebAuthnRegistration",
                "UpdateAuthEventFeedback",
                "UpdateDeviceStatus",
                "VerifySoftwareToken",
            ),
        ),
        "UserRead": Quota(
            120, ("AdminGetUser", "AdminGetUserAuthFactors", "GetUser", "GetUserAuthFactors"), adjustable=True
        ),
        "UserResourceRead": Quota(
            50,
            (
                "AdminGetDevice",
                "AdminListDevices",
                "AdminListGroupsForUser",
                "AdminListUserAuthEvents",
                "AdminListUserSessions",
                "GetDevice",
                "GetUserAttributeVerificationCode",
                "ListDevices",
                "ListUserSessions",
                "ListWebAuthnCredentials",
                "ResendConfirmationCode",
            ),
            adjustable=True,
        ),
        "UserList": Quota(30, ("ListUsers", "ListUsersInGroup")),
        "UserAuthentication": Quota(
            120,
            (
                "AdminInitiateAuth",
                "AdminRespondToAuthChallenge",
                "GetTokensFromRefreshToken",
                "InitiateAuth",
                "RespondToAuthChallenge",
            ),
            adjustable=True,
        ),
        "UserFederation": Quota(25, (), adjustable=True),
        "UserToken": Quota(120, ("GetClientToken", "GetDerivedToken", "RevokeToken"), adjustable=True),
        "UserPoolRead": Quota(15, ("DescribeUserPool", "ListUserPools")),
        "UserPoolUpdate": Quota(15, ("CreateUserPool", "DeleteUserPool", "UpdateUserPool")),
        "UserPoolResourceRead": Quota(
            20,
            (
                "DescribeIdentityProvider",
                "DescribeManagedLoginBranding",
                "DescribeManagedLoginBrandingByClient",
                "DescribeResourceServer",
                "DescribeRiskConfiguration",
                "DescribeTerms",
                "DescribeTermsByClient",
                "DescribeUserImportJob",
                "DescribeUserPoolDomain",
                "GetCSVHeader",
                "GetGroup",
                "GetIdentityProviderByIdentifier",
                "GetLogDeliveryConfiguration",
                "GetSigningCertificate",
                "GetUICustomization",
                "GetUserPoolMfaConfig",
                "GetUserPoolSessionConfiguration",
                "ListGroups",
                "ListIdentityProviders",
                "ListResourceServers",
                "ListTagsForResource",
                "ListTerms",
                "ListUserImportJobs",
                "ListUserPoolReplicas",
            ),
            per_pool=5,
        ),
        "UserPoolResourceUpdate": Quota(
            15,
            (
                "AddCustomAttributes",
                "CreateGroup",
                "CreateIdentityProvider",
                "CreateManagedLoginBranding",
                "CreateResourceServer",
                "CreateTerms",
                "CreateUserImportJob",
                "CreateUserPoolDomain",
                "CreateUserPoolReplica",
                "DeleteGroup",
                "DeleteIdentityProvider",
                "DeleteManagedLoginBranding",
                "DeleteResourceServer",
                "DeleteTerms",
                "DeleteUserPoolDomain",
                "DeleteUserPoolReplica",
                "SetLogDeliveryConfiguration",
                "SetRiskConfiguration",
                "SetUICustomization",
                "SetUserPoolMfaConfig",
                "SetUserPoolSessionConfiguration",
                "StartUserImportJob",
                "StopUserImportJob",
                "TagResource",
                "UntagResource",
                "UpdateGroup",
                "UpdateIdentityProvider",
                "UpdateManagedLoginBranding",
                "UpdateResourceServer",
                "UpdateTerms",
                "UpdateUserPoolDomain",
                "UpdateUserPoolReplica",
            ),
            per_pool=5,
        ),
        "UserPoolClientRead": Quota(
            15,
            (
                "DescribeUserPoolClient",
                "GetUserPoolClientSessionConfiguration",
                "ListUserPoolClientSecrets",
                "ListUserPoolClients",
            ),
            per_pool=5,
        ),
        "UserPoolClientUpdate": Quota(
            15,
            (
                "AddUserPoolClientSecret",
                "CreateUserPoolClient",
                "DeleteUserPoolClient",
                "DeleteUserPoolClientSecret",
                "SetUserPoolClientSessionConfiguration",
                "UpdateUserPoolClient",
            ),
            per_pool=5,
        ),
        "LimitManagement": Quota(1, ("GetProvisionedLimit", "UpdateProvisionedLimit")),
    }
)
"""Category to its row."""

CATEGORY_OF: Mapping[str, Category] = MappingProxyType(
    {operation: category for category, quota in QUOTAS.items() for operation in quota.operations}
)
"""Operation to its category."""

CHALLENGE_RESPONSES = frozenset({"AdminRespondToAuthChallenge", "RespondToAuthChallenge"})
CHALLENGE_FACTOR = 3
"""Challenge responses have an allowance of their own, three times UserAuthentication's (F4.1)."""
