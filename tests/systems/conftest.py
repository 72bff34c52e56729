"""One Prefect with everything that is shipped for it, and migrations of invented people to run in it."""

from __future__ import annotations

import csv
import json
import secrets
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from ruamel.yaml import YAML

from connectors.cognito.sandbox import launch
from tests.servers.databases import postgresql
from tests.systems.prefect_house import ROOT, PrefectHouse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from connectors.cognito.sandbox import Sandbox

USERS = 200
REGION = "eu-west-1"
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/poolferry-import"
BCRYPT = "$2b$10$" + "abcdefghijklmnopqrstuu" + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcde"
MAPPING = {
    "username": {"from": "id"},
    "attributes": {
        "email": {"from": "email"},
        "email_verified": {"const": "true"},
        "given_name": {"from": "first"},
        "family_name": {"from": "last"},
    },
    "password_hash": {"from": "pw"},
}

NO_BLOCK = "00000000-0000-0000-0000-000000000000"
SHORTER = {420: 75, 900: 15, 43200: 10}
"""Seconds that an automation waits, and how long it does in a test."""


@dataclass(frozen=True)
class Migration:
    """A pool of its own, a file of invented users for it, and a run file.

    ``secrets`` is everything in the file of users that must not be found in Prefect.
    """

    client: Any
    pool_id: str
    run_file: Path
    people: list[dict[str, str]]
    secrets: frozenset[str]

    @property
    def given(self) -> tuple[str, str]:
        """The parameter on Prefect's command line."""
        return ("--param", f"run_file={self.run_file}")

    def usernames(self) -> set[str]:
        pages = self.client.get_paginator("list_users").paginate(UserPoolId=self.pool_id)
        return {user["Username"] for page in pages for user in page["Users"]}

    def write_people(self, people: list[dict[str, str]]) -> None:
        with (self.run_file.parent / "users.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(people[0]))
            writer.writeheader()
            writer.writerows(people)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with launch() as local:
        yield local


class Mailbox:
    """Takes what Prefect's notification block sends, on loopback."""

    def __init__(self) -> None:
        self.received: list[dict[str, str]] = []
        letters = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                letters.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def about(self, *words: str) -> dict[str, str] | None:
        """The first letter whose subject and text have all the words in them."""
        return next((one for one in self.received if all(word in str(one) for word in words)), None)


@pytest.fixture(scope="session")
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    Thread(target=box.server.serve_forever, daemon=True).start()
    yield box
    box.server.shutdown()
    box.server.server_close()


@pytest.fixture(scope="session")
def house(
    tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox, mailbox: Mailbox
) -> Iterator[PrefectHouse]:
    """A server on PostgreSQL with a worker; pool, flows and automations as the documentation says."""
    with tempfile.TemporaryDirectory(prefix="poolferry-servers-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # PostgreSQL is another user
        with postgresql(Path(folder)) as database:
            made = PrefectHouse(tmp_path_factory.mktemp("prefect"), database, sandbox.environment)
            try:
                made.start_server()
                made.make_pool()
                made.start_worker("first")
                made.command("--no-prompt", "deploy", "--prefect-file", "deployments/prefect.yaml", "--all")
                automate(made, mailbox)
                yield made
            finally:
                made.close()


SAVE_BLOCK = """
import sys
from prefect.blocks.notifications import CustomWebhookNotificationBlock
block = CustomWebhookNotificationBlock(
    name="alerts", url=sys.argv[1], json_data={"subject": "{{subject}}", "text": "{{body}}"}
)
print(block.save("poolferry-alerts"))
"""


def automate(house: PrefectHouse, mailbox: Mailbox) -> None:
    """Create the automations that are shipped; those that wait do so for less long."""
    block_id = house.python("-c", SAVE_BLOCK, mailbox.url).split()[-1]
    yaml = YAML(typ="safe")
    shipped = yaml.load((ROOT / "deployments" / "automations.yaml").read_text(encoding="utf-8"))
    for each in shipped["automations"]:
        each["trigger"]["within"] = SHORTER.get(each["trigger"]["within"], each["trigger"]["within"])
    text = json.dumps(shipped).replace(NO_BLOCK, block_id)
    path = house.folder / "automations.json"
    path.write_text(text, encoding="utf-8")
    house.command("automation", "create", "--from-file", str(path))


@pytest.fixture
def make_migration(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Migration]:
    for name, value in sandbox.environment.items():
        monkeypatch.setenv(name, value)

    def make() -> Migration:
        client = boto3.client("cognito-idp", region_name=REGION)
        pool = client.create_user_pool(PoolName="people", AutoVerifiedAttributes=["email"])["UserPool"]
        people = [person() for _ in range(USERS)]
        folder = tmp_path / secrets.token_hex(3)
        folder.mkdir()
        settings = {
            "name": f"test-{folder.name}",
            "source": {"kind": "csv", "path": "users.csv"},
            "mapping": MAPPING,
            "target": {"user_pool_id": pool["Id"], "region": REGION, "log_role_arn": ROLE},
            "jobs": {"poll_seconds": 0.2, "log_patience_seconds": 10},
        }
        with (folder / "run.yaml").open("w", encoding="utf-8") as file:
            YAML().dump(settings, file)
        values = frozenset(value for user in people for value in user.values() if value)
        made = Migration(client, pool["Id"], folder / "run.yaml", people, values)
        made.write_people(people)
        return made

    return make


@pytest.fixture
def migration(make_migration: Callable[[], Migration]) -> Migration:
    return make_migration()


def person() -> dict[str, str]:
    """An invented user whose values are found nowhere else; every second one has a hash."""
    mark = secrets.token_hex(6)
    return {
        "id": f"id-{mark}",
        "email": f"{mark}@example.com",
        "first": f"Vera{mark}",
        "last": f"Muster{mark}",
        "pw": BCRYPT if int(mark, 16) % 2 else "",
    }


@contextmanager
def slowed(sandbox: Sandbox, rows_per_second: float) -> Iterator[None]:
    """Let import jobs take their time."""
    sandbox.update(rows_per_second=rows_per_second)
    try:
        yield
    finally:
        sandbox.update(rows_per_second=None)
