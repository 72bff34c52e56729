"""The pre-signed URL of the local Cognito's import jobs (F3.8-F3.10)."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit, urlunsplit
from urllib.request import Request, urlopen

import pytest
import requests

from connectors.cognito.sandbox import Sandbox, SandboxSettings, start
from connectors.cognito.sandbox.jobs import JobStore
from connectors.cognito.sandbox.state import SandboxState
from connectors.cognito.sandbox.upload import CHUNK, receive, signed_url
from tests.unit.sandbox_jobs import ENCRYPTED, Pool, make_pool, person, put, refused, switched

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with start() as running:
        yield running


@pytest.fixture
def pool(sandbox: Sandbox) -> Pool:
    return make_pool(sandbox)


def refusal(answer: requests.Response) -> tuple[int, str]:
    """HTTP status and S3's error code."""
    return answer.status_code, answer.text.partition("<Code>")[2].partition("</Code>")[0]


def test_the_url_names_account_pool_and_job_and_signs_host_and_encryption(pool: Pool) -> None:
    job = pool.job()
    parts = urlsplit(job["PreSignedUrl"])
    assert parts.path.endswith(f"/123456789012/{pool.id}/{job['JobId']}")
    query = parse_qs(parts.query)
    assert query["X-Amz-SignedHeaders"] == ["host;x-amz-server-side-encryption"]
    assert query["X-Amz-Expires"] == ["899"]
    assert len(job["PreSignedUrl"]) <= 2048


def test_a_put_with_the_header_is_taken(pool: Pool) -> None:
    answer = put(pool.job(), pool.file(person("ann")))
    assert answer.status_code == 200
    assert answer.headers["x-amz-server-side-encryption"] == "aws:kms"


@pytest.mark.parametrize("headers", [{}, {"x-amz-server-side-encryption": "AES256"}, {"Host": "example.com"}])
def test_a_signed_header_that_is_left_out_or_changed_breaks_the_signature(
    pool: Pool, headers: dict[str, str]
) -> None:
    wanted = {**ENCRYPTED, **headers} if headers else {}
    answer = requests.put(pool.job()["PreSignedUrl"], data=b"x", headers=wanted, timeout=10)
    assert refusal(answer) == (403, "SignatureDoesNotMatch")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("X-Amz-Expires=899", "X-Amz-Expires=9999"),
        ("X-Amz-Signature=", "X-Amz-Signature=0"),
        ("&X-Amz-Signature=", "&x="),
        ("123456789012", "210987654321"),
        ("/import-", "/import-x"),
        ("/import-", "/more/import-"),
    ],
)
def test_a_url_that_was_tampered_with_is_refused(pool: Pool, old: str, new: str) -> None:
    job = pool.job()
    assert old in job["PreSignedUrl"]
    job["PreSignedUrl"] = job["PreSignedUrl"].replace(old, new)
    assert refusal(put(job, b"x")) == (403, "SignatureDoesNotMatch")


def test_a_url_without_any_signature_is_refused(pool: Pool) -> None:
    job = pool.job()
    job["PreSignedUrl"] = urlunsplit(urlsplit(job["PreSignedUrl"])._replace(query=""))
    assert refusal(put(job, b"x")) == (403, "SignatureDoesNotMatch")


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_only_put_is_signed(pool: Pool, method: str) -> None:
    answer = requests.request(method, pool.job()["PreSignedUrl"], headers=ENCRYPTED, data=b"x", timeout=10)
    assert refusal(answer) == (403, "SignatureDoesNotMatch")


def test_a_url_of_one_job_opens_no_other(pool: Pool) -> None:
    first, second = pool.job(), pool.job()
    first["PreSignedUrl"] = first["PreSignedUrl"].replace(first["JobId"], second["JobId"])
    assert refusal(put(first, b"x")) == (403, "SignatureDoesNotMatch")


@pytest.mark.parametrize(("later", "expected"), [(897, (200, "")), (901, (403, "AccessDenied"))])
def test_a_url_lives_899_seconds(sandbox: Sandbox, pool: Pool, later: int, expected: tuple[int, str]) -> None:
    job = pool.job()
    with switched(sandbox, clock_offset_seconds=later):
        assert refusal(put(job, b"x")) == expected


def test_an_expired_url_is_not_refreshed_by_describe(sandbox: Sandbox, pool: Pool) -> None:
    job = pool.job()
    with switched(sandbox, clock_offset_seconds=1000):
        assert refusal(put(pool.described(job), b"x")) == (403, "AccessDenied")
        assert put(pool.job(), b"x").status_code == 200


@pytest.mark.parametrize(
    "content_type", ["text/csv", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
def test_any_content_type_is_taken(pool: Pool, content_type: str) -> None:
    job = pool.job()
    content = pool.file(person("ann"))
    assert put(job, content, **({"Content-Type": content_type} if content_type else {})).status_code == 200
    pool.start(job)
    assert pool.wait(job)["ImportedUsers"] == 1


def test_the_standard_librarys_client_works(pool: Pool) -> None:
    """It sends application/x-www-form-urlencoded unasked, which moto's own S3 stores as nothing."""
    job = pool.job()
    request = Request(job["PreSignedUrl"], data=pool.file(person("ann")), headers=ENCRYPTED, method="PUT")  # noqa: S310 - loopback
    with urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
        assert answer.status == 200
    pool.start(job)
    assert pool.wait(job)["ImportedUsers"] == 1


@pytest.mark.parametrize("chunks", [1, 200])
def test_a_body_in_chunks_is_refused_as_s3_does(pool: Pool, chunks: int) -> None:
    body = iter([b"x" * 100_000] * chunks)
    answer = requests.put(pool.job()["PreSignedUrl"], data=body, headers=ENCRYPTED, timeout=30)
    assert refusal(answer) == (501, "NotImplemented")


def test_the_last_upload_counts(pool: Pool) -> None:
    job = pool.job()
    put(job, pool.file(person("ann"), person("bob")))
    put(job, pool.file(person("eve")))
    pool.start(job)
    pool.wait(job)
    assert list(pool.users()) == ["eve"]


def test_an_upload_behind_the_start_changes_nothing(sandbox: Sandbox, pool: Pool) -> None:
    with switched(sandbox, pending_seconds=0.5):
        job = pool.job()
        put(job, pool.file(person("ann")))
        pool.start(job)
        assert put(job, pool.file(person("eve"))).status_code == 200
        pool.wait(job)
    assert list(pool.users()) == ["ann"]


def test_a_file_over_the_limit_is_refused_at_the_put(sandbox: Sandbox, pool: Pool) -> None:
    with switched(sandbox, max_file_bytes=1_000):
        job = pool.job()
        assert refusal(put(job, b"x" * 1_001)) == (400, "EntityTooLarge")
        with refused("PreconditionNotMetException", "No csv file was uploaded"):
            pool.start(job)
        assert put(job, b"x" * 1_000).status_code == 200


def test_a_file_over_the_limit_can_fail_the_job_instead(sandbox: Sandbox, pool: Pool) -> None:
    with switched(sandbox, max_file_bytes=10, oversize_refused_at="job"):
        job = pool.run(pool.file(person("ann")))
    assert (job["Status"], job["ImportedUsers"]) == ("Failed", 0)
    assert "larger than 100 MB" in job["CompletionMessage"]


class Watched(io.RawIOBase):
    """An endless body that notes how much is asked for at once."""

    def __init__(self) -> None:
        self.largest = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        self.largest = max(self.largest, size)
        return b"x" * size


def signed_put(state: SandboxState, length: int, body: object) -> tuple[str, object]:
    """Put a body straight into the receiver; returns the answer's status and the job."""
    state.url = "http://127.0.0.1:1"
    job = state.jobs.add(("123456789012", "eu-west-1"), "pool", "name", "role", None, state.now())
    headers = {"host": "127.0.0.1:1", "content-length": str(length), **ENCRYPTED}
    url = signed_url(state, job).removeprefix(state.url)
    return receive(state, "PUT", url, headers, body).status, job  # type: ignore[arg-type]


def test_a_body_goes_to_disk_piece_by_piece() -> None:
    state, body = SandboxState(), Watched()
    status, job = signed_put(state, 30_000_000, body)
    assert status == "200 OK"
    assert body.largest <= CHUNK
    assert job.file.stat().st_size == 30_000_000  # type: ignore[attr-defined]  # an ImportJob
    assert job.folder.stat().st_mode & 0o777 == 0o700  # type: ignore[attr-defined]  # an ImportJob
    state.jobs.close()


def test_half_a_body_is_no_upload() -> None:
    state = SandboxState(SandboxSettings())
    status, job = signed_put(state, 100, io.BytesIO(b"x" * 50))
    assert status == "400 Bad Request"
    assert job.uploaded is None  # type: ignore[attr-defined]  # an ImportJob
    assert list(state.jobs.folder.iterdir()) == []
    state.jobs.close()


def test_a_store_without_uploads_makes_no_folder() -> None:
    store = JobStore()
    store.close()
    assert "folder" not in vars(store)
