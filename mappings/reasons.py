"""Why a user does not land the way the run wanted: every reason code, in words for people.

A code is either one of ``REASONS``, or an attribute's name and one of ``PROBLEMS``:
``email_invalid``, ``custom:tenant_too_long``.
"""

from __future__ import annotations

import re

from connectors.errors import ConfigurationError, unknown_name
from mappings.reasons_listed import REASONS
from mappings.reasons_problems import PLACE, PROBLEMS, Reason

__all__ = ["PROBLEMS", "REASONS", "Reason", "reason"]

_NAMED = re.compile(
    r"address|birthdate|email|email_verified|family_name|gender|given_name|locale|middle_name|name|nickname"
    r"|phone_number|phone_number_verified|picture|preferred_username|profile|updated_at|website|zoneinfo"
    r"|username|password|password_hash|groups|enabled|mfa|identities|source_id"
    r"|(?:custom|dev):\S+"
)
"""What a code may speak of: a standard attribute, a field of the mapping, a custom attribute."""

_OF_ANY_NAME = frozenset({"unknown"})
"""Problems of a name that the pool does not have, so that the name can be any."""


def reason(code: str) -> Reason:
    """Explain a reason code.

    Raises:
        ConfigurationError: the code is neither in ``REASONS`` nor an attribute and one of ``PROBLEMS``.
    """
    known = REASONS.get(code) or _of_an_attribute(code)
    if known is None:
        names = (*REASONS, *(problem.code for problem in PROBLEMS.values()))
        raise ConfigurationError(unknown_name("reason code", code, names))
    return known


def _of_an_attribute(code: str) -> Reason | None:
    """Find the longest problem that the code ends in and that fits the name before it."""
    for problem in sorted(PROBLEMS, key=len, reverse=True):
        name = code.removesuffix(f"_{problem}")
        if name not in ("", code) and (problem in _OF_ANY_NAME or _NAMED.fullmatch(name)):
            return _speaking_of(name, PROBLEMS[problem])
    return None


def _speaking_of(name: str, problem: Reason) -> Reason:
    return Reason(
        code=problem.code.replace(PLACE, name),
        sentence=problem.sentence.replace(PLACE, name),
        fact=problem.fact,
        mend=problem.mend.replace(PLACE, name),
    )
