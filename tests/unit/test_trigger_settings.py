"""The run file's ``trigger`` part refuses what would only fail at somebody's sign-in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.cognito.trigger.handler.settings import Settings
from flows.settings_trigger import TriggerSettings


@pytest.mark.parametrize(
    ("live", "problem"),
    [
        ({"kind": "http", "url": "ldap://directory"}, "does not fit"),
        ({"kind": "ldap", "url": "https://idp.example.com/token", "bind": "uid={}"}, "does not fit"),
        ({"kind": "ldap", "url": "ldaps://directory"}, "must hold"),
        (
            {"kind": "ldap", "url": "ldaps://directory", "bind": "uid={}", "client_id": "app"},
            "for the kind http",
        ),
        ({"kind": "http", "url": "https://idp.example.com/token", "bind": "uid={}"}, "for the kind ldap"),
        ({"kind": "http", "url": "http://idp.example.com/token"}, "clear text; write https://"),
        ({"kind": "http", "url": "http://localhost.example.com/token"}, "clear text"),
        ({"kind": "http", "url": "http://localhost@example.com/token"}, "clear text"),
        ({"kind": "smtp", "url": "https://idp.example.com/token"}, "http"),
    ],
)
def test_a_live_source_fits_its_kind(live: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        TriggerSettings.model_validate({"live": live})


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_a_rehearsal_may_ask_this_machine_without_encryption(host: str) -> None:
    live = {"kind": "http", "url": f"http://{host}:8080/token"}
    assert TriggerSettings.model_validate({"live": live}).live


def test_the_function_reads_what_deploy_writes() -> None:
    written = {"table": "t", "username_attributes": ["email"], "alias_attributes": [], "tries": 3}
    settings = Settings.read({"POOLFERRY": json.dumps(written)})
    assert (settings.table, settings.username_attributes, settings.tries) == ("t", ("email",), 3)
    assert settings.live is None
