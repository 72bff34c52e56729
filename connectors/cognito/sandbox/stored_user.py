"""A user of the local Cognito: moto's user, lighter, with one home for its attributes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from moto.cognitoidp.models import CognitoIdpUser, UserStatus
from moto.moto_api._internal import mock_random

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

AttributeList = list[dict[str, str]]
"""Attributes as the API writes them: ``[{"Name": …, "Value": …}]``."""

_STATUSES = {status.value: status for status in UserStatus}


class StoredUser(CognitoIdpUser):  # type: ignore[misc]  # moto ships no types
    """moto's user, made for a hundred thousand of its kind.

    What is the same for nearly everyone stands on the class, so that a fresh user holds little.
    ``attribute_lookup`` is the only copy of the attributes; moto's list is made when it is asked for.

    Attributes:
        password_hash: an imported hash that no sign-in has replaced yet, or None (F2.13).
        temporary_since: when a temporary password was given, or None (F5.3).
        email_mfa_enabled: whether the second factor by e-mail is on.
        mfa_claimed: whether an import file said that MFA is active (F1.35).
        local_sign_in: False after AdminDisableProviderForUser of the provider ``Cognito``.
        linked: identities of other providers, as provider's name and subject (F7.14).
        position: place in its directory, rising; -1 while it is in none.
        on_change: takes the user and the change of its attributes; the directory sets it, so that
            the index is right whatever moto does.
    """

    enabled = True
    confirmation_code: str | None = None
    preferred_mfa_setting: str | None = None
    sms_mfa_enabled = False
    software_token_mfa_enabled = False
    email_mfa_enabled = False
    mfa_claimed = False
    token_verified = False
    local_sign_in = True
    linked: tuple[tuple[str, str], ...] = ()
    position = -1
    password_hash: str | None = None
    temporary_since: datetime | None = None
    on_change: Callable[[StoredUser, Callable[[], None]], None] | None = None
    _password: str | None = None

    def __init__(
        self,
        user_pool_id: str,
        username: str | None,
        password: str | None,
        status: str,
        attributes: AttributeList,
    ) -> None:
        """Take what moto's own sign-up hands over."""
        self._begin(user_pool_id, username, status, flat(attributes))
        self.password = password

    @classmethod
    def create(cls, pool_id: str, username: str | None, status: str, attributes: Mapping[str, str]) -> Self:
        """Make a user without a password; ``username`` None: the ``sub`` becomes the username (F1.46)."""
        user = cls.__new__(cls)
        user._begin(pool_id, username, status, attributes)  # noqa: SLF001 - its own class
        return user

    def _begin(self, pool_id: str, username: str | None, status: str, attributes: Mapping[str, str]) -> None:
        self.id = str(mock_random.uuid4())
        self.user_pool_id = pool_id
        self.username = username or self.id
        self.status = _STATUSES.get(status, status)
        self.attribute_lookup = {"sub": "", **attributes}
        self.attribute_lookup["sub"] = self.id
        self.create_date = self.last_modified_date = datetime.now(UTC)

    def came_by(self, clock_offset_seconds: float) -> None:
        """Tell the user's creation by the sandbox's clock, as everything else is told."""
        self.create_date = self.last_modified_date = self.create_date + timedelta(
            seconds=clock_offset_seconds
        )

    @property
    def attributes(self) -> AttributeList:
        """The attributes as the API writes them; a fresh list."""
        return [{"Name": name, "Value": value} for name, value in self.attribute_lookup.items()]

    @property
    def groups(self) -> set[Any]:
        """Groups that the user is in; made when it is first asked for."""
        own: set[Any] = self.__dict__.setdefault("own_groups", set())
        return own

    @property
    def password(self) -> str | None:
        """The password in the clear, as moto keeps it; None where there is none."""
        return self._password

    @password.setter
    def password(self, password: str | None) -> None:
        """Set it; whoever sets it, an imported hash is gone with it (F2.14)."""
        self._password = password
        if self.password_hash is not None:
            self.password_hash = None

    def update_attributes(self, new_attributes: AttributeList) -> None:
        """Set attributes; the others stay."""
        self.change(flat(new_attributes))

    def delete_attributes(self, attrs_to_delete: Iterable[str]) -> None:
        """Take attributes away; one that the user does not have is no error."""
        self.change({}, gone=attrs_to_delete)

    def change(self, new: Mapping[str, str], gone: Iterable[str] = ()) -> None:
        """Set and delete attributes in one step, the index of the pool included."""
        lost = frozenset(gone)

        def apply() -> None:
            kept = {name: value for name, value in self.attribute_lookup.items() if name not in lost}
            self.attribute_lookup = {**kept, **new}
            self.touch()

        if self.on_change is None:
            apply()
        else:
            self.on_change(self, apply)

    def set_status(self, status: str) -> None:
        """Give the user a ``UserStatus`` of the API."""
        self.status = _STATUSES.get(status, status)
        self.touch()

    def touch(self) -> None:
        """Note that the user was changed just now."""
        self.last_modified_date = datetime.now(UTC)

    def to_json(
        self,
        extended: bool = False,  # noqa: FBT001, FBT002 - moto calls it so
        attributes_key: str = "Attributes",
        attributes_to_get: list[str] | None = None,
    ) -> dict[str, Any]:
        """The user as an answer of the API holds it, times as epoch seconds."""
        answer: dict[str, Any] = {
            "Username": self.username,
            "UserStatus": getattr(self.status, "value", self.status),
            "UserCreateDate": self.create_date.timestamp(),
            "UserLastModifiedDate": self.last_modified_date.timestamp(),
        }
        if extended:
            answer["Enabled"] = self.enabled
            answer[attributes_key] = self._shown(attributes_to_get)
        return answer

    def _shown(self, wanted: list[str] | None) -> AttributeList:
        names = wanted or self.attribute_lookup
        lookup = self.attribute_lookup
        return [{"Name": name, "Value": lookup[name]} for name in names if name in lookup]

    @property
    def is_federated(self) -> bool:
        """Whether the user came through another provider, and signs in by no name of the pool (F7.20)."""
        return str(getattr(self.status, "value", self.status)) == "EXTERNAL_PROVIDER"

    @property
    def is_stuck(self) -> bool:
        """Whether MFA is active for the user and there is nothing to use it with (F1.35)."""
        usable = self.email_mfa_enabled or self.token_verified or self.attribute_lookup.get("phone_number")
        return self.mfa_claimed and not usable

    def factors(self) -> list[str]:
        """Second factors that are on, as ``UserMFASettingList`` names them."""
        switches = (
            ("SOFTWARE_TOKEN_MFA", self.software_token_mfa_enabled),
            ("SMS_MFA", self.sms_mfa_enabled),
            ("EMAIL_OTP", self.email_mfa_enabled),
        )
        return [name for name, on in switches if on]


def flat(attributes: AttributeList) -> dict[str, str]:
    """Attribute list to name and value; a missing value counts as empty (the model makes it optional)."""
    return {each["Name"]: each.get("Value") or "" for each in attributes}
