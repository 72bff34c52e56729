"""One setting of a pool changes and no other; what a service loses all the same is put back and told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest

from connectors.cognito.pool_update import (
    DESCRIBED_ONLY,
    RENAMED,
    carried_over,
    read_settings,
    refuse_during_jobs,
    update_pool,
)
from connectors.cognito.sandbox import Sandbox, start
from connectors.errors import ConfigurationError, TargetError

if TYPE_CHECKING:
    from collections.abc import Iterator

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:mine"
TRIGGERS = {"UserMigration": ARN}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with start() as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Any:
    return boto3.client("cognito-idp", endpoint_url=sandbox.url)


@pytest.fixture
def pool_id(client: Any) -> str:
    made = client.create_user_pool(
        PoolName="people",
        AutoVerifiedAttributes=["email"],
        UserPoolTags={"team": "identity"},
        UserPoolTier="LITE",
    )
    return str(made["UserPool"]["Id"])


class Forgetful:
    """A client whose service loses a setting with every update but the one that puts it back."""

    def __init__(self, client: Any, lost: str, *, for_ever: bool = False) -> None:
        self._client = client
        self._lost = lost
        self._left = 99 if for_ever else 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def update_user_pool(self, **request: Any) -> Any:
        if self._left:
            self._left -= 1
            request.pop(self._lost)
        return self._client.update_user_pool(**request)


def test_every_member_of_a_description_is_sent_back_or_known_to_be_for_reading() -> None:
    """F6.24-F6.26, against botocore's own model: no setting that AWS adds is forgotten."""
    model = boto3.client("cognito-idp").meta.service_model
    shown = set(model.shape_for("UserPoolType").members)
    taken = set(model.operation_model("UpdateUserPool").input_shape.members)
    sent = {RENAMED.get(name, name) for name in shown - DESCRIBED_ONLY}
    assert sent == taken
    assert shown >= DESCRIBED_ONLY


def test_what_cognito_refuses_side_by_side_is_not_sent() -> None:
    """F6.27."""
    described = {
        "Id": "x", "Name": "y", "Arn": "z",
        "Policies": {"PasswordPolicy": {"TemporaryPasswordValidityDays": 3}},
        "AdminCreateUserConfig": {"UnusedAccountValidityDays": 3, "AllowAdminCreateUserOnly": True},
    }  # fmt: skip
    request = carried_over(described)
    assert (request["UserPoolId"], request["PoolName"]) == ("x", "y")
    assert request["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}
    assert described["AdminCreateUserConfig"]["UnusedAccountValidityDays"] == 3  # type: ignore[index]  # the input stays


def test_a_pool_with_two_messages_is_left_as_it_is(client: Any) -> None:
    """F6.28: to send back one of them would delete the other, and putting it back could not."""
    texts = {
        "EmailMessage": "{####}",
        "EmailSubject": "b",
        "EmailMessageByLink": "{##c##}",
        "EmailSubjectByLink": "d",
    }
    made = client.create_user_pool(PoolName="both", VerificationMessageTemplate=texts)["UserPool"]
    before = read_settings(client, made["Id"])
    with pytest.raises(ConfigurationError, match="EmailMessage, EmailMessageByLink, EmailSubject"):
        update_pool(client, before, {"LambdaConfig": TRIGGERS})
    assert read_settings(client, made["Id"]) == before


def test_what_somebody_changed_meanwhile_is_not_put_back(client: Any, pool_id: str) -> None:
    """Between the reading and the change lie the calls that look at every app client."""
    before = read_settings(client, pool_id)
    client.update_user_pool(**carried_over(before.described) | {"DeletionProtection": "ACTIVE"})
    with pytest.raises(ConfigurationError, match="changed DeletionProtection of the pool meanwhile"):
        update_pool(client, before, {"LambdaConfig": {"UserMigration": ARN}})
    now = read_settings(client, pool_id).described
    assert now["DeletionProtection"] == "ACTIVE"
    assert not now.get("LambdaConfig")


def test_only_what_is_asked_for_changes(client: Any, pool_id: str) -> None:
    before = read_settings(client, pool_id)
    after = update_pool(client, before, {"LambdaConfig": {"UserMigration": ARN}})
    assert after.triggers == {"UserMigration": ARN}
    assert after.described["UserPoolTags"] == {"team": "identity"}
    assert after.described["UserPoolTier"] == "LITE"


def test_a_setting_that_the_service_loses_is_put_back_and_told(client: Any, pool_id: str) -> None:
    before = read_settings(client, pool_id)
    with pytest.raises(TargetError, match="AutoVerifiedAttributes") as raised:
        update_pool(
            Forgetful(client, "AutoVerifiedAttributes"), before, {"LambdaConfig": {"UserMigration": ARN}}
        )
    assert "put back." in raised.value.what
    now = read_settings(client, pool_id)
    assert now.described["AutoVerifiedAttributes"] == ["email"]
    assert now.triggers == {}


def test_what_cannot_be_put_back_is_told_too(client: Any, pool_id: str) -> None:
    before, forgetful = read_settings(client, pool_id), Forgetful(client, "UserPoolTags", for_ever=True)
    with pytest.raises(TargetError, match="put back, but for UserPoolTags"):
        update_pool(forgetful, before, {"LambdaConfig": {"UserMigration": ARN}})


def test_a_pool_is_left_alone_while_a_job_is_active(sandbox: Sandbox, client: Any, pool_id: str) -> None:
    """F3.18; a job that is only made is none."""
    import requests  # noqa: PLC0415 - only here

    header = ",".join(client.get_csv_header(UserPoolId=pool_id)["CSVHeader"])
    role = "arn:aws:iam::123456789012:role/log"
    job = client.create_user_import_job(UserPoolId=pool_id, JobName="j", CloudWatchLogsRoleArn=role)[
        "UserImportJob"
    ]
    refuse_during_jobs(client, pool_id)
    sse = {"x-amz-server-side-encryption": "aws:kms", "Content-Type": "text/csv"}
    requests.put(job["PreSignedUrl"], data=f"{header}\n", headers=sse, timeout=10).raise_for_status()
    sandbox.update(pending_seconds=30)
    client.start_user_import_job(UserPoolId=pool_id, JobId=job["JobId"])
    with pytest.raises(ConfigurationError, match=job["JobId"]):
        update_pool(client, read_settings(client, pool_id), {"LambdaConfig": {}})
    client.stop_user_import_job(UserPoolId=pool_id, JobId=job["JobId"])
    refuse_during_jobs(client, pool_id)
