"""Whose hash goes which way: the run file's wish, the scheme it names, and a pool that takes no hashes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from connectors.cognito.import_jobs import ImportJobs
from connectors.errors import ConfigurationError, RefusedJobError, TargetError
from flows.checks import try_hashes
from flows.console import OUT, forecast_tables
from flows.ledger.store import Ledger
from flows.reports.cards import forecast_markdown
from flows.settings import load_run_file
from flows.steps import trying_hashes
from flows.steps.context import Worker
from flows.steps.forecast import plan
from flows.steps.progress import Silence
from flows.steps.running import migrate
from tests.flows.conftest import MAPPING, person
from tests.flows.journeys import (
    CREATED,
    DEFERRED,
    IMPORTED,
    QUICK,
    add,
    check,
    hold,
    lead_to,
    make_pool,
    rejected,
    switched,
    travel,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from connectors.cognito.sandbox import Sandbox
    from tests.flows.conftest import Pool

    Make = Callable[..., Pool]

BCRYPT = "$2b$10$" + "abcdefghijklmnopqrstuu" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ01234"
COSTLY = BCRYPT.replace("$10$", "$13$")
SCRYPT = "16384$8$1$" + "0f" * 16 + "$" + "a1" * 32
NODE = "0f" * 16 + ":" + "a1" * 64


@pytest.fixture
def make(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    lead_to(sandbox, monkeypatch)
    return lambda **settings: make_pool(sandbox, tmp_path, **settings)


def hashed(**more: Any) -> dict[str, Any]:
    return {"mapping": MAPPING | {"password_hash": {"from": "pw", **more}}}


def statuses(pool: Pool) -> dict[str, str]:
    return {name: user["UserStatus"] for name, user in pool.users().items()}


PEOPLE = [
    person(1, pw=BCRYPT), person(2, pw=COSTLY), person(3), person(4, pw="!unusable"),
    person(5, pw=COSTLY, active="0"), person(6, pw=BCRYPT, active="0"), person(7, pw=COSTLY, verified="no"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("without", "ends"),
    [
        (None, [IMPORTED, DEFERRED, IMPORTED, IMPORTED, IMPORTED, IMPORTED, DEFERRED]),
        ("trigger", [IMPORTED, DEFERRED, IMPORTED, IMPORTED, IMPORTED, IMPORTED, DEFERRED]),
        ("reset", [IMPORTED, IMPORTED, IMPORTED, IMPORTED, IMPORTED, IMPORTED, CREATED]),
        ("random", [IMPORTED, CREATED, CREATED, CREATED, IMPORTED, IMPORTED, CREATED]),
    ],
)
def test_users_without_a_usable_hash_go_as_the_run_file_wishes(
    make: Make, without: str | None, ends: list[tuple[str, str | None]]
) -> None:
    """Nobody without a hash is left to the trigger, and nobody disabled has a hash or a password (F7.12)."""
    pool = make()
    check(pool, PEOPLE, ends, **hashed(**({"without": without} if without else {})))
    found = statuses(pool)
    assert found["u00001"] == "CONFIRMED"
    assert found["u00005"] == found["u00006"] == "RESET_REQUIRED"
    if without == "random":
        assert [found[name] for name in ("u00002", "u00003", "u00004")] == ["CONFIRMED"] * 3
    if without == "reset":
        assert [found[name] for name in ("u00002", "u00003", "u00004")] == ["RESET_REQUIRED"] * 3


def test_random_passwords_that_no_strategy_can_set_are_refused_at_the_start(make: Make) -> None:
    run_file = make().run_file([person(1)], strategies=["import_job"], **hashed(without="random"))
    with pytest.raises(ConfigurationError, match="needs the strategy admin_create_user"):
        migrate(load_run_file(run_file), Worker())


def test_the_run_file_names_a_scheme_that_hashes_do_not_tell(make: Make) -> None:
    pool = make()
    journey = check(pool, [person(1, pw=NODE), person(2, pw=BCRYPT)], [IMPORTED, IMPORTED],
                    **hashed(scheme="node_scrypt"))  # fmt: skip
    assert [job["algorithm"] for job in journey.summary["jobs"]] == ["BCRYPT", "SCRYPT"]
    assert set(statuses(pool).values()) == {"CONFIRMED"}


CASES: dict[str, tuple[dict[str, Any], list[tuple[str, str | None]], dict[str, str]]] = {
    "the next strategy": ({}, [IMPORTED, DEFERRED, DEFERRED], {}),
    "reset": (hashed(without="reset"), [IMPORTED] * 3, {"u00002": "RESET_REQUIRED"}),
    "random": (hashed(without="random"), [CREATED] * 3, {"u00002": "CONFIRMED"}),
    "no other way": (
        {"strategies": ["import_job"]}, [IMPORTED, *[rejected("pool_takes_no_hashes")] * 2], {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("code", ["InvalidParameterException", "OperationNotEnabledException"])
@pytest.mark.parametrize("case", CASES)
def test_a_pool_that_takes_no_hashes_loses_nobody(make: Make, sandbox: Sandbox, case: str, code: str) -> None:
    """Each algorithm is asked for once (F2.2, F2.3); the report says what happened."""
    changes, ends, found = CASES[case]
    people = [person(1), person(2, pw=BCRYPT), person(3, pw=SCRYPT)]
    pool = make()
    asked = sandbox.counters()["operations"].get("CreateUserImportJob", 0)
    limits = {"jobs": QUICK | {"max_rows": 1}}
    with switched(sandbox, hashes_eligible=False, hashes_ineligible_error=code):
        journey = check(pool, [*people, person(4, pw=BCRYPT)], [*ends, ends[1]], **{**limits, **changes})
    assert journey.facts()["hashes_refused"] == ["BCRYPT", "SCRYPT"]
    assert "The pool refused import jobs with BCRYPT, SCRYPT hashes (F2.2): 3 users" in journey.told
    assert found.items() <= statuses(pool).items()
    made = sandbox.counters()["operations"]["CreateUserImportJob"] - asked
    plain = sum(job["algorithm"] is None for job in journey.summary["jobs"])
    assert made == plain + 2 + (0 if plain else 1)
    assert not list((journey.folder / "batches").glob("*.csv"))


def test_a_broken_role_is_not_taken_for_a_pool_without_hashes(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same error code can mean either; a job without hashes tells (F2.3)."""
    pool = make()
    run_file = pool.run_file([person(1, pw=BCRYPT)], jobs=QUICK)

    def refuse(*_: object, **__: object) -> None:
        raise RefusedJobError("CreateUserImportJob: InvalidParameterException.")

    with monkeypatch.context() as patch:
        patch.setattr(ImportJobs, "create", refuse)
        with pytest.raises(RefusedJobError):
            travel(run_file)
    journey = travel(run_file)
    hold(journey, pool)
    assert journey.ends() == [IMPORTED]
    assert "hashes_refused" not in journey.facts()


def test_a_crash_while_users_are_handed_on_makes_no_batch_twice(
    make: Make, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = make()
    people = [person(number, pw=BCRYPT) for number in range(3)]
    run_file = pool.run_file(people, jobs=QUICK | {"max_rows": 2}, **hashed(without="reset"))
    add = Ledger.add_batches

    def die(ledger: Ledger, batches: Any) -> None:
        add(ledger, batches)
        if any("refused_in" in batch.facts for batch in batches):
            raise KeyboardInterrupt

    with switched(sandbox, hashes_eligible=False):
        with monkeypatch.context() as patch:
            patch.setattr(Ledger, "add_batches", die)
            for _ in range(2):
                with pytest.raises(KeyboardInterrupt):
                    travel(run_file)
        journey = travel(run_file)
    hold(journey, pool)
    assert journey.ends() == [IMPORTED] * 3


def test_a_plan_tells_scheme_parameters_way_and_first_sign_in(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every user is in one row; what nobody knows of the pool is told beside the table."""
    pbkdf2 = "pbkdf2_sha256$600000$salt$" + "+Aaa" * 10 + "AAA="
    argon = "$argon2id$v=19$m=19456,t=2,p=1$" + "AbCd" * 5 + "$" + "EfGh" * 10 + "ijk"
    people = [
        *PEOPLE, person(8, pw=pbkdf2), person(9, pw=argon), person(10, pw="{SSHA}c29t"),
        person(11, pw=COSTLY), person(12, pw="5f4dcc3b5aa765d61d8327deb882cf99"),
    ]  # fmt: skip
    loaded = load_run_file(make().run_file(people))
    found = plan(loaded, Worker())
    rows = {(row.scheme, row.parameters, row.way, row.reason): row.users for row in found.hashes}
    with_hash = "import_job, with the hash"
    assert rows == {
        ("bcrypt", "cost 10", with_hash, ""): 1,
        ("bcrypt", "cost 13", "migration_trigger", "hash_cost_too_high"): 2,
        ("bcrypt", "cost 13", "migration_trigger", "email_not_verified"): 1,
        ("none", "", "import_job", ""): 1,
        ("no_password", "", "import_job", ""): 1,
        ("not looked at", "", "import_job", ""): 2,
        ("django_pbkdf2_sha256", "600000 iterations", "migration_trigger", "hash_alphabet"): 1,
        ("argon2id", "m=19456 t=2 p=1", with_hash, ""): 1,
        ("ldap_digest", "", "migration_trigger", "hash_not_taken"): 1,
        ("bare_digest", "", "migration_trigger", "hash_not_taken"): 1,
    }
    lost = {row.scheme for row in found.hashes if "cannot check such a hash" in row.experience}
    assert lost == {"bare_digest"}
    assert sum(rows.values()) == found.extracted
    for fact in ("F2.2", "F2.7", "F2.8", "F2.13"):
        assert any(fact in note for note in found.notes), fact
    for part in forecast_tables(found):
        OUT.print(part)
    told = capsys.readouterr().out + forecast_markdown("acme", found) + json.dumps(found.to_json())
    assert "signs in with the old password, the first time not by SRP" in told
    assert [each["pw"] for each in people if each["pw"] and each["pw"] in told] == []


SHORT_PBKDF2 = "pbkdf2_sha256$1000$salt$" + "Aaaa" * 10 + "AAA="
ARGON = "$argon2id$v=19$m=1024,t=2,p=1$" + "AbCd" * 5 + "$" + "EfGh" * 10 + "ijk"
ALL_FOUR = [person(1, pw=BCRYPT), person(2, pw=SCRYPT), person(3, pw=SHORT_PBKDF2), person(4, pw=ARGON)]


def tried(pool: Pool, **changes: Any) -> dict[str, tuple[bool, str]]:
    """What a trial finds, and that it leaves nobody behind."""
    loaded = load_run_file(pool.run_file(ALL_FOUR, jobs=QUICK, **changes))
    found = {item.what: (item.good, f"{item.text} {item.mend}") for item in try_hashes(loaded, Silence())}
    assert pool.users() == {}
    return found


REQUIRED = [
    {"Name": "birthdate", "AttributeDataType": "String", "Required": True, "Mutable": True},
    {"Name": "phone_number", "AttributeDataType": "String", "Required": True, "Mutable": True},
    {"Name": "family_name", "AttributeDataType": "String", "Required": True, "Mutable": True},
]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"Schema": REQUIRED},
        {"UsernameAttributes": ["email"], "Schema": None},
        {"UsernameAttributes": ["phone_number"], "AutoVerifiedAttributes": ["phone_number"], "Schema": None},
        {"AliasAttributes": ["email", "phone_number"], "Schema": None},
    ],
    ids=["plain", "required", "email names", "phone names", "aliases"],
)
def test_a_trial_shows_what_the_pool_takes_and_leaves_nobody(make: Make, settings: dict[str, Any]) -> None:
    """F2.2, F2.3, F2.7: one job for each algorithm of the source."""
    pool = make(**settings)
    found = tried(pool)
    assert [*found] == ["BCRYPT hashes", "SCRYPT hashes", "ARGON2ID hashes", "PBKDF2_SHA256 hashes"]
    assert all(good and "taken" in text for good, text in found.values()), found


def test_a_trial_takes_no_number_that_somebody_has_and_deletes_nobody_else(make: Make) -> None:
    """Few numbers are reserved for examples, and the people of a test have them too."""
    names = {
        "UsernameAttributes": ["phone_number"],
        "AutoVerifiedAttributes": ["phone_number"],
        "Schema": None,
    }
    pool = make(**names)
    theirs = [f"+1202555{number:04d}" for number in range(100, 200)]
    for phone in theirs:
        add(pool, phone)
    loaded = load_run_file(pool.run_file(ALL_FOUR, jobs=QUICK))
    found = try_hashes(loaded, Silence())
    assert len(pool.users()) == len(theirs)
    assert all(item.good for item in found), found


@pytest.mark.parametrize("alphabet", ["base64", "passlib"])
def test_a_trial_decides_the_alphabet_from_what_the_pool_answers(
    make: Make, sandbox: Sandbox, alphabet: str
) -> None:
    """F2.8."""
    pool = make()
    with switched(sandbox, pbkdf2_alphabet=alphabet):
        good, text = tried(pool)["PBKDF2_SHA256 hashes"]
        assert (good, f"Set rules.pbkdf2_alphabet: {alphabet}" in text) == (False, True)
        good, text = tried(pool, rules={"pbkdf2_alphabet": alphabet})["PBKDF2_SHA256 hashes"]
        assert (good, "as the run file says" in text) == (True, True)


def test_a_trial_of_a_pool_that_takes_no_hashes_says_so(make: Make, sandbox: Sandbox) -> None:
    pool = make()
    with switched(sandbox, hashes_eligible=False):
        found = tried(pool)
    assert len(found) == 4
    assert all(not good and "refuses import jobs" in text for good, text in found.values())


def test_users_of_a_trial_who_cannot_be_deleted_are_named(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> bool:
        raise TargetError("AdminDeleteUser: AccessDeniedException.")

    pool = make()
    monkeypatch.setattr(trying_hashes, "delete_user", refuse)
    loaded = load_run_file(pool.run_file([person(1, pw=BCRYPT)], jobs=QUICK))
    (found,) = try_hashes(loaded, Silence())
    assert not found.good
    assert len(pool.users()) == 2
    assert all(name in found.mend for name in pool.users())
