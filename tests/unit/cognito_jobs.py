"""What the tests of import jobs share: a client with scripted answers, and jobs that do not sleep."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ReadTimeoutError

from connectors import aws
from connectors.cognito.import_job import job_name
from connectors.cognito.import_jobs import ImportJobs

if TYPE_CHECKING:
    from collections.abc import Iterator

POOL_ID = "eu-west-1_Example01"
JOB_ID = "import-abc"
ROLE = "arn:aws:iam::123456789012:role/poolferry-import"
NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
ASKED = {"UserPoolId": POOL_ID, "JobId": JOB_ID}
NAME = job_name("r1", 1, 1)


@cache
def client() -> Any:
    """One client for all tests of the file: to make one takes longer than any test."""
    return aws.client("cognito-idp", region="eu-west-1")


class Jobs(ImportJobs):
    """Import jobs whose clock stands still and whose pauses are only written down."""

    def __init__(self) -> None:
        self.pauses: list[float] = []
        super().__init__(client(), POOL_ID, clock=lambda: NOW, sleep=self.pauses.append)


def told(status: str = "Created", job_id: str = JOB_ID, **more: Any) -> dict[str, Any]:
    job = {
        "JobId": job_id,
        "JobName": NAME,
        "Status": status,
        "PreSignedUrl": "https://example.com/put?key=1",
    }
    return {"UserImportJob": job | {"CreationDate": NOW - timedelta(seconds=40)} | more}


@contextmanager
def losing_replies(operation: str, times: int = 1) -> Iterator[None]:
    """Break the next calls as a connection that is lost after sending does, whatever the stub has to say."""
    event = f"provide-client-params.cognito-identity-provider.{operation}"
    left = [None] * times

    def lose(**_: object) -> None:
        if left:
            left.pop()
            raise ReadTimeoutError(endpoint_url="https://example.com")

    client().meta.events.register(event, lose)
    try:
        yield
    finally:
        client().meta.events.unregister(event, lose)
    assert not left
