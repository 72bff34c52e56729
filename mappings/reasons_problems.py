"""What can be wrong with one attribute, whichever it is: the second half of codes like ``email_invalid``."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PLACE = "<attribute>"
"""Where the attribute's name goes in a problem's code, sentence and mend."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason code, explained.

    Attributes:
        code: as it stands in verdicts and reports.
        sentence: what is wrong, for people; never with a value of a person.
        fact: the number of the fact on Cognito that it rests on (``F1.29``), or empty.
        mend: what to do about it.
    """

    code: str
    sentence: str
    fact: str
    mend: str


def listed(reasons: Iterable[Reason]) -> Mapping[str, Reason]:
    """Index reasons by their code, problems by the half behind the attribute's name."""
    return MappingProxyType({one.code.removeprefix(f"{PLACE}_"): one for one in reasons})


PROBLEMS: Mapping[str, Reason] = listed(
    (
        Reason(
            "<attribute>_backslash",
            "`<attribute>` holds a backslash, and how a CSV carries one is not documented.",
            "F1.17",
            "Let AdminCreateUser take the user, or try one on a real pool and set the option `backslashes`.",
        ),
        Reason(
            "<attribute>_invalid",
            "`<attribute>` is not in the form that the pool's schema asks for.",
            "F1.41",
            "Mend the value in the source, or give the mapping a verb, a default or `bad: drop`.",
        ),
        Reason(
            "<attribute>_line_break",
            "`<attribute>` holds a line break, a tab or another control character, which a CSV cannot carry.",
            "F1.18",
            "Let AdminCreateUser take the user, or let the mapping replace the character.",
        ),
        Reason(
            "<attribute>_missing",
            "The pool requires `<attribute>` and the user has none.",
            "F1.28",
            "Map `<attribute>` from a field that is always filled, or give it a default.",
        ),
        Reason(
            "<attribute>_not_in_csv",
            "`<attribute>` is no column of the pool's CSV header, so an import job cannot carry it.",
            "F1.11",
            "Let AdminCreateUser take the user, or leave `<attribute>` out of the mapping.",
        ),
        Reason(
            "<attribute>_not_verified",
            "The pool verifies `<attribute>` itself, so an import job takes only users with it verified.",
            "F1.29",
            "Let AdminCreateUser take the user; map the verified flag where the source knows it to be true.",
        ),
        Reason(
            "<attribute>_quotation_mark",
            "`<attribute>` holds a quotation mark, and whether a CSV may carry one is not documented.",
            "F1.15",
            "Let AdminCreateUser take the user, or try one on a real pool and set `quotation_marks`.",
        ),
        Reason(
            "<attribute>_taken",
            "An earlier user of the source signs in with the same `<attribute>`; a pool wants it unique.",
            "F1.48",
            "Decide in the source who owns it, or leave it unverified for the others.",
        ),
        Reason(
            "<attribute>_taken_in_pool",
            "Another user of the pool signs in with the same `<attribute>`; a pool wants it unique.",
            "F5.8",
            "Decide who owns it; Poolferry never moves a sign-in name from one user to another.",
        ),
        Reason(
            "<attribute>_too_high",
            "`<attribute>` is above the highest value of the pool's schema.",
            "F1.41",
            "Mend the value in the source; the bounds of a pool's attribute cannot be changed.",
        ),
        Reason(
            "<attribute>_too_long",
            "`<attribute>` is longer than the pool's schema allows.",
            "F1.41",
            "Shorten the value in the mapping; the bounds of a pool's attribute cannot be changed.",
        ),
        Reason(
            "<attribute>_too_low",
            "`<attribute>` is below the lowest value of the pool's schema.",
            "F1.41",
            "Mend the value in the source; the bounds of a pool's attribute cannot be changed.",
        ),
        Reason(
            "<attribute>_too_many_bytes",
            "`<attribute>` is over 2,048 bytes in UTF-8, the most that any attribute holds.",
            "F1.40",
            "Shorten the value in the mapping, or keep it outside the pool.",
        ),
        Reason(
            "<attribute>_too_short",
            "`<attribute>` is shorter than the pool's schema allows.",
            "F1.41",
            "Mend the value in the source; the bounds of a pool's attribute cannot be changed.",
        ),
        Reason(
            "<attribute>_unknown",
            "The pool has no attribute `<attribute>`.",
            "F1.41",
            "Add the custom attribute to the pool, or take it out of the mapping.",
        ),
    )
)
"""Problem → the reason with ``<attribute>`` where the attribute's name goes."""
