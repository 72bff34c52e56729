"""The ``scim2-server`` command as it is published, in a process of its own."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from connectors.sources.scim import ScimSettings, ScimSource
from tests.servers.scim import TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = "from scim2_server.testserver.cli import main; main()"
PEOPLE = 7


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture(params=["index", "cursor"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    port = free_port()
    options = ["--port", str(port), "--bearer-token", TOKEN]
    if request.param == "cursor":
        able = ("patch", "filter", "sort", "etag", "changePassword")
        config = {name: {"supported": name == "filter"} for name in able}
        config["bulk"] = {"supported": False}
        told = {**config, "pagination": {"cursor": True, "index": False}, "filter": {"supported": True}}
        schemas = ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"]
        (tmp_path / "config.json").write_text(json.dumps({"schemas": schemas, **told}))
        options += ["--service-provider-config", str(tmp_path / "config.json")]
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, *options], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    ) as server:
        try:
            base = f"http://127.0.0.1:{port}/v2"
            _wait_for(base)
            yield base
        finally:
            server.terminate()


def _wait_for(base: str) -> None:
    for _ in range(300):
        try:
            requests.get(f"{base}/ServiceProviderConfig", timeout=5)
        except requests.ConnectionError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("scim2-server did not start")


def test_everybody_is_read_from_the_published_server(url: str) -> None:
    schemas = ["urn:ietf:params:scim:schemas:core:2.0:User"]
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/scim+json"}
    for number in range(PEOPLE):
        user = {"schemas": schemas, "userName": f"u{number}", "name": {"familyName": "Example"}}
        requests.post(f"{url}/Users", json=user, headers=headers, timeout=5).raise_for_status()
    source = ScimSource(ScimSettings(url=url, token=TOKEN, page_users=3), Path())
    fields = ["userName", "name.familyName", "title"]
    pages = list(source.pages(fields))
    assert [page.rows.height for page in pages] == [3, 3, 1]
    assert sorted(one for page in pages for one in page.rows["userName"]) == [f"u{n}" for n in range(PEOPLE)]
    assert {one for page in pages for one in page.rows["name.familyName"]} == {"Example"}
    rest = source.pages(fields[::-1], json.loads(json.dumps(pages[0].cursor)))
    assert [page.rows.height for page in rest] == [3, 1]
