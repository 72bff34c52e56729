"""Finding and opening objects in S3.

Who tries again: every call to S3 is in the one policy, by ``connectors.s3_objects``; botocore's own retries
are off. ``smart_open`` only goes on with a download that broke off, by asking for the rest of it.
"""

from __future__ import annotations

import io
import time
from fnmatch import fnmatchcase
from functools import partial
from typing import IO, TYPE_CHECKING, Any, cast

import smart_open.s3
from botocore.exceptions import ClientError

from connectors.aws import client
from connectors.errors import ConfigurationError, SourceError
from connectors.retry import error_code
from connectors.s3_objects import SCHEME, pages_of, patiently

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_s3 import S3Client

_GLOB = "*?["
_GONE = "does not exist."
_WHAT_BY_CODE = {
    "404": _GONE,
    "NoSuchKey": _GONE,
    "NoSuchBucket": "is in a bucket that does not exist.",
    "412": "changed while it was being read.",
    "PreconditionFailed": "changed while it was being read.",
}


class PatientS3:
    """The three calls that reading needs, each tried again by the one policy.

    Args:
        s3: the client.
        sleep: takes seconds; tests give one that does not sleep.
    """

    def __init__(self, s3: S3Client, sleep: Callable[[float], None] = time.sleep) -> None:
        self._s3 = s3
        self._sleep = sleep

    def get_object(self, **request: str) -> dict[str, Any]:
        """``GetObject``; called by ``smart_open``, hence the name and the form."""
        return self._ask("GetObject", self._s3.get_object, request)

    def head_object(self, **request: str) -> dict[str, Any]:
        """``HeadObject``."""
        return self._ask("HeadObject", self._s3.head_object, request)

    def list_objects_v2(self, **request: str) -> dict[str, Any]:
        """One page of ``ListObjectsV2``."""
        return self._ask("ListObjectsV2", self._s3.list_objects_v2, request)

    def _ask(self, operation: str, method: Callable[..., object], request: dict[str, str]) -> dict[str, Any]:
        url = f"{SCHEME}{request['Bucket']}/{request.get('Key', request.get('Prefix', ''))}"
        call = partial(_named, url, method, request)
        answer = patiently(f"{operation} of {url}", call, stop=SourceError, sleep=self._sleep)
        return cast("dict[str, Any]", answer)


def _named(url: str, method: Callable[..., object], request: dict[str, str]) -> object:
    """Make a call, and name the object where it is the object that is not as it should be."""
    try:
        return method(**request)
    except ClientError as error:
        if what := _WHAT_BY_CODE.get(error_code(error)):
            raise SourceError(f"{url} {what}", "Check `path` in the run file, and the bucket.") from None
        raise


def find_objects(
    url: str, s3: PatientS3 | None = None
) -> Iterator[tuple[str, int, str, Callable[[], IO[bytes]]]]:
    """Yield name, size in bytes, ETag and opener of the objects that a URL or pattern means, by name.

    ``*`` and ``?`` do not cross a ``/``; a pattern with ``**`` does.

    Raises:
        ConfigurationError: the URL names no bucket or no key.
        SourceError: the object does not exist or may not be read.
    """
    bucket, _, key = url.removeprefix(SCHEME).partition("/")
    if not bucket or not key:
        raise ConfigurationError(
            f"{url!r} is no address of an object.", "Write s3://bucket/key or a pattern."
        )
    s3 = s3 or PatientS3(client("s3"))
    listed = _listed(s3, bucket, key) if any(sign in key for sign in _GLOB) else [_single(s3, bucket, key)]
    for name, size, etag in listed:
        yield f"{SCHEME}{bucket}/{name}", size, etag, partial(_open, s3, bucket, name, size, etag)


def _single(s3: PatientS3, bucket: str, key: str) -> tuple[str, int, str]:
    head = s3.head_object(Bucket=bucket, Key=key)
    return key, head["ContentLength"], head["ETag"]


def _listed(s3: PatientS3, bucket: str, pattern: str) -> Iterator[tuple[str, int, str]]:
    prefix = pattern[: min(pattern.find(sign) for sign in _GLOB if sign in pattern)]
    for page in pages_of(s3.list_objects_v2, Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", ()):
            if _matches(item["Key"], pattern):
                yield item["Key"], item["Size"], item["ETag"]


def _matches(key: str, pattern: str) -> bool:
    if "**" in pattern:
        return fnmatchcase(key, pattern)
    parts, wanted = key.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))


def _open(s3: PatientS3, bucket: str, key: str, size: int, etag: str) -> IO[bytes]:
    if not size:
        return io.BytesIO()  # S3 refuses any range of an empty object
    same_content = {"S3.Client.get_object": {"IfMatch": etag}}
    opened = smart_open.s3.open(bucket, key, "rb", client=s3, client_kwargs=same_content, defer_seek=True)
    return cast("IO[bytes]", opened)
