"""What an import job makes of a file: users, counters, messages (table 1e, F2.11, F3.19-F3.23)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from connectors.cognito.sandbox import Sandbox, start
from tests.unit.sandbox_jobs import Pool, make_pool, person, put, switched

if TYPE_CHECKING:
    from collections.abc import Iterator

BCRYPT = "$2b$10$" + "a" * 53
ARGON2ID = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$aGFzaA"
TOO_MANY = "Too many users have failed or been skipped during the import."


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with start() as running:
        yield running


@pytest.fixture
def pool(sandbox: Sandbox) -> Pool:
    return make_pool(sandbox)


def counts(job: dict[str, Any]) -> tuple[int, int, int]:
    return job["ImportedUsers"], job["SkippedUsers"], job["FailedUsers"]


def test_a_plain_user_must_reset_and_has_what_the_row_says(sandbox: Sandbox) -> None:
    pool = make_pool(sandbox, Schema=[{"Name": "tenant", "AttributeDataType": "String"}])
    row = person("ann", name="  Ann, the first ", custom__tenant="acme", email_verified="TRUE")
    job = pool.imported({**row, "birthdate": "02/01/1985"})
    assert (job["Status"], counts(job)) == ("Succeeded", (1, 0, 0))
    user = pool.users()["ann"]
    assert len(user.pop("sub")) == 36
    assert user == {
        "status": "RESET_REQUIRED",
        "name": "Ann, the first",
        "email": "ann@example.com",
        "email_verified": "true",
        "birthdate": "02/01/1985",
        "custom:tenant": "acme",
    }


def test_a_user_with_a_hash_is_confirmed_and_one_without_must_reset(pool: Pool) -> None:
    rows = [person("ann", password_hash=BCRYPT), person("bob"), person("eve", password_hash=BCRYPT[1:])]
    job = pool.imported(*rows, PasswordHashingAlgorithm="BCRYPT")
    assert counts(job) == (2, 0, 1)
    assert {name: user["status"] for name, user in pool.users().items()} == {
        "ann": "CONFIRMED",
        "bob": "RESET_REQUIRED",
    }


def test_the_commas_of_argon2id_must_be_escaped(pool: Pool) -> None:
    """Unescaped, they make three values of one (F2.7)."""
    header = [*pool.header, "password_hash"]
    right = pool.file(person("ann", password_hash=ARGON2ID), header=header)
    marked = pool.file(person("bob", password_hash=ARGON2ID), header=header)
    wrong = marked.replace(b"\\,", b",")
    job = pool.run(right + wrong.partition(b"\n")[2], PasswordHashingAlgorithm="ARGON2ID")
    assert counts(job) == (1, 0, 1)
    assert list(pool.users()) == ["ann"]


def pbkdf2(password: str) -> str:
    """PBKDF2 of an invented password, made by the standard library."""
    from base64 import b64encode  # noqa: PLC0415 - kept beside its only use
    from hashlib import pbkdf2_hmac  # noqa: PLC0415 - kept beside its only use

    def base64(value: bytes) -> str:
        return b64encode(value).decode().rstrip("=")

    salt = b"0123456789abcdef"
    key = pbkdf2_hmac("sha256", password.encode(), salt, 1000)
    return f"$pbkdf2-sha256$1000${base64(salt)}${base64(key)}"


def client_of(pool: Pool) -> str:
    flows = ["ALLOW_USER_PASSWORD_AUTH"]
    client = pool.call("create_user_pool_client", ClientName="app", ExplicitAuthFlows=flows)
    return str(client["UserPoolClient"]["ClientId"])


def sign_in(pool: Pool, client_id: str, username: str) -> dict[str, Any]:
    answer: dict[str, Any] = pool.client.initiate_auth(
        ClientId=client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": username, "PASSWORD": "Invented-1"},
    )
    return answer


def test_an_imported_hash_signs_in(sandbox: Sandbox) -> None:
    pool = make_pool(sandbox)
    pool.imported(person("ann", password_hash=pbkdf2("Invented-1")), PasswordHashingAlgorithm="PBKDF2_SHA256")
    assert "AccessToken" in sign_in(pool, client_of(pool), "ann")["AuthenticationResult"]


def test_nobody_signs_in_with_a_second_factor_that_there_is_nothing_for(sandbox: Sandbox) -> None:
    """F1.35: an e-mail address is one only once it is switched on as a factor."""
    pool = make_pool(sandbox, MfaConfiguration="OPTIONAL")
    stored = {"password_hash": pbkdf2("Invented-1"), "cognito:mfa_enabled": "true"}
    people = [person("ann", **stored), person("bob", **stored, phone_number="+4930123456")]
    pool.imported(*people, PasswordHashingAlgorithm="PBKDF2_SHA256")
    app = client_of(pool)
    assert "AccessToken" in sign_in(pool, app, "bob")["AuthenticationResult"]
    with pytest.raises(ClientError, match="no factor for it"):
        sign_in(pool, app, "ann")
    by_email = {"Enabled": True, "PreferredMfa": True}
    pool.call("admin_set_user_mfa_preference", Username="ann", EmailMfaSettings=by_email)
    assert "AccessToken" in sign_in(pool, app, "ann")["AuthenticationResult"]


def test_who_is_in_the_pool_already_is_skipped_and_left_as_he_is(pool: Pool) -> None:
    pool.call(
        "admin_create_user",
        Username="ann",
        MessageAction="SUPPRESS",
        UserAttributes=[{"Name": "name", "Value": "first"}],
    )
    job = pool.imported(person("ann", name="second"), person("bob"))
    assert (job["Status"], counts(job)) == ("Succeeded", (1, 1, 0))
    assert pool.users()["ann"]["name"] == "first"


@pytest.mark.parametrize(("switch", "expected"), [("skip", (2, 1, 0)), ("fail", (2, 0, 1))])
def test_a_username_that_comes_twice(
    sandbox: Sandbox, pool: Pool, switch: str, expected: tuple[int, int, int]
) -> None:
    with switched(sandbox, duplicate_username=switch):
        job = pool.imported(person("ann", name="first"), person("ann", name="second"), person("bob"))
    assert counts(job) == expected
    assert pool.users()["ann"]["name"] == "first"


def test_a_username_whose_first_row_failed_is_no_duplicate(sandbox: Sandbox, pool: Pool) -> None:
    with switched(sandbox, duplicate_username="fail"):
        job = pool.imported(person("ann", email_verified="no"), person("ann"), person("bob"))
    assert counts(job) == (2, 0, 1)


@pytest.mark.parametrize(("spelling", "expected"), [("sensitive", (3, 0, 0)), ("insensitive", (2, 1, 0))])
def test_two_spellings_of_a_username(
    sandbox: Sandbox,
    spelling: str,
    expected: tuple[int, int, int],
) -> None:
    pool = make_pool(sandbox, UsernameConfiguration={"CaseSensitive": spelling == "sensitive"})
    job = pool.imported(person("ann"), person("ANN", email="ann2@example.com"), person("bob"))
    assert counts(job) == expected


@pytest.mark.parametrize(
    ("switch", "expected", "holder"),
    [("fail", (2, 0, 1), "ann"), ("skip", (2, 1, 0), "ann"), ("steal", (3, 0, 0), "eve")],
)
def test_an_alias_that_is_another_users(
    sandbox: Sandbox, switch: str, expected: tuple[int, int, int], holder: str
) -> None:
    pool = make_pool(sandbox, AliasAttributes=["email"])
    with switched(sandbox, taken_alias=switch):
        job = pool.imported(person("ann"), person("bob"), person("eve", email="ann@example.com"))
    assert counts(job) == expected
    assert pool.call("admin_get_user", Username="ann@example.com")["Username"] == holder


def test_without_aliases_an_address_may_be_shared(pool: Pool) -> None:
    job = pool.imported(person("ann"), person("eve", email="ann@example.com"))
    assert counts(job) == (2, 0, 0)


def test_an_address_in_the_usernames_place_becomes_a_uuid(sandbox: Sandbox) -> None:
    pool = make_pool(sandbox, UsernameAttributes=["email"])
    rows = [person("ann@example.com", email=""), person("eve@example.com", email="eve@example.com")]
    job = pool.imported(
        *rows, person("bob"), person("ann@example.com", email=""), person("x@example.com", email="")
    )
    assert counts(job) == (3, 1, 1)
    users = pool.users()
    assert all(name == user["sub"] for name, user in users.items())
    assert {user["email"] for user in users.values()} == {
        "ann@example.com",
        "eve@example.com",
        "x@example.com",
    }


def test_an_address_in_the_usernames_place_can_replace_the_cell(sandbox: Sandbox) -> None:
    pool = make_pool(sandbox, UsernameAttributes=["email"])
    with switched(sandbox, username_is_attribute=False):
        job = pool.imported(person("ann@example.com", email="other@example.com"))
    assert counts(job) == (1, 0, 0)
    assert [user["email"] for user in pool.users().values()] == ["ann@example.com"]


@pytest.mark.parametrize("shape", ["missing", "unknown", "order"])
def test_the_header_must_match_the_pool(pool: Pool, shape: str) -> None:
    header = {
        "missing": pool.header[1:],
        "unknown": [*pool.header, "password"],
        "order": pool.header[::-1],
    }[shape]
    job = pool.run(pool.file(person("ann"), header=header))
    if shape == "order":
        assert (job["Status"], counts(job)) == ("Succeeded", (1, 0, 0))
        return
    assert (job["Status"], counts(job)) == ("Failed", (0, 0, 0))
    assert "header" in job["CompletionMessage"]
    assert pool.users() == {}


def test_a_column_that_was_added_to_the_pool_must_be_in_the_file(pool: Pool) -> None:
    """A header from before AddCustomAttributes is out of date (F6.31)."""
    old = pool.file(person("ann"))
    pool.call("add_custom_attributes", CustomAttributes=[{"Name": "x", "AttributeDataType": "String"}])
    assert pool.run(old)["CompletionMessage"] == "The header of the CSV file lacks the column custom:x."


@pytest.mark.parametrize("rows", ["fail_rows", "allow", "fail_job"])
def test_an_algorithm_needs_the_column_of_hashes(sandbox: Sandbox, pool: Pool, rows: str) -> None:
    with switched(sandbox, missing_column=rows):
        job = pool.run(pool.file(person("ann")), PasswordHashingAlgorithm="BCRYPT")
    assert job["CompletionMessage"] == "The header of the CSV file lacks the column password_hash."


def test_a_column_of_hashes_needs_an_algorithm(sandbox: Sandbox, pool: Pool) -> None:
    content = pool.file(person("ann", password_hash=BCRYPT), header=[*pool.header, "password_hash"])
    assert pool.run(content)["Status"] == "Failed"
    with switched(sandbox, hash_without_algorithm="ignore"):
        assert pool.run(content)["Status"] == "Succeeded"
    assert pool.users()["ann"]["status"] == "RESET_REQUIRED"


def test_a_missing_column_can_fail_every_row(sandbox: Sandbox, pool: Pool) -> None:
    with switched(sandbox, missing_column="fail_rows"):
        for lost in ("name", "cognito:username"):
            header = [name for name in pool.header if name != lost]
            job = pool.run(pool.file(person("ann"), header=header))
            assert (job["CompletionMessage"], counts(job)) == (TOO_MANY, (0, 0, 1))


def test_a_missing_column_can_be_fine_if_it_is_optional(sandbox: Sandbox, pool: Pool) -> None:
    """The guide's own sample has six columns (F1.10)."""
    with switched(sandbox, missing_column="allow"):
        header = ["cognito:username", "email", "email_verified"]
        assert counts(pool.run(pool.file(person("ann"), header=header))) == (1, 0, 0)
        job = pool.run(pool.file(person("ann"), header=header[1:]))
    assert job["CompletionMessage"] == "The header of the CSV file lacks the column cognito:username."


def test_a_file_without_users_succeeds(pool: Pool) -> None:
    job = pool.imported()
    assert (job["Status"], counts(job)) == ("Succeeded", (0, 0, 0))


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe", "a,b\n".encode("utf-16")])
def test_a_file_that_cannot_be_parsed_fails_the_job(pool: Pool, content: bytes) -> None:
    assert pool.run(content)["Status"] == "Failed"


def test_lines_that_are_no_rows_fail_alone(pool: Pool) -> None:
    good = pool.file(person("ann"), person("bob"), person("eve"))
    job = pool.run(good + b'"a","b"\n\nx,y\n'.replace(b"\n\n", b"\n"))
    assert counts(job) == (3, 0, 2)


GOOD, BAD = "true", "no"


def mixed(pattern: str) -> list[dict[str, str]]:
    """``+`` is a row that is imported, ``-`` one that fails."""
    return [
        person(f"user{number}", email_verified=GOOD if sign == "+" else BAD)
        for number, sign in enumerate(pattern)
    ]


@pytest.mark.parametrize(
    ("pattern", "status"),
    [
        ("-", "Failed"),
        ("+-", "Succeeded"),
        ("+--", "Failed"),
        ("--+", "Failed"),
        ("-" * 5, "Failed"),
        ("+" * 14 + "-" * 32, "Failed"),
        ("-" * 14 + "+" * 14, "Succeeded"),
    ],
)
def test_a_job_with_more_than_half_of_its_rows_lost_fails(pool: Pool, pattern: str, status: str) -> None:
    job = pool.imported(*mixed(pattern))
    assert job["Status"] == status
    assert counts(job) == (pattern.count("+"), 0, pattern.count("-"))
    assert (job["CompletionMessage"] == TOO_MANY) is (status == "Failed")
    assert len(pool.users()) == pattern.count("+")


def test_skipped_rows_count_like_failed_ones(pool: Pool) -> None:
    rows = [person("ann"), person("bob")]
    pool.imported(*rows)
    job = pool.imported(*rows, person("eve"))
    assert (job["Status"], job["CompletionMessage"], counts(job)) == ("Failed", TOO_MANY, (1, 2, 0))


def test_a_hopeless_job_ends_before_its_last_row(pool: Pool) -> None:
    """99 good rows, then bad ones only: the 199th row is the first with more bad than good ones behind it."""
    job = pool.imported(*mixed("+" * 99 + "-" * 3_000))
    assert (job["Status"], counts(job)) == ("Failed", (99, 0, 100))
    assert len(pool.lines(job, 199)) == 199


def test_before_so_many_rows_no_job_ends_early(pool: Pool) -> None:
    job = pool.imported(*mixed("-" * 99 + "+" * 99))
    assert (job["Status"], counts(job)) == ("Failed", (1, 0, 99))


def test_the_early_end_is_a_switch(sandbox: Sandbox, pool: Pool) -> None:
    with switched(sandbox, too_many_early_after_rows=None):
        job = pool.imported(*mixed("-" * 150 + "+" * 150))
    assert (job["Status"], counts(job)) == ("Succeeded", (150, 0, 150))


@pytest.mark.parametrize(
    ("switches", "status"),
    [
        ({"too_many_share": 0.2}, "Failed"),
        ({"too_many_share": 0.25}, "Succeeded"),
        ({"too_many_share": 0.2, "too_many_minimum": 2}, "Succeeded"),
    ],
)
def test_the_threshold_is_a_switch(
    sandbox: Sandbox, pool: Pool, switches: dict[str, float], status: str
) -> None:
    with switched(sandbox, **switches):
        assert pool.imported(*mixed("+++-"))["Status"] == status


def test_a_pool_that_vanishes_fails_its_job(sandbox: Sandbox, pool: Pool) -> None:
    """DeleteUserPool is refused during a job, moto's own reset is not."""
    from moto.cognitoidp.models import cognitoidp_backends  # noqa: PLC0415 - kept beside its only use

    with switched(sandbox, rows_per_second=200):
        job = pool.job()
        put(job, pool.file(*mixed("+" * 200)))
        pool.start(job)
        pool.wait(job, "InProgress")
        pools = cognitoidp_backends["123456789012"]["eu-west-1"].user_pools
        kept = pools.pop(pool.id)
        stored = sandbox._end.__self__.state.jobs.get(("123456789012", "eu-west-1"), pool.id, job["JobId"])  # type: ignore[union-attr]
        assert stored.ended.wait(20)
        pools[pool.id] = kept
    done = pool.described(job)
    assert (done["Status"], done["CompletionMessage"]) == ("Failed", "The user pool was deleted.")


def test_the_file_is_deleted_when_the_job_is_over(sandbox: Sandbox, pool: Pool) -> None:
    job = pool.imported(person("ann"))
    state = sandbox._end.__self__.state  # type: ignore[union-attr]  # a bound method
    stored = state.jobs.get(("123456789012", "eu-west-1"), pool.id, job["JobId"])
    assert stored.ended.wait(10)
    assert list(state.jobs.folder.iterdir()) == []


def test_an_import_sends_no_message_and_uses_no_rate(sandbox: Sandbox, pool: Pool) -> None:
    before = sandbox.counters()
    pool.imported(*mixed("+" * 50))
    after = sandbox.counters()
    assert after["messages"] == before["messages"]
    assert after["calls"].get("UserCreation", 0) == before["calls"].get("UserCreation", 0)


def test_passwordless_users_are_confirmed(sandbox: Sandbox) -> None:
    policy = {"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"]}}
    pool = make_pool(sandbox, Policies=policy)
    pool.imported(person("ann"))
    assert pool.users()["ann"]["status"] == "CONFIRMED"
