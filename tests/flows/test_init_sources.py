"""Of every kind of source: `init` writes a run file that `plan` takes as it stands, and tells no value."""

from __future__ import annotations

import json
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from connectors.registry import source_kinds
from flows.cli import app
from flows.settings import fill_secrets
from flows.steps.source_settings import SourcePart
from flows.steps.unmapped import unread_fields
from tests.flows.init_cases import CASES, MARK, Scene
from tests.flows.journeys import lead_to, make_pool, text_attribute

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

    from connectors.cognito.sandbox import Sandbox
    from tests.flows.conftest import Pool


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def told(result: Result) -> dict[str, Any]:
    """The JSON object that is the last thing on standard output."""
    assert result.exit_code in (0, 1), result.output
    return dict(json.loads(result.stdout.splitlines()[-1]))


def hold(kind: str, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draft for a kind's case, plan what was drafted, and hold both to everything that `init` promises."""
    assert kind in CASES, f"init_cases.CASES needs a case for the new kind {kind}"
    monkeypatch.chdir(pool.folder)
    with CASES[kind](Scene(pool, monkeypatch)) as case:
        for name, secret in case.secrets:
            monkeypatch.setenv(name, secret)
        drafted = call("init", *case.arguments, "--pool", pool.pool_id, "--json")
        begun = told(drafted)
        text = (pool.folder / "run.yaml").read_text(encoding="utf-8")
        planned = call("plan", "run.yaml", "--json")
        forecast = told(planned)
    assert (pool.folder / "run.yaml").read_text(encoding="utf-8") == text
    assert (begun["kind"], begun["preset"]) == (kind, case.preset)
    assert forecast["extracted"] >= begun["profile"]["users"] > 2
    assert sum(forecast["ways"].values()) > 0, "somebody would travel"
    assert forecast["unread"].keys() == begun["profile"]["unmapped"].keys()
    everything = text + drafted.output + planned.stderr
    assert f"@{MARK}" not in everything
    for _, secret in case.secrets:
        assert secret not in everything


@pytest.mark.parametrize("kind", source_kinds())
def test_plan_takes_the_drafted_run_file_as_it_stands(
    kind: str, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(kind, pool, monkeypatch)


def _misnaming(told: Callable[..., str]) -> Callable[..., str]:
    return lambda *parts: told(*parts).replace("from: id}", "from: nobody}")


def _filling(told: Callable[..., SourcePart]) -> Callable[..., SourcePart]:
    def part(*given: Any, **more: Any) -> SourcePart:
        found = told(*given, **more)
        return SourcePart(fill_secrets(found.settings, where=""), found.notes)  # type: ignore[arg-type]  # a map stays one

    return part


BROKEN: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "a rule reads a field that is not there": ("flows.steps.drafting._mapping", _misnaming),
    "a value is told": (
        "flows.steps.profiling.forms",
        lambda _: lambda values: {str(values[0]): len(values)},
    ),
    "what nothing carries over is kept back": (
        "flows.steps.profiling.unread_fields",
        lambda _: lambda *_: [],
    ),
    "the preset is not seen": ("flows.steps.choosing.recognised", lambda _: lambda *_: []),
    "a secret is filled in": ("flows.steps.beginning.source_part", _filling),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_the_contract_bites(broken: str, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of these breaks one promise, and is noticed."""
    name, change = BROKEN[broken]
    module, _, attribute = name.rpartition(".")
    kind = "okta" if broken in ("the preset is not seen", "a secret is filled in") else "csv"
    monkeypatch.setattr(name, change(getattr(import_module(module), attribute)))
    with pytest.raises(AssertionError):
        hold(kind, pool, monkeypatch)


@pytest.mark.parametrize("kind", sorted(CASES))
def test_every_case_is_of_a_kind_that_exists(kind: str) -> None:
    assert kind in source_kinds()


def test_of_a_whole_and_its_parts_the_whole_is_named_and_no_key_that_is_somebody_s() -> None:
    fields = ["id", "address", "address.city", "tags[0]", "friends.ann@example.com", "friends", "groups[0]"]
    assert unread_fields(fields, ["id", "groups"], {"kind": "json"}) == ["address", "tags[0]", "friends"]


POOLS: dict[str, dict[str, Any]] = {
    "people sign in with their address": {"UsernameAttributes": ["email"]},
    "an address is an alias": {"AliasAttributes": ["email", "preferred_username"]},
    "nothing is verified automatically": {"AutoVerifiedAttributes": None},
    "letter case matters": {"UsernameConfiguration": {"CaseSensitive": True}},
    "an attribute is required": {
        "Schema": [{"Name": "name", "AttributeDataType": "String", "Required": True, "Mutable": True}]
    },
    "old ids are kept": {"Schema": [text_attribute("legacy_id"), text_attribute("plan")]},
}


@pytest.mark.parametrize("kind", ["csv", "okta", "keycloak_export"])
@pytest.mark.parametrize("told_of", POOLS)
def test_the_draft_fits_the_pool(
    kind: str, told_of: str, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead_to(sandbox, monkeypatch)
    pool = make_pool(sandbox, tmp_path, **POOLS[told_of])
    monkeypatch.chdir(tmp_path)
    with CASES[kind](Scene(pool, monkeypatch)) as case:
        for name, secret in case.secrets:
            monkeypatch.setenv(name, secret)
        told(call("init", *case.arguments, "--pool", pool.pool_id, "--json"))
        forecast = told(call("plan", "run.yaml", "--json"))
    assert sum(forecast["ways"].values()) > forecast["rejected"], "most people would travel"


def test_people_read_the_same_without_json(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(pool.folder)
    with CASES["csv"](Scene(pool, monkeypatch)) as case:
        shown = call("init", *case.arguments, "--pool", pool.pool_id)
    assert shown.exit_code == 0, shown.output
    for words in ("Source: kind csv", "Fields, in a sample of 12 users", "e-mail", "run.yaml is written"):
        assert words in shown.stdout
    assert f"@{MARK}" not in shown.output


def test_what_nothing_carries_over_is_told_with_how_full_it_is(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pool.folder)
    (pool.folder / "users.csv").write_text("id,email,shoe_size\nu1,a@example.com,42\nu2,b@example.com,\n")
    shown = call("init", "users.csv", "--pool", pool.pool_id)
    assert "nothing carries over, and how full they are: shoe_size (50 %)." in shown.stdout
    assert "# Not mapped: shoe_size: filled for 50 %\n" in (pool.folder / "run.yaml").read_text()


def test_a_mistake_leaves_no_file(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(pool.folder)
    shown = call("init", "nobody.csv", "--pool", pool.pool_id)
    assert shown.exit_code == 3
    assert not (pool.folder / "run.yaml").exists()
