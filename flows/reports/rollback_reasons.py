"""Why a rollback leaves a user alone, in words for people."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from mappings.reasons_problems import Reason, listed

if TYPE_CHECKING:
    from collections.abc import Mapping

ROLLBACK_REASONS: Mapping[str, Reason] = MappingProxyType(
    listed(
        (
            Reason(
                "sub_unknown",
                "The run does not know the user's `sub`, so nothing tells them from another of that name.",
                "F1.42",
                "Nobody is deleted by name alone. A run with `verify: full` knows everybody's `sub`.",
            ),
            Reason(
                "not_read_back",
                "The run has not read the user back, so nobody can tell whether they have changed since.",
                "",
                "A run with `verify: full` reads everybody back. Look at the user, and delete them yourself.",
            ),
            Reason(
                "replaced",
                "The pool has another user of that name, whom the run did not make.",
                "F1.42",
                "Nothing is to be done: the run's user is gone.",
            ),
            Reason(
                "status_moved",
                "The user's status is not the one that the run left: they have set a password or signed in.",
                "F7.2",
                "They use the pool: leave them, or talk to them before you delete them yourself.",
            ),
            Reason(
                "changed_since",
                "The user was changed since the run: an attribute, access, or the date of the last change.",
                "",
                "Somebody works with this user: find out who before you delete them yourself.",
            ),
            Reason(
                "may_have_signed_in",
                "The user could sign in from the start, and a sign-in leaves no trace that is documented.",
                "F2.11",
                "If no application has used the pool yet, say so with `--confirmed-too`.",
            ),
            Reason(
                "invalid_parameter",
                "The pool has the user, and refused to delete them.",
                "",
                "Look at the user in the pool, and delete them yourself.",
            ),
        )
    )
)
"""Code → what it means and what to do; in the order in which a reason is chosen."""
