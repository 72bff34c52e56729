"""How calls to an API are signed, as a run file says it: exactly one way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, model_validator
from requests.auth import HTTPBasicAuth

from connectors.rest_auth import ClientCredentials, Header, bearer

if TYPE_CHECKING:
    from typing import Self

    from requests.auth import AuthBase


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class BasicAuth(_Part):
    """Name and password (RFC 7617)."""

    username: str
    password: str


class HeaderAuth(_Part):
    """A header of the API's own, an API key for example."""

    name: str
    value: str


class TokenEndpoint(_Part):
    """OAuth 2.0 client credentials (RFC 6749, section 4.4)."""

    token_url: str
    client_id: str
    client_secret: str
    scope: str | None = None
    audience: str | None = None


class RestAuth(_Part):
    """The part ``auth``; secrets come from the environment as ``${NAME}``."""

    bearer: str | None = Field(default=None, description="A token that outlives the run.")
    basic: BasicAuth | None = Field(default=None, description="`username` and `password`.")
    header: HeaderAuth | None = Field(default=None, description="`name` and `value` of a header.")
    client_credentials: TokenEndpoint | None = Field(
        default=None, description="`token_url`, `client_id`, `client_secret`, and `scope` or `audience`."
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError(f"name exactly one of {', '.join(type(self).model_fields)}")
        return self

    def signer(self) -> AuthBase:
        """Make what signs the calls."""
        if self.bearer is not None:
            return bearer(self.bearer)
        if self.basic is not None:
            return HTTPBasicAuth(self.basic.username, self.basic.password)
        if self.header is not None:
            return Header(self.header.name, self.header.value)
        return self._client_credentials()

    def _client_credentials(self) -> ClientCredentials:
        told = self.client_credentials.model_dump(exclude_none=True) if self.client_credentials else {}
        return ClientCredentials(told.pop("token_url"), told)
