"""The schemes that underlie Cognito's four algorithms, and how their hashes are rewritten (F2.5, F2.9)."""

from __future__ import annotations

from base64 import b64decode
from typing import Final

import polars as pl

from mappings.hash_schemes import alike, base
from mappings.hash_schemes.base import Scheme, joined
from mappings.texts import by_distinct

_LOG_N: Final = 32
"""Above this power of two no scrypt cost is any system's."""

_ASPNET_HEADER: Final = 13
"""Bytes before the salt of an ASP.NET v3 hash: format (1), function, iterations, salt's size (4 each)."""

one, two, three, four, five, six = (pl.col(str(number)) for number in range(1, 7))


def _as_it_stands(texts: pl.Series) -> pl.Series:
    return texts


def _pbkdf2_sha256(texts: pl.Series) -> pl.Series:
    """Passlib's form is Cognito's but for the alphabet, which is settled for all schemes at once."""
    salt, key = base.standard(base.unpadded(four)), base.standard(five)
    return base.made(base.split(texts, "$", 5), base.pbkdf2(three, salt, key))


def _django_pbkdf2(texts: pl.Series) -> pl.Series:
    """Django's salt is the text itself, its key base64."""
    return base.made(base.split(texts, "$", 4), base.pbkdf2(two, base.base64_of_text(three), four))


def _ldap_pbkdf2(texts: pl.Series) -> pl.Series:
    plain = texts.str.slice(len("{PBKDF2-SHA256}"))
    salt, key = base.standard(base.unpadded(two)), base.standard(three)
    return base.made(base.split(plain, "$", 3), base.pbkdf2(one, salt, key))


def _werkzeug_pbkdf2(texts: pl.Series) -> pl.Series:
    iterations = one.str.strip_prefix("pbkdf2:sha256:")
    key = base.base64_of_hex(three)
    return base.made(base.split(texts, "$", 3), base.pbkdf2(iterations, base.base64_of_text(two), key))


def _aspnet_v3(texts: pl.Series) -> pl.Series:
    """Microsoft's blob: 0x01, function, iterations and size of the salt (4 bytes each), salt, key."""
    blob = pl.col("blob")
    iterations, size = (
        blob.bin.slice(first, 4).bin.reinterpret(dtype=pl.UInt32, endianness="big") for first in (5, 9)
    )
    salt, key = blob.bin.slice(_ASPNET_HEADER, size), blob.bin.slice(_ASPNET_HEADER + size.cast(pl.Int64))
    bytes_ = texts.to_frame("text").select(base.decoded(pl.col("text")).alias("blob"))
    return base.made(
        bytes_,
        base.pbkdf2(iterations.cast(pl.String), base.base64_of_bytes(salt), base.base64_of_bytes(key)),
    )


def _learn_aspnet_v3(text: str, made: str) -> base.Rewrite | None:
    """Blobs of one size with one header: function, iterations and size of the salt are the same."""
    if len(text) % base.GROUP:
        return None
    known = b64decode(text)
    header, beginning = known[:_ASPNET_HEADER], made.rsplit("$", 2)[0] + "$"
    size = int.from_bytes(header[9:], "big")
    blob = pl.col("blob")
    salt = blob.bin.slice(_ASPNET_HEADER, size)
    key = blob.bin.slice(_ASPNET_HEADER + size, base.KEY_BYTES)
    hashed = joined(beginning, base.base64_of_bytes(salt), "$", base.base64_of_bytes(key))
    alike_ = (blob.bin.size() == len(known)) & blob.bin.starts_with(header)

    def rewrite(texts: pl.Series) -> pl.Series:
        bytes_ = texts.str.decode("base64", strict=False)
        return base.made(bytes_.to_frame("blob"), pl.when(alike_).then(hashed))

    return rewrite


def _scrypt(texts: pl.Series) -> pl.Series:
    """Cognito's own form; AWS's sample has small letters (F2.5)."""
    return texts.str.to_lowercase()


def _passlib_scrypt(texts: pl.Series) -> pl.Series:
    costs = _scrypt_numbers(pl.col("3"), r"^ln=([1-9][0-9]?),r=([0-9]{1,9}),p=([0-9]{1,9})$", 10)
    parts = base.split(texts, "$", 5).with_columns(costs)
    return base.made(parts, joined(three, "$", base.hex_of_base64(four), "$", base.hex_key(five)))


def _scrypt_numbers(costs: pl.Expr, form: str, digits: int) -> pl.Expr:
    """The power of two, R and P, a group of the form each, as Cognito writes them; a source has few."""

    def written(distinct: pl.Series) -> pl.Series:
        groups = (pl.col("costs").str.extract(form, group) for group in (1, 2, 3))
        power, block, parallel = (each.str.to_integer(base=digits, strict=False) for each in groups)
        numbers = joined(_power_of_two(power), "$", block.cast(pl.String), "$", parallel.cast(pl.String))
        return base.made(distinct.to_frame("costs"), numbers)

    return costs.map_batches(lambda texts: by_distinct(texts, written), pl.String)


def _power_of_two(power: pl.Expr) -> pl.Expr:
    exponent = power.cast(pl.UInt32, strict=False)
    small = pl.when(exponent <= _LOG_N).then(exponent)
    return pl.lit(2, pl.UInt64).pow(small).cast(pl.UInt64).cast(pl.String)


def _spring_scrypt(texts: pl.Series) -> pl.Series:
    costs = _scrypt_numbers(pl.col("2"), r"^([0-9a-f]{1,2})([0-9a-f]{2})([0-9a-f]{2})$", 16)
    parts = base.split(texts, "$", 4).with_columns(costs)
    return base.made(parts, joined(two, "$", base.hex_of_base64(three), "$", base.hex_key(four)))


def _django_scrypt(texts: pl.Series) -> pl.Series:
    salt, key = base.hex_of_text(three), base.hex_key(six)
    return base.made(
        base.split(texts, "$", 6), base.scrypt(cost=two, block=four, parallel=five, salt=salt, key=key)
    )


def _werkzeug_scrypt(texts: pl.Series) -> pl.Series:
    numbers = one.str.strip_prefix("scrypt:").str.replace_all(":", "$", literal=True)
    key = three.str.to_lowercase().str.head(2 * base.KEY_BYTES)
    return base.made(base.split(texts, "$", 3), joined(numbers, "$", base.hex_of_text(two), "$", key))


def _fixed_scrypt(cost: int, block: int) -> base.Convert:
    """``SALT:KEY`` of a system whose parameters are the same for everybody; it takes the salt as a text."""

    def convert(texts: pl.Series) -> pl.Series:
        parts = base.split(texts.str.strip_prefix("s2:"), ":", 2)
        key = two.str.to_lowercase().str.head(2 * base.KEY_BYTES)
        return base.made(parts, joined(f"{cost}${block}$1$", base.hex_of_text(one), "$", key))

    return convert


def _argon2id(texts: pl.Series) -> pl.Series:
    """Cognito's own form, without the padding that some libraries write."""
    return texts.str.replace_all(r"={1,2}(\$|$)", "${1}")


_DIGITS64: Final = "[A-Za-z0-9+/]+"
_PASSLIB64: Final = "[A-Za-z0-9./+]+"

_learn_pbkdf2 = alike.by_places(
    rf"(\$pbkdf2-sha256\$[0-9]+\$)({_PASSLIB64})(\$)({_PASSLIB64})",
    alike.passlib_salt, alike.passlib_key,
)  # fmt: skip
_learn_django_pbkdf2 = alike.by_places(
    rf"(pbkdf2_sha256\$[0-9]+\$)([^$]+)(\$)({_DIGITS64}={{0,2}})",
    alike.text_as_base64, alike.base64_key,
)  # fmt: skip
_learn_ldap_pbkdf2 = alike.by_places(
    rf"(\{{PBKDF2-SHA256\}}[0-9]+\$)({_PASSLIB64})(\$)({_PASSLIB64})",
    alike.passlib_salt, alike.passlib_key,
)  # fmt: skip
_learn_passlib_scrypt = alike.by_places(
    rf"(\$scrypt\$ln=[0-9]+,r=[0-9]+,p=[0-9]+\$)({_DIGITS64})(\$)({_DIGITS64}={{0,2}})",
    alike.base64_as_hex, alike.base64_as_hex_key,
)  # fmt: skip
_learn_django_scrypt = alike.by_places(
    rf"(scrypt\$[0-9]+\$)([^$]+)(\$[0-9]+\$[0-9]+\$)({_DIGITS64}={{0,2}})",
    alike.text_as_hex, alike.base64_as_hex_key,
)  # fmt: skip
_learn_werkzeug_scrypt = alike.by_places(
    r"(scrypt:[0-9]+:[0-9]+:[0-9]+\$)([^$]+)(\$)([0-9a-f]+)", alike.text_as_hex, alike.hex_key
)


TAKEN: Final = (
    Scheme(
        "bcrypt", "PHP, Laravel, Symfony, Rails (Devise), Node, Auth0, Clerk, Supabase, Spring",
        "$2b$COST$SALT-AND-KEY", "`$2a$`, `$2b$`, `$2x$`, `$2y$`", "BCRYPT", _as_it_stands,
        ("$2$", "$2a$", "$2b$", "$2x$", "$2y$"),
        why="As it stands. A hash over password and pepper (Devise's `pepper`) lets nobody in.",
    ),
    Scheme(
        "argon2id", "PHP, Laravel, argon2-cffi, pwdlib, Rust, Go",
        "$argon2id$v=19$m=MEMORY,t=TIME,p=LANES$SALT$KEY", "`$argon2id$`", "ARGON2ID", _argon2id,
        ("$argon2id$",), why="As it stands, without padding.",
    ),
    Scheme(
        "pbkdf2_sha256", "passlib", "$pbkdf2-sha256$ITERATIONS$SALT$KEY", "`$pbkdf2-sha256$`",
        "PBKDF2_SHA256", _pbkdf2_sha256, ("$pbkdf2-sha256$",), why="In the alphabet of the run file (F2.8).",
        learn=_learn_pbkdf2,
    ),
    Scheme(
        "django_pbkdf2_sha256", "Django", "pbkdf2_sha256$ITERATIONS$SALT$KEY", "`pbkdf2_sha256$`",
        "PBKDF2_SHA256", _django_pbkdf2, ("pbkdf2_sha256$",), why="The salt is the bytes of its text.",
        learn=_learn_django_pbkdf2,
    ),
    Scheme(
        "ldap_pbkdf2_sha256", "OpenLDAP", "{PBKDF2-SHA256}ITERATIONS$SALT$KEY", "`{PBKDF2-SHA256}`",
        "PBKDF2_SHA256", _ldap_pbkdf2, ("{PBKDF2-SHA256}",), why="`.` stands for `+`.",
        learn=_learn_ldap_pbkdf2,
    ),
    Scheme(
        "werkzeug_pbkdf2_sha256", "Flask (Werkzeug)", "pbkdf2:sha256:ITERATIONS$SALT$HEX-KEY",
        "`pbkdf2:sha256:`", "PBKDF2_SHA256", _werkzeug_pbkdf2, ("pbkdf2:sha256:",),
        why="The salt is the bytes of its text.",
    ),
    Scheme(
        "aspnet_identity_v3_sha256", "ASP.NET Core Identity up to .NET 6", "BASE64, first byte 0x01",
        "`AQAAAAEA`", "PBKDF2_SHA256", _aspnet_v3, looks=r"^AQAAAAEA[A-Za-z0-9+/]{16}",
        why="Version 3 with SHA-256; .NET 7 and later write SHA-512.", learn=_learn_aspnet_v3,
    ),
    Scheme(
        "scrypt", "Cognito's own form", "N$R$P$HEX-SALT$HEX-KEY", "a number and `$`", "SCRYPT", _scrypt,
        why="As it stands, in small letters.",
    ),
    Scheme(
        "passlib_scrypt", "passlib, OpenStack Keystone", "$scrypt$ln=LOG-N,r=R,p=P$SALT$KEY",
        "`$scrypt$`", "SCRYPT", _passlib_scrypt, ("$scrypt$",), why="`ln` is the power of two.",
        learn=_learn_passlib_scrypt,
    ),
    Scheme(
        "spring_scrypt", "Spring", "{scrypt}$COSTS$SALT$KEY", "`{SCRYPT}`, `{SCRYPT@SPRINGSECURITY_V5_8}`",
        "SCRYPT", _spring_scrypt, ("{SCRYPT}", "{SCRYPT@SPRINGSECURITY_V5_8}"),
        why="The costs are one hexadecimal number: the power of two, R and P.",
    ),
    Scheme(
        "django_scrypt", "Django", "scrypt$N$SALT$R$P$KEY", "`scrypt$`", "SCRYPT", _django_scrypt,
        ("scrypt$",), why="The salt is the bytes of its text.",
        learn=_learn_django_scrypt,
    ),
    Scheme(
        "werkzeug_scrypt", "Flask (Werkzeug)", "scrypt:N:R:P$SALT$HEX-KEY", "`scrypt:`", "SCRYPT",
        _werkzeug_scrypt, ("scrypt:",), why="The salt is the bytes of its text.",
        learn=_learn_werkzeug_scrypt,
    ),
    Scheme(
        "node_scrypt", "Node's `crypto.scrypt` with its defaults", "SALT:HEX-KEY",
        "the run file alone: `scheme: node_scrypt`", "SCRYPT", _fixed_scrypt(16_384, 8),
        why="N 16384, r 8, p 1; the salt is the bytes of its text, as where a hexadecimal text is the salt.",
    ),
    Scheme(
        "better_auth", "better-auth, Lucia", "SALT:HEX-KEY", "32 and 128 hexadecimal digits, or `s2:`",
        "SCRYPT", _fixed_scrypt(16_384, 16), ("s2:",), r"^[0-9a-f]{32}:[0-9a-f]{128}$",
        "N 16384, r 16, p 1: the r is above the maximum of 8 (F2.6).",
    ),
)  # fmt: skip
"""Every scheme whose function is one of Cognito's."""
