"""The trigger and its proof, for a run whose state is in S3, on a machine that knows nothing of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.ledger import folder as run_folders
from flows.ledger.families import record_of
from flows.settings import load_run_file
from flows.steps import sign_in_proof
from tests.flows.buckets import STATE, empty_bucket
from tests.flows.conftest import Pool, person
from tests.flows.journeys import lead_to
from tests.flows.test_trigger_end_to_end import FLOWS, PASSWORD, WRONG, ssha

if TYPE_CHECKING:
    from collections.abc import Callable

    from connectors.cognito.sandbox import Sandbox

WAYS = {
    "migration trigger": {"asked": 2, "signed_in": 1},
    "import job": {"asked": 1, "signed_in": 0},
    "rejected": {"asked": 1, "signed_in": 0},
    "in no finished run": {"asked": 1, "signed_in": 0},
}
PEOPLE = [person(1, pw=ssha()), person(2, pw=ssha()), person(3), person(4, email="nonsense")]


@pytest.fixture(autouse=True)
def machine(sandbox: Sandbox, pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this machine keeps its copies; ``shutil.rmtree`` makes it another machine."""
    lead_to(sandbox, monkeypatch)
    empty_bucket(pool)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def told(*arguments: object, status: int = 0) -> dict[str, Any]:
    result = CliRunner().invoke(app, [*map(str, arguments), "--json"])
    assert result.exit_code == status, f"{result.output} {result.exception!r}"
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def sample(folder: Path) -> Path:
    path = folder / "people.csv"
    words = {"u00001": PASSWORD, "u00002": WRONG, "u00003": PASSWORD, "u00004": PASSWORD, "nobody": PASSWORD}
    path.write_text("username,password\n" + "".join(f"{name},{word}\n" for name, word in words.items()))
    return path


def proves_sign_ins(pool: Pool, machine: Path) -> None:
    """By run file, name and id, the last two without the run file: found in S3, and told by ways."""
    name = f"s3-{pool.pool_id[-6:]}"
    run_file = pool.run_file(PEOPLE, state=STATE, name=name)
    run_id = told("run", run_file, status=1)["run_id"]
    pool.client.create_user_pool_client(UserPoolId=pool.pool_id, ClientName="app", ExplicitAuthFlows=FLOWS)
    shutil.rmtree(machine)
    assert told("trigger", "deploy", run_file, "--here")["deferred"] == 2
    told("trigger", "attach", run_file)
    for named in ([run_file], [name, "--state", STATE], [run_id, "--state", STATE]):
        shutil.rmtree(machine)
        found = told("verify-sign-in", *named, "--sample", sample(pool.folder), status=1)
        assert (found["asked"], found["signed_in"]) == (5, 1)
        assert found["ways"] == WAYS
        run_file.unlink(missing_ok=True)
    assert not list(machine.glob("**/*.arrow")), "nobody's attributes are needed for it"


def test_who_can_sign_in_is_proved_on_another_machine(pool: Pool, machine: Path) -> None:
    proves_sign_ins(pool, machine)


def of_this_machine(patch: pytest.MonkeyPatch) -> None:
    """The run file is looked for where it lay when the run began."""
    patch.setattr(
        sign_in_proof, "as_it_stood", lambda folder: load_run_file(Path(record_of(folder).facts["run_file"]))
    )


def of_what_is_here(patch: pytest.MonkeyPatch) -> None:
    """Those are loaded whose pages are on this machine."""
    patch.setattr(run_folders, "fetch_users", lambda _: None)


@pytest.mark.parametrize("broken", [of_this_machine, of_what_is_here])
def test_the_test_bites(
    broken: Callable[[pytest.MonkeyPatch], None], pool: Pool, machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(monkeypatch)
    with pytest.raises(AssertionError):
        proves_sign_ins(pool, machine)
