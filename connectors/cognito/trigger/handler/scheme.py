"""The form in which the two modules of hashes list what they know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Mapping

    Fits = Callable[[str, re.Match[str], Mapping[str, Any]], bool]
    Affordable = Callable[[re.Match[str], Mapping[str, Any]], bool]


def always(_match: re.Match[str], _parameters: Mapping[str, Any]) -> bool:
    """Say of a scheme without a cost that each of its hashes can be afforded."""
    return True


@dataclass(frozen=True, slots=True)
class Scheme:
    """One way to hash passwords.

    Attributes:
        name: what reports call it.
        pattern: matches the whole of every hash of it.
        fits: takes the password, the match and the scheme's parameters.
        is_affordable: whether a hash is cheap enough to be verified while Cognito waits.
        needs_parameters: whether its hashes lack something that the operator must give.
    """

    name: str
    pattern: str
    fits: Fits
    is_affordable: Affordable = always
    needs_parameters: bool = False


def at_most(group: int, most: int) -> Affordable:
    """Bound the number in one group of the pattern."""
    return lambda match, _parameters: int(match[group]) <= most
