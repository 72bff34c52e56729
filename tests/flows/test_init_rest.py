"""What `init` proposes for a JSON API reads every page of it; where it finds no way to, it says so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from flows.cli import app
from tests.contracts.rest_specimen import SIZE, TOKEN, PeopleApi
from tests.flows.init_cases import PEOPLE
from tests.servers.api_server import Reply, Request

if TYPE_CHECKING:
    from typer.testing import Result

    from tests.flows.conftest import Pool


@pytest.fixture(autouse=True)
def _scene(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(pool.folder)
    monkeypatch.setenv("API_TOKEN", TOKEN)


def begin(pool: Pool, url: str, *more: str) -> Result:
    told = ["init", url, "--kind", "rest", "--set", "auth.bearer=${API_TOKEN}", "--pool", pool.pool_id, *more]
    return CliRunner().invoke(app, told)


@pytest.mark.parametrize("kind", ["page", "offset", "cursor", "link", "marker"])
def test_the_draft_reads_every_page(pool: Pool, kind: str) -> None:
    with PeopleApi(list(PEOPLE)) as server:
        begun = begin(pool, f"{server.url}/{kind}")
        assert begun.exit_code == 0, begun.output
        planned = CliRunner().invoke(app, ["plan", "run.yaml", "--json"])
    forecast: dict[str, Any] = json.loads(planned.stdout.splitlines()[-1])
    assert forecast["extracted"] == len(PEOPLE) > SIZE
    text = (pool.folder / "run.yaml").read_text(encoding="utf-8")
    assert YAML(typ="safe").load(text)["source"]["paging"]["kind"] == kind
    assert f"# paging {kind}: the answer" in text


class Closed(PeopleApi):
    """Tells of more users than it ever gives."""

    def answer(self, request: Request) -> Reply:
        return Reply({"users": self.people[:SIZE], "total": len(self.people)})


def test_no_draft_is_written_that_would_leave_users_out(pool: Pool) -> None:
    with Closed(list(PEOPLE)) as server:
        begun = begin(pool, server.url)
        assert begun.exit_code == 3
        assert "--set paging.kind=KIND" in " ".join(begun.output.split())
        assert not (pool.folder / "run.yaml").exists()
        assert begin(pool, server.url, "--set", "paging.kind=none", "--set", "records=users").exit_code == 0
