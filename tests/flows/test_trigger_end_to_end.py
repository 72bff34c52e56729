"""The whole way of a deferred user: run, deploy, attach, sign in with the old password, detach, remove."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import bcrypt
import boto3
import pytest
from botocore.exceptions import ClientError
from passlib import hash as known

from connectors.cognito.trigger.deployment import Found
from connectors.cognito.trigger.package import Package, build
from connectors.cognito.trigger.people import People
from connectors.errors import ConfigurationError
from flows.ledger.folder import runs_of
from flows.settings import load_run_file
from flows.steps import trigger as steps
from flows.steps.context import Worker
from flows.steps.reconciling import reconcile
from flows.steps.retrying import Choice, retry
from tests.flows.conftest import Pool, person
from tests.flows.journeys import lead_to, make_pool, text_attribute, travel

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from connectors.cognito.sandbox import Sandbox

PASSWORD = "Old-word-1"  # noqa: S105 - an invented one
WRONG = "Old-word-2"
FLOWS = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH"]


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    return build(tmp_path_factory.mktemp("trigger") / "trigger.zip", here=True)


def ssha(password: str = PASSWORD) -> str:
    return str(known.ldap_salted_sha1.hash(password))


def people() -> list[dict[str, str]]:
    """Three who are left to the trigger, and one who travels in a job."""
    return [
        person(1, pw=ssha()),
        person(2, pw=str(known.phpass.using(rounds=8).hash(PASSWORD))),
        person(3, pw=bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode(), verified="false"),
        person(4),
    ]


class House:
    """A pool, a run that is over, and its trigger."""

    def __init__(self, pool: Pool, run_file: Path, package: Package) -> None:
        self.pool = pool
        self.loaded = load_run_file(run_file)
        self.package = package
        made = pool.client.create_user_pool_client(
            UserPoolId=pool.pool_id, ClientName="app", ExplicitAuthFlows=FLOWS
        )
        self.client_id = made["UserPoolClient"]["ClientId"]

    @property
    def trigger(self) -> steps.TriggerOf:
        return steps.trigger_of(self.loaded)

    def deploy(self) -> steps.Deployed:
        return steps.deploy(self.trigger, Worker(), self.package)

    def open(self) -> House:
        self.deploy()
        steps.attach(self.trigger)
        return self

    def sign_in(self, name: str, password: str = PASSWORD, flow: str = "ADMIN_USER_PASSWORD_AUTH") -> Any:
        return self.pool.client.admin_initiate_auth(
            UserPoolId=self.pool.pool_id, ClientId=self.client_id, AuthFlow=flow,
            AuthParameters={"USERNAME": name, "PASSWORD": password},
        )  # fmt: skip

    def refused(self, name: str, password: str = PASSWORD) -> str:
        with pytest.raises(ClientError) as raised:
            self.sign_in(name, password)
        return str(raised.value.response["Error"]["Code"])

    def logged(self) -> str:
        logs, group = boto3.client("logs"), self.trigger.place.log_group
        return "\n".join(event["message"] for event in logs.filter_log_events(logGroupName=group)["events"])

    @property
    def outcomes(self) -> Mapping[str, int]:
        found: Mapping[str, int] = steps.status(self.trigger)["outcomes"]
        return found


@pytest.fixture
def house(pool: Pool, package: Package) -> House:
    name = f"acme-{pool.pool_id[-6:]}"
    run_file = pool.run_file(people(), name=name)
    assert travel(run_file).counts() == {"imported": 1, "deferred": 3}
    return House(pool, run_file, package)


@pytest.fixture(autouse=True)
def _shared_sessions(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    lead_to(sandbox, monkeypatch)


def test_deferred_users_come_in_by_their_old_password(house: House) -> None:
    told = house.deploy()
    assert (told.tally.people, dict(told.tally.schemes)) == (3, {"ssha": 1, "phpass": 1, "bcrypt": 1})
    assert house.refused("u00001") == "UserNotFoundException"  # not attached yet
    assert [each.client_id for each in steps.attach(house.trigger)] == [house.client_id]
    assert house.refused("u00001", WRONG) == "UserNotFoundException"
    assert house.refused("stranger") == "UserNotFoundException"
    for name in ("u00001", "U00002", "u00003"):
        assert "AccessToken" in house.sign_in(name)["AuthenticationResult"]
    users = house.pool.users()
    assert {users[name]["UserStatus"] for name in ("u00001", "u00003")} == {"CONFIRMED"}
    assert house.pool.attributes("u00003")["email_verified"] == "false"
    assert house.pool.attributes("u00001")["custom:tenant"] == "acme"
    found = steps.status(house.trigger)
    assert (found["deferred"], found["arrived"], found["to_come"]) == (3, 3, 0)
    held = reconcile(house.loaded, Worker())
    assert (held.deferred, held.arrived, held.signed_in, held.exit_status) == (3, 3, 3, 0)
    assert held.differences["arrived"] == 3
    assert "3 of 3 deferred users have arrived" in held.sentence
    assert found["outcomes"] == {"arrived": 3, "unknown": 1, "wrong_password": 1}


def test_a_second_sign_in_and_detaching_do_without_the_trigger(house: House) -> None:
    house.open().sign_in("u00001")
    before = house.outcomes
    house.sign_in("u00001")
    assert house.refused("u00001", WRONG) == "NotAuthorizedException"
    assert house.outcomes == before
    assert steps.detach(house.trigger)
    house.sign_in("u00001")
    assert house.refused("u00002") == "UserNotFoundException"


def test_nobody_sees_a_password_or_hash_in_the_log_or_the_counts(house: House) -> None:
    house.open().sign_in("u00001")
    house.refused("u00002", WRONG)
    told = house.logged() + json.dumps(steps.status(house.trigger))
    assert "arrived" in told
    assert not any(secret in told for secret in (PASSWORD, WRONG, "u00001", "example.com", "{SSHA}"))


def test_the_table_names_nobody_by_a_key_that_can_be_guessed(house: House) -> None:
    house.deploy()
    items = boto3.client("dynamodb").scan(TableName=house.trigger.place.name)["Items"]
    keys = [item["k"]["S"] for item in items]
    assert not any("u0000" in key or "example" in key for key in keys)
    assert sum(key.startswith("u#") for key in keys) == 3
    told = boto3.client("dynamodb").describe_table(TableName=house.trigger.place.name)["Table"]
    assert told["SSEDescription"]["SSEType"] == "KMS"


def test_deploying_again_loads_nobody_twice_and_brings_nobody_back(house: House) -> None:
    house.open().sign_in("u00001")
    house.pool.client.admin_delete_user(UserPoolId=house.pool.pool_id, Username="u00001")
    again = house.deploy()
    assert (again.tally.people, again.progress.deferred, again.progress.to_come) == (0, 3, 2)
    assert house.sign_in("u00002")


def test_somebody_who_forgot_the_password_gets_a_code(house: House) -> None:
    house.open()
    client = house.pool.client
    client.forgot_password(ClientId=house.client_id, Username="u00002")
    assert house.pool.users()["u00002"]["UserStatus"] == "RESET_REQUIRED"
    assert house.refused("u00002") == "PasswordResetRequiredException"
    client.forgot_password(ClientId=house.client_id, Username="u00003")  # nothing of theirs is verified
    assert "u00003" not in house.pool.users()
    assert house.outcomes == {"arrived": 1, "no_verified_contact": 1}


def test_guessing_is_stopped_and_looks_like_a_wrong_password(house: House) -> None:
    run_file = house.loaded.path
    text = run_file.read_text() + "trigger:\n  tries: 3\n"
    run_file.write_text(text)
    house.loaded = load_run_file(run_file)
    house.open()
    assert {house.refused("u00001", WRONG) for _ in range(3)} == {"UserNotFoundException"}
    assert house.refused("u00001") == "UserNotFoundException"
    assert house.outcomes == {"wrong_password": 3, "too_many_tries": 1}


def test_a_broken_table_tells_the_client_nothing_of_it(house: House) -> None:
    """F6.19: an exception, since nobody knows whether the person is there; the pool stays as it was."""
    house.open()
    boto3.client("dynamodb").delete_table(TableName=house.trigger.place.name)
    with pytest.raises(ClientError, match="cannot be asked just now") as raised:
        house.sign_in("u00001")
    assert raised.value.response["Error"]["Code"] == "UserLambdaValidationException"
    assert "error ResourceNotFoundException" in house.logged()
    assert "u00001" not in house.pool.users()


def test_a_zip_that_lambda_would_not_take_is_refused_before_anything_is_made(house: House) -> None:
    house.package = replace(house.package, size=50_000_001)
    with pytest.raises(ConfigurationError, match=r"50,000,001 bytes are more than the 50,000,000"):
        house.deploy()
    assert house.trigger.deployment.found() == Found(None, table=False, role=False, function=False)


def test_what_a_killed_deployment_has_left_is_finished_by_the_next(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(People, "load", killed)
        with pytest.raises(KeyboardInterrupt):
            house.deploy()
    assert not house.trigger.deployment.found().function
    assert house.open().sign_in("u00001")
    assert steps.status(house.trigger)["deferred"] == 3


def test_who_was_deferred_by_a_retry_comes_in_as_well(pool: Pool, package: Package) -> None:
    """The run has no way for them; its retry has the trigger. Both count as one in the end."""
    name, users = f"acme-{pool.pool_id[-6:]}", [person(1, pw=ssha()), person(2)]
    run_file = pool.run_file(users, name=name, strategies=["import_job"])
    assert travel(run_file).counts() == {"imported": 1, "rejected": 1}
    run_file = pool.run_file(users, name=name, strategies=["import_job", "migration_trigger"])
    loaded = load_run_file(run_file)
    retry(runs_of(loaded.state_folder)[-1], loaded, Worker(), Choice())
    house = House(pool, run_file, package).open()
    assert house.sign_in("u00001")
    assert (held := reconcile(house.loaded, Worker())).arrived == held.deferred == 1


def test_an_alias_finds_its_user(sandbox: Sandbox, tmp_path: Path, package: Package) -> None:
    """F6.10: the typed alias goes into its attribute, and the username is the source's."""
    pool = make_pool(
        sandbox, tmp_path / "alias", AliasAttributes=["email"], Schema=[text_attribute("tenant")]
    )
    run_file = pool.run_file([person(1, pw=ssha())], name="alias")
    travel(run_file)
    house = House(pool, run_file, package).open()
    house.sign_in("User1@example.com")
    assert list(pool.users()) == ["u00001"]
    house.sign_in("u00001")


def test_an_address_in_place_of_a_username_finds_its_user(
    sandbox: Sandbox, tmp_path: Path, package: Package
) -> None:
    """F6.18: the username is the pool's own."""
    pool = make_pool(
        sandbox, tmp_path / "email", UsernameAttributes=["email"], Schema=[text_attribute("tenant")]
    )
    mapping = {
        "username": {"from": "email"},
        "attributes": {"email": {"from": "email"}, "email_verified": {"from": "verified", "as": "boolean"}},
        "password_hash": {"from": "pw"},
    }
    run_file = pool.run_file([person(1, pw=ssha())], name="by-email", mapping=mapping)
    travel(run_file)
    House(pool, run_file, package).open().sign_in("user1@example.com")
    (user,) = pool.users().values()
    assert user["UserStatus"] == "CONFIRMED"
    assert user["Username"] != "user1@example.com"


@pytest.fixture
def whole(house: House) -> House:
    """A house whose pool has everything set that can be."""
    house.pool.client.update_user_pool(UserPoolId=house.pool.pool_id, **EVERYTHING)
    return house


EVERYTHING: dict[str, Any] = {
    "PoolName": "people",
    "AutoVerifiedAttributes": ["email"],
    "DeletionProtection": "ACTIVE",
    "LambdaConfig": {
        "PreSignUp": "arn:aws:lambda:eu-west-1:123456789012:function:other",
        "KMSKeyID": "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000",
    },
    "Policies": {
        "PasswordPolicy": {
            "MinimumLength": 10, "RequireUppercase": True, "RequireLowercase": True, "RequireNumbers": True,
            "RequireSymbols": False, "TemporaryPasswordValidityDays": 3,
        },
        "SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD"]},
    },
    "MfaConfiguration": "OPTIONAL",
    "SmsVerificationMessage": "code {####}",
    "EmailVerificationMessage": "code {####}",
    "EmailVerificationSubject": "code",
    "VerificationMessageTemplate": {"EmailMessage": "code {####}", "EmailSubject": "code",
                                    "DefaultEmailOption": "CONFIRM_WITH_CODE"},
    "SmsAuthenticationMessage": "code {####}",
    "UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": ["email"]},
    "DeviceConfiguration": {"ChallengeRequiredOnNewDevice": True, "DeviceOnlyRememberedOnUserPrompt": True},
    "EmailConfiguration": {"EmailSendingAccount": "COGNITO_DEFAULT", "ReplyToEmailAddress": "it@example.com"},
    "SmsConfiguration": {"SnsCallerArn": "arn:aws:iam::123456789012:role/sms", "ExternalId": "x"},
    "UserPoolTags": {"team": "identity"},
    "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True,
                              "InviteMessageTemplate": {"EmailSubject": "welcome"}},
    "UserPoolAddOns": {"AdvancedSecurityMode": "AUDIT"},
    "AccountRecoverySetting": {"RecoveryMechanisms": [{"Priority": 1, "Name": "verified_email"}]},
    "UserPoolTier": "PLUS",
}  # fmt: skip


def test_attaching_and_detaching_change_nothing_else_of_a_pool(whole: House) -> None:
    """F6.21-F6.30, field by field, for a pool with everything set."""
    whole.deploy()
    before = whole.trigger.pool
    steps.attach(whole.trigger)
    attached = whole.trigger.pool
    was, now = before.described, attached.described
    assert {name for name in {*was, *now} if was.get(name) != now.get(name)} <= {
        "LambdaConfig",
        "LastModifiedDate",
    }
    assert before.mfa == attached.mfa
    own = {"UserMigration": whole.trigger.place.function_arn}
    assert attached.triggers == {**before.triggers, **own}
    assert EVERYTHING.keys() - {"PoolName"} <= attached.described.keys()
    steps.detach(whole.trigger)
    assert whole.trigger.pool.triggers == before.triggers
    assert steps.detach(whole.trigger) is False


def test_attaching_refuses_what_would_not_work(house: House) -> None:
    with pytest.raises(ConfigurationError, match="no function"):
        steps.attach(house.trigger)
    house.deploy()
    client = house.pool.client
    client.update_user_pool_client(
        UserPoolId=house.pool.pool_id, ClientId=house.client_id, ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH"]
    )
    with pytest.raises(ConfigurationError, match=r"F6\.13"):
        steps.attach(house.trigger)
    assert house.trigger.attached is None


def test_removing_needs_a_detached_trigger_and_leaves_nothing(house: House) -> None:
    house.open()
    with pytest.raises(ConfigurationError, match="attached"):
        steps.remove(house.trigger, really=True)
    steps.detach(house.trigger)
    assert steps.remove(house.trigger, really=False) == (3, [])
    assert house.trigger.deployment.found().function
    to_come, removed = steps.remove(house.trigger, really=True)
    assert (to_come, len(removed)) == (3, 4)
    found = house.trigger.deployment.found()
    assert (found.key_arn, found.table, found.role, found.function) == (None, False, False, False)
    with pytest.raises(ConfigurationError, match="nothing of the name"):
        steps.remove(house.trigger, really=True)


def test_runs_of_one_name_into_two_pools_share_nothing(
    sandbox: Sandbox, tmp_path: Path, package: Package
) -> None:
    """Or the table of one would let its people into the other."""
    houses = []
    for number in (1, 2):
        pool = make_pool(sandbox, tmp_path / str(number))
        run_file = pool.run_file([person(number, pw=ssha())])
        assert travel(run_file).counts() == {"deferred": 1}
        houses.append(House(pool, run_file, package).open())
    one, other = houses
    assert one.trigger.place != other.trigger.place
    assert other.refused("u00001") == "UserNotFoundException"
    assert "AccessToken" in one.sign_in("u00001")["AuthenticationResult"]
