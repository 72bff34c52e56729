"""The schemes that no import job takes: each is named, so that a plan says who is concerned, and why."""

from __future__ import annotations

from typing import Final

from mappings.hash_schemes.base import Scheme

UNKNOWN: Final = "unknown"
"""Name of what no scheme's value looks like."""

NO_PASSWORD: Final = "no_password"  # noqa: S105 - a scheme's name
"""Name of the marks by which systems say that a user has no password."""

_OTHER_FUNCTION: Final = "Another function than Cognito's four (F2.4)."
_OTHER_DIGEST: Final = "PBKDF2 with another digest; Cognito takes SHA-256 alone (F2.4)."
_OTHER_ARGON: Final = "Another variant; Cognito takes Argon2id alone (F2.4)."
_PREHASHED: Final = (
    "bcrypt over a digest of the password, not over the password: as plain bcrypt it lets nobody in."
)

REFUSED: Final = (
    Scheme("wordpress_bcrypt", "WordPress from 6.8 on", "$wp$2y$COST$SALT-AND-KEY", "`$wp$`",
           labels=("$wp$",), why=f"{_PREHASHED} The digest is HMAC-SHA384."),
    Scheme("phpass", "WordPress before 6.8, phpBB, old Drupal", "$P$…", "`$P$`, `$H$`",
           labels=("$P$", "$H$"), why="Many rounds of MD5."),
    Scheme("drupal_sha512", "Drupal 7 to 10", "$S$…", "`$S$`, `U$S$`", labels=("$S$", "U$S$"),
           why="Many rounds of SHA-512."),
    Scheme("bcrypt_sha256", "Django, passlib", "bcrypt_sha256$$2b$COST$…", "`bcrypt_sha256$`, "
           "`$bcrypt-sha256$`", labels=("bcrypt_sha256$", "$bcrypt-sha256$"), why=_PREHASHED),
    Scheme("argon2i", "old PHP, passlib", "$argon2i$…", "`$argon2i$`", labels=("$argon2i$",),
           why=_OTHER_ARGON),
    Scheme("argon2d", "argon2 libraries", "$argon2d$…", "`$argon2d$`", labels=("$argon2d$",),
           why=_OTHER_ARGON),
    Scheme("pbkdf2_sha512", "Keycloak 24, passlib, Keystone, OpenLDAP", "$pbkdf2-sha512$…",
           "`$pbkdf2-sha512$`, `{PBKDF2-SHA512}`, `pbkdf2:sha512:`",
           labels=("$pbkdf2-sha512$", "{PBKDF2-SHA512}", "pbkdf2:sha512:", "pbkdf2_sha512$"),
           why=_OTHER_DIGEST),
    Scheme("pbkdf2_sha1", "old Keycloak, Django, passlib, OpenLDAP", "$pbkdf2$…", "`$pbkdf2$`, "
           "`pbkdf2_sha1$`, `{PBKDF2}`, `{PBKDF2-SHA1}`, `pbkdf2:sha1:`",
           labels=("$pbkdf2$", "$pbkdf2-sha1$", "pbkdf2_sha1$", "{PBKDF2}", "{PBKDF2-SHA1}", "pbkdf2:sha1:"),
           why=_OTHER_DIGEST),
    Scheme("aspnet_identity_v3_sha512", "ASP.NET Core Identity from .NET 7 on", "BASE64, first byte 0x01",
           "`AQAAAAIA`", looks=r"^AQAAAAIA[A-Za-z0-9+/]+={0,2}$", why=_OTHER_DIGEST),
    Scheme("aspnet_identity_v3_sha1", "ASP.NET Core Identity, where set so", "BASE64, first byte 0x01",
           "`AQAAAAAA`", looks=r"^AQAAAAAA[A-Za-z0-9+/]+={0,2}$", why=_OTHER_DIGEST),
    Scheme("aspnet_identity_v2", "ASP.NET Identity 1 and 2", "BASE64 of 49 bytes, the first 0x00",
           "68 characters that begin with `AA` to `AP`", looks=r"^A[A-P][A-Za-z0-9+/]{64}==$",
           why=_OTHER_DIGEST),
    Scheme("firebase_scrypt", "Firebase Authentication", "BASE64 of 64 bytes, or $firebase-scrypt$SALT$HASH",
           "88 characters, or `$firebase-scrypt$`", labels=("$firebase-scrypt$",),
           looks=r"^(?:[A-Za-z0-9_-]{86}|[A-Za-z0-9+/]{86})==$",
           why="Firebase's own variant of scrypt ends with a cipher (F2.9)."),
    Scheme("ldap_digest", "OpenLDAP, 389-DS, Dovecot", "{SSHA}BASE64",
           "`{SSHA}`, `{SHA}`, `{SMD5}`, `{MD5}`, `{SSHA256}`, `{SHA256}`, `{SSHA384}`, `{SHA384}`, "
           "`{SSHA512}`, `{SHA512}`",
           labels=("{SSHA}", "{SHA}", "{SMD5}", "{MD5}", "{SSHA256}", "{SHA256}", "{SSHA384}", "{SHA384}",
                   "{SSHA512}", "{SHA512}"), why="One round of a fast digest."),
    Scheme("clear_text", "LDAP, Spring", "{CLEARTEXT}…", "`{CLEARTEXT}`, `{PLAIN}`, `{NOOP}`",
           labels=("{CLEARTEXT}", "{PLAIN}", "{NOOP}"),
           why="It is no hash: map what stands behind the label with `password`."),
    Scheme("crypt_sha512", "Linux, LDAP", "$6$SALT$KEY", "`$6$`", labels=("$6$",), why=_OTHER_FUNCTION),
    Scheme("crypt_sha256", "Linux, LDAP", "$5$SALT$KEY", "`$5$`", labels=("$5$",), why=_OTHER_FUNCTION),
    Scheme("crypt_md5", "Linux, Apache", "$1$SALT$KEY", "`$1$`, `$apr1$`", labels=("$1$", "$apr1$"),
           why=_OTHER_FUNCTION),
    Scheme("yescrypt", "Linux", "$y$PARAMETERS$SALT$KEY", "`$y$`, `$gy$`, `$7$`",
           labels=("$y$", "$gy$", "$7$"), why="yescrypt, or scrypt as crypt writes it, is not rewritten."),
    Scheme("django_salted_digest", "Django before 1.4", "md5$SALT$HEX, sha1$SALT$HEX", "`md5$`, `sha1$`",
           labels=("md5$", "sha1$"), why="One round of a fast digest."),
    Scheme("salted_digest", "Joomla, osCommerce", "HEX:SALT", "32 to 128 hexadecimal digits, `:`, a salt; "
           "`sha256$`, `sha512$`, `unsalted_md5$`, `unsalted_sha1$`",
           labels=("sha256$", "sha512$", "unsalted_md5$", "unsalted_sha1$"),
           looks=r"^(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64}|[0-9a-fA-F]{128}):[^:\s]{1,128}$",
           why="One round of a fast digest."),
    Scheme("bare_digest", "home-made, NT hashes, MySQL", "HEX", "32, 40, 64, 96 or 128 hexadecimal digits, "
           "also behind `*`", looks=r"^(?:\*[0-9A-F]{40}|[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64}"
           r"|[0-9a-fA-F]{96}|[0-9a-fA-F]{128})$", why="One round of a fast digest."),
    Scheme("firebase_emulator", "Firebase emulator", "fakeHash:salt=…:password=…", "`fakeHash:`",
           labels=("fakeHash:",), why="It is no hash: the emulator writes the password itself."),
    Scheme(NO_PASSWORD, "Django, Linux", "!…", "`!`, `*`, `x` or `*LK*` alone",
           looks=r"^(?:!.*|\*|\*LK\*|x)$",
           why="The mark of a user who has no password: travels as a user without a hash."),
)  # fmt: skip
"""Every scheme that is known and not taken. ``no_password`` is no hash at all."""

UNVERIFIED: Final = ("yescrypt", "salted_digest", "bare_digest", "firebase_emulator", "clear_text", UNKNOWN)
"""What the migration trigger cannot check either: a test holds this list against the trigger's schemes."""
