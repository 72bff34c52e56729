"""Which password hashes an import job takes: real ones, each bound of each parameter, and near misses."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.records import ALGORITHM, HASH_ALGORITHMS, PASSWORD_HASH
from mappings.hash_formats import _is_bcrypt, hash_formats
from mappings.password_hashes import PasswordHashes
from mappings.rules import CSV_REASON, RuleOptions, Rules
from tests.unit.pool_rules import ARGON2ID, BCRYPT, PBKDF2, SCRYPT, page, pool, user

if TYPE_CHECKING:
    from mappings.rules_options import Pbkdf2Alphabet

SALT = bytes(range(240, 256))


def text64(raw: bytes) -> str:
    return base64.b64encode(raw).decode().rstrip("=")


def scrypt(n: int, r: int = 8, p: int = 1) -> str:
    key = hashlib.scrypt(b"secret", salt=SALT, n=n, r=r, p=p, dklen=32, maxmem=2**30)
    return f"{n}${r}${p}${SALT.hex()}${key.hex()}"


def pbkdf2(iterations: int, length: int = 32) -> str:
    key = hashlib.pbkdf2_hmac("sha256", b"secret", SALT, iterations, length)
    return f"$pbkdf2-sha256${iterations}${text64(SALT)}${text64(key)}"


def judge(*values: str | None, alphabet: Pbkdf2Alphabet = "base64") -> list[str | None]:
    """The algorithm or the reason of each hash."""
    found = PasswordHashes(alphabet).judge(pl.Series("hash", values, dtype=pl.String))
    return found.algorithms.zip_with(found.algorithms.is_not_null(), found.problems).to_list()


def test_hashes_made_by_the_standard_library_are_recognised() -> None:
    """F2.5: also with other lengths of key and salt, for no length is stated."""
    made = [scrypt(1024), scrypt(16384, r=4), pbkdf2(1000), pbkdf2(1, length=64), pbkdf2(1, length=20)]
    assert judge(*made) == ["SCRYPT"] * 2 + ["PBKDF2_SHA256"] * 3


def test_each_algorithm_is_recognised_in_one_column() -> None:
    """F2.4: the algorithm is found value by value; no hash is no problem."""
    assert judge(BCRYPT, SCRYPT, None, ARGON2ID, PBKDF2) == [
        "BCRYPT",
        "SCRYPT",
        None,
        "ARGON2ID",
        "PBKDF2_SHA256",
    ]
    assert {each.algorithm for each in hash_formats("shared")} == set(HASH_ALGORITHMS)


@pytest.mark.parametrize(
    ("template", "most", "numbers"),
    [
        (BCRYPT.replace("10", "{:02}"), 12, range(4, 32)),
        (ARGON2ID.replace("19456", "{}"), 19_456,
         [*range(1, 20_001, 7), *range(19_400, 19_500), 65_536, 10**9]),
        (ARGON2ID.replace("t=2", "t={}"), 2, range(1, 30)),
        (ARGON2ID.replace("p=1", "p={}"), 1, range(1, 30)),
        (SCRYPT.replace("16384", "{}"), 65_536, [2**power for power in range(1, 33)]),
        (SCRYPT.replace("$8$", "${}$"), 8, range(1, 30)),
        (SCRYPT.replace("$1$", "${}$"), 1, range(1, 30)),
        (PBKDF2.replace("600000", "{}"), 600_000, [*range(1, 700_001, 97), *range(599_900, 600_100), 10**9]),
    ],
)  # fmt: skip
def test_every_parameter_up_to_its_maximum_is_taken_and_none_above(
    template: str, most: int, numbers: range | list[int]
) -> None:
    """F2.6: above a maximum the user's import fails."""
    judged = judge(*(template.format(number) for number in numbers))
    assert set(judged) - {"hash_cost_too_high"} <= set(HASH_ALGORITHMS)
    assert [code == "hash_cost_too_high" for code in judged] == [number > most for number in numbers]
    assert len(set(judged)) == 2


@pytest.mark.parametrize(
    "value",
    [
        BCRYPT[:-1], BCRYPT + "a", BCRYPT.replace("$2b", "$2c"), BCRYPT.replace("$2b", "$2"),
        BCRYPT.replace("10", "03"), BCRYPT.replace("10", "32"), BCRYPT.replace("10", "9"), BCRYPT[:-1] + "+",
        BCRYPT[:-1] + "$", SCRYPT.replace("16384", "14"), SCRYPT.replace("16384", "1"),
        SCRYPT + "0", SCRYPT.replace("$8$", "$0$"), SCRYPT.replace("$8$",
        "$08$"), SCRYPT[:-64],
        ARGON2ID.replace(",t=2", ""), ARGON2ID.replace("m=19456,t=2", "t=2,m=19456"), ARGON2ID + "===",
        ARGON2ID.replace("ijk", "ijkli"), ARGON2ID.replace("v=19$", ""), ARGON2ID.replace("AbCd", "Ab.d"),
        ARGON2ID.replace("m=", "m=0"), PBKDF2.replace("600000", "0"), PBKDF2.replace("600000", "i=600000"),
        PBKDF2 + "ab", PBKDF2.rpartition("$")[0], PBKDF2 + "$", PBKDF2.replace("$600000", ""),
    ],
)  # fmt: skip
def test_a_hash_of_a_known_scheme_in_another_form_is_malformed(value: str) -> None:
    assert judge(value) == ["hash_malformed"]


@pytest.mark.parametrize(
    "value", ["secret", "$", "{", "[{", "{}", "$unheard$of", "{UNHEARD}of", "ä", "0" * 63]
)
def test_a_hash_of_no_known_scheme_is_unknown(value: str) -> None:
    """F2.9."""
    assert judge(value) == ["hash_unknown_scheme"]


@pytest.mark.parametrize(("alphabet", "sign"), [("base64", "+"), ("passlib", ".")])
def test_the_alphabet_of_a_pbkdf2_hash_is_what_the_run_file_says(alphabet: Pbkdf2Alphabet, sign: str) -> None:
    """F2.8: nobody knows whether the pool reads ``+`` or ``.``; both mean the same bits in the source."""
    given = [PBKDF2.replace("Ab", f"{each}b") for each in "+./"]
    rows = Rules(pool(), RuleOptions(pbkdf2_alphabet=alphabet)).judge(page(*map(hashed, given)))
    assert rows[ALGORITHM].to_list() == ["PBKDF2_SHA256"] * 3
    assert rows[PASSWORD_HASH].to_list() == [PBKDF2.replace("Ab", f"{each}b") for each in (sign, sign, "/")]


def test_a_pbkdf2_hash_that_both_alphabets_write_alike_travels_in_any_case() -> None:
    """F2.8: the default sends only what cannot be read in two ways."""
    judged = judge(*(PBKDF2.replace("Ab", f"{sign}b") for sign in "+./"), alphabet="shared")
    assert judged == ["hash_alphabet", "hash_alphabet", "PBKDF2_SHA256"]


def hashed(value: str | None) -> dict[str, object]:
    return user() | {PASSWORD_HASH: value}


def test_white_space_round_a_hash_is_cut_off_and_a_blank_one_is_none() -> None:
    """F1.21: a column of fixed width in the source pads its hashes."""
    rows = Rules(pool()).judge(page(hashed(f"{BCRYPT}  "), hashed(" "), hashed(""), hashed(f"\t{SCRYPT}\n")))
    assert rows[PASSWORD_HASH].to_list() == [BCRYPT, None, None, SCRYPT]
    assert rows[ALGORITHM].to_list() == ["BCRYPT", None, None, "SCRYPT"]
    assert rows[CSV_REASON].to_list() == [None] * 4


BCRYPT_SIGNS = st.text(alphabet="$./0129ABYZabyz@[`{:-", min_size=50, max_size=53)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.just(BCRYPT)
        | st.none()
        | st.builds(lambda end: (BCRYPT[:60 - len(end)] + end), BCRYPT_SIGNS)
        | st.builds(lambda at, sign: BCRYPT[:at] + sign + BCRYPT[at + 1 :], st.integers(0, 59),
                    st.sampled_from("$2bxy019./Az@[`{é")),
        max_size=4,
    )
)  # fmt: skip
def test_the_short_way_to_find_bcrypt_says_what_the_pattern_says(values: list[str | None]) -> None:
    pattern = r"\$2[abxy]\$(0[4-9]|1[0-2])\$[./A-Za-z0-9]{53}"
    expected = [value and re.fullmatch(pattern, value) is not None for value in values]
    assert _is_bcrypt(pl.Series("hash", values, dtype=pl.String)).to_list() == expected
