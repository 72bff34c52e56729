"""One user into the pool with ``AdminCreateUser``, whatever gets lost on the way.

There is no idempotency token (F5.10). A reply that got lost, and a name that is taken although nobody had
it, are settled by asking the pool and comparing, never by assuming.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from connectors.cognito.admin_users import CreatedUser, create_user, set_permanent_password
from connectors.errors import AskThePoolError, RetryError, TargetError, UserRefusedError
from connectors.records import ENABLED, PASSWORD, USERNAME
from connectors.retry import retrying
from flows.steps.columns import NAME_IN_POOL, SUB, VERDICT, WHY
from flows.steps.existing import was_there
from flows.steps.reading_pool import CREATED, look_up
from mappings.duplicates import ORDINAL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_cognito_idp.literals import DeliveryMediumTypeType

    from flows.steps.context import Context

LACKS: Final = "lacks"
"""Column: reason code of a password that the pool refused for a user whom it had just taken."""

WAITING: Final = "FORCE_CHANGE_PASSWORD"
"""Status of a user who has not set a password, and for whom none was set (F5.1)."""

CONTACTS: Final[Mapping[str, tuple[DeliveryMediumTypeType, str]]] = {
    "sms": ("SMS", "phone_number"),
    "email": ("EMAIL", "email"),
}
"""Medium of the run file → medium of the API, and the attribute that it is sent to."""

TRIES: Final = 3
"""How often a user is sent whose reply got lost and whom the pool does not have."""

LOOKS: Final = 4
"""How often the pool is asked for a user who must be there: it is eventually consistent (F5.15)."""

SKEW: Final = timedelta(minutes=5)
"""AWS refuses requests of a clock that is further off, so that the run's own times are that good."""


@dataclass
class _Counted:
    """A call, and how often it was made: a second one may meet what the first one did."""

    call: Callable[[], CreatedUser]
    made: int = 0

    def __call__(self) -> CreatedUser:
        self.made += 1
        return self.call()


class Creator:
    """Creates users; its methods may be called from several threads.

    Args:
        context: the run.
        pause: sleeps so many seconds between two tries.
        begun_before: whether an earlier start may have created some of the users.
    """

    def __init__(self, context: Context, pause: Callable[[float], None], *, begun_before: bool) -> None:
        self._context = context
        self._client = context.cognito
        self._attributes = context.attributes
        self._settings = context.loaded.settings.admin_create_user
        self._pause = pause
        self._begun_before = begun_before
        self._since = datetime.fromtimestamp(context.ledger.run().created, UTC) - SKEW

    def create(self, user: Mapping[str, Any]) -> dict[str, Any]:
        """Create one user with their password, unless an earlier start has; return the outcome."""
        row = {
            ORDINAL: user[ORDINAL],
            VERDICT: "failed",
            WHY: None,
            SUB: None,
            NAME_IN_POOL: None,
            LACKS: None,
        }
        try:
            made, verdict = self._make(user)
        except UserRefusedError as error:
            return row | {WHY: error.code}
        row |= {VERDICT: verdict, SUB: made.sub, NAME_IN_POOL: made.username}
        if verdict == "created" and made.status == WAITING and self._needs_password(user):
            row[LACKS] = self._set_password(made.username, user)
        return row

    def _make(self, user: Mapping[str, Any]) -> tuple[CreatedUser, str]:
        """Create, and tell the verdict; in doubt ask the pool.

        A password that the policy refuses is refused here, before there is a user.
        """
        attributes = {name: user[name] for name in self._attributes if user[name] is not None}
        call = _Counted(self._call(user, attributes | self._mark))
        for _ in range(TRIES):
            refused = False
            try:
                return retrying("AdminCreateUser", sleep=self._pause)(call), "created"
            except AskThePoolError:
                found = self._find(user[USERNAME], looks=LOOKS)
            except UserRefusedError as error:
                if error.code != "username_exists":
                    raise
                refused = True  # to a first call it says that somebody else has made the user
                found = self._find(user[USERNAME], looks=LOOKS if self._begun_before else 1)
                if found is None:  # the name is free, so it is an alias that somebody has (F5.8)
                    raise UserRefusedError("alias_taken", error.what, error.mend) from None
            if found is not None:
                made = CreatedUser(found["username"], found["sub"], found["status"])
                in_doubt = self._begun_before or call.made > 1 or not refused
                return made, "created" if in_doubt and self._is_ours(found, attributes) else "existing"
        raise TargetError(
            f"AdminCreateUser got no reply in {TRIES} tries, and the pool does not have the user.",
            "Check the network, then run the same command again: it goes on from here.",
        )

    def _call(self, user: Mapping[str, Any], attributes: Mapping[str, str]) -> Callable[[], CreatedUser]:
        return partial(
            create_user,
            self._client,
            self._context.schema,
            user[USERNAME],
            attributes,
            temporary_password=password_of(user),
            invite=invited_by(user, self._settings.invite),
            force_alias=self._settings.alias_clash == "force",
        )

    @property
    def _mark(self) -> dict[str, str]:
        """The run's id in the marker attribute, where the run file names one."""
        return {self._settings.marker: self._context.ledger.run_id} if self._settings.marker else {}

    def _find(self, name: str, *, looks: int) -> dict[str, Any] | None:
        """Ask the pool for a user, more than once for one who was made a moment ago."""
        for look in range(looks):
            if look:
                self._pause(2.0**look)
            for found in look_up(self._context, pl.Series([name])):
                return found.row(0, named=True)
        return None

    def _is_ours(self, there: Mapping[str, Any], attributes: Mapping[str, str]) -> bool:
        """Whether the run itself made a user: by the marker, else by all that can be compared.

        That is: was not there before the run, came after it began, and has just what the source has.
        """
        if self._mark:
            return all(there.get(name) == value for name, value in self._mark.items())
        has_all = all(there.get(name) == value for name, value in attributes.items())
        return has_all and there[CREATED] >= self._since and not was_there(self._context, there["sub"])

    def _needs_password(self, user: Mapping[str, Any]) -> bool:
        """Who brings a password gets it; who has a verified contact gets a random one that nobody knows.

        With a temporary password only, "forgot password" is refused (F7.18) and nobody could ever sign
        in; with a permanent one the user is ``CONFIRMED`` (F7.5) and can ask for a code at the verified
        contact. Who is invited needs the temporary one.
        """
        if invited_by(user, self._settings.invite):
            return False
        verified = any(user.get(f"{contact}_verified") == "true" for contact in ("email", "phone_number"))
        return password_of(user) is not None or (verified and user[ENABLED])

    def _set_password(self, username: str, user: Mapping[str, Any]) -> str | None:
        """Set the password for good; returns the reason code of a refusal: the user is there all the same."""
        call = partial(
            set_permanent_password, self._client, self._context.schema.pool_id, username, password_of(user)
        )

        def once() -> None:
            try:
                call()
            except AskThePoolError as error:  # the same password may be set again
                raise RetryError(error.what, error.mend) from None

        try:
            retrying("AdminSetUserPassword", sleep=self._pause)(once)
        except UserRefusedError as error:
            return error.code
        return None


def password_of(user: Mapping[str, Any]) -> str | None:
    """The password that the user brings; a disabled user gets none that anybody knows."""
    return str(user[PASSWORD]) if user[PASSWORD] is not None and user[ENABLED] else None


def invited_by(user: Mapping[str, Any], media: tuple[str, ...]) -> tuple[DeliveryMediumTypeType, ...]:
    """The media by which a user is invited: those that are asked for and that the user has a contact for.

    Whoever brings a password keeps it, and whoever is disabled cannot sign in: neither is invited.
    """
    if not user[ENABLED] or user[PASSWORD] is not None:
        return ()
    return tuple(medium for medium, contact in map(CONTACTS.__getitem__, media) if user.get(contact))
