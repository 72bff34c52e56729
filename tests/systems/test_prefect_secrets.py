"""A Secret block of a real Prefect server opens a source, for the command as for a flow run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import boto3
import pytest

from tests.flows.conftest import Pool, person
from tests.flows.journeys import QUICK
from tests.flows.test_secrets_end_to_end import Guarded, found_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.systems.prefect_house import PrefectHouse

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

SAVE = """
import sys
from prefect.blocks.system import Secret
Secret(value=sys.argv[2]).save(sys.argv[1])
Secret(value={"token": sys.argv[2], "other": 1}).save(sys.argv[1] + "-parts")
Secret(value="1e5").save(sys.argv[1] + "-number")
"""
FILL = """
import sys
from connectors.errors import PoolferryError
from flows.settings import fill_secrets
for text in sys.argv[1:]:
    try:
        print(repr(fill_secrets(text, where="run.yaml: source.token")))
    except PoolferryError as error:
        print(repr(f"{type(error).__name__} {error.what} {error.mend}"))
"""


@pytest.fixture
def pool(house: PrefectHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pool:
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, house.environment[name])
    client = boto3.client("cognito-idp", region_name="eu-west-1")
    bounds = {"MinLength": "0", "MaxLength": "64"}
    tenant = {"Name": "tenant", "AttributeDataType": "String", "Mutable": True}
    made = client.create_user_pool(
        PoolName="people",
        AutoVerifiedAttributes=["email"],
        Schema=[tenant | {"StringAttributeConstraints": bounds}],
    )
    return Pool(None, client, made["UserPool"]["Id"], tmp_path)  # type: ignore[arg-type]  # no switch is needed


def test_a_block_opens_the_source_and_its_value_is_kept_nowhere(house: PrefectHouse, pool: Pool) -> None:
    with Guarded() as api:
        house.python("-c", SAVE, "acme-api", api.token)
        people = [person(1)]
        planned = house.python(
            "-m", "flows.cli", "plan", str(pool.run_file(people, source=api.source("${prefect:acme-api}"))),
        )  # fmt: skip
        run_file = pool.run_file(people, source=api.source("${prefect:acme-api-parts#token}"), jobs=QUICK)
        ran = house.python("-m", "flows.cli", "run", str(run_file), "--json")
        summary = json.loads(ran.splitlines()[-1])
        assert summary["verdicts"]["imported"] == len(pool.users()) == 2
        assert house.ask("POST", "flow_runs/filter", {}), "it was a flow run, which Prefect has recorded"
        assert api.token not in planned + ran
        assert found_in(pool.folder / "runs", api.token) == []
        assert {place for place, text in house.stored() if api.token in text} == set()
        assert found_in(pool.folder / "runs", "${prefect:acme-api-parts#token}")


def filled(house: PrefectHouse, *texts: str) -> list[str]:
    """What texts are filled with, or the error; Prefect may have a word of its own besides."""
    return [line for line in house.python("-c", FILL, *texts).splitlines() if line[:1] in {"'", '"'}]


def test_a_block_that_is_not_there_is_told_and_texts_stay_texts(house: PrefectHouse) -> None:
    house.python("-c", SAVE, "other-api", "t0ken")
    given = ("${prefect:other-api-number}", "${prefect:absent}", "${prefect:other-api-parts#tokn}")
    number, absent, key = filled(house, *given)
    assert number == "'1e5'"
    assert "ConfigurationError run.yaml: source.token: ${prefect:absent}: Prefect has no Secret" in absent
    assert "unknown key 'tokn'" in key
    assert "other" in key


def test_a_server_that_does_not_answer_is_told(house: PrefectHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(house.environment, "PREFECT_API_URL", "http://127.0.0.1:9/api")
    monkeypatch.setitem(house.environment, "PREFECT_CLIENT_MAX_RETRIES", "0")
    (said,) = filled(house, "${prefect:other-api}")
    assert "RetryError" in said
    assert "PREFECT_API_URL" in said
