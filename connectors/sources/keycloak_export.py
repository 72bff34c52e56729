"""The files that Keycloak's ``kc.sh export`` writes: users with their password hashes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from connectors.sources.base import SourceTraits
from connectors.sources.json_files import BLOCK_BYTES, JsonSettings, JsonSource
from connectors.sources.keycloak_users import DECLARED, is_service_account, with_credentials
from connectors.sources.text_files import TextSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from connectors.sources.file_source import Place
    from connectors.sources.files import File
    from connectors.sources.records_to_rows import Record
    from connectors.sources.windows import Window


class KeycloakExportSettings(TextSettings):
    """Settings of ``kind: keycloak_export``; ``path`` is `REALM-users-*.json`, or a whole realm's file."""

    kind: Literal["keycloak_export"] = "keycloak_export"


class KeycloakExportSource(JsonSource):
    """Reads the users of ``kc.sh export``; proven against files in the published form, not a real server's.

    Service accounts are left out. ``passwordCredential`` is a user's password as it stands there, in the
    form that ``password_hash`` takes; ``mfa`` tells of a one-time password, which cannot be carried.

    Args:
        settings: which files.
        base: the folder that relative paths begin at.
        block_bytes: bytes of text that a page is made of.
    """

    traits: ClassVar[SourceTraits] = SourceTraits(
        resumable=True, delivers=frozenset({"hashes", "groups", "mfa", "identities"})
    )
    declared: ClassVar[tuple[str, ...]] = (*DECLARED, "passwordCredential")

    def __init__(
        self, settings: KeycloakExportSettings, base: Path, *, block_bytes: int = BLOCK_BYTES
    ) -> None:
        users = JsonSettings(path=settings.path, encoding=settings.encoding, records="users")
        super().__init__(users, base, block_bytes=block_bytes)

    def _fields(self, file: File) -> list[str]:
        return list(dict.fromkeys((*self.declared, *super()._fields(file))))

    def _batches(
        self, window: Window, name: str, after: Place | None
    ) -> Iterator[tuple[list[Record], Place]]:
        for records, place in super()._batches(window, name, after):
            people = [(at, with_credentials(one)) for at, one in records if not is_service_account(one)]
            yield people, place
