"""The shapes that sources, mappings, the pool and the flows hand to one another.

Nothing here does I/O. A *page* is a polars frame of source rows; the columns whose names begin
with ``@`` are Poolferry's own and can never clash with a field of a source.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

LINE = "@line"
"""UInt64: where the row starts in its file (1-based physical line) or its number in the source."""

FILE = "@file"
"""UInt32: which file of the source, 0-based, in the order in which the source reads them."""

SOURCE_ID = "@source_id"
"""String or null: the opaque id of the user in the source."""

REASON = "@reason"
"""String or null: why this row is rejected (a reason code); null while it is fine."""

Cursor = dict[str, str | int]
"""A JSON-able place in a source to go on from; only the source that made it understands it."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a source, as they stand there.

    Attributes:
        rows: ``LINE``, ``FILE`` and one String column for each asked field, null where the
            source has no value. An empty text stays an empty text. Lists and objects are
            compact JSON text. Nothing is trimmed, mapped or renamed.
        unreadable: lines that are no rows (``LINE``, ``FILE``, ``REASON``): each is one rejected
            user. Reasons: ``line_ragged``, ``line_undecodable``, ``line_malformed``,
            ``line_key_twice``.
        cursor: where to go on after this page.
        done: share of the source that has been read with this page, 0.0 to 1.0, or None where
            the source cannot tell.
    """

    rows: pl.DataFrame
    unreadable: pl.DataFrame
    cursor: Cursor
    done: float | None = None


AttributeType = Literal["String", "Number", "DateTime", "Boolean"]


@dataclass(frozen=True, slots=True)
class PoolAttribute:
    """One attribute of a pool's schema (``SchemaAttributeType``; F1.41).

    ``name`` is as the API and the CSV write it (``email``, ``custom:tenant``). Lengths are in
    characters, bounds are inclusive, None means unbounded.
    """

    name: str
    type: AttributeType = "String"
    required: bool = False
    mutable: bool = True
    min_length: int | None = None
    max_length: int | None = None
    min_value: float | None = None
    max_value: float | None = None


@dataclass(frozen=True, slots=True)
class PoolSchema:
    """What Poolferry must know of a pool to judge a user before sending (``DescribeUserPool``).

    ``csv_header`` is what ``GetCSVHeader`` returned, in its order (F1.1). ``attributes`` has no
    ``sub`` and no ``identities``. ``mfa`` is ``MfaConfiguration``.
    """

    pool_id: str
    name: str
    attributes: Mapping[str, PoolAttribute]
    csv_header: tuple[str, ...]
    auto_verified: tuple[str, ...] = ()
    username_attributes: tuple[str, ...] = ()
    alias_attributes: tuple[str, ...] = ()
    case_sensitive: bool = True
    mfa: Literal["OFF", "ON", "OPTIONAL"] = "OFF"
    passwordless: bool = False
    """True where the pool allows a first factor without a password (F7.4, F2.12)."""
    estimated_users: int = 0
    region: str = ""
    lambda_triggers: tuple[str, ...] = field(default=())
    """Names of the triggers that ``LambdaConfig`` has set, e.g. ``UserMigration``."""
    identity_providers: tuple[str, ...] | None = None
    """Names of the pool's identity providers; None where nobody asked, since no identity is mapped."""


HashAlgorithm = Literal["BCRYPT", "SCRYPT", "ARGON2ID", "PBKDF2_SHA256"]
HASH_ALGORITHMS: tuple[HashAlgorithm, ...] = ("BCRYPT", "SCRYPT", "ARGON2ID", "PBKDF2_SHA256")
"""``PasswordHashingAlgorithm`` of ``CreateUserImportJob`` (F2.4); one algorithm a job."""

USERNAME = "@username"
PASSWORD_HASH = "@password_hash"  # noqa: S105 - a column's name
PASSWORD = "@password"  # noqa: S105 - a column's name
GROUPS = "@groups"
ENABLED = "@enabled"
MFA = "@mfa"
IDENTITIES = "@identities"
ALGORITHM = "@algorithm"
MAPPED_COLUMNS = (USERNAME, PASSWORD_HASH, PASSWORD, GROUPS, ENABLED, MFA, IDENTITIES, ALGORITHM)
"""The columns of a mapped frame beside the pool's attributes, which keep their own names.

``USERNAME`` String · ``PASSWORD_HASH`` String or null · ``PASSWORD`` String or null · ``GROUPS``
List(String) · ``ENABLED`` Boolean (never null) · ``MFA`` String or null, one of ``off``, ``sms``,
``totp``, ``email``, ``on`` · ``IDENTITIES`` List(String), each ``Provider/subject`` · ``ALGORITHM``
one of ``HASH_ALGORITHMS`` or null.

Every attribute value is a String **in the form the API takes**: booleans ``true``/``false``,
numbers as decimal text, ``birthdate`` as ``yyyy-mm-dd``, ``updated_at`` as epoch seconds. Only the
CSV writer knows that a CSV wants ``mm/dd/yyyy`` (F1.37). Null means "no value".
"""

Verdict = Literal["imported", "created", "updated", "existing", "deferred", "rejected", "failed"]
VERDICTS: tuple[Verdict, ...] = (
    "imported", "created", "updated", "existing", "deferred", "rejected", "failed",
)  # fmt: skip
"""What became of one source user; every source user has exactly one."""
