"""AdminCreateUser, as strict as Cognito's (F5.1-F5.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moto.cognitoidp.exceptions import InvalidParameterException

from connectors.cognito.sandbox.attributes import (
    check_values,
    missing_attributes,
    refuse_unbacked,
    require_attributes,
)
from connectors.cognito.sandbox.credentials import check_password, generated_password, is_passwordless
from connectors.cognito.sandbox.directory import add_user, find_user, named
from connectors.cognito.sandbox.messages import count_messages, refuse_messages
from connectors.cognito.sandbox.refusals import (
    UnsupportedUserStateError,
    broken_constraint,
    user_not_found,
)
from connectors.cognito.sandbox.request import SandboxRequest
from connectors.cognito.sandbox.sign_in_names import check_username
from connectors.cognito.sandbox.stored_user import StoredUser, flat

if TYPE_CHECKING:
    from connectors.cognito.sandbox.moto_types import MotoPool

WAITING = "FORCE_CHANGE_PASSWORD"
CONTACT_OF = {"EMAIL": "email", "SMS": "phone_number"}


class UserCreation(SandboxRequest):
    """AdminCreateUser and its RESEND."""

    def admin_create_user(self) -> str:
        """Create a user, or invite an existing one again."""
        pool = self.backend.describe_user_pool(self._get_param("UserPoolId"))
        action = self._get_param("MessageAction")
        if action not in {None, "RESEND", "SUPPRESS"}:
            raise InvalidParameterException(
                broken_constraint("messageAction", "satisfy enum value set: [RESEND, SUPPRESS]")
            )
        user = self._resend(pool) if action == "RESEND" else self._create(pool)
        return self.answer({"User": user.to_json(extended=True)})

    def _create(self, pool: MotoPool) -> StoredUser:
        username = self._get_param("Username")
        check_username(username)
        given = {
            name: value for name, value in flat(self._get_param("UserAttributes") or []).items() if value
        }
        _, attributes = named(pool, username, given)
        check_values(pool, attributes, creating=True)
        refuse_unbacked(attributes)
        password = self._temporary_password(pool)
        _require(pool, attributes, has_password=password is not None)
        media = self._media(pool, attributes)
        user = add_user(
            pool,
            username,
            given,
            status=WAITING if password else "CONFIRMED",
            force_alias=bool(self._get_param("ForceAliasCreation")),
        )
        user.came_by(self.settings.clock_offset_seconds)
        self._give(user, password)
        count_messages(pool, "invitation", media)
        return user

    def _resend(self, pool: MotoPool) -> StoredUser:
        """Renew the temporary password and its life; everything else stays (F5.2)."""
        user = find_user(pool, self._get_param("Username"))
        if user is None:
            raise user_not_found()
        if user.status != WAITING:
            raise UnsupportedUserStateError
        password = self._temporary_password(pool)
        media = self._media(pool, user.attribute_lookup)
        self._give(user, password)
        user.touch()
        count_messages(pool, "invitation", media)
        return user

    def _temporary_password(self, pool: MotoPool) -> str | None:
        """Return the given or a generated password; None for a user without one (F5.3, F5.4)."""
        password: str | None = self._get_param("TemporaryPassword")
        if password:
            check_password(pool, password)
            return password
        return None if is_passwordless(pool) else generated_password(pool)

    def _give(self, user: StoredUser, password: str | None) -> None:
        user.password = password
        user.temporary_since = self.sandbox.now() if password else None

    def _media(self, pool: MotoPool, attributes: dict[str, str]) -> list[str]:
        """Return the media of the invitation; a medium that is named needs its contact (F5.2)."""
        if self._get_param("MessageAction") == "SUPPRESS":
            return []
        media: list[str] = self._get_param("DesiredDeliveryMediums") or []
        for medium in media:
            if not attributes.get(CONTACT_OF.get(medium, "")):
                raise InvalidParameterException(f"User has no contact for the medium {medium}.")  # text ours
        refuse_messages(pool, media)
        return media or ["SMS"]


def _require(pool: MotoPool, attributes: dict[str, str], *, has_password: bool) -> None:
    """Demand required attributes that nobody can supply later (F5.4, F5.5)."""
    if not has_password or not all(rule.mutable for rule in missing_attributes(pool, attributes)):
        require_attributes(pool, attributes)
