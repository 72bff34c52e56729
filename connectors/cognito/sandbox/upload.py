"""The pre-signed URL of an import job: made, checked, and the file that is put there (F3.8-F3.10).

The store behind it answers like S3: errors are XML with S3's codes.
"""

from __future__ import annotations

import hmac
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from sys import maxsize
from tempfile import mkstemp
from typing import TYPE_CHECKING, BinaryIO, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connectors.cognito.sandbox.jobs import ImportJob
    from connectors.cognito.sandbox.state import SandboxState

BUCKET_PATH: Final = "/aws-cognito-idp-user-import/"
ENCRYPTION: Final = "x-amz-server-side-encryption"
SIGNED_HEADERS: Final = ("host", ENCRYPTION)
TIME_FORMAT: Final = "%Y%m%dT%H%M%SZ"
CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the store: HTTP status, S3's error code (empty: it worked) and a text."""

    status: str
    code: str = ""
    text: str = ""


FORBIDDEN: Final = "403 Forbidden"
EXPIRED: Final = Reply(FORBIDDEN, "AccessDenied", "Request has expired")
BAD_SIGNATURE: Final = Reply(
    FORBIDDEN,
    "SignatureDoesNotMatch",
    "The request signature we calculated does not match the signature you provided."
    " Check your key and signing method.",
)
TOO_LARGE: Final = Reply(
    "400 Bad Request", "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size"
)
NO_LENGTH: Final = Reply(
    "411 Length Required", "MissingContentLength", "You must provide the Content-Length HTTP header."
)
CHUNKED: Final = Reply(
    "501 Not Implemented",
    "NotImplemented",
    "A header you provided implies functionality that is not implemented",
)
INCOMPLETE: Final = Reply(
    "400 Bad Request",
    "IncompleteBody",
    "You did not provide the number of bytes specified by the Content-Length HTTP header",
)
STORED: Final = Reply("200 OK")


def signed_url(state: SandboxState, job: ImportJob) -> str:
    """Make the URL to which a job's file is put; it names account, pool and job (F3.9)."""
    account, region = job.scope
    path = f"{BUCKET_PATH}{account}/{job.pool_id}/{job.job_id}"
    query = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Date": job.created.strftime(TIME_FORMAT),
        "X-Amz-SignedHeaders": ";".join(SIGNED_HEADERS),
        "X-Amz-Expires": str(state.settings.upload_seconds),
        "X-Amz-Credential": f"sandbox/{job.created:%Y%m%d}/{region}/s3/aws4_request",
    }
    headers = {"host": urlsplit(state.url).netloc, ENCRYPTION: "aws:kms"}
    query["X-Amz-Signature"] = _signature(state.secret, path, query, headers)
    return f"{state.url}{path}?{urlencode(query)}"


def receive(state: SandboxState, method: str, url: str, headers: Mapping[str, str], body: BinaryIO) -> Reply:
    """Check a request to a pre-signed URL and keep its body on disk.

    The body of a refused request is read to its end, so that the client sees the answer and not a
    broken connection.

    Args:
        state: the sandbox.
        method: HTTP method; only PUT is signed.
        url: path and query.
        headers: names in lower case.
        body: the stream behind the headers.
    """
    if "chunked" in headers.get("transfer-encoding", ""):
        _drain(body, maxsize)
        return CHUNKED
    if not headers.get("content-length", "").isdecimal():
        return NO_LENGTH
    length = int(headers["content-length"])
    refused = _refusal(state, method, url, headers, length)
    job = None if refused else _job(state, url)
    if refused or job is None:
        _drain(body, length)
        return refused or BAD_SIGNATURE
    return _keep(state, job, body, length)


def _refusal(
    state: SandboxState, method: str, url: str, headers: Mapping[str, str], length: int
) -> Reply | None:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    given = query.pop("X-Amz-Signature", "")
    wanted = _signature(state.secret, parts.path, query, headers)
    if method != "PUT" or not hmac.compare_digest(given.encode(), wanted.encode()):
        return BAD_SIGNATURE
    signed_at = datetime.strptime(query["X-Amz-Date"], TIME_FORMAT).replace(tzinfo=UTC)
    if state.now() > signed_at + timedelta(seconds=int(query["X-Amz-Expires"])):
        return EXPIRED
    if state.settings.oversize_refused_at == "upload" and length > state.settings.max_file_bytes:
        return TOO_LARGE
    return None


def _signature(secret: bytes, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> str:
    """Sign path, query and signed headers: a changed one, or one that is left out, breaks it (F3.9)."""
    signed = "\n".join(
        [
            "PUT",
            path,
            urlencode(sorted(query.items())),
            *(f"{name}:{headers.get(name, '').strip()}" for name in SIGNED_HEADERS),
        ]
    )
    return hmac.new(secret, signed.encode(), sha256).hexdigest()


def _job(state: SandboxState, url: str) -> ImportJob | None:
    account, pool_id, job_id = urlsplit(url).path.removeprefix(BUCKET_PATH).split("/")
    jobs = state.jobs.everywhere()
    return next(
        (job for job in jobs if (job.scope[0], job.pool_id, job.job_id) == (account, pool_id, job_id)), None
    )


def _keep(state: SandboxState, job: ImportJob, body: BinaryIO, length: int) -> Reply:
    """Write the body beside the job's file and put it in place when it is whole.

    A file for a job that was started already changes nothing.
    """
    handle, name = mkstemp(dir=state.jobs.folder)
    with os.fdopen(handle, "wb") as target:
        whole = _copy(body, target, length)
    with job.lock:
        if whole and job.status == "Created":
            Path(name).replace(job.file)
            job.uploaded = state.now()
        else:
            Path(name).unlink()
    return STORED if whole else INCOMPLETE


def _copy(body: BinaryIO, target: BinaryIO | None, length: int) -> bool:
    while length and (chunk := body.read(min(CHUNK, length))):
        length -= len(chunk)
        if target:
            target.write(chunk)
    return not length


def _drain(body: BinaryIO, length: int) -> None:
    with suppress(OSError):  # the client may hang up first
        _copy(body, None, length)
