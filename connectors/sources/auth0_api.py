"""An Auth0 tenant, by its Management API: a users export job, which reads everybody whatever their number.

A search (``GET /api/v2/users``) shows at most 1,000 users of a query and lags behind what is written, so it
serves for a sample and for the count alone.
"""

from __future__ import annotations

import hashlib
import logging
import re
import tempfile
import time
from typing import IO, TYPE_CHECKING, Any, ClassVar, Final, Literal

from pydantic import ConfigDict, Field, SecretStr

from connectors.errors import AbsentError, RetryError, SourceError
from connectors.rest import RestApi
from connectors.rest_auth import ClientCredentials
from connectors.retry import retrying
from connectors.sources.auth0_users import DECLARED, HASH, Auth0Part, PasswordHashes
from connectors.sources.base import SourceTraits
from connectors.sources.files import File
from connectors.sources.json_files import BLOCK_BYTES, json_lines
from connectors.sources.paths import paths_in
from connectors.sources.record_source import Batch, RecordSource
from connectors.sources.text_files import open_text
from connectors.sources.windows import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from connectors.records import Cursor

_log = logging.getLogger(__name__)

MOST_FIELDS: Final = 30
"""Fields that an export job takes."""

_GZIP: Final = b"\x1f\x8b"
_SAMPLED: Final = 100
_LINKS: Final = 3
"""Times that a job's file is asked for by a new link."""

_REFUSED: Final = re.compile(r"answered 4\d\d\.")
_AFRESH: Final = (
    "Auth0 keeps an export for about a day, and a new one has an order of its own: begin a new run "
    "with `--new`."
)

_PAUSES: Final = (1.0, 2.0, 4.0, 8.0, 15.0)
_WORKING: Final = ("pending", "processing")


class Auth0Settings(Auth0Part):
    """Settings of ``kind: auth0``."""

    model_config = ConfigDict(hide_input_in_errors=True)

    kind: Literal["auth0"] = "auth0"
    url: str = Field(
        pattern=r"^https?://[^/]+/?$",
        description="The tenant's own address, not a custom domain.",
        examples=["https://example.eu.auth0.com"],
    )
    client_id: str = Field(
        description="A machine-to-machine application that may `read:users` in the Management API."
    )
    client_secret: SecretStr = Field(description="Its secret, as `${NAME}`.")
    connection_id: str | None = Field(
        default=None, description="Only users of this connection (`con_…`); default: all of the tenant."
    )
    wait_seconds: float = Field(default=7200, gt=0, description="How long an export job may take.")


class Auth0Source(RecordSource):
    """Reads users by an export job; proven against the API's published description, not a real tenant.

    A run that is resumed goes on in the file of the same job, which Auth0 keeps for about a day. The file
    lies in a nameless temporary file meanwhile. Hashes come from ``hashes`` alone.

    Args:
        settings: which tenant, and as whom.
        base: the folder that ``hashes`` begins at.
        sleep: takes seconds; tests give one that does not sleep.
        block_bytes: bytes of text that a page is made of.
    """

    traits: ClassVar[SourceTraits] = SourceTraits(
        resumable=True, counts=True, live=True, delivers=frozenset({"hashes", "groups", "mfa", "identities"})
    )

    declared: ClassVar[tuple[str, ...]] = (*DECLARED, HASH)
    most_roots: ClassVar[int | None] = MOST_FIELDS - 2  # user_id and identities are asked for besides

    def __init__(
        self,
        settings: Auth0Settings,
        base: Path,
        *,
        sleep: Callable[[float], None] = time.sleep,
        block_bytes: int = BLOCK_BYTES,
    ) -> None:
        self._settings, self._sleep, self._block = settings, sleep, block_bytes
        self._place = settings.url.rstrip("/")
        hashes = settings.hashes
        self._hashes = PasswordHashes(hashes, base) if hashes else None
        self._api = RestApi(
            f"{self._place}/api/v2",
            _signer(settings, self._place),
            mend_401="Check client_id and client_secret.",
            mend_403="Give the application `read:users` in the Management API, then resume.",
            mend_404="Check `url`: it is a tenant's.",
            sleep=sleep,
        )

    def check(self) -> None:
        """Search for one user, and read the file of hashes."""
        self._search(1)
        if self._hashes:
            self._hashes.check()

    def count(self) -> int | None:
        """Ask how many users the tenant has; None for one connection."""
        if self._settings.connection_id:
            return None
        told = str(self._search(1).get("total", ""))
        return int(told) if told.isdigit() else None

    def fields(self) -> list[str]:
        """The documented fields, then those that some users have besides."""
        users = self._search(_SAMPLED).get("users", [])
        found = (path for user in users if isinstance(user, dict) for path in paths_in(user))
        return list(dict.fromkeys((*(self.declared if self._hashes else DECLARED), *found)))

    def fingerprint(self) -> str:
        """Hash of the tenant's address, the connection and the file of hashes."""
        hashes = self._hashes.fingerprint() if self._hashes else ""
        said = f"{self._place}\n{self._settings.connection_id}\n{hashes}"
        return hashlib.sha256(said.encode()).hexdigest()

    def _search(self, size: int) -> dict[str, Any]:
        asked = {"per_page": str(size), "page": "0", "include_totals": "true", "search_engine": "v3"}
        found, _ = self._api.get_json("/users", params=asked)
        if isinstance(found, dict):
            return found
        raise SourceError("GET /users answered no object.", "Check `url`: it is a tenant's.")

    def _batches(self, fields: Sequence[str], after: Cursor | None) -> Iterator[Batch]:
        place = {name: int(after[name]) for name in ("offset", "line")} if after else None
        with tempfile.TemporaryFile() as stored:
            job, file = self._begun(str(after["job"]), stored) if after else self._new(fields, stored)
            with open_text(file, "utf-8") as (taken, text):
                window = Window(text, self._block, file.name)
                for records, there in json_lines(window, place):
                    people = [self._hashes.joined(one) if self._hashes else one for _, one in records]
                    yield Batch(people, {"job": job, **there}, min(1.0, taken.taken / file.size))

    def _begun(self, job: str, stored: IO[bytes]) -> tuple[str, File]:
        """The export that a run has read from already: no other one can take its place."""
        try:
            return job, self._fetched(job, stored)
        except AbsentError as error:
            raise SourceError(f"The export that this run reads from is gone. {error.what}", _AFRESH) from None

    def _new(self, fields: Sequence[str], stored: IO[bytes]) -> tuple[str, File]:
        """Another export, and one more where it comes to nothing: nobody has been read from it."""
        job = self._ordered(fields)
        try:
            return job, self._fetched(job, stored)
        except AbsentError as error:
            _log.warning("%s Another export is begun.", error.what)
        job = self._ordered(fields)
        return job, self._fetched(job, stored)

    def _ordered(self, fields: Sequence[str]) -> str:
        """Create an export job and give its id."""
        roots = {re.split(r"[.\[]", field)[0] for field in fields} - {HASH}
        names = dict.fromkeys(("user_id", *(("identities",) if self._hashes else ()), *sorted(roots)))
        if len(names) > MOST_FIELDS:
            raise SourceError(
                f"The mapping reads {len(names)} fields; a job of Auth0 exports {MOST_FIELDS}.",
                "Map fewer, or export files and read them with `kind: auth0_export`.",
            )
        connection = {"connection_id": self._settings.connection_id} if self._settings.connection_id else {}
        order = {"format": "json", "fields": [{"name": name} for name in names], **connection}
        job, _ = self._api.post_json("/jobs/users-exports", json=order)
        return str(job["id"])

    def _fetched(self, job: str, stored: IO[bytes]) -> File:
        """Store the file of a job; its link is good for a minute, so that each try asks for a new one."""
        retrying("The export", attempts=_LINKS, sleep=self._sleep)(self._fetched_once, job, stored)
        size = stored.seek(0, 2)
        stored.seek(0)
        return File("the export of Auth0.gz", size, "", lambda: stored)

    def _fetched_once(self, job: str, stored: IO[bytes]) -> None:
        link = self._finished(job)
        try:
            self._api.download(link, stored, "the export")
        except SourceError as error:
            raise _of_link(error) from None
        stored.seek(0)
        if stored.read(2) != _GZIP:
            raise RetryError("The export is no gzip file.")

    def _finished(self, job: str) -> str:
        """Wait until a job is done, and give a new link to its file.

        Raises:
            AbsentError: there is no such job any more, it has failed, or its file is gone.
            SourceError: it takes too long.
        """
        waited, turn = 0.0, 0
        while (told := self._job(job)).get("status") in _WORKING:
            if waited >= self._settings.wait_seconds:
                raise SourceError(f"The export job is not done after {waited:,.0f} s.", "Set wait_seconds.")
            pause = _PAUSES[min(turn, len(_PAUSES) - 1)]
            self._sleep(pause)
            waited, turn = waited + pause, turn + 1
        if told.get("status") == "completed" and told.get("location"):
            return str(told["location"])
        what = "has no file any more" if told.get("status") == "completed" else "has failed"
        raise AbsentError(f"The export job {what}.", "Resume later; where it stays so, ask Auth0 why.")

    def _job(self, job: str) -> dict[str, Any]:
        told, _ = self._api.get_json(f"/jobs/{job}", "/jobs/ID")
        return told if isinstance(told, dict) else {}


def _of_link(error: SourceError) -> SourceError | RetryError:
    """A link that is refused has expired, whatever the store calls that: the next try has a new one."""
    if not _REFUSED.search(error.what):
        return error
    return RetryError(
        f"Its file was asked for by a new link each time. {error.what}",
        "Resume later; where it stays so, begin a new run with `--new`.",
    )


def _signer(settings: Auth0Settings, place: str) -> ClientCredentials:
    secret = settings.client_secret.get_secret_value()
    form = {"client_id": settings.client_id, "client_secret": secret, "audience": f"{place}/api/v2/"}
    return ClientCredentials(f"{place}/oauth/token", form)
