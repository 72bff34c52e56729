"""Operations on a group refuse what the API's model takes for no name of one (F7.19); moto takes any text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl
from moto.cognitoidp.exceptions import InvalidParameterException

from connectors.cognito.sandbox.refusals import broken_constraint
from connectors.cognito.sandbox.request import SandboxRequest

if TYPE_CHECKING:
    from moto.core.responses import ActionResult

MAX_NAME: Final = 128
PATTERN: Final = r"[\p{L}\p{M}\p{S}\p{N}\p{P}]+"
"""``max`` and ``pattern`` of the model's ``GroupNameType``."""


class GroupOperations(SandboxRequest):
    """Every operation that takes a ``GroupName``."""

    def create_group(self) -> ActionResult:
        """Make a group."""
        self._check_group_name()
        return super().create_group()

    def get_group(self) -> ActionResult:
        """Describe a group."""
        self._check_group_name()
        return super().get_group()

    def update_group(self) -> ActionResult:
        """Change a group."""
        self._check_group_name()
        return super().update_group()

    def delete_group(self) -> ActionResult:
        """Delete a group."""
        self._check_group_name()
        return super().delete_group()

    def admin_add_user_to_group(self) -> ActionResult:
        """Put a user into a group."""
        self._check_group_name()
        return super().admin_add_user_to_group()

    def admin_remove_user_from_group(self) -> ActionResult:
        """Take a user out of a group."""
        self._check_group_name()
        return super().admin_remove_user_from_group()

    def list_users_in_group(self) -> ActionResult:
        """Tell who is in a group."""
        self._check_group_name()
        return super().list_users_in_group()

    def _check_group_name(self) -> None:
        """Refuse what is no name of a group.

        Raises:
            InvalidParameterException: it has white space or a control character, or is too short or long.
        """
        name = str(self._get_param("GroupName") or "")
        if not 1 <= len(name) <= MAX_NAME:
            raise InvalidParameterException(
                broken_constraint("groupName", f"have length between 1 and {MAX_NAME}")
            )
        if not pl.Series([name]).str.contains(f"^{PATTERN}$").item():
            raise InvalidParameterException(
                broken_constraint("groupName", f"satisfy regular expression pattern: {PATTERN}")
            )
