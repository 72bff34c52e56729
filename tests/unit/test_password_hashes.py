"""Rewritten hashes of real libraries let the right password in and no other; junk is named, never raised."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors.cognito.sandbox.credentials import fits_hash
from connectors.errors import ConfigurationError
from mappings.hash_formats import HashFormats
from mappings.hash_schemes.alike import rewritten
from mappings.hash_schemes.listed import LABEL, SCHEMES
from mappings.hash_schemes.wrapped import WRAPPERS
from mappings.password_hashes import HASH_REASONS, Judged, PasswordHashes, kinds
from mappings.spec import parse_mapping
from tests.unit.hash_specimens import OTHER, PASSWORD, Specimen, keycloak, pbkdf2, specimens

if TYPE_CHECKING:
    from mappings.hash_schemes.base import Scheme
    from mappings.rules_options import Pbkdf2Alphabet

ALL = specimens()


def judge(*values: str | None, alphabet: Pbkdf2Alphabet = "base64", scheme: str | None = None) -> Judged:
    return PasswordHashes(alphabet, scheme).judge(pl.Series("hash", values, dtype=pl.String))


def kinds_of(found: Judged) -> list[str | None]:
    columns = {"value": found.values, "algorithm": found.algorithms, "kind": found.kinds}
    return kinds(pl.DataFrame(columns), hashes="value", algorithm="algorithm", kind="kind").to_list()


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.system)
def test_scheme_and_parameters_are_told_and_why_a_hash_does_not_travel(one: Specimen) -> None:
    found = judge(one.value, scheme=one.scheme)
    assert kinds_of(found) == [one.kind]
    assert found.problems.to_list() == [None if one.why == "-" else one.why]
    assert found.algorithms.is_not_null().to_list() == [one.why is None]


@pytest.mark.parametrize("one", [one for one in ALL if one.why is None], ids=lambda one: one.system)
def test_a_rewritten_hash_lets_the_right_password_in_and_no_other(one: Specimen) -> None:
    (stored,) = judge(one.value, scheme=one.scheme).values
    assert fits_hash(one.password, stored)
    assert not fits_hash(OTHER, stored)


@pytest.mark.parametrize(
    "value", [f"pbkdf2_sha256${'9' * 5000}$salt$a2V5", f"$pbkdf2-sha256${'9' * 5000}$c2FsdA$a2V5"]
)
def test_a_cost_of_more_digits_than_python_reads_is_malformed(value: str) -> None:
    """Python refuses to make a number of more than 4,300 digits, which must not end a run."""
    assert judge(value, value).problems.to_list() == ["hash_malformed"] * 2


@pytest.mark.parametrize(
    "one", [one for one in ALL if "pbkdf2_sha256" in one.kind], ids=lambda one: one.system
)
def test_the_alphabet_changes_one_character_and_nothing_else(one: Specimen) -> None:
    """F2.8."""
    base64, passlib = (judge(one.value, alphabet=each) for each in ("base64", "passlib"))
    assert passlib.algorithms.to_list() == base64.algorithms.to_list()
    if one.why is None:
        assert passlib.values[0] == base64.values[0].replace("+", ".")


def test_bcrypt_over_a_digest_would_let_nobody_in_as_plain_bcrypt() -> None:
    """Why these are told apart: cut down to plain bcrypt they would look fine."""
    for system in ("WordPress from 6.8 on", "Django: BCryptSHA256PasswordHasher"):
        (value,) = [one.value for one in ALL if one.system == system]
        assert not fits_hash(PASSWORD, value[value.index("$2") :])


def test_a_whole_column_is_judged_as_each_of_its_values() -> None:
    """Values go through the column in groups and come back to their own rows."""
    rows = [one for one in (*ALL, *reversed(ALL)) if one.scheme is None]
    found = judge(*(one.value for one in rows))
    assert kinds_of(found) == [one.kind for one in rows]
    alone = [judge(one.value).values[0] for one in rows]
    assert found.values.to_list() == alone


def test_a_hash_that_does_not_travel_stays_as_it_stood_for_whoever_can_keep_it() -> None:
    rows = [one for one in ALL if one.why not in (None, "-")]
    assert judge(*(one.value for one in rows)).values.to_list() == [one.value for one in rows]


def test_the_scheme_of_the_run_file_is_for_values_that_do_not_tell_theirs() -> None:
    bcrypted = next(one.value for one in ALL if one.kind == "bcrypt cost 10")
    found = judge("QUJD", bcrypted, "5f4dcc3b5aa765d61d8327deb882cf99", "!", scheme="firebase_scrypt")
    assert kinds_of(found) == ["firebase_scrypt", "bcrypt cost 10", "firebase_scrypt", "no_password"]


def test_a_scheme_that_nobody_knows_is_refused_with_the_known_ones() -> None:
    rules = {"username": {"from": "id"}, "password_hash": {"from": "pw", "scheme": "bcript"}}
    with pytest.raises(
        ConfigurationError, match=r"password_hash\.scheme: .*'bcript'.* Did you mean 'bcrypt'"
    ):
        parse_mapping(rules, where="run.yaml")


def test_keys_that_are_longer_than_a_block_are_cut_and_still_fit() -> None:
    """Whether Cognito takes a key of 64 bytes is unknown; its first block is the same key, shorter."""
    long, short = (keycloak("pbkdf2-sha256", 1000, pbkdf2("sha256", 1000, size)) for size in (64, 32))
    assert judge(long).values.to_list() == judge(short).values.to_list()


@pytest.mark.parametrize(
    "value",
    [
        '{"credentials": []}', '{"type": "otp"}', '[{"type": "password"}]', "[{}]", '{"secretData": "x"}',
        '{"secretData": "{}", "credentialData": "[]"}', "[" * 100_000 + '{"',
        '{"type": "password", "value":1}', '{"hashIterations": "many", "salt": "a", "value": "b"}',
        '{"credentials": "text"}', '{"hashIterations": 1e999, "salt": "a", "value": "b"}',
        r'{"hashIterations": 1, "salt": "\ud800", "value": "b"}',
    ],
)  # fmt: skip
def test_json_without_a_password_credential_is_unknown(value: str) -> None:
    assert judge(value).problems.to_list() == ["hash_unknown_scheme"]


PIECES = st.sampled_from([one.value for one in ALL])
CUT = st.builds(lambda text, start, stop: text[start:stop], PIECES, st.integers(0, 30), st.integers(0, 200))
CHANGED = st.builds(
    lambda text, at, new: text[: at % len(text)] + new + text[at % len(text) + 1 :],
    PIECES, st.integers(0, 300), st.text(max_size=3),
)  # fmt: skip
JUNK = st.text(max_size=40) | CUT | CHANGED


@settings(max_examples=300, deadline=None)
@given(st.lists(JUNK | st.none(), max_size=6), st.sampled_from([None, *SCHEMES]))
@example(["scrypt$99999999999999999999$a$8$1$AAAA", "$scrypt$ln=99,r=8,p=1$AAAA$AAAA"], None)
@example(["AQAAAAEA////////////////////////////////////////////////////////////////////////"], None)
def test_junk_is_named_and_never_raises(values: list[str | None], scheme: str | None) -> None:
    """Each value has a hash that the pool's verifier understands, a reason, or is no hash."""
    found = judge(*values, scheme=scheme)
    for given_one, value, algorithm, problem in zip(
        values, found.values, found.algorithms, found.problems, strict=True
    ):
        assert (algorithm is None) or (problem is None)
        assert problem is None or problem in HASH_REASONS
        assert (value is None) <= (problem is None and algorithm is None)
        if problem is not None:
            assert value
            assert value in (given_one or "")


BASE64_KEYS = [
    one for one in ALL if one.why is None and "$" in one.value and "Werkzeug" not in one.system
]  # fmt: skip


@pytest.mark.parametrize("one", BASE64_KEYS, ids=lambda one: one.system)
def test_letters_keep_their_case(one: Specimen) -> None:
    """F2.10: the same hash with one letter in the other case is another one."""
    at = next(at for at in range(one.value.rindex("$") + 1, len(one.value)) if one.value[at].isalpha())
    changed = one.value[:at] + one.value[at].swapcase() + one.value[at + 1 :]
    before, after = judge(one.value), judge(changed)
    assert after.algorithms.to_list() == before.algorithms.to_list()
    assert after.values.to_list() != before.values.to_list()


def test_every_label_of_a_scheme_is_what_is_found_at_the_beginning_of_a_value() -> None:
    labels = [label for each in (*SCHEMES.values(), *WRAPPERS) for label in each.labels if label != "{"]
    assert len(labels) == len(set(labels))
    assert pl.Series(labels).str.extract(LABEL, 1).to_list() == labels


LEARNED = [each for each in SCHEMES.values() if each.learn]
OF_SCHEME = {
    each.name: [one.value for one in ALL if one.kind.startswith(f"{each.name} ") and one.value[0] not in "{["]
    or [one.value for one in ALL if one.kind.startswith(f"{each.name} ")]
    for each in LEARNED
}  # fmt: skip


def swapped(text: str, at: int, sign: str) -> str:
    """One character exchanged: of the same length where the sign is one byte."""
    at %= len(text)
    return text[:at] + sign + text[at + 1 :]


@st.composite
def columns(draw: st.DrawFn) -> tuple[Scheme, list[str | None]]:
    """A scheme, and hashes of it that are nearly alike."""
    scheme = draw(st.sampled_from(LEARNED))
    value = st.sampled_from(OF_SCHEME[scheme.name])
    near = st.builds(swapped, value, st.integers(0, 200), st.sampled_from([*"$=.+/:Az09", "", "==", "ä"]))
    twice = st.builds(swapped, near, st.integers(0, 200), st.sampled_from([*"$=.+/:Az09"]))
    return scheme, draw(st.lists(value | near | twice | st.none(), min_size=1, max_size=8))


@settings(max_examples=400, deadline=None)
@given(columns())
@example((SCHEMES["django_scrypt"], ["scrypt$2$salt$8$1$QUJD", "scrypt$2$s$lt$8$1$QUJD"]))
@example((SCHEMES["django_pbkdf2_sha256"], ["pbkdf2_sha256$9$salt$QUJD", "pbkdf2_sha256$9$s$lt$QUJD"]))
@example(
    (SCHEMES["passlib_scrypt"], ["$scrypt$ln=1,r=8,p=1$QUJD$QUJDRA==", "$scrypt$ln=1,r=8,p=1$QUJD$QUJD===="])
)
@example((SCHEMES["django_pbkdf2_sha256"], [f"pbkdf2_sha256$9$salt${'A' * 43}{end}" for end in "=A"]))
@example((SCHEMES["werkzeug_scrypt"], [f"scrypt:2:8:1$salt${key}" for key in ("abcd", "ABCD", "wxyz")]))
def test_hashes_that_are_alike_are_rewritten_as_each_by_itself(
    column: tuple[Scheme, list[str | None]],
) -> None:
    """What is learned of one hash gives nothing else than the general way, and no hash passes unjudged."""
    scheme, values = column
    texts = pl.Series(values, dtype=pl.String)
    assert scheme.convert is not None
    assert scheme.algorithm is not None
    made, model = rewritten(scheme, texts)
    assert made.to_list() == scheme.convert(texts).to_list()
    if model is not None:
        usable, _ = HashFormats("base64").judged(scheme.algorithm, pl.Series([model, *made]))
        assert usable.n_unique() == 1


@pytest.mark.parametrize("scheme", LEARNED, ids=lambda one: one.name)
def test_of_alike_hashes_one_is_judged_for_all(scheme: Scheme) -> None:
    """The quick way is really taken: a form that no longer matches its scheme's hashes would only be slow."""
    value = OF_SCHEME[scheme.name][0]
    assert rewritten(scheme, pl.Series([value, value])).model is not None
