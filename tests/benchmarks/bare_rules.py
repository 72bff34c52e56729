"""What the rules alone cost: one polars query that knows mapping and pool by heart, and keeps nothing.

It makes the lines of tidy users and judges every value, all in expressions that polars runs as it streams.
It proves of no line that it was read right, finds no name that is taken, cuts no batch, gives nobody a
reason, and holds neither users nor a ledger to go on from: whoever does that as well in polars costs more.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import polars as pl

from tests.benchmarks.pool import HEADER

TRUE, FALSE = ["true", "t", "yes", "y", "1", "on"], ["false", "f", "no", "n", "0", "off"]
E164: Final = r"^\+[1-9][0-9]{6,14}$"
EMAIL: Final = r"""^[^\s@,;:<>()\[\]"\\\x00-\x1f\x7f-\x9f]+@[\w-]+(?:\.[\w-]+)+$"""
AWKWARD: Final = r'[\x00-\x1f\x7f\x{85}\x{2028}\x{2029}"\\]'
BCRYPT: Final = r"^\$2[abxy]\$(?:0[4-9]|1[0-2])\$[./A-Za-z0-9]{53}$"
WITH_COMMAS: Final = ("name", "given_name", "family_name", "custom:legacy_id")


def migrate(source: str, folder: str) -> None:
    """Write the lines of everybody who passes, those with a bcrypt hash apart."""
    users = pl.scan_csv(source, infer_schema=False).select(**_mapped()).filter(_passes())
    with_hash = pl.col("password_hash").str.contains(BCRYPT) & (pl.col("enabled") == "true")
    written = users.with_columns(with_hash.fill_null(value=False).alias("with_hash"), *_as_in_a_file())
    empty = (pl.lit(None, pl.String).alias(name) for name in HEADER)
    rows = written.select("password_hash", "with_hash", *(
        pl.col(name) if name in _mapped() or name == "cognito:mfa_enabled" else nothing
        for name, nothing in zip(HEADER, empty, strict=True)
    ))  # fmt: skip
    kinds = {"BCRYPT": (*HEADER, "password_hash"), "none": HEADER}
    sinks = [
        rows.filter(pl.col("with_hash") == (kind == "BCRYPT"))
        .select(columns)
        .sink_csv(Path(folder, f"b-{kind}.csv"), quote_style="never", lazy=True)
        for kind, columns in kinds.items()
    ]
    pl.collect_all(sinks, engine="streaming")


def _mapped() -> dict[str, pl.Expr]:
    name = pl.format("{} {}", "first_name", "last_name").str.replace_all(r"\s+", " ")
    return {
        "cognito:username": pl.col("id"),
        "email": _trimmed("email").str.to_lowercase(),
        "email_verified": _boolean("verified", default="false"),
        "name": name.str.strip_chars(),
        "given_name": _trimmed("first_name"),
        "family_name": _trimmed("last_name"),
        "phone_number": _trimmed("phone"),
        "birthdate": _trimmed("born").str.to_date("%Y-%m-%d", strict=False).dt.to_string("%m/%d/%Y"),
        "custom:tenant": pl.lit("acme"),
        "custom:legacy_id": _trimmed("id"),
        "password_hash": _trimmed("pw"),
        "enabled": _boolean("active", default="true"),
    }


def _trimmed(name: str) -> pl.Expr:
    return pl.col(name).str.strip_chars()


def _boolean(name: str, *, default: str) -> pl.Expr:
    word = _trimmed(name).str.to_lowercase()
    read = pl.when(word.is_in(TRUE)).then(pl.lit("true")).when(word.is_in(FALSE)).then(pl.lit("false"))
    return read.when(word.is_null()).then(pl.lit(default))


def _passes() -> pl.Expr:
    """True for users whom a file can carry."""
    username = pl.col("cognito:username")
    texts = pl.col("email", "name", "given_name", "family_name", "custom:legacy_id", "cognito:username")
    return pl.all_horizontal(
        username.str.contains(r"^[!-~]{1,128}$"),
        pl.col("custom:legacy_id").str.len_chars() <= 256,
        ~pl.any_horizontal(texts.str.contains(AWKWARD)),
        ~pl.any_horizontal(texts.str.len_bytes() > 2_048),
        pl.col("email").str.contains(EMAIL),
        pl.col("email_verified") == "true",
        pl.col("phone_number").is_null() | pl.col("phone_number").str.contains(E164),
    )


def _as_in_a_file() -> list[pl.Expr]:
    escaped = pl.col(WITH_COMMAS).str.replace_all(",", "\\,", literal=True)
    return [escaped, pl.lit("false").alias("cognito:mfa_enabled")]


if __name__ == "__main__":
    migrate(*sys.argv[1:])
