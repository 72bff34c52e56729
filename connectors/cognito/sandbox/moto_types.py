"""Names for what moto hands over. moto ships no types, so that each is ``Any``; the name says what comes."""

from __future__ import annotations

from typing import Any, TypeAlias

MotoPool: TypeAlias = Any
"""A ``CognitoIdpUserPool``."""

MotoClient: TypeAlias = Any
"""A ``CognitoIdpUserPoolClient``: an app client."""

MotoProvider: TypeAlias = Any
"""A ``CognitoIdpIdentityProvider``."""

MotoAttribute: TypeAlias = Any
"""A ``CognitoIdpUserPoolAttribute``: one attribute of a schema."""

MotoBackend: TypeAlias = Any
"""A ``CognitoIdpBackend``: one account and Region."""

MotoAnswer: TypeAlias = Any
"""What an operation returns: a text, an ``ActionResult`` or moto's tuple of status, headers and body."""

MotoArgument: TypeAlias = Any
"""One argument of a call, as JSON brings it."""
