"""The very zip that goes to Lambda lets people in, run by a Python that Lambda has, with pip's wheels."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING
from zipfile import ZipFile

import argon2
import bcrypt
import pytest
from passlib import hash as known

from connectors.cognito.trigger.package import Package, build
from tests.flows.conftest import Pool, person
from tests.flows.journeys import lead_to, travel
from tests.flows.test_trigger_end_to_end import PASSWORD, WRONG, House, ssha
from tests.servers.pythons import lambda_runtime

if TYPE_CHECKING:
    from collections.abc import Callable

    from connectors.cognito.sandbox import Sandbox

OF_EACH_LIBRARY: dict[str, Callable[[], str]] = {
    "SSHA": ssha,
    "phpass": lambda: str(known.phpass.using(rounds=8).hash(PASSWORD)),
    "SHA512-crypt": lambda: str(known.sha512_crypt.using(rounds=1000).hash(PASSWORD)),
    "PBKDF2-SHA512": lambda: str(known.pbkdf2_sha512.using(rounds=1000).hash(PASSWORD)),
    "Argon2i": lambda: argon2.PasswordHasher(1, 8, 1, type=argon2.Type.I).hash(PASSWORD),
    "bcrypt of SHA-256": lambda: "bcrypt_sha256$" + _bcrypt(hashlib.sha256(PASSWORD.encode()).hexdigest()),
    "WordPress 6.8": lambda: "$wp" + _bcrypt(_wordpress(PASSWORD)),
}
"""Hashes that Cognito does not take: each makes another part of the zip work."""


def _bcrypt(password: str) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


def _wordpress(password: str) -> str:
    """What WordPress hands to bcrypt."""
    return base64.b64encode(hmac.digest(b"wp-sha384", password.encode(), "sha384")).decode()


@pytest.fixture(scope="module")
def zipped(tmp_path_factory: pytest.TempPathFactory) -> Package:
    return build(tmp_path_factory.mktemp("lambda") / "trigger.zip", runtime=lambda_runtime())


def test_people_come_in_through_the_zip_that_goes_to_lambda(
    sandbox: Sandbox, pool: Pool, zipped: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead_to(sandbox, monkeypatch)
    people = [person(place, pw=make()) for place, make in enumerate(OF_EACH_LIBRARY.values(), 1)]
    run_file = pool.run_file(people, name=f"acme-{pool.pool_id[-6:]}")
    assert travel(run_file).counts() == {"deferred": len(people)}
    house = House(pool, run_file, zipped).open()
    assert house.refused("u00001", WRONG) == "UserNotFoundException"
    for place, scheme in enumerate(OF_EACH_LIBRARY, 1):
        assert "AccessToken" in house.sign_in(f"u{place:05}")["AuthenticationResult"], scheme
    assert house.outcomes == {"arrived": len(people), "wrong_password": 1}


def test_the_zip_is_not_for_this_python(zipped: Package) -> None:
    """Compiled parts are of the runtime or of Python's stable interface, which newer ones keep."""
    with ZipFile(zipped.path) as archive:
        compiled = [name for name in archive.namelist() if name.endswith(".so")]
    of_it = zipped.runtime.removeprefix("python").replace(".", "")
    assert compiled
    assert all("abi3" in name or f"cpython-{of_it}" in name for name in compiled)
