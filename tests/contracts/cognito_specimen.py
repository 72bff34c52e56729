"""A pool of the local Cognito that users are read from; they are put into it as they shall stand there."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
from moto.cognitoidp.models import cognitoidp_backends
from moto.core import DEFAULT_ACCOUNT_ID

from connectors.cognito.sandbox import start
from connectors.cognito.sandbox.directory import directory_of
from connectors.cognito.sandbox.stored_user import StoredUser
from connectors.sources.cognito_pool import CognitoSettings, CognitoSource
from tests.contracts.source_suite import PEOPLE, Specimen

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

REGION = "eu-west-1"
CUSTOM = ("id", "plan", "note", "tenant")


class OldPool:
    """A pool, and a way into it without any rule: old pools hold what no rule of today would let in."""

    def __init__(self, client: Any) -> None:
        self.client = client
        schema = [{"Name": name, "AttributeDataType": "String", "Mutable": True} for name in CUSTOM]
        self.id: str = client.create_user_pool(PoolName="old", Schema=schema)["UserPool"]["Id"]
        self.directory = directory_of(cognitoidp_backends[DEFAULT_ACCOUNT_ID][REGION].user_pools[self.id])

    def put(self, username: str, attributes: Mapping[str, str], status: str = "CONFIRMED") -> StoredUser:
        user = StoredUser.create(self.id, username, status, attributes)
        self.directory.insert(user)
        return user

    def put_person(self, person: Mapping[str, Any]) -> None:
        """Put in somebody of ``presets/cognito.json``."""
        user = self.put(person["Username"], person["Attributes"], person["UserStatus"])
        user.enabled = person.get("Enabled", True)
        user.preferred_mfa_setting = person.get("Factor")
        user.software_token_mfa_enabled = person.get("Factor") == "SOFTWARE_TOKEN_MFA"
        user.sms_mfa_enabled = person.get("Factor") == "SMS_MFA"
        for group in person.get("Groups", ()):
            self.join(user.username, group)

    def join(self, username: str, group: str) -> None:
        found = self.client.list_groups(UserPoolId=self.id)["Groups"]
        if group not in {each["GroupName"] for each in found}:
            self.client.create_group(UserPoolId=self.id, GroupName=group)
        self.client.admin_add_user_to_group(UserPoolId=self.id, Username=username, GroupName=group)

    def source(self, **more: object) -> CognitoSource:
        given = {"user_pool_id": self.id, "page_users": 3, **more}
        return CognitoSource(CognitoSettings.model_validate(given), None, sleep=lambda _: None)  # type: ignore[arg-type]


class OldPools:
    """Starts the local Cognito in this process, and makes pools in it until it is closed."""

    def __init__(self) -> None:
        self.sandbox = start()
        self._before = dict(os.environ)
        os.environ.update(self.sandbox.environment)

    def make(self) -> OldPool:
        return OldPool(boto3.client("cognito-idp", region_name=REGION))

    def close(self) -> None:
        self.sandbox.stop()
        os.environ.clear()
        os.environ.update(self._before)


IDENTITIES = '[{"userId": "104", "providerName": "Google", "providerType": "Google"}]'
NAMES = ("custom:id", "name", "custom:plan", "custom:note")


def cognito_specimen(folder: Path) -> Specimen:
    del folder
    pools = OldPools()
    old = pools.make()
    for number, person in enumerate(PEOPLE):
        told = dict(zip(NAMES, person.values(), strict=True)) | ({} if number else {"identities": IDENTITIES})
        attributes = {name: value for name, value in told.items() if value is not None}
        known = {"Username": f"user{number}", "UserStatus": "CONFIRMED", "Attributes": attributes}
        old.put_person(known if number else {**known, "Factor": "SOFTWARE_TOKEN_MFA", "Groups": ["staff"]})

    def grown(size: int) -> CognitoSource:
        other = pools.make()
        for number in range(size):
            other.put(f"u{number:05d}", {"custom:id": str(number)})
        return _ById(CognitoSettings(user_pool_id=other.id, page_users=20), None)  # type: ignore[arg-type]

    def behind_others() -> None:
        list(old.source().pages(["sub"], {"token": "gone", "read": 2, "mark": "5", "row": 2}))

    people = [
        (number, 0, dict(zip(NAMES, person.values(), strict=True))) for number, person in enumerate(PEOPLE, 1)
    ]
    return Specimen(
        partial(old.source, second_factors=True),
        people,
        change=lambda: old.put("more", {}),
        failing=[
            lambda: old.source(user_pool_id="eu-west-1_Absent").check(),
            lambda: old.source(profile="nobody").check(),
            lambda: old.source(region="eu-west-9").check(),
            lambda: list(old.source().pages(["nmae"])),
            behind_others,
        ],
        grown=grown,
        names=NAMES,
        delivered={"groups": "Groups", "identities": "identities", "mfa": "PreferredMfaSetting"},
        close=pools.close,
    )


class _ById(CognitoSource):
    """Reads the field that the contract asks for by the name that it has in a pool."""

    def pages(self, fields: Any, after: Any = None) -> Any:
        del fields
        return super().pages(["custom:id"], after)
