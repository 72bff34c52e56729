"""What Cognito is answered for a person who may come in, by the rules of the trigger (F6.4-F6.18)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .names import folded

if TYPE_CHECKING:
    from .settings import Settings
    from .store import Person

NEVER = ("sub", "identities", "username")
"""A ``sub`` makes the migration fail (F6.11); the username has a rule of its own (F6.10)."""


def answer_for(person: Person, typed: str, settings: Settings, *, confirmed: bool) -> dict[str, Any]:
    """Write the event's response.

    Args:
        person: who comes in.
        typed: the name of the request.
        settings: the pool's.
        confirmed: True where the password was right, which the pool then keeps (F6.5); False asks for a new
            one.
    """
    attributes = {name: value for name, value in person.attributes.items() if name not in NEVER}
    return {
        "userAttributes": {**attributes, **_named(person, attributes, typed, settings)},
        "finalUserStatus": "CONFIRMED" if confirmed else "RESET_REQUIRED",
        "messageAction": "SUPPRESS",
        "forceAliasCreation": False,
    }


def can_get_a_code(person: Person) -> bool:
    """Whether the person has a verified contact that a code can be sent to."""
    return any(
        person.attributes.get(name) and person.attributes.get(f"{name}_verified") == "true"
        for name in ("email", "phone_number")
    )


def _named(person: Person, attributes: dict[str, str], typed: str, settings: Settings) -> dict[str, str]:
    """Put the typed name where the pool wants it.

    An address or number in place of a username goes into its attribute as it was typed, without a username
    (F6.18); a typed alias goes into its attribute, and the username is the person's own (F6.10); else the
    username is left out, and what was typed becomes it.
    """
    for name in (*settings.username_attributes, *settings.alias_attributes):
        value = attributes.get(name, "")
        if value and _same(value, typed, settings):
            own = {"username": person.username} if name in settings.alias_attributes else {}
            return {name: typed, **own}
    return {}


def _same(one: str, other: str, settings: Settings) -> bool:
    sensitive = settings.case_sensitive
    return folded(one, case_sensitive=sensitive) == folded(other, case_sensitive=sensitive)
