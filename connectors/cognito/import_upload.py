"""The way of a file to the URL of its import job: one HTTP PUT, streamed from the disk."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Final

from connectors.cognito.limits import MAX_FILE_BYTES, UPLOAD_HEADERS
from connectors.errors import (
    ConfigurationError,
    PoolferryError,
    RetryError,
    SpentJobError,
    TargetError,
    ThrottledError,
)
from connectors.retry import is_bad_certificate

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    import requests

    from connectors.cognito.import_job import Job

    OnProgress = Callable[[int, int], None]

_REPORT_EVERY: Final = 1_048_576
"""Bytes between two reports of progress."""
_NEW_JOB: Final = "Make a new job: only that brings a new URL (F3.10)."
_FIRST_SUCCESS, _FIRST_REDIRECT, _FIRST_FAULT = 200, 300, 500
_SLOWER: Final = frozenset({429, 503})
_REQUEST_TIMEOUT: Final = 408
_CODE: Final = re.compile(rb"<Code>([A-Za-z0-9]{1,64})</Code>")


def put_file(
    session: requests.Session, job: Job, path: Path, *, now: datetime, on_progress: OnProgress | None = None
) -> None:
    """Send the file once, with the header that is signed into the URL (F3.8, F3.9).

    A PUT of the same bytes to the same place can be made again without harm.

    Args:
        session: the HTTP session to use.
        job: the job whose URL takes the file.
        path: the file.
        now: the time by which the URL's end is judged.
        on_progress: called with the bytes sent and the bytes of the file, about once a MiB.

    Raises:
        SpentJobError: the URL has expired or is refused; only a new job helps.
        ThrottledError, RetryError: the store is busy or the connection broke: send it again.
        ConfigurationError: the file is larger than a job takes (F1.24).
    """
    from requests import RequestException  # noqa: PLC0415 - slow to import, and planning sends nothing

    _check_before(job, path, now)
    try:
        with _Counted(path, on_progress) as body:
            reply = session.put(
                job.url, data=body, headers=dict(UPLOAD_HEADERS), auth=_no_other_auth, allow_redirects=False
            )
    except RequestException as error:
        raise _broken(error, job) from None
    if not _FIRST_SUCCESS <= reply.status_code < _FIRST_REDIRECT:
        raise _refused(reply, job)


def _check_before(job: Job, path: Path, now: datetime) -> None:
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ConfigurationError(
            f"The file for job {job.id} exceeds {MAX_FILE_BYTES:,} bytes (F1.24).", "Cut the batch smaller."
        )
    if not job.url or now >= job.url_expires:
        raise SpentJobError(f"The upload URL of job {job.id} has expired.", _NEW_JOB)


def _no_other_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keep a password of ``~/.netrc`` out: the URL is signed, and a second signature spoils it."""
    return request


def _broken(error: requests.RequestException, job: Job) -> PoolferryError:
    from requests import ConnectionError, Timeout  # noqa: A004, PLC0415 - as above

    what = f"The upload for job {job.id} broke off: {type(error).__name__}."
    if is_bad_certificate(error):
        return TargetError(
            what, "The server's certificate is not trusted: set REQUESTS_CA_BUNDLE or the proxy."
        )
    if isinstance(error, ConnectionError | Timeout):
        return RetryError(what, "Check the network.")
    return TargetError(what, _NEW_JOB)


def _refused(reply: requests.Response, job: Job) -> PoolferryError:
    """Say what a refusal means; of its body only the code is read, never shown as a whole."""
    found = _CODE.search(reply.content)
    code = found[1].decode() if found else "no code"
    what = f"The upload for job {job.id} was refused with HTTP {reply.status_code} ({code})."
    if reply.status_code in _SLOWER or code == "SlowDown":
        return ThrottledError(what, "Go slower.")
    if reply.status_code >= _FIRST_FAULT or reply.status_code == _REQUEST_TIMEOUT or code == "RequestTimeout":
        return RetryError(what)
    return SpentJobError(what, _NEW_JOB)


class _Counted(io.FileIO):
    """A file that tells how much of it was read; its size is known, so ``Content-Length`` is sent."""

    def __init__(self, path: Path, on_progress: OnProgress | None) -> None:
        super().__init__(path, "rb")
        self._total = path.stat().st_size
        self._on_progress = on_progress
        self._told = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Read like a file, and report about once a MiB and at the end."""
        block = super().read(-1 if size is None else size)
        sent = self.tell()
        if self._on_progress and sent > self._told and self._is_due(sent):
            self._on_progress(sent, self._total)
            self._told = sent
        return block

    def _is_due(self, sent: int) -> bool:
        return sent - self._told >= _REPORT_EVERY or sent >= self._total
