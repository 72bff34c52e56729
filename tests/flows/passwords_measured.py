"""The table of PASSWORDS.md: every specimen travels, and its user signs in with the old password.

Who is left to the trigger tries before it is attached, and then with a wrong and the right password.

``python -m tests.flows.passwords_measured`` writes the table anew; ``test_passwords_measured.py`` holds it.
"""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from connectors.cognito.sandbox import launch
from connectors.cognito.trigger.package import build
from flows.reports.markdown import table
from flows.settings import load_run_file
from flows.steps import trigger as steps
from flows.steps.context import Worker
from tests.conftest import OFFLINE
from tests.flows.conftest import MAPPING, Pool, person
from tests.flows.journeys import QUICK, make_pool, travel
from tests.reference import ROOT, rewritten
from tests.unit.hash_specimens import FIREBASE, OTHER, specimens

if TYPE_CHECKING:
    from connectors.cognito.sandbox import Sandbox
    from tests.unit.hash_specimens import Specimen

PAGE: Final = ROOT / "deployments" / "PASSWORDS.md"
NAME: Final = "passwords-measured"
HEAD: Final = (
    "hash", "scheme and parameters", "way", "why not with the hash", "signs in at once", "with the trigger",
)  # fmt: skip


TRIGGER: Final = "migration_trigger"


@dataclass(frozen=True)
class Door:
    """An app client by which users sign in."""

    pool: Pool
    client_id: str

    def lets_in(self, username: str, password: str) -> bool:
        """Whether a password signs a user in."""
        told = self.pool.client.exceptions
        try:
            answer = self.pool.client.initiate_auth(
                AuthFlow="USER_PASSWORD_AUTH",
                ClientId=self.client_id,
                AuthParameters={"USERNAME": username, "PASSWORD": password},
            )
        except (
            told.UserNotFoundException,
            told.NotAuthorizedException,
            told.PasswordResetRequiredException,
        ):
            return False
        return "AccessToken" in answer["AuthenticationResult"]

    def status(self, username: str) -> str | None:
        """The user's state in the pool, None where nobody of that name is there."""
        try:
            answer = self.pool.client.admin_get_user(UserPoolId=self.pool.pool_id, Username=username)
        except self.pool.client.exceptions.UserNotFoundException:
            return None
        return str(answer["UserStatus"])


def measured(sandbox: Sandbox, folder: Path) -> str:
    """Carry every specimen into a pool, sign everybody in, and write down what became of whom."""
    rows: dict[str, tuple[str, ...]] = {}
    for scheme in sorted({one.scheme or "" for one in specimens()}):
        some = [one for one in specimens() if (one.scheme or "") == scheme]
        rows |= _travelled(make_pool(sandbox, folder / f"scheme-{scheme}"), some, scheme)
    return table(HEAD, [rows[one.system] for one in specimens()])


def _travelled(pool: Pool, some: list[Specimen], scheme: str) -> dict[str, tuple[str, ...]]:
    people = [person(number, pw=one.value) for number, one in enumerate(some)]
    rule = {"from": "pw", **({"scheme": scheme} if scheme else {})}
    settings: dict[str, Any] = {"mapping": MAPPING | {"password_hash": rule}, "jobs": QUICK}
    settings["trigger"] = {"firebase_scrypt": FIREBASE}
    run_file = pool.run_file(people, **settings, rules={"pbkdf2_alphabet": "base64"})
    ways = travel(run_file).verdicts["strategy"].to_list()
    door = Door(pool, app_client(pool))
    users = [(one, each["id"], way) for one, each, way in zip(some, people, ways, strict=True)]
    at_once = [door.lets_in(name, one.password) for one, name, _ in users]
    later = {}
    if TRIGGER in ways:
        attach(run_file)
        later = {name: _comes(door, one, name) for one, name, way in users if way == TRIGGER}
    return {
        one.system: _row(one, way, later.get(name, ""), signs_in=signs_in)
        for (one, name, way), signs_in in zip(users, at_once, strict=True)
    }


def app_client(pool: Pool) -> str:
    app: str = pool.client.create_user_pool_client(
        UserPoolId=pool.pool_id, ClientName="app", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )["UserPoolClient"]["ClientId"]
    return app


def attach(run_file: Path) -> None:
    """Do as ``trigger deploy --here`` and ``trigger attach`` do."""
    loaded = load_run_file(run_file)
    package = build(run_file.parent / "trigger.zip", here=True)
    steps.deploy(steps.trigger_of(loaded), Worker(), package)
    steps.attach(steps.trigger_of(loaded))


def _comes(door: Door, one: Specimen, username: str) -> str:
    """What becomes of somebody with the trigger: a wrong password, the right one, at last a code."""
    if door.lets_in(username, OTHER) or door.status(username) is not None:
        return "WRONG PASSWORD TAKEN"
    if door.lets_in(username, one.password) and door.status(username) == "CONFIRMED":
        return "yes"
    door.pool.client.forgot_password(ClientId=door.client_id, Username=username)
    return "no: new password by code" if door.status(username) == "RESET_REQUIRED" else "NO WAY IN"


def _row(one: Specimen, way: str, later: str, *, signs_in: bool) -> tuple[str, ...]:
    why = f"`{one.why}`" if one.why and one.why != "-" else ""
    return one.system, one.kind, f"`{way}`", why, "yes" if signs_in else "no", later


def main() -> None:
    """Measure, and write the table into its page."""
    os.environ.update(OFFLINE)
    with launch() as sandbox, tempfile.TemporaryDirectory(prefix="poolferry-passwords-") as folder:
        os.environ.update(sandbox.environment)
        made = measured(sandbox, Path(folder))
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8"), {NAME: lambda: made}), encoding="utf-8")
    sys.stdout.write(f"{PAGE.relative_to(ROOT)} is written.\n")


if __name__ == "__main__":
    main()
