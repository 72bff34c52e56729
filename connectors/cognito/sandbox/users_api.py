"""All strict user operations in one class, to be composed with the other operations of the sandbox."""

from __future__ import annotations

from connectors.cognito.sandbox.group_names import GroupOperations
from connectors.cognito.sandbox.identities import IdentityOperations
from connectors.cognito.sandbox.limits_api import LimitOperations
from connectors.cognito.sandbox.list_users import UserListing
from connectors.cognito.sandbox.password_reset import PasswordResets
from connectors.cognito.sandbox.pool_api import PoolOperations
from connectors.cognito.sandbox.sign_in import SignIn
from connectors.cognito.sandbox.user_changes import UserChanges
from connectors.cognito.sandbox.user_creation import UserCreation

__all__ = ["StrictUserOperations"]


class StrictUserOperations(
    UserCreation,
    UserChanges,
    UserListing,
    IdentityOperations,
    GroupOperations,
    PasswordResets,
    SignIn,
    PoolOperations,
    LimitOperations,
):
    """moto's Cognito with users, pools and rates made as strict as the fact sheet says.

    Compose it with a sandbox, which also puts moto's seams in place::

        class Response(StrictUserOperations):
            sandbox = state

        urls.url_paths["{0}/$"] = Response.dispatch
    """
