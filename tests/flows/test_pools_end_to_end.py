"""Pools of every kind: the right verdict for everybody, and the pool holds what the verdicts say."""

from __future__ import annotations

from base64 import b64encode
from hashlib import pbkdf2_hmac, scrypt
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from connectors.errors import StopError, TargetError
from tests.flows.conftest import Pool, person
from tests.flows.journeys import (
    CREATED,
    DEFERRED,
    EXISTING,
    IMPORTED,
    add,
    check,
    lead_to,
    make_pool,
    mapping,
    rejected,
    switched,
    travel,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from connectors.cognito.sandbox import Sandbox

    Make = Callable[..., Pool]

PHONE = "+493023125"
"""The beginning of a number that nobody has."""

HAS_PHONE = {"const": "true", "when": {"field": "phone", "present": True}}
HAS_EMAIL = {"const": "true", "when": {"field": "email", "present": True}}
PASSWORD = "An old password, 1"  # noqa: S105 - of nobody


@pytest.fixture
def make(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes pools."""
    lead_to(sandbox, monkeypatch)
    return lambda **settings: make_pool(sandbox, tmp_path, **settings)


# names ----------------------------------------------------------------------------------------


def test_users_sign_in_with_an_email_address(make: Make) -> None:
    """Letter case does not matter, and whom a CSV cannot carry is known by the address all the same."""
    pool = make(UsernameAttributes=["email"])
    add(pool, "Anna@example.com", email_verified="true")
    people = [
        person(1),
        person(2, email="anna@EXAMPLE.com"),
        person(3, email="USER1@example.com"),
        person(4, verified="false", roles="staff"),
        person(5, email="nobody"),
        person(6, last_name='"Quoted"', active="no"),
    ]
    expected = [
        IMPORTED, EXISTING, rejected("duplicate_username"), CREATED, rejected("username_not_email"), CREATED
    ]  # fmt: skip
    check(pool, people, expected, mapping=mapping(username="email", email={"from": "email"}))
    assert [user["Enabled"] for user in pool.users().values()].count(False) == 1
    members = pool.client.list_users_in_group(UserPoolId=pool.pool_id, GroupName="staff")["Users"]
    assert len(members) == 1


def test_users_sign_in_with_a_phone_number(make: Make) -> None:
    pool = make(UsernameAttributes=["phone_number"], AutoVerifiedAttributes=["phone_number"])
    add(pool, f"{PHONE}01")
    people = [
        person(1, phone=f"{PHONE}02"),
        person(2, phone=f"{PHONE}01"),
        person(3, phone=f"{PHONE}02"),
        person(4, phone=f"{PHONE}04", verified="false"),
        person(5, phone="030"),
    ]
    verified = {"from": "verified", "as": "boolean"}
    own = mapping(username="phone", phone_number={"from": "phone"}, phone_number_verified=verified)
    expected = [
        IMPORTED, EXISTING, rejected("duplicate_username"), CREATED, rejected("username_not_phone_number")
    ]  # fmt: skip
    check(pool, people, expected, mapping=own)


@pytest.mark.parametrize(
    ("auto", "only_a_phone"),
    [(["email"], CREATED), (["phone_number"], IMPORTED), (["email", "phone_number"], IMPORTED)],
    ids=["email", "phone", "both"],
)
def test_users_sign_in_with_either(make: Make, auto: list[str], only_a_phone: tuple[str, None]) -> None:
    """A contact is one person's, whether it stands for the username or beside it."""
    pool = make(UsernameAttributes=["email", "phone_number"], AutoVerifiedAttributes=auto)
    add(pool, "anna@example.com", phone_number=f"{PHONE}09")
    people = [
        person(1, phone=f"{PHONE}01"),
        person(2, phone=f"{PHONE}01"),
        person(3, phone=f"{PHONE}09"),
        person(4, email="anna@example.com"),
        person(5, email="", phone=f"{PHONE}05"),
        person(6, email="", phone=f"{PHONE}09"),
    ]
    own = mapping(phone_number={"from": "phone"}, phone_number_verified=HAS_PHONE, email_verified=HAS_EMAIL)
    own["username"] = {"first_of": ["email", "phone"]}
    taken = [rejected("phone_number_taken"), rejected("phone_number_taken_in_pool")]
    check(pool, people, [IMPORTED, *taken, EXISTING, only_a_phone, EXISTING], mapping=own)


def test_an_email_address_is_an_alias(make: Make) -> None:
    """A verified address is one user's; who is in the pool already keeps theirs, whoever else wants it."""
    pool = make(AliasAttributes=["email"])
    add(pool, "there", email="taken@example.com", email_verified="true")
    add(pool, "unverified", email="free@example.com", email_verified="false")
    people = [
        person(1),
        person(2, email="Taken@example.com"),
        person(3, email="free@example.com"),
        person(4, email="User1@example.com"),
        person(5, email="taken@example.com", verified="false"),
        person(6, id="sixth@example.com"),
        person(7, id="There", email="taken@example.com"),
    ]
    expected = [
        IMPORTED, rejected("email_taken_in_pool"), IMPORTED, rejected("email_taken"), CREATED,
        rejected("username_email_shaped"), EXISTING,
    ]  # fmt: skip
    check(pool, people, expected)


def test_who_gets_nothing_takes_nothing(make: Make) -> None:
    """Who is refused for a name that the pool's users have leaves other names to those who come after."""
    pool = make(AliasAttributes=["email", "phone_number"])
    add(pool, "there", email="taken@example.com", email_verified="true")
    people = [
        person(1, email="taken@example.com", phone=f"{PHONE}01"),
        person(2, phone=f"{PHONE}01"),
    ]
    own = mapping(phone_number={"from": "phone"}, phone_number_verified=HAS_PHONE)
    check(pool, people, [rejected("email_taken_in_pool"), IMPORTED], mapping=own)


def test_a_preferred_username_is_an_alias(make: Make) -> None:
    """What a CSV makes of it nobody knows, so that AdminCreateUser takes those who have one."""
    pool = make(AliasAttributes=["preferred_username"])
    add(pool, "there", preferred_username="Boss")
    people = [person(1, roles="ann"), person(2, roles="boss"), person(3, roles="ANN"), person(4)]
    own = mapping(preferred_username={"from": "roles"}) | {"groups": []}
    taken = [rejected("preferred_username_taken_in_pool"), rejected("preferred_username_taken")]
    check(pool, people, [CREATED, *taken, IMPORTED], mapping=own)


@pytest.mark.parametrize("case_sensitive", [True, False])
def test_letter_case(make: Make, case_sensitive: bool) -> None:  # noqa: FBT001 - a parameter of the pool
    pool = make(UsernameConfiguration={"CaseSensitive": case_sensitive})
    add(pool, "There")
    people = [person(1, id="ann"), person(2, id="Ann"), person(3, id="there")]
    twice, there = (IMPORTED, IMPORTED) if case_sensitive else (rejected("duplicate_username"), EXISTING)
    check(pool, people, [IMPORTED, twice, there])


@pytest.mark.parametrize("verify", ["sample", "full"])
def test_a_pool_that_keeps_usernames_in_small_letters(make: Make, verify: str) -> None:
    """The strategies and the proof find a user under the spelling that the pool has made of the name."""
    pool = make()
    journey = check(
        pool, [person(1, id="Ann"), person(2, id="Bob", verified="no")], [IMPORTED, CREATED], verify=verify
    )
    assert journey.verdicts["sub"].null_count() == 0


# switches -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("OFF", [IMPORTED, IMPORTED, rejected("mfa_not_in_pool")]),
        ("OPTIONAL", [IMPORTED, IMPORTED, IMPORTED]),
        ("ON", [IMPORTED, rejected("mfa_required_by_pool"), IMPORTED]),
    ],
)
@pytest.mark.parametrize("rule", ["current", "older"])
def test_second_factors(make: Make, sandbox: Sandbox, mode: str, expected: list[Any], rule: str) -> None:
    """No cell is blank, which suits both texts of the guide, whatever is known of a user (F1.34)."""
    pool = make(MfaConfiguration=mode)
    own = mapping() | {"mfa": {"from": "roles"}, "groups": []}
    with switched(sandbox, mfa_rule=rule):
        people = [person(1), person(2, roles="off"), person(3, roles="totp")]
        check(pool, people, expected, mapping=own)


def test_required_attributes(make: Make) -> None:
    schema = [{"Name": name, "Required": True, "Mutable": True} for name in ("birthdate", "family_name")]
    pool = make(Schema=schema)
    own = mapping(without=["custom:tenant"], family_name={"from": "last_name"})
    people = [person(1), person(2, born=""), person(3, last_name="", verified="no"), person(4, verified="no")]
    missing = [rejected("birthdate_missing"), rejected("family_name_missing")]
    check(pool, people, [IMPORTED, *missing, CREATED], mapping=own)


@pytest.mark.parametrize(
    ("auto", "expected"),
    [
        (["email"], [IMPORTED, CREATED, IMPORTED, CREATED]),
        (["phone_number"], [CREATED, IMPORTED, IMPORTED, CREATED]),
        (["email", "phone_number"], [IMPORTED, IMPORTED, IMPORTED, CREATED]),
        (None, [CREATED, CREATED, CREATED, CREATED]),
    ],
    ids=["email", "phone", "both", "none"],
)
def test_verified_contacts(make: Make, auto: list[str] | None, expected: list[Any]) -> None:
    pool = make(AutoVerifiedAttributes=auto)
    people = [
        person(1),
        person(2, verified="no", phone=f"{PHONE}02"),
        person(3, phone=f"{PHONE}03"),
        person(4, verified="no"),
    ]
    check(pool, people, expected, mapping=mapping(phone_number_verified=HAS_PHONE))


def test_a_pool_that_verifies_nothing_takes_no_import_job(make: Make) -> None:
    """A run that has no other way stops before anything is read or sent, and leaves no run behind."""
    pool = make(AutoVerifiedAttributes=None)
    run_file = pool.run_file([person(1)], strategies=["import_job"])
    with pytest.raises(StopError, match="verifies no attribute"):
        travel(run_file)
    assert not list((pool.folder / "runs" / "acme").iterdir())


def test_a_pool_that_is_not_there(make: Make) -> None:
    pool = make()
    target = {"user_pool_id": "eu-west-1_nothing", "region": "eu-west-1"}
    with pytest.raises(TargetError, match="There is no pool eu-west-1_nothing"):
        travel(pool.run_file([person(1)], target=target))
    assert not list((pool.folder / "runs" / "acme").iterdir())


def test_typed_attributes_with_bounds(make: Make) -> None:
    number = {"NumberAttributeConstraints": {"MinValue": "1", "MaxValue": "100"}}
    kinds = {"level": ("Number", number), "since": ("DateTime", {}), "paid": ("Boolean", {})}
    pool = make(
        Schema=[
            {"Name": name, "AttributeDataType": kind, "Mutable": True, **bounds}
            for name, (kind, bounds) in kinds.items()
        ]
    )
    own = mapping(
        without=["custom:tenant"],
        custom__level={"from": "roles", "as": "number"},
        custom__since={"from": "born"},
        custom__paid={"from": "active", "as": "boolean"},
    ) | {"groups": [], "enabled": None}
    people = [
        person(1, roles="1"),
        person(2, roles="100.0", active="N"),
        person(3, roles="0"),
        person(4, roles="101", verified="no"),
        person(5, roles="many"),
        person(6, roles="007", verified="no"),
        person(7, born="2024-02-29"),
    ]
    own["attributes"]["birthdate"]["bad"] = "drop"
    own = {name: rule for name, rule in own.items() if rule is not None}
    expected = [
        IMPORTED, IMPORTED, rejected("custom:level_too_low"), rejected("custom:level_too_high"),
        rejected("custom:level_invalid"), CREATED, IMPORTED,
    ]  # fmt: skip
    journey = check(pool, people, expected, mapping=own)
    assert journey.facts()["drift"] == {}
    assert pool.attributes("u00002")["custom:paid"] == "false"


# hashes ---------------------------------------------------------------------------------------


def unpadded(data: bytes) -> str:
    return b64encode(data).decode().rstrip("=")


def hashes() -> dict[str, str]:
    """A hash of ``PASSWORD`` of each algorithm; bcrypt's is a published test vector of another one."""
    salt, secret = b"0123456789abcdef", PASSWORD.encode()
    argon = Argon2id(salt=salt, length=32, iterations=2, lanes=1, memory_cost=1024).derive(secret)
    scrypted = scrypt(secret, salt=salt, n=1024, r=8, p=1, dklen=32)
    stretched = pbkdf2_hmac("sha256", secret, salt, 1000, 32)
    return {
        "BCRYPT": "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "SCRYPT": f"1024$8$1${salt.hex()}${scrypted.hex()}",
        "ARGON2ID": f"$argon2id$v=19$m=1024,t=2,p=1${unpadded(salt)}${unpadded(argon)}",
        "PBKDF2_SHA256": f"$pbkdf2-sha256$1000${unpadded(salt)}${unpadded(stretched)}",
    }


@pytest.mark.parametrize("in_header", [True, False])
def test_hashes_of_every_algorithm_let_their_users_in(
    make: Make,
    sandbox: Sandbox,
    in_header: bool,  # noqa: FBT001 - a switch of the service
) -> None:
    """One job for each algorithm and one without; the old passwords work, commas in hashes or not (F2.7)."""
    pool = make()
    people = [person(n, pw=pw) for n, pw in enumerate(hashes().values())] + [person(8), person(9, active="0")]
    with switched(sandbox, header_has_password_hash=in_header):
        options = {"rules": {"pbkdf2_alphabet": "base64"}}
        journey = check(pool, people, [IMPORTED] * 6, **options)
    assert {job["algorithm"] for job in journey.summary["jobs"]} == {None, *hashes()}
    statuses = {name: user["UserStatus"] for name, user in pool.users().items()}
    assert [statuses[each["id"]] for each in people] == ["CONFIRMED"] * 4 + ["RESET_REQUIRED"] * 2
    app = pool.client.create_user_pool_client(
        UserPoolId=pool.pool_id, ClientName="app", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )["UserPoolClient"]["ClientId"]
    for each in people[1:4]:
        parameters = {"USERNAME": each["id"], "PASSWORD": PASSWORD}
        signed_in = pool.client.initiate_auth(
            AuthFlow="USER_PASSWORD_AUTH", ClientId=app, AuthParameters=parameters
        )
        assert "AccessToken" in signed_in["AuthenticationResult"]


def test_hashes_that_the_pool_does_not_take(make: Make) -> None:
    """They are kept for the migration trigger, or the user is told apart from the others with a reason."""
    costly = hashes()["BCRYPT"].replace("$05$", "$13$")
    people = [
        person(1, pw=costly),
        person(2, pw="{SSHA}c29t"),
        person(3, pw="$2a$05$short"),
        person(4, pw=costly, active="0"),
    ]
    check(make(), people, [DEFERRED, DEFERRED, DEFERRED, IMPORTED])
    codes = ["hash_cost_too_high", "hash_not_taken", "hash_malformed"]
    check(make(), people, [*map(rejected, codes), IMPORTED], strategies=["import_job"], name="other")
