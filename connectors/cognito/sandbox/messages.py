"""Messages that Cognito would have sent: nothing is sent here, everything is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from connectors.cognito.sandbox.attributes import settings_of
from connectors.cognito.sandbox.meters import meters_of
from connectors.cognito.sandbox.refusals import LimitExceededError

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable

    from connectors.cognito.sandbox.moto_types import MotoPool

Occasion = Literal["invitation", "verification", "recovery"]
Medium = Literal["SMS", "EMAIL"]

MEDIUM_OF: dict[str, Medium] = {"email": "EMAIL", "phone_number": "SMS"}


def count_messages(pool: MotoPool, occasion: Occasion, media: Iterable[str]) -> None:
    """Count messages to one user as ``occasion/medium``.

    An invitation counts in the medium that was asked for (SMS where none was: F5.2) even if the
    user has no such contact: what matters is that the call would have sent something.
    """
    meters = meters_of(pool.account_id, pool.region)
    with meters.lock:
        meters.messages.update(f"{occasion}/{medium}" for medium in media)


def refuse_messages(pool: MotoPool, media: Iterable[str]) -> None:
    """Refuse a call that would send an e-mail too many, before it changes anything (F5.12).

    Raises:
        LimitExceededException: the e-mails of the day are used up.
    """
    limit, messages = settings_of(pool).daily_email_limit, meters_of(pool.account_id, pool.region).messages
    if limit is not None and "EMAIL" in media and _emails(messages) >= limit:
        raise LimitExceededError("Exceeded daily email limit for the operation or the account.")


def _emails(messages: Counter[str]) -> int:
    return sum(count for name, count in messages.copy().items() if name.endswith("/EMAIL"))
