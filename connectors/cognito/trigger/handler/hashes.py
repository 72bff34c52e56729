"""Does a password fit an old hash? Every scheme that is known, by prefix or shape.

Each comparison takes the same time wherever two hashes differ. What no one knows is refused, never guessed.
``problem_of`` says beforehand which hashes are unknown, or too costly for the five seconds that Cognito waits
(F6.14); the maxima are set so that the costliest takes less than two seconds with a whole processor.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from . import hashes_crypt, hashes_derived

if TYPE_CHECKING:
    from collections.abc import Mapping

    Parameters = Mapping[str, Any]

MAX_PASSWORD = 256
"""Characters; Cognito takes no longer ones."""


@dataclass(frozen=True, slots=True)
class Known:
    """A hash whose scheme was recognised."""

    scheme: str
    match: re.Match[str]


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str], Any], ...]:
    listed = (*hashes_crypt.SCHEMES, *hashes_derived.SCHEMES)
    return tuple((each.name, re.compile(each.pattern, re.DOTALL), each) for each in listed)


def recognised(stored: str) -> Known | None:
    """Tell the scheme of a hash, or None."""
    for name, pattern, _ in _patterns():
        if match := pattern.fullmatch(stored):
            return Known(name, match)
    return None


def problem_of(stored: str, parameters: Parameters) -> str | None:
    """Say why nobody can sign in by a hash: ``unknown``, ``too_costly``, ``lacks_parameters``, or None."""
    known = recognised(stored)
    if known is None:
        return "unknown"
    scheme = _scheme(known.scheme)
    if scheme.needs_parameters and known.scheme not in parameters:
        return "lacks_parameters"
    try:
        good = scheme.is_affordable(known.match, parameters.get(known.scheme, {}))
    except (ValueError, LookupError, TypeError):
        return "unknown"
    return None if good else "too_costly"


def fits(password: str, stored: str, parameters: Parameters) -> bool:
    """Whether a password is the one that was hashed.

    Args:
        password: what was typed.
        stored: the hash in the form of its scheme.
        parameters: what the hashes of a scheme share and do not hold themselves, by scheme.
    """
    known = recognised(stored)
    if known is None or len(password) > MAX_PASSWORD or problem_of(stored, parameters):
        return False
    scheme = _scheme(known.scheme)
    try:
        return bool(scheme.fits(password, known.match, parameters.get(known.scheme, {})))
    except (ValueError, LookupError):  # a malformed hash, or a character that the scheme cannot take
        return False


def _scheme(name: str) -> Any:  # noqa: ANN401 - one of the two modules' Scheme
    return next(each for known, _, each in _patterns() if known == name)
