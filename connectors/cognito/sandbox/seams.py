"""The places where moto is changed from outside, and the check that each is still there.

moto is pinned exactly, since all of these names are internal. A name that is gone or takes other
arguments stops the start with a text that says so, instead of a wrong answer later.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from moto import backends
from moto.cognitoidp import models
from moto.core import responses

from connectors.cognito.sandbox.credentials import check_password
from connectors.cognito.sandbox.directory import directory_of, find_user
from connectors.cognito.sandbox.refusals import AliasTakenError
from connectors.cognito.sandbox.shortcuts import (
    list_of_moto_modules,
    load_resource,
    method_names_from_class,
)
from connectors.cognito.sandbox.stored_user import StoredUser
from connectors.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

    from connectors.cognito.sandbox.moto_types import MotoBackend, MotoPool


@dataclass(frozen=True, slots=True)
class Seam:
    """One name of moto's that is replaced.

    Attributes:
        owner: class or module that holds it.
        name: the name.
        parameters: the parameters that it takes today.
        replacement: what stands there from then on; takes the same ones.
    """

    owner: Any
    name: str
    parameters: tuple[str, ...]
    replacement: Callable[..., Any]


def _get_user(self: MotoPool, username: str) -> StoredUser | None:
    """Look a user up where moto scans all of them."""
    return find_user(self, username)


def _validate_password(self: MotoBackend, user_pool_id: str, password: str) -> None:
    """Judge every password by the same policy, also those of moto's own operations."""
    check_password(self.describe_user_pool(user_pool_id), password)


def _verify_email_is_not_used(self: MotoBackend, user_pool_id: str, email: str | None) -> None:
    """Look a taken address up where moto scans all users (F5.11)."""
    names = directory_of(self.describe_user_pool(user_pool_id))
    if (
        email
        and "email" in names.names.username_attributes
        and names.holder("email", names.names.fold(email))
    ):
        raise AliasTakenError("email")


def seams() -> tuple[Seam, ...]:
    """Return all of them."""
    pool, backend = models.CognitoIdpUserPool, models.CognitoIdpBackend
    created = ("user_pool_id", "username", "password", "status", "attributes")
    return (
        Seam(pool, "_get_user", ("self", "username"), _get_user),
        Seam(backend, "_validate_password", ("self", "user_pool_id", "password"), _validate_password),
        Seam(
            backend, "_verify_email_is_not_used", ("self", "user_pool_id", "email"), _verify_email_is_not_used
        ),
        Seam(models, "CognitoIdpUser", created, StoredUser),
        Seam(models, "load_resource", ("resource",), load_resource),
        Seam(backends, "list_of_moto_modules", (), list_of_moto_modules),
        Seam(responses, "method_names_from_class", ("clazz",), method_names_from_class),
    )


RELIED_ON = (
    ("sign_up", "CognitoIdpUser", "it makes its users by the name that is replaced"),
    ("sign_up", "_get_user", "it looks users up by the function that is replaced"),
    ("admin_get_user", "_get_user", "it looks users up by the function that is replaced"),
    ("create_user_pool", "user_pools", "it keeps pools where requests look for them"),
    ("admin_delete_user", "users", "it deletes from the table that keeps the index"),
)
"""Functions of moto's backend, a name that each must use, and why."""


def check_seams() -> None:
    """Make sure that moto is what this was written for.

    Raises:
        ConfigurationError: names every seam that is gone or changed.
    """
    broken = [f"{seam.owner.__name__}.{seam.name}" for seam in seams() if not _fits(seam)]
    broken += [f"{name} ({why})" for name, used, why in RELIED_ON if used not in _names_in(name)]
    if broken:
        raise ConfigurationError(
            f"moto's internals changed, so that the local Cognito cannot stand on them: {', '.join(broken)}.",
            "Install the moto version that pyproject.toml pins.",
        )


def install_seams() -> None:
    """Check every seam, then put the replacements in; a second time it changes nothing.

    Raises:
        ConfigurationError: see ``check_seams``; nothing was replaced.
    """
    check_seams()
    for seam in seams():
        setattr(seam.owner, seam.name, seam.replacement)


def _fits(seam: Seam) -> bool:
    present = getattr(seam.owner, seam.name, None)
    return present is not None and tuple(inspect.signature(present).parameters) == seam.parameters


def _names_in(function: str) -> tuple[str, ...]:
    code: CodeType | None = getattr(getattr(models.CognitoIdpBackend, function, None), "__code__", None)
    return code.co_names if code else ()
