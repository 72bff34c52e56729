"""A secret of a run opens its source, and is left nowhere: not in the run's folder, not in what is said."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import boto3
from typer.testing import CliRunner

from flows.cli import app
from tests.flows.conftest import Pool, person
from tests.flows.journeys import QUICK
from tests.servers.api_server import ApiServer, Reply, Request

if TYPE_CHECKING:
    from pathlib import Path


class Guarded(ApiServer):
    """Gives its people to who brings the token."""

    def __init__(self) -> None:
        super().__init__()
        self.token = secrets.token_hex(12)

    def answer(self, request: Request) -> Reply:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return Reply({"error": f"bad token {request.headers.get('Authorization')}"}, 401)
        return Reply([person(1), person(2)])

    def source(self, reference: str) -> dict[str, object]:
        """The part ``source`` of a run file, with what stands for the token."""
        auth, paging = {"bearer": reference}, {"kind": "none"}
        return {
            "kind": "rest",
            "url": f"{self.url}/all",
            "auth": auth,
            "paging": paging,
            "records": "",
            "key": "id",
        }


def found_in(folder: Path, value: str) -> list[str]:
    """Files of a folder that have a value anywhere in them."""
    return [str(path) for path in folder.rglob("*") if path.is_file() and value.encode() in path.read_bytes()]


def test_a_token_of_secrets_manager_opens_the_source_and_is_kept_nowhere(pool: Pool) -> None:
    with Guarded() as api:
        name = f"acme/{pool.pool_id[-8:]}"
        boto3.client("secretsmanager").create_secret(Name=name, SecretString=f'{{"token": "{api.token}"}}')
        reference = f"${{secretsmanager:{name}#token}}"
        run_file = pool.run_file([], source=api.source(reference), jobs=QUICK)
        ran = CliRunner().invoke(app, ["run", str(run_file)])
        assert ran.exit_code == 0, ran.output
        assert len(pool.users()) == 2
        assert found_in(pool.folder, reference), "the run's copy has what stands for it"
        api.token, old = secrets.token_hex(12), api.token
        refused = CliRunner().invoke(app, ["run", str(run_file), "--new"])
        assert refused.exit_code == 3, refused.output
        for said in (ran.output, refused.output):
            assert old not in said
        assert found_in(pool.folder, old) == []
