"""What a run file says of a directory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connectors.sources.base import SourceSettings

if TYPE_CHECKING:
    from typing import Self


class GroupSearch(BaseModel):
    """Where the groups are whose entries name their members."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base: str = Field(description="DN that the groups are below.")
    filter: str = Field(default="(objectClass=*)", description="Filter that finds the groups.")
    member: str = Field(
        default="member",
        description="Attribute of a group that names its members; a matching rule may stand behind it.",
        examples=["memberUid", "member:1.2.840.113556.1.4.1941:"],
    )
    user: str = Field(default="dn", description="What of a user stands there: `dn`, or an attribute.")
    name: str = Field(default="cn", description="Attribute with the name of a group.")


class LdapSettings(SourceSettings):
    """Settings of ``kind: ldap``."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    kind: Literal["ldap"] = "ldap"
    url: str = Field(
        pattern=r"^ldaps?://[^/]+/?$",
        description="Address of the server; of one domain controller in Active Directory.",
        examples=["ldaps://dc.example.com", "ldap://ldap.example.com:389"],
    )
    bind_dn: str | None = Field(
        default=None,
        description="Who reads: a DN, in Active Directory also `reader@example.com`; default: anonymous.",
    )
    password: str | None = Field(
        default=None, repr=False, description="Password of the reader, as `${NAME}`."
    )
    start_tls: bool = Field(
        default=True,
        description="Encrypt an `ldap://` connection before anything is sent (StartTLS); false sends the "
        "password and all that is read in clear.",
    )
    ca_file: str | None = Field(
        default=None,
        description="PEM file of the authorities that the server's certificate is checked with, relative to "
        "the run file's folder; default: the system's.",
    )
    base: str = Field(description="DN that the users are below.")
    filter: str | None = Field(
        default=None,
        description="Filter that finds the users; default: `(objectClass=person)`, in Active Directory "
        "`(&(objectCategory=person)(objectClass=user))`.",
    )
    order_by: str | None = Field(
        default=None,
        description="Attribute that users are read in order of: everybody has it and it never changes, a "
        "whole number or, where its name ends in UUID, a UUID; default: `entryUUID`, in Active "
        "Directory `uSNCreated`.",
    )
    groups: GroupSearch | None = Field(
        default=None,
        description="One more field, `groups`, by a search for each user: `base`, `filter`, `member`, `user` "
        "and `name`; not needed where users have `memberOf`.",
    )
    overlap_seconds: float = Field(
        default=600.0,
        ge=0,
        description="How far `mode: delta` looks back, for clocks that differ; Active Directory needs none.",
    )
    page_users: int = Field(default=2_000, ge=1, le=50_000, description="Users a page of Poolferry's.")
    page_size: int = Field(
        default=500, ge=1, description="Entries an answer of the server (paged results); servers limit it."
    )

    @model_validator(mode="after")
    def _whole_login(self) -> Self:
        """A name with an empty password would be let in as nobody (RFC 4513, 5.1.2)."""
        if bool(self.bind_dn) != bool(self.password):
            raise ValueError("name both `bind_dn` and `password`, or neither to read as nobody")
        return self
