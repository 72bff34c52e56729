"""What the tests of the sandbox's import jobs share: a way to send a file and to see what became of it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from connectors.cognito.sandbox import Sandbox

ROLE = "arn:aws:iam::123456789012:role/import-log"
ENCRYPTED = {"x-amz-server-side-encryption": "aws:kms"}
OVER = {"Succeeded", "Failed", "Stopped", "Expired"}


def client_for(sandbox: Sandbox, service: str = "cognito-idp", *, parameter_validation: bool = True) -> Any:
    """Make a client that retries nothing, so that a test sees each answer."""
    environment = sandbox.environment
    config = Config(
        retries={"total_max_attempts": 1}, max_pool_connections=32, parameter_validation=parameter_validation
    )
    return boto3.client(
        service,  # type: ignore[call-overload]  # any service
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name=environment["AWS_DEFAULT_REGION"],
        config=config,
    )


@dataclass
class Pool:
    """A pool of a sandbox, and short ways to import into it."""

    sandbox: Sandbox
    client: Any
    id: str
    name: str
    header: list[str] = field(default_factory=list)

    def call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        answer: dict[str, Any] = getattr(self.client, operation)(UserPoolId=self.id, **arguments)
        answer.pop("ResponseMetadata")
        return answer

    def job(self, name: str = "job", **arguments: Any) -> dict[str, Any]:
        """Create a job."""
        wanted = {"JobName": name, "CloudWatchLogsRoleArn": ROLE, **arguments}
        job: dict[str, Any] = self.call("create_user_import_job", **wanted)["UserImportJob"]
        return job

    def described(self, job: dict[str, Any]) -> dict[str, Any]:
        shown: dict[str, Any] = self.call("describe_user_import_job", JobId=job["JobId"])["UserImportJob"]
        return shown

    def start(self, job: dict[str, Any]) -> dict[str, Any]:
        started: dict[str, Any] = self.call("start_user_import_job", JobId=job["JobId"])["UserImportJob"]
        return started

    def stop(self, job: dict[str, Any]) -> dict[str, Any]:
        stopped: dict[str, Any] = self.call("stop_user_import_job", JobId=job["JobId"])["UserImportJob"]
        return stopped

    def wait(self, job: dict[str, Any], *states: str) -> dict[str, Any]:
        """Wait until a job is in one of some states, or over."""
        until = time.monotonic() + 60
        while (shown := self.described(job))["Status"] not in (states or OVER):
            assert time.monotonic() < until, shown
            time.sleep(0.005)
        return shown

    def file(self, *rows: dict[str, str], header: Sequence[str] = ()) -> bytes:
        """Write a file as the guide says; a row is a column's name and its value."""
        names = header or self.header
        lines = [",".join(names)]
        lines += [",".join(row.get(name, "").replace(",", "\\,") for name in names) for row in rows]
        return ("\n".join(lines) + "\n").encode()

    def run(self, content: bytes, **arguments: Any) -> dict[str, Any]:
        """Create a job, upload, start, wait for its end."""
        job = self.job(**arguments)
        assert put(job, content).status_code == 200
        self.start(job)
        return self.wait(job)

    def imported(self, *rows: dict[str, str], **arguments: Any) -> dict[str, Any]:
        """Run a job over rows of a file with a right header."""
        hashed = "PasswordHashingAlgorithm" in arguments
        header = [*self.header, "password_hash"] if hashed else self.header
        return self.run(self.file(*rows, header=header), **arguments)

    def users(self) -> dict[str, dict[str, str]]:
        """Attributes by username, the status among them as ``status``."""
        users = self.client.get_paginator("list_users").paginate(UserPoolId=self.id).build_full_result()
        return {
            user["Username"]: {
                "status": user["UserStatus"],
                **{each["Name"]: each["Value"] for each in user["Attributes"]},
            }
            for user in users["Users"]
        }

    def log(self, job: dict[str, Any]) -> list[str]:
        """Messages of a job's log stream, test lines left out."""
        return [text for text in self.whole_log(job) if text.startswith("[")]

    def whole_log(self, job: dict[str, Any]) -> list[str]:
        logs = client_for(self.sandbox, "logs")
        prefix = f"/aws/cognito/userpools/{self.id}/"
        group = logs.describe_log_groups(logGroupNamePrefix=prefix)["logGroups"][0]["logGroupName"]
        stream = f"{job['JobId']}/{job['JobName']}"
        events = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)["events"]
        return [event["message"] for event in events]

    def lines(self, job: dict[str, Any], count: int) -> list[str]:
        """Wait until a job's log has so many lines of users: they come a moment after its end."""
        until = time.monotonic() + 30
        while len(found := self.log(job)) < count:
            assert time.monotonic() < until, found
            time.sleep(0.01)
        return found


def make_pool(sandbox: Sandbox, name: str = "pool", **settings: Any) -> Pool:
    """Create a pool that verifies e-mail addresses unless it is told otherwise."""
    client = client_for(sandbox)
    wanted = {"AutoVerifiedAttributes": ["email"], **settings}
    pool = Pool(sandbox, client, client.create_user_pool(PoolName=name, **wanted)["UserPool"]["Id"], name)
    pool.header = pool.call("get_csv_header")["CSVHeader"]
    return pool


def put(job: dict[str, Any], content: bytes, **headers: str) -> requests.Response:
    """Upload a file as the guide says."""
    return requests.put(job["PreSignedUrl"], data=content, headers={**ENCRYPTED, **headers}, timeout=30)


def person(username: str, **more: str) -> dict[str, str]:
    """A row that every pool takes; ``custom__x`` stands for ``custom:x``, ``cognito__x`` likewise."""
    row = {
        "cognito:username": username,
        "email": f"{username}@example.com",
        "email_verified": "true",
    }
    return {**row, **{name.replace("__", ":"): value for name, value in more.items()}}


@contextmanager
def refused(code: str, text: str = "") -> Iterator[None]:
    """Expect an error of the API by its code and, where it is known, its text."""
    with pytest.raises(ClientError) as raised:
        yield
    error = raised.value.response["Error"]
    assert error["Code"] == code, error
    assert text in error["Message"], error
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


@contextmanager
def switched(sandbox: Sandbox, **settings: Any) -> Iterator[None]:
    """Run with other settings, then go back."""
    before = requests.get(f"{sandbox.url}/sandbox/settings", timeout=10).json()
    sandbox.update(**settings)
    try:
        yield
    finally:
        sandbox.update(**before)
