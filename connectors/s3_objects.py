"""How S3 is asked: each call in the one retry policy; and what lies below a prefix of a bucket.

Sources read objects by the same calls: see ``connectors.sources.s3_files``.
"""

from __future__ import annotations

import shutil
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from botocore.exceptions import ClientError

from connectors.errors import ConfigurationError, RetryError, StopError
from connectors.retry import error_code, retrying, translated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import BinaryIO

    from mypy_boto3_s3 import S3Client

SCHEME: Final = "s3://"

_T = TypeVar("_T")

_ABSENT: Final = frozenset({"404", "NoSuchKey"})
_UNMET: Final = frozenset({"412", "PreconditionFailed"})
_CONFLICT: Final = "ConditionalRequestConflict"
"""HTTP 409: another write was under way, so that the condition was not even looked at."""
_NO_DEFAULT: Final = frozenset(
    {"ServerSideEncryptionConfigurationNotFoundError", "AccessDenied", "AccessDeniedException"}
)
_KMS: Final[dict[str, Any]] = {"ServerSideEncryption": "aws:kms"}
_MOST: Final = 1_000
"""Objects that one ``DeleteObjects`` takes."""


def bucket_and_prefix(url: str) -> tuple[str, str]:
    """Take ``s3://bucket/prefix`` apart; the prefix has no ``/`` at its ends.

    Raises:
        ConfigurationError: there is no bucket or no prefix.
    """
    bucket, _, prefix = url.removeprefix(SCHEME).partition("/")
    if not url.startswith(SCHEME) or not bucket or not prefix.strip("/"):
        raise ConfigurationError(f"{url!r} is no place in S3.", "Write s3://bucket/prefix.")
    return bucket, prefix.strip("/")


def patiently(
    operation: str,
    call: Callable[[], _T],
    *,
    tried_as: str = "",
    stop: type[StopError] = StopError,
    mend: str = "",
    sleep: Callable[[float], None] = time.sleep,
) -> _T:
    """Make a call to S3 that may be made twice without harm, and try it again by the one policy.

    Args:
        operation: the call's name, for errors.
        call: makes it.
        tried_as: how the policy names it; default: as errors do.
        stop: the class of errors that a person must mend, and of the last one that would have passed.
        mend: what helps where it was tried in vain.
        sleep: takes seconds; tests give one that does not sleep.

    Raises:
        StopError: S3 refuses or does not answer; of the class ``stop``.
    """

    def once() -> _T:
        with translated(operation, stop=stop, reads=True):
            return call()

    try:
        return retrying(tried_as or operation, sleep=sleep)(once)
    except RetryError as error:
        raise stop(error.what, error.mend or mend) from None


def pages_of(ask: Callable[..., Mapping[str, Any]], **request: str) -> Iterator[Mapping[str, Any]]:
    """Every page of a listing; ``ask`` makes one call of ``ListObjectsV2``."""
    while True:
        page = ask(**request)
        yield page
        if not page.get("IsTruncated"):
            return
        request["ContinuationToken"] = page["NextContinuationToken"]


class Objects:
    """What lies below a prefix, by names that are relative to it.

    Args:
        s3: the client.
        bucket: the bucket's name.
        prefix: without a ``/`` at its ends.
        sleep: takes seconds; tests give one that does not sleep.

    Raises:
        StopError: in every method, where S3 refuses or does not answer; the text names the operation.
    """

    def __init__(
        self, s3: S3Client, bucket: str, prefix: str, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._s3, self._bucket, self._prefix, self._sleep = s3, bucket, f"{prefix}/", sleep
        self._encryption: dict[str, Any] | None = None

    @property
    def url(self) -> str:
        """Where they are."""
        return f"{SCHEME}{self._bucket}/{self._prefix}"

    def listed(self) -> dict[str, str]:
        """Everything below the prefix, however deep: name → ETag."""
        items = (item for page in self._pages() for item in page.get("Contents", ()))
        return {item["Key"].removeprefix(self._prefix): item["ETag"] for item in items}

    def folders(self) -> list[str]:
        """What stands directly below the prefix and has something below itself."""
        pages = self._pages(Delimiter="/")
        found = [each["Prefix"] for page in pages for each in page.get("CommonPrefixes", ())]
        return [name.removeprefix(self._prefix).strip("/") for name in found]

    def _pages(self, **request: str) -> Iterator[Mapping[str, Any]]:
        def ask(**asked: Any) -> Mapping[str, Any]:  # noqa: ANN401 - one page's parameters
            return self._call("ListObjectsV2", partial(self._s3.list_objects_v2, **asked))

        return pages_of(ask, Bucket=self._bucket, Prefix=self._prefix, **request)

    def fetch(self, name: str, target: BinaryIO) -> str | None:
        """Write an object's content into a file from its start.

        Returns:
            The object's ETag, or None where it is gone.
        """

        def once() -> str:
            target.seek(0)
            target.truncate()
            reply = self._s3.get_object(Bucket=self._bucket, Key=self._prefix + name)
            shutil.copyfileobj(reply["Body"], target, 1 << 20)
            return reply["ETag"]

        return self._call("GetObject", lambda: _unless(_ABSENT, once))

    def read(self, name: str) -> tuple[bytes, str] | None:
        """A small object's content and ETag, or None where there is no such object."""

        def once() -> tuple[bytes, str]:
            reply = self._s3.get_object(Bucket=self._bucket, Key=self._prefix + name)
            return reply["Body"].read(), reply["ETag"]

        return self._call("GetObject", lambda: _unless(_ABSENT, once))

    def put(self, name: str, content: BinaryIO) -> str:
        """Write an object from a file; returns its ETag."""

        def once() -> str:
            content.seek(0)
            return self._put(name, content)

        return self._call("PutObject", once)

    def put_if(self, name: str, content: bytes, etag: str | None) -> str | None:
        """Write a small object only if it still has this ETag; None stands for "is not there".

        Returns:
            Its new ETag, or None where the condition does not hold. After a reply that was lost the
            condition may not hold because of one's own write: whoever needs to know reads it.
        """
        condition = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag}

        def write() -> str:
            try:
                return self._put(name, content, **condition)
            except ClientError as error:
                if error_code(error) != _CONFLICT:
                    raise
                raise RetryError(f"PutObject below {self.url} met another write.") from None

        return self._call("PutObject", lambda: _unless(_UNMET, write))

    def delete(self, names: list[str]) -> None:
        """Delete objects; those that are gone already are no error."""
        for start in range(0, len(names), _MOST):
            keys: list[Any] = [{"Key": self._prefix + name} for name in names[start : start + _MOST]]
            asked: Any = {"Objects": keys, "Quiet": True}
            request = partial(self._s3.delete_objects, Bucket=self._bucket, Delete=asked)
            refused = self._call("DeleteObjects", request).get("Errors", ())
            if refused:
                raise StopError(
                    f"DeleteObjects left {len(refused)} objects with {refused[0].get('Code', 'unknown')}.",
                    "Allow s3:DeleteObject below the prefix, then run the same command again.",
                )

    def _put(self, name: str, content: bytes | BinaryIO, **condition: str) -> str:
        asked: dict[str, Any] = {**self._encrypted(), **condition}
        reply = self._s3.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=content, **asked)
        return reply["ETag"]

    def _encrypted(self) -> dict[str, Any]:
        """How objects are encrypted: with the bucket's own KMS key if it has one, else with ``aws/s3``."""
        if self._encryption is None:
            self._encryption = {} if self._has_kms() else _KMS
        return self._encryption

    def _has_kms(self) -> bool:
        try:
            reply = self._s3.get_bucket_encryption(Bucket=self._bucket)
        except ClientError as error:  # the right to ask is no must: then the header says it
            if error_code(error) in _NO_DEFAULT:
                return False
            raise
        rules = reply["ServerSideEncryptionConfiguration"]["Rules"]
        return any(
            rule.get("ApplyServerSideEncryptionByDefault", {}).get("SSEAlgorithm", "").startswith("aws:kms")
            for rule in rules
        )

    def _call(self, operation: str, call: Callable[[], _T]) -> _T:
        tried_as, mend = f"{operation} below {self.url}", "Run the same command again."
        return patiently(operation, call, tried_as=tried_as, mend=mend, sleep=self._sleep)


def _unless(codes: frozenset[str], call: Callable[[], _T]) -> _T | None:
    """What a call returns, or None where S3 refuses it with one of these codes."""
    try:
        return call()
    except ClientError as error:
        if error_code(error) in codes:
            return None
        raise
