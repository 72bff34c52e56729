"""Switches of the pool's rules for what the facts leave open; every default refuses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Choice = Literal["refuse", "send"]
"""``refuse``: the user does not go this way; ``send``: let the pool decide."""

Pbkdf2Alphabet = Literal["shared", "base64", "passlib"]
"""``base64`` has ``+``, ``passlib`` has ``.`` in its place, ``shared`` is what the two have in common."""


@dataclass(frozen=True, slots=True)
class RuleOptions:
    r"""How to judge where nobody knows what the pool does; ``fields(RuleOptions)`` name the facts.

    Attributes:
        quotation_marks: a quotation mark in a value of a CSV (F1.15).
        backslashes: a backslash in a value of a CSV (F1.17). Even under ``send`` a value is refused
            that ends in one or holds ``\,``: written down, it could not be told from an escape.
        unverified_with_hash: a row with a usable hash and no verified contact (F1.32).
        mfa_against_pool: a user with a second factor in a pool without, or the other way round (F1.34).
        username_differs: an ``email`` or ``phone_number`` that is not the username, where the pool's
            users sign in with it (F1.47).
        preferred_username_alias: ``preferred_username`` in a CSV for a pool that has it as alias (F1.49).
        pbkdf2_alphabet: the characters of a PBKDF2 hash (F2.8).
    """

    quotation_marks: Choice = field(default="refuse", metadata={"fact": "F1.15"})
    backslashes: Choice = field(default="refuse", metadata={"fact": "F1.17"})
    unverified_with_hash: Choice = field(default="refuse", metadata={"fact": "F1.32"})
    mfa_against_pool: Choice = field(default="refuse", metadata={"fact": "F1.34"})
    username_differs: Choice = field(default="refuse", metadata={"fact": "F1.47"})
    preferred_username_alias: Choice = field(default="refuse", metadata={"fact": "F1.49"})
    pbkdf2_alphabet: Pbkdf2Alphabet = field(default="shared", metadata={"fact": "F2.8"})
