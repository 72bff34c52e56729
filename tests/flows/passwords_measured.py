"""The table of PASSWORDS.md: every specimen travels, and its user signs in with the old password.

``python -m tests.flows.passwords_measured`` writes the table anew; ``test_passwords_measured.py`` holds it.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from connectors.cognito.sandbox import launch
from flows.reports.markdown import table
from tests.conftest import OFFLINE
from tests.flows.conftest import MAPPING, Pool, person
from tests.flows.journeys import QUICK, make_pool, travel
from tests.reference import ROOT, rewritten
from tests.unit.hash_specimens import PASSWORD, specimens

if TYPE_CHECKING:
    from connectors.cognito.sandbox import Sandbox
    from tests.unit.hash_specimens import Specimen

PAGE: Final = ROOT / "deployments" / "PASSWORDS.md"
NAME: Final = "passwords-measured"
HEAD: Final = (
    "hash", "scheme and parameters", "way", "why not with the hash", "signs in at once", "with the trigger",
)  # fmt: skip


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
    journey = travel(pool.run_file(people, **settings, rules={"pbkdf2_alphabet": "base64"}))
    ways = journey.verdicts["strategy"].to_list()
    app = pool.client.create_user_pool_client(
        UserPoolId=pool.pool_id, ClientName="app", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )["UserPoolClient"]["ClientId"]
    return {
        one.system: _row(one, way, signs_in=_signs_in(pool, app, each["id"]))
        for one, each, way in zip(some, people, ways, strict=True)
    }


def _signs_in(pool: Pool, app: str, username: str) -> bool:
    told = pool.client.exceptions
    try:
        answer = pool.client.initiate_auth(
            AuthFlow="USER_PASSWORD_AUTH",
            ClientId=app,
            AuthParameters={"USERNAME": username, "PASSWORD": PASSWORD},
        )
    except (told.UserNotFoundException, told.NotAuthorizedException, told.PasswordResetRequiredException):
        return False
    return "AccessToken" in answer["AuthenticationResult"]


def _row(one: Specimen, way: str, *, signs_in: bool) -> tuple[str, ...]:
    why = f"`{one.why}`" if one.why and one.why != "-" else ""
    later = "not measured" if way == "migration_trigger" else ""
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
