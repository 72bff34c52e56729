"""What a plan and a report tell of first sign-ins is what the pool says of the users."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest

from flows.reports.sections import experiences
from flows.settings import load_run_file
from flows.steps.context import Worker
from flows.steps.first_sign_ins import SIGN_INS
from flows.steps.forecast import plan
from tests.flows.conftest import Pool, person
from tests.flows.journeys import QUICK, add, lead_to, mapping, travel

if TYPE_CHECKING:
    from pathlib import Path

    from connectors.cognito.sandbox import Sandbox
    from tests.flows.journeys import Journey

BCRYPT = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
NOT_VERIFIED = {"verified": "false"}


@pytest.fixture(autouse=True)
def _quick(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    lead_to(sandbox, monkeypatch)


def beginnings(told: dict[str, int]) -> dict[str, int]:
    """The experiences by their first three words."""
    counts: Counter[str] = Counter()
    for text, users in told.items():
        counts[" ".join(text.split()[:3])] += users
    return dict(counts)


def planned_and_travelled(run_file: Path) -> Journey:
    """A run whose report says of first sign-ins just what its plan has said before."""
    planned = plan(load_run_file(run_file), Worker()).hashes
    journey = travel(run_file)
    assert journey.facts()[SIGN_INS] == [asdict(row) for row in planned]
    return journey


def test_every_way_into_the_pool_is_told_by_what_people_will_see(pool: Pool) -> None:
    people = [
        person(1, pw=BCRYPT),
        person(2),
        person(3, last_name='Must"er'),
        person(4, last_name='Must"er', **NOT_VERIFIED),
        person(5, pw="{SSHA}abc"),
        person(6, active="false", pw=BCRYPT),
        person(7, email="nonsense"),
        person(8),
    ]
    add(pool, "u00008", email="user8@example.com")
    journey = planned_and_travelled(pool.run_file(people, jobs=QUICK))
    told = experiences(journey.facts())
    assert sum(told.values()) == journey.summary["extracted"] == len(people)
    assert beginnings(told) == {
        "signs in with": 2, "asks for a": 2, "has no verified": 1, "is disabled": 1, "is not in": 1,
        "as before: was": 1,
    }  # fmt: skip
    status = {name: user["UserStatus"] for name, user in pool.users().items()}
    assert journey.of("u00005")["verdict"] == "deferred"
    assert status["u00001"] == "CONFIRMED"
    assert status["u00002"] == "RESET_REQUIRED"
    assert (status["u00003"], status["u00004"]) == ("CONFIRMED", "FORCE_CHANGE_PASSWORD")
    assert "| bcrypt | cost 5 | 1 | import_job, with the hash |" in journey.told


def test_who_is_invited_and_who_brings_a_password_is_told_apart(pool: Pool) -> None:
    people = [
        person(1),
        person(2, pw="Long-enough-1"),
        person(3, email="", **NOT_VERIFIED),
        person(4, active="no"),
    ]
    own: dict[str, Any] = mapping() | {"password": {"from": "pw"}}
    own.pop("password_hash")
    settings = {"strategies": ["admin_create_user"], "admin_create_user": {"invite": ["email"]}}
    journey = planned_and_travelled(pool.run_file(people, jobs=QUICK, mapping=own, **settings))
    assert experiences(journey.facts()) == {
        "signs in with the temporary password of the invitation, and sets a new one (F5.1)": 1,
        "signs in with the old password (F7.5)": 1,
        "has no verified contact: an operator sets a password first, where the pool asks for one "
        "(F5.1, F7.18)": 1,
        "is disabled": 1,
    }
    status = {name: user["UserStatus"] for name, user in pool.users().items()}
    assert [status[f"u0000{number}"] for number in (1, 2, 3)] == [
        "FORCE_CHANGE_PASSWORD", "CONFIRMED", "FORCE_CHANGE_PASSWORD",
    ]  # fmt: skip


def test_who_would_be_updated_signs_in_as_before(pool: Pool) -> None:
    add(pool, "u00001", email="user1@example.com", name="Somebody Else")
    journey = planned_and_travelled(pool.run_file([person(1)], jobs=QUICK, existing="update"))
    assert journey.counts() == {"updated": 1}
    assert beginnings(experiences(journey.facts())) == {"as before: was": 1}
