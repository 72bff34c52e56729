"""A shared ledger is found by its URL, which never shows a secret."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from connectors.errors import ConfigurationError, StopError
from flows.ledger.folder import RunFolder
from flows.ledger.opening import open_postgresql, opened_ledger_of

if TYPE_CHECKING:
    from pathlib import Path

TEMPLATE = "postgresql+psycopg://ferry:${DB_PASSWORD}@127.0.0.1:1/ledger"


def test_a_password_may_hold_any_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", "p@ss:/w%rd?")
    made = open_postgresql(TEMPLATE, where="ledger")
    assert made.url.password == "p@ss:/w%rd?"  # noqa: S105 - invented
    assert made.url.host == "127.0.0.1"


def test_the_whole_url_may_be_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER", "postgresql://ferry@127.0.0.1/ledger")
    assert open_postgresql("${LEDGER}", where="ledger").url.drivername == "postgresql+psycopg"


@pytest.mark.parametrize("url", ["mysql://u:geheim@h/d", "geheim", "sqlite:///geheim"])
def test_other_urls_are_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ConfigurationError, match="ledger") as refused:
        open_postgresql(url, where="run.yaml: ledger")
    assert "geheim" not in str(refused.value)


def test_a_missing_secret_is_named() -> None:
    with pytest.raises(ConfigurationError, match="DB_PASSWORD"):
        open_postgresql(TEMPLATE, where="ledger")


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", "x")
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigurationError, match=r"poolferry\[postgresql\]"):
        open_postgresql(TEMPLATE, where="ledger")


def test_a_database_that_does_not_answer_stops_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_PASSWORD", "geheim")
    folder = RunFolder(tmp_path / "acme" / "r1").make()
    folder.ledger_url.write_text(TEMPLATE)
    with pytest.raises(StopError, match="OperationalError") as stopped, opened_ledger_of(folder):
        pass
    assert "geheim" not in str(stopped.value)
