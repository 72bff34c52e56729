"""Sign-in names as the table knows them: folded like the pool's, then hashed with a key.

Whoever reads the table, without the key, cannot tell whether a person they can name is in it.
"""

from __future__ import annotations

import hashlib
import hmac


def folded(name: str, *, case_sensitive: bool) -> str:
    """Make two spellings of one name equal where the pool takes them for one (F1.50, F6.17)."""
    return name if case_sensitive else name.lower()


def key_of(secret: bytes, name: str) -> str:
    """HMAC-SHA256 of a folded name, 64 hexadecimal digits."""
    return hmac.new(secret, name.encode(), hashlib.sha256).hexdigest()
