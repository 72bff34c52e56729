"""A Firebase project, or one tenant of Identity Platform, by ``accounts:batchGet``."""

from __future__ import annotations

import hashlib
import re
import time
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal
from urllib.parse import quote

from google.auth.exceptions import GoogleAuthError, TransportError
from google.auth.transport.requests import Request
from google.oauth2.service_account import Credentials
from pydantic import Field, model_validator

from connectors.errors import ConfigurationError, RetryError, SourceError
from connectors.http import session
from connectors.rest import RestApi
from connectors.rest_auth import Renewable, bearer
from connectors.sources.base import SourceSettings, SourceTraits
from connectors.sources.firebase_users import DERIVED, EXPORTED, REDACTED, with_derived
from connectors.sources.record_source import Batch, RecordSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from typing import Self

    from connectors.records import Cursor

GOOGLE: Final = "https://identitytoolkit.googleapis.com"
_SCOPE: Final = "https://www.googleapis.com/auth/identitytoolkit"
_MADE_OF: Final = {
    "customClaims": ("customAttributes",),
    "scryptHash": ("passwordHash", "salt", "version"),
    "mfa": ("mfaInfo",),
}
_KNOWN: Final = (*EXPORTED, "lastLoginAt", "validSince", "mfaInfo", "version", "tenantId", "initialEmail")


class FirebaseSettings(SourceSettings):
    """Settings of ``kind: firebase``."""

    kind: Literal["firebase"] = "firebase"
    project: str = Field(min_length=1, description="The project's id.")
    tenant: str | None = Field(default=None, description="A tenant of Identity Platform; default: none.")
    credentials: str | None = Field(
        default=None,
        description="File with the key of a service account that has `firebaseauth.users.get`, for hashes "
        "also `firebaseauth.configs.getHashConfig`; relative to the run file's folder.",
    )
    url: str = Field(
        default=GOOGLE,
        pattern=r"^https?://",
        description="Where the API is; for the emulator, which needs no credentials, "
        "`http://127.0.0.1:9099/identitytoolkit.googleapis.com`.",
    )
    page_users: int = Field(default=1000, ge=1, le=1000, description="Users a call (`maxResults`).")

    @model_validator(mode="after")
    def _who_asks(self) -> Self:
        if self.url == GOOGLE and self.credentials is None:
            raise ValueError("credentials are needed unless `url` is the emulator's")
        return self


class ServiceAccount(Renewable):
    """Tokens of Google for the key of a service account.

    Args:
        path: the key's file.

    Raises:
        ConfigurationError: it is none, or cannot be read.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        try:
            self._key = Credentials.from_service_account_file(str(path), scopes=[_SCOPE])  # type: ignore[no-untyped-call]  # google-auth has no types
        except (OSError, ValueError, GoogleAuthError):
            raise ConfigurationError(
                f"source.credentials: {path.name} is no key of a service account.",
                "Make a JSON key in the console, under Project settings, Service accounts.",
            ) from None

    def fetch(self) -> tuple[str, float]:
        """Ask the token endpoint that the key names; who called is in a retry policy already."""
        try:
            with session() as one:
                self._key.refresh(Request(one))
        except GoogleAuthError as error:
            if isinstance(error, TransportError) or error.retryable:
                raise RetryError("Google's token endpoint gave no token.", "Check the network.") from None
            raise SourceError(
                "Google's token endpoint refuses the service account.", "Make a new key for it."
            ) from None
        return str(self._key.token), 3600.0


class FirebaseSource(RecordSource):
    """Reads users by ``accounts:batchGet``; proven against Firebase's emulator, recorded and live.

    Args:
        settings: which project, and as whom.
        base: the folder that ``credentials`` begins at.
        sleep: takes seconds; tests give one that does not sleep.
    """

    traits: ClassVar[SourceTraits] = SourceTraits(
        resumable=True, live=True, delivers=frozenset({"hashes", "groups", "mfa", "identities"})
    )
    declared: ClassVar[tuple[str, ...]] = (*EXPORTED, "lastLoginAt", *DERIVED, "mfa")

    def __init__(
        self, settings: FirebaseSettings, base: Path, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._settings = settings
        tenant = f"/tenants/{quote(settings.tenant, safe='')}" if settings.tenant else ""
        self._place = f"{settings.url.rstrip('/')}/v1/projects/{quote(settings.project, safe='')}{tenant}"
        key = settings.credentials
        self._api = RestApi(
            self._place,
            ServiceAccount(base / key) if key else bearer("owner"),
            mend_401="Make a new key for the service account.",
            mend_403="Give the service account `firebaseauth.users.get`, then resume.",
            mend_404="Check `project` and `tenant`.",
            sleep=sleep,
        )

    def check(self) -> None:
        """Read one user."""
        self._listed({"maxResults": "1", "fields": "users(localId)"})

    def fingerprint(self) -> str:
        """Hash of the project's address."""
        return hashlib.sha256(self._place.encode()).hexdigest()

    def _batches(self, fields: Sequence[str], after: Cursor | None) -> Iterator[Batch]:
        asked = {"maxResults": str(self._settings.page_users), **_selected(fields)}
        token = str(after["token"]) if after else None
        while token != "":
            answer = self._listed({**asked, "nextPageToken": token} if token else asked)
            users = answer.get("users", [])
            token = str(answer.get("nextPageToken") or "") if users else ""
            if users:
                _refuse_redacted(users, fields)
                yield Batch([with_derived(user) for user in users], {"token": token})

    def _listed(self, asked: dict[str, str]) -> dict[str, Any]:
        found, _ = self._api.get_json("/accounts:batchGet", params=asked)
        if isinstance(found, dict):
            return found
        raise SourceError("GET /accounts:batchGet answered no object.", "Check `url`.")


def _refuse_redacted(users: Sequence[object], fields: Sequence[str]) -> None:
    """Refuse hashes that are hidden: they must not look like users without a password."""
    if {"passwordHash", "scryptHash"}.isdisjoint(fields):
        return
    if any(isinstance(user, dict) and user.get("passwordHash") == REDACTED for user in users):
        raise SourceError(
            "Firebase hides the password hashes from this service account.",
            "Give it `firebaseauth.configs.getHashConfig`, or write `password_hash: null` in the mapping.",
        )


def _selected(fields: Sequence[str]) -> dict[str, str]:
    """Google's parameter ``fields``: unknown names would be refused."""
    roots = (re.split(r"[.\[]", field)[0] for field in fields)
    names = {name for root in roots for name in _MADE_OF.get(root, (root,)) if name in _KNOWN}
    wanted = ",".join(sorted({"localId", *names}))
    return {"fields": f"nextPageToken,users({wanted})"} if fields else {}
