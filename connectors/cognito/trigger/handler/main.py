"""The function: ``poolferry_trigger.main.handler``.

It logs one word a sign-in and never the event, which holds the password in the clear (F6.20). Whoever is
unknown or has a wrong password gets an empty response (F6.19); an exception, which makes Cognito ask again,
only means that the table or an old system could not be asked.
"""

from __future__ import annotations

import base64
import os
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

from .answers import answer_for, can_get_a_code
from .live import Checker, HashChecker, checker
from .names import folded, key_of
from .settings import Secrets, Settings, encryption_context
from .store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping

AUTHENTICATION, FORGOT_PASSWORD = "UserMigration_Authentication", "UserMigration_ForgotPassword"
UNKNOWN: Mapping[str, Any] = {}


class CannotAskError(Exception):
    """What Cognito, and perhaps the person, is told when something is broken: nothing of it."""


class Trigger:
    """The function with its settings read and its secrets decrypted.

    Args:
        settings: the deployment's.
        secrets: the deployment's.
        store: the table.
        check: what checks passwords.
    """

    def __init__(self, settings: Settings, secrets: Secrets, store: Store, check: Checker) -> None:
        self._settings = settings
        self._secrets = secrets
        self._store = store
        self._check = check

    def answer(self, event: dict[str, Any]) -> dict[str, Any]:
        """Answer an event: the same event with its response filled or empty (F6.4)."""
        source, name = event["triggerSource"], event["userName"]
        if source == AUTHENTICATION:
            outcome, response = self._authenticate(name, event["request"]["password"])
        elif source == FORGOT_PASSWORD and self._settings.forgot_password:
            outcome, response = self._forgot(name)
        else:
            outcome, response = "not_asked", UNKNOWN
        _say(outcome)
        if outcome != "arrived":
            self._store.count(outcome)
        return {**event, "response": dict(response)}

    def _authenticate(self, name: str, password: str) -> tuple[str, Mapping[str, Any]]:
        key = self._key(name)
        person = self._store.find(key)
        if not self._admits(person.key if person else key):
            return "too_many_tries", UNKNOWN
        if not self._check.fits(person, name, password):
            return "wrong_password" if person else "unknown", UNKNOWN
        assert person is not None  # noqa: S101 - a checker never lets nobody in
        self._store.arrive(person, "password")
        return "arrived", answer_for(person, name, self._settings, confirmed=True)

    def _forgot(self, name: str) -> tuple[str, Mapping[str, Any]]:
        """Bring somebody in without a password, so that Cognito can send them a code."""
        key = self._key(name)
        person = self._store.find(key)
        if not self._admits(person.key if person else key):
            return "too_many_tries", UNKNOWN
        if person is None:
            return "unknown", UNKNOWN
        if not can_get_a_code(person):
            return "no_verified_contact", UNKNOWN
        self._store.arrive(person, "forgot_password")
        return "arrived", answer_for(person, name, self._settings, confirmed=False)

    def _key(self, name: str) -> str:
        return key_of(self._secrets.name_key, folded(name, case_sensitive=self._settings.case_sensitive))

    def _admits(self, key: str) -> bool:
        return self._store.admit(key, self._settings.tries, self._settings.window_seconds)


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Lambda's entry."""
    try:
        return _trigger().answer(event)
    except Exception as error:  # noqa: BLE001 - its text may hold what was sent
        _say(f"error {type(error).__name__}")
        _count_error()
        raise CannotAskError("The old user directory cannot be asked just now") from None


@cache
def _trigger() -> Trigger:
    settings = Settings.read(os.environ)
    secrets = _decrypted(settings)
    hashed = HashChecker(secrets.parameters, secrets.decoy)
    return Trigger(settings, secrets, Store(settings.table), checker(settings.live, secrets.live, hashed))


def _decrypted(settings: Settings) -> Secrets:
    import boto3  # noqa: PLC0415 - at a cold start only
    from botocore.config import Config  # noqa: PLC0415 - same

    bounds = Config(connect_timeout=1, read_timeout=1.5, retries={"total_max_attempts": 2})
    opened = boto3.client("kms", config=bounds).decrypt(
        CiphertextBlob=base64.b64decode(os.environ["POOLFERRY_SECRETS"]),
        EncryptionContext=encryption_context(settings.table),
    )
    return Secrets.parse(opened["Plaintext"])


def _count_error() -> None:
    try:
        Store(Settings.read(os.environ).table).count("error")
    except Exception as error:  # noqa: BLE001 - the table may be what is broken
        _say(f"uncounted {type(error).__name__}")


def _say(outcome: str) -> None:
    sys.stdout.write(f"poolferry-trigger: {outcome}\n")
