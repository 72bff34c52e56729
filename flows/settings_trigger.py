"""The run file's ``trigger`` part: how the migration Lambda is deployed, and what checks passwords."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FirebaseScrypt(_Part):
    """What Firebase's hashes lack; the console shows it under "Password hash parameters"."""

    signer_key: str = Field(description="`base64_signer_key`; write `${NAME}`.", examples=["${FIREBASE_KEY}"])
    salt_separator: str = Field(default="Bw==", description="`base64_salt_separator`.")
    rounds: int = Field(default=8, gt=0, le=8, description="`rounds`.")
    mem_cost: int = Field(default=14, gt=0, le=17, description="`mem_cost`.")


class LiveSource(_Part):
    """An old system that is asked whether a password is right, instead of checking a hash."""

    kind: Literal["http", "ldap"] = Field(
        description="`http`: an OAuth token endpoint's password grant; `ldap`: a bind as the person."
    )
    url: str = Field(
        pattern=r"^(https?|ldaps?)://",
        description="The endpoint (`https://`) or the directory; `ldap://` is encrypted before anything is "
        "sent (StartTLS).",
        examples=["https://idp.example.com/token", "ldaps://dc.example.com"],
    )
    ca_file: str | None = Field(
        default=None,
        description="PEM file of the authorities that the server's certificate is checked with, relative to "
        "the run file's folder; it goes into the zip; default: those that Lambda's system knows.",
    )
    client_id: str = Field(default="", description="`http`: the OAuth client.")
    client_secret: str = Field(default="", description="`http`: its secret; write `${NAME}`.")
    scope: str = Field(default="", description="`http`: what is asked for.")
    bind: str = Field(
        default="", description="`ldap`: the name to bind with, `{}` standing for the username."
    )

    @model_validator(mode="after")
    def _fits_its_kind(self) -> LiveSource:
        is_http = self.kind == "http"
        if self.url.startswith("http") is not is_http:
            raise ValueError(f"url: does not fit the kind {self.kind}")
        if self.url.startswith("http:") and not _is_loopback(urlsplit(self.url).hostname or ""):
            raise ValueError("url: would send passwords in clear text; write https://")
        if is_http and self.bind:
            raise ValueError("bind: is for the kind ldap")
        if not is_http and (self.client_id or self.client_secret or self.scope):
            raise ValueError("client_id, client_secret and scope: are for the kind http")
        if not is_http and "{}" not in self.bind:
            raise ValueError("bind: must hold {} for the username")
        return self


def _is_loopback(host: str) -> bool:
    """Whether a host is this machine, as in a rehearsal: what is sent there passes no network."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class TriggerSettings(_Part):
    """How ``poolferry trigger`` deploys the migration trigger."""

    name: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_-]{3,64}$",
        description="Name of function, table, role and key; default: `poolferry-trigger-NAME-POOL`.",
    )
    expires_days: int = Field(
        default=180, gt=0, le=3650, description="Days after which who has not come is forgotten."
    )
    forgot_password: bool = Field(
        default=True,
        description="Whether asking for a code brings people in too; their old password is lost then.",
    )
    tries: int = Field(default=20, gt=0, description="Tries that one name has in a window.")
    window_seconds: int = Field(default=300, ge=10, description="Seconds of a window.")
    memory: int = Field(
        default=1769,
        ge=128,
        le=10_240,
        description="Memory of the function in MB; 1,769 give a whole processor.",
    )
    runtime: Literal["python3.12", "python3.13", "python3.14"] = Field(
        default="python3.12", description="Lambda's Python."
    )
    architecture: Literal["x86_64", "arm64"] = Field(
        default="x86_64", description="The function's processor."
    )
    firebase_scrypt: FirebaseScrypt | None = Field(
        default=None, description="Parameters of Firebase's hashes, where the source has such."
    )
    live: LiveSource | None = Field(
        default=None, description="An old system to ask, instead of checking hashes."
    )
