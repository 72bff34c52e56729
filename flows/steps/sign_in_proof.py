"""The proof that counts for people: known test users sign in with their old passwords.

The operator gives them in a file; passwords are used once, and are in no result, log or error.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from connectors.cognito.app_clients import AppClient, read_app_client, read_app_clients
from connectors.cognito.sign_ins import SIGNED_IN, sign_in
from connectors.errors import ConfigurationError
from connectors.retry import retrying
from flows.ledger.families import is_purged, record_of
from flows.ledger.folder import find_run, runs_of
from flows.settings import load_run_file
from flows.steps.context import cognito_client
from flows.steps.corrected import as_it_stood

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

    from flows.ledger.folder import RunFolder
    from flows.settings import LoadedRunFile
    from flows.steps.progress import Progress

COLUMNS = ("username", "password")
_FEW: Final = 5
"""Lines that are named of all that are wrong."""
WAYS = {
    "imported": "import job",
    "created": "AdminCreateUser",
    "updated": "was there already",
    "existing": "was there already",
    "deferred": "migration trigger",
}
"""Verdict of the newest run that took a user → by which way they come in."""
UNKNOWN_WAY = "in no finished run"
FORGOTTEN_WAY = "in no finished run that was not purged"


@dataclass(frozen=True, slots=True, repr=False)
class Sample:
    """One person who is tried."""

    username: str
    password: str


@dataclass(slots=True)
class SignInProof:
    """What became of the tries.

    Attributes:
        asked: people who were tried.
        results: people by what happened: ``signed_in``, the name of a challenge, a reason code, or
            ``refused``.
        by_way: way into the pool → people asked, people who signed in.
    """

    asked: int = 0
    results: Counter[str] = field(default_factory=Counter)
    by_way: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def signed_in(self) -> int:
        """People who got in."""
        return self.results[SIGNED_IN]

    @property
    def sentence(self) -> str:
        """The finding in one line."""
        others = ", ".join(f"{count:,} {what}" for what, count in self.results.items() if what != SIGNED_IN)
        end = f" ({others})" if others else ""
        return f"{self.signed_in:,} of {self.asked:,} can sign in with their old password{end}."

    def note(self, way: str, result: str) -> None:
        """Take one try in."""
        asked, inside = self.by_way.get(way, (0, 0))
        self.by_way[way] = (asked + 1, inside + (result == SIGNED_IN))
        self.asked += 1
        self.results[result] += 1

    def to_json(self) -> dict[str, Any]:
        """What ``--json`` prints."""
        ways = {way: {"asked": asked, "signed_in": inside} for way, (asked, inside) in self.by_way.items()}
        return {"asked": self.asked, "signed_in": self.signed_in, "results": dict(self.results), "ways": ways}


def run_file_of(name: str, state: Path) -> tuple[LoadedRunFile, Path]:
    """Find a run file, and the folder of the runs that tell by which way people came in.

    Args:
        name: a run's id, name or folder, or a run file itself; of a run its own copy is taken.
        state: the folder of the runs.

    Raises:
        ConfigurationError: there is no such run.
    """
    if Path(name).is_file():
        loaded = load_run_file(Path(name))
        return loaded, loaded.state_folder
    folder = find_run(name, state)
    return as_it_stood(folder), folder.path.parent


def read_sample(path: Path) -> list[Sample]:
    """Read the people from a CSV file with the columns ``username`` and ``password``.

    Raises:
        ConfigurationError: it cannot be read, lacks a column, or names nobody.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            rows = [] if missing else [(reader.line_num, *map(row.get, COLUMNS)) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"{path}: cannot be read ({type(error).__name__}).") from None
    if missing or not rows:
        what = f"lacks the column {missing[0]}" if missing else "names nobody"
        raise ConfigurationError(
            f"{path}: {what}.", f"Give a CSV file with the columns {', '.join(COLUMNS)}."
        )
    if empty := [str(line) for line, *cells in rows if not all(cells)]:
        some = f"{', '.join(empty[:_FEW])}{' …' if len(empty) > _FEW else ''}"
        raise ConfigurationError(
            f"{path}: a username or a password is missing in line {some}.", "Nobody was signed in."
        )
    return [Sample(str(username), str(password)) for _, username, password in rows]


def proof_of_sign_ins(
    loaded: LoadedRunFile, runs: Path, people: Sequence[Sample], client_id: str | None, progress: Progress
) -> SignInProof:
    """Sign everybody in, once.

    Args:
        loaded: names the pool.
        runs: the folder of the runs of one name, which tell by which way each came in.
        people: who is tried.
        client_id: the app client; default: the first that allows passwords.
        progress: who is told.

    Raises:
        ConfigurationError: no app client allows a flow with a password.
        TargetError: the pool or a trigger of it fails.
    """
    client, pool_id = cognito_client(loaded), loaded.settings.target.user_pool_id
    app = _app_client(client, pool_id, client_id)
    ways, found = _ways(runs, pool_id, [each.username for each in people]), SignInProof()
    unknown = FORGOTTEN_WAY if any(map(is_purged, _runs_into(runs, pool_id))) else UNKNOWN_WAY
    progress.stage("Signing in", len(people), "people")
    for number, each in enumerate(people, 1):
        result = retrying("signing in")(sign_in, client, pool_id, app, each.username, each.password)
        found.note(ways.get(each.username, unknown), result)
        progress.update(number)
    return found


def _app_client(client: CognitoIdentityProviderClient, pool_id: str, client_id: str | None) -> AppClient:
    known = [read_app_client(client, pool_id, client_id)] if client_id else read_app_clients(client, pool_id)
    usable = [each for each in known if each.password_flows]
    if usable:
        return usable[0]
    which = f"App client {client_id} does not allow" if client_id else "No app client of the pool allows"
    raise ConfigurationError(
        f"{which} a flow that shows Cognito the password (F6.13).",
        "Allow ALLOW_ADMIN_USER_PASSWORD_AUTH for an app client, for the time of the proof.",
    )


def _ways(runs: Path, pool_id: str, usernames: Sequence[str]) -> dict[str, str]:
    """By which way each came, as the pool's newest run says that took them; a delta takes but some."""
    ways: dict[str, str] = {}
    for folder in _runs_into(runs, pool_id):
        told = pl.scan_parquet(folder.verdicts).filter(pl.col("username").is_in(list(usernames)))
        rows = told.select("username", "verdict").collect().iter_rows()
        ways |= {name: WAYS.get(verdict, verdict) for name, verdict in rows}
    return ways


def _runs_into(runs: Path, pool_id: str) -> list[RunFolder]:
    """The runs that have a verdict on everybody; of those that were purged nobody is known by name."""
    told = (folder for folder in runs_of(runs) if folder.verdicts.exists())
    return [folder for folder in told if record_of(folder).pool_id == pool_id]
