"""What stands for a secret in a run file is filled from its store, and told clearly where it cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import pytest

from connectors.cognito.sandbox import launch
from connectors.errors import ConfigurationError
from flows.ledger.opening import open_postgresql
from flows.secret_stores import STORES
from flows.settings import fill_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator

VALUE = "not-for-anybodys-eyes"
STORED = '{"password": "not-for-anybodys-eyes", "port": 5432}'


def fill(text: object) -> object:
    return fill_secrets(text, where="run.yaml: source")


def refused(text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        fill(text)
    told = f"{caught.value.what} {caught.value.mend}"
    assert told.startswith("run.yaml: source: ")
    assert VALUE not in told
    return told


def test_secrets_come_from_the_environment_at_any_depth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "t0p")
    assert fill({"auth": [{"bearer": "x-${TOKEN}"}], "n": 3}) == {"auth": [{"bearer": "x-t0p"}], "n": 3}


def test_a_secret_that_is_not_set_is_named_with_its_place() -> None:
    with pytest.raises(ConfigurationError, match=r"source\.auth\[0\]: \$\{ABSENT_TOKEN\}"):
        fill_secrets({"auth": ["${ABSENT_TOKEN}"]}, where="source")


def test_what_a_secret_holds_is_not_filled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTER", "${INNER}")
    monkeypatch.setenv("INNER", VALUE)
    assert fill("${OUTER}") == "${INNER}"


@pytest.mark.parametrize("text", ["costs $5", "{name}", "${not a name}", "$NAME", "${1ST}"])
def test_other_texts_stay(text: str) -> None:
    assert fill(text) == text


def test_an_unknown_store_lists_the_known_ones() -> None:
    told = refused("${secretmanager:acme}")
    assert "unknown store of secrets 'secretmanager'" in told
    assert "Did you mean 'secretsmanager'?" in told
    assert all(store in told for store in STORES)


@pytest.mark.parametrize("text", ["${prefect:}", "${prefect:#key}", "${secretsmanager:acme#}"])
def test_a_reference_without_a_name_is_refused(text: str) -> None:
    assert "names no secret" in refused(text)


def test_a_block_without_a_prefect_is_refused_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "")
    assert "PREFECT_API_URL" in refused("${prefect:acme}")


# AWS Secrets Manager --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    with launch() as local:
        yield local.environment


@pytest.fixture
def arn(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    secrets = boto3.client("secretsmanager", region_name="eu-west-1")
    listed = {each["Name"]: each["ARN"] for each in secrets.list_secrets()["SecretList"]}
    if "acme/db" not in listed:
        secrets.create_secret(Name="acme/plain", SecretString=VALUE)
        secrets.create_secret(Name="acme/bytes", SecretBinary=b"x")
        listed["acme/db"] = secrets.create_secret(Name="acme/db", SecretString=STORED)["ARN"]
    return listed["acme/db"]


@pytest.mark.usefixtures("arn")
def test_a_secret_is_read_whole_or_by_key() -> None:
    assert fill("${secretsmanager:acme/plain}") == VALUE
    assert fill("${secretsmanager:acme/db}") == STORED
    assert fill("pw=${secretsmanager:acme/db#password}:${secretsmanager:acme/db#port}") == f"pw={VALUE}:5432"


@pytest.mark.usefixtures("arn")
def test_missing_credentials_are_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    told = refused("${secretsmanager:acme/plain}")
    assert "NoCredentialsError" in told
    assert "valid credentials" in told


@pytest.mark.usefixtures("arn")
def test_the_password_of_a_shared_ledger_is_filled_on_its_own() -> None:
    url = "postgresql+psycopg://worker:${secretsmanager:acme/db#password}@db.example.com/ledger"
    engine = open_postgresql(url, where="ledger")
    assert (engine.url.password, engine.url.host) == (VALUE, "db.example.com")
    assert VALUE not in repr(engine.url)


def test_an_arn_says_its_region_itself(arn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-2")
    assert fill("${secretsmanager:%s#password}" % arn) == VALUE  # noqa: UP031 - braces are the subject here
    assert "ResourceNotFoundException" in refused("${secretsmanager:acme/db#password}")


@pytest.mark.usefixtures("arn")
@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("${secretsmanager:acme/none}", ["ResourceNotFoundException", "secretsmanager:GetSecretValue"]),
        ("${secretsmanager:acme/plain#password}", ["no JSON object", "Leave #password out"]),
        ("${secretsmanager:acme/db#pasword}", ["unknown key 'pasword'", "Did you mean 'password'?", "port"]),
        ("${secretsmanager:acme/bytes}", ["holds bytes"]),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place_and_without_a_value(text: str, named: list[str]) -> None:
    told = refused(text)
    assert text in told
    for part in named:
        assert part in told
