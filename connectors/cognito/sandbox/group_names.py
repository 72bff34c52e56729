"""Operations on a group refuse what the API's model takes for no name of one (F7.19); moto takes any text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.cognito.sandbox.arguments import check_arguments
from connectors.cognito.sandbox.request import SandboxRequest

if TYPE_CHECKING:
    from moto.core.responses import ActionResult


class GroupOperations(SandboxRequest):
    """Every operation that takes a ``GroupName``."""

    def create_group(self) -> ActionResult:
        """Make a group."""
        self._check()
        return super().create_group()

    def get_group(self) -> ActionResult:
        """Describe a group."""
        self._check()
        return super().get_group()

    def update_group(self) -> ActionResult:
        """Change a group."""
        self._check()
        return super().update_group()

    def delete_group(self) -> ActionResult:
        """Delete a group."""
        self._check()
        return super().delete_group()

    def admin_add_user_to_group(self) -> ActionResult:
        """Put a user into a group."""
        self._check()
        return super().admin_add_user_to_group()

    def admin_remove_user_from_group(self) -> ActionResult:
        """Take a user out of a group."""
        self._check()
        return super().admin_remove_user_from_group()

    def list_users_in_group(self) -> ActionResult:
        """Tell who is in a group."""
        self._check()
        return super().list_users_in_group()

    def _check(self) -> None:
        check_arguments(self._get_action(), self.arguments)
