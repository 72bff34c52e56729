"""The local Cognito asks an attached trigger: real code in a process of its own, by the rules of F6.*."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from sandbox_users import PASSWORD, REGION, Client, client_for, refused, switched
from test_sandbox_users_sign_in import SignIns, with_client

from connectors.cognito.sandbox import Sandbox, start
from connectors.cognito.sandbox.functions import interpreter
from tests.servers.pythons import lambda_runtime

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ACCOUNT = "123456789012"
LETS_IN = """
def handler(event, context):
    event["response"] = RESPONSE
    return event
"""


def service(sandbox: Sandbox, name: str) -> Client:
    """A client of another service of the same server."""
    return boto3.client(  # type: ignore[call-overload]  # its name is no literal
        name, endpoint_url=sandbox.url, region_name=REGION,
        aws_access_key_id="invented", aws_secret_access_key="invented",  # noqa: S106 - an invented one
    )  # fmt: skip


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with start() as running:
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        service(running, "iam").create_role(
            RoleName="any", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]})
        )
        yield running


@pytest.fixture(scope="module")
def client(sandbox: Sandbox) -> Client:
    return client_for(sandbox.url)


class Attached:
    """A pool with a function of the test's own."""

    def __init__(
        self,
        sandbox: Sandbox,
        pool: SignIns,
        code: str,
        *,
        permission: bool = True,
        runtime: str = "python3.11",
    ) -> None:
        self.pool = pool
        self.functions = service(sandbox, "lambda")
        self.logs = service(sandbox, "logs")
        self.name = pool.id.replace("_", "-")
        self.functions.create_function(
            FunctionName=self.name, Runtime=runtime, Handler="main.handler", Timeout=5,
            Role=f"arn:aws:iam::{ACCOUNT}:role/any", Code={"ZipFile": zipped(code)},
        )  # fmt: skip
        if permission:
            self.permit(f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{pool.id}")
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.name}"
        pool.call("update_user_pool", LambdaConfig={"UserMigration": arn})

    def permit(self, source: str) -> None:
        self.functions.add_permission(
            FunctionName=self.name, StatementId="cognito", Action="lambda:InvokeFunction",
            Principal="cognito-idp.amazonaws.com", SourceAccount=ACCOUNT, SourceArn=source,
        )  # fmt: skip

    def said(self) -> str:
        found = self.logs.filter_log_events(logGroupName=f"/aws/lambda/{self.name}")["events"]
        return "\n".join(event["message"] for event in found)


def zipped(code: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("main.py", code)
    return buffer.getvalue()


def letting_in(**response: Any) -> str:
    answer = {"userAttributes": {}, "finalUserStatus": "CONFIRMED", "messageAction": "SUPPRESS", **response}
    return LETS_IN.replace("RESPONSE", repr(answer))


def test_the_function_sees_the_events_shape_and_boto3_and_nothing_of_this_python(
    sandbox: Sandbox, client: Client
) -> None:
    code = """
import json, boto3
def handler(event, context):
    try:
        import polars
    except ImportError:
        print("alone", json.dumps(event, sort_keys=True))
    event["response"] = {}
    return event
"""
    pool = with_client(client)
    attached = Attached(sandbox, pool, code)
    with refused("UserNotFoundException"):
        pool.client.initiate_auth(
            ClientId=pool.client_id, AuthFlow="USER_PASSWORD_AUTH", ClientMetadata={"from": "app"},
            AuthParameters={"USERNAME": "Ann", "PASSWORD": PASSWORD},
        )  # fmt: skip
    event = json.loads(attached.said().removeprefix("alone "))
    assert event.keys() == {
        "version", "triggerSource", "region", "userPoolId", "userName", "callerContext", "request",
        "response",
    }  # fmt: skip
    assert event["triggerSource"] == "UserMigration_Authentication"
    assert (event["userName"], event["userPoolId"], event["region"]) == ("Ann", pool.id, REGION)
    assert event["request"] == {"password": PASSWORD, "validationData": {"from": "app"}}
    assert event["callerContext"]["clientId"] == pool.client_id
    assert set(event["response"].values()) == {None}


SAYING_ITS_PYTHON = """
import sys
def handler(event, context):
    print("python%d.%d" % sys.version_info[:2])
    event["response"] = {}
    return event
"""


def test_a_function_runs_in_the_python_of_its_runtime(sandbox: Sandbox, client: Client) -> None:
    runtime = lambda_runtime()
    pool = with_client(client)
    attached = Attached(sandbox, pool, SAYING_ITS_PYTHON, runtime=runtime)
    with refused("UserNotFoundException"):
        pool.sign_in("ann")
    assert attached.said() == runtime


@pytest.mark.parametrize(
    "path", [["python3.12", "exit 127"], ["python3.14", "exit 0"]], ids=["does not start", "another"]
)
def test_a_runtime_that_this_machine_lacks_falls_back_on_this_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: list[str]
) -> None:
    name, script = path
    shim = tmp_path / name
    shim.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    interpreter.cache_clear()
    assert interpreter("python3.12") == sys.executable
    interpreter.cache_clear()


def test_who_is_let_in_keeps_a_password_that_breaks_the_policy(sandbox: Sandbox, client: Client) -> None:
    """F6.5, F6.6; and the trigger is not asked again (F6.16)."""
    pool = with_client(client)
    Attached(sandbox, pool, letting_in(userAttributes={"email": "ann@example.com", "email_verified": "true"}))
    assert "AccessToken" in pool.sign_in("ann", "weak")["AuthenticationResult"]
    user = pool.get("ann")
    assert (user["UserStatus"], user["Attributes"]["email"]) == ("CONFIRMED", "ann@example.com")
    with refused("NotAuthorizedException"):
        pool.sign_in("ann", "other")


def test_without_the_status_the_password_is_not_kept(sandbox: Sandbox, client: Client) -> None:
    pool = with_client(client)
    code = letting_in(userAttributes={"name": "Ann"}, finalUserStatus=None)
    Attached(sandbox, pool, code)
    with refused("PasswordResetRequiredException"):
        pool.sign_in("ann")
    assert pool.get("ann")["UserStatus"] == "RESET_REQUIRED"


def test_srp_never_reaches_the_trigger(sandbox: Sandbox, client: Client) -> None:
    """F6.13."""
    pool = with_client(client)
    Attached(sandbox, pool, letting_in(userAttributes={"name": "Ann"}))
    with refused("UserNotFoundException"):
        pool.client.admin_initiate_auth(
            UserPoolId=pool.id, ClientId=pool.client_id, AuthFlow="USER_SRP_AUTH",
            AuthParameters={"USERNAME": "ann", "SRP_A": "0" * 64, "PASSWORD": PASSWORD},
        )  # fmt: skip
    assert pool.usernames() == []


def test_a_welcome_message_is_sent_unless_it_is_suppressed(sandbox: Sandbox, client: Client) -> None:
    """F6.7."""
    pool, before = with_client(client), sandbox.counters()["messages"].get("invitation/SMS", 0)
    Attached(sandbox, pool, letting_in(userAttributes={"name": "Ann"}, messageAction=None))
    pool.sign_in("ann")
    assert sandbox.counters()["messages"]["invitation/SMS"] == before + 1


@pytest.mark.parametrize(
    ("response", "code"),
    [
        ({"userAttributes": {"name": "Ann", "sub": "old"}}, "NotAuthorizedException"),
        ({"userAttributes": {"name": "Ann", "username": "other"}}, "InvalidLambdaResponseException"),
        ({"userAttributes": {"shoe_size": "42"}}, "InvalidLambdaResponseException"),
        ({"userAttributes": "Ann"}, "InvalidLambdaResponseException"),
        ({"userAttributes": {"name": "Ann"}, "enableSMSMFA": True}, "InvalidLambdaResponseException"),
        ({"userAttributes": {}}, "UserNotFoundException"),
    ],
    ids=["sub", "another username", "unknown attribute", "no attributes", "no number for SMS", "nobody"],
)
def test_an_answer_that_breaks_a_rule_makes_no_user(
    sandbox: Sandbox, client: Client, response: dict[str, Any], code: str
) -> None:
    """F6.9, F6.10, F6.11, F6.19."""
    pool = with_client(client)
    Attached(sandbox, pool, letting_in(**response))
    with refused(code):
        pool.sign_in("ann")
    assert pool.usernames() == []


@pytest.mark.parametrize("force", [False, True])
def test_a_taken_alias_moves_only_where_the_function_says_so(
    sandbox: Sandbox,
    client: Client,
    force: bool,  # noqa: FBT001 - parametrised
) -> None:
    """F6.8."""
    pool = with_client(client, AliasAttributes=["email"])
    pool.confirmed("old", email="ann@example.com", email_verified="true")
    taken = {"email": "ann@example.com", "email_verified": "true"}
    Attached(sandbox, pool, letting_in(userAttributes=taken, forceAliasCreation=force))
    if force:
        pool.sign_in("ann")
        assert pool.get("ann@example.com")["Username"] == "ann"
    else:
        with refused("UsernameExistsException"):
            pool.sign_in("ann")
        assert pool.usernames() == ["old"]


def test_a_slow_function_is_asked_three_times_and_then_given_up(sandbox: Sandbox, client: Client) -> None:
    """F6.14."""
    pool = with_client(client)
    attached = Attached(
        sandbox, pool, "import time\ndef handler(e, c):\n    print('asked', flush=True)\n    time.sleep(60)\n"
    )
    with switched(sandbox, trigger_seconds=1.5), refused("UnexpectedLambdaException", "UserMigration"):
        pool.sign_in("ann")
    assert attached.said().count("asked") == 3


@pytest.mark.parametrize(("retries", "times"), [("failures", 3), ("timeouts", 1)])
def test_a_function_that_raises_is_told_to_the_client(
    sandbox: Sandbox, client: Client, retries: str, times: int
) -> None:
    """F6.19: as an exception of the function, not as an unknown user."""
    pool = with_client(client)
    code = "def handler(e, c):\n    print('asked')\n    raise ValueError('broken')\n"
    attached = Attached(sandbox, pool, code)
    with (
        switched(sandbox, trigger_retries=retries),
        refused("UserLambdaValidationException", "UserMigration failed with error broken."),
    ):
        pool.sign_in("ann")
    assert attached.said().count("asked") == times


@pytest.mark.parametrize("source", ["", f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/other"])
def test_a_function_that_does_not_let_this_pool_invoke_it_is_not_run(
    sandbox: Sandbox, client: Client, source: str
) -> None:
    """F6.20."""
    pool = with_client(client)
    attached = Attached(sandbox, pool, letting_in(userAttributes={"name": "Ann"}), permission=False)
    if source:
        attached.permit(source)
    with refused("UnexpectedLambdaException", "AccessDeniedException"):
        pool.sign_in("ann")
    assert pool.usernames() == []


def test_a_forgotten_password_brings_somebody_in_without_one(sandbox: Sandbox, client: Client) -> None:
    """F6.1, F6.2: the event of that source has no password."""
    pool = with_client(client)
    contact = {"email": "ann@example.com", "email_verified": "true"}
    code = letting_in(userAttributes=contact).replace(
        "    event[", "    assert 'password' not in event['request']\n    event[", 1
    )
    Attached(sandbox, pool, code)
    before = sandbox.counters()["messages"].get("recovery/EMAIL", 0)
    pool.client.forgot_password(ClientId=pool.client_id, Username="ann")
    assert sandbox.counters()["messages"]["recovery/EMAIL"] == before + 1
    assert pool.get("ann")["UserStatus"] == "RESET_REQUIRED"


def test_sign_ins_of_one_person_at_once_make_one_user(sandbox: Sandbox, client: Client) -> None:
    """F6.14: the function may run more than once for a person."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - only here

    pool = with_client(client)
    Attached(sandbox, pool, letting_in(userAttributes={"name": "Ann"}))
    with ThreadPoolExecutor(3) as people:
        answers = list(people.map(lambda _: pool.sign_in("ann"), range(3)))
    assert all("AuthenticationResult" in answer for answer in answers)
    assert pool.usernames() == ["ann"]
