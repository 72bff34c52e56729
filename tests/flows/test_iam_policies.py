"""Each role of `deployments/iam` can do all that is its own, needs every right that it has, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from typer.testing import CliRunner

from flows.cli import app
from tests.flows.conftest import Pool, person
from tests.flows.iam_guard import Guard, Policy, Right
from tests.flows.journeys import QUICK, Always, add, mapping, switched, travel
from tests.flows.test_after_work_end_to_end import with_providers
from tests.flows.test_secrets_end_to_end import Guarded
from tests.flows.test_trigger_end_to_end import FLOWS, PASSWORD, ssha

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

    from connectors.cognito.sandbox import Sandbox

ACCOUNT, REGION = "123456789012", "eu-west-1"
TRIGGER = "iam-trigger"

NOT_CALLED: dict[str, dict[tuple[str, str], str]] = {
    "trigger": {
        ("KeyOfTable", action): "DynamoDB asks for it in the caller's name, for a table with a key of its own"
        for action in (
            "kms:CreateGrant", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext",
            "kms:ReEncryptFrom", "kms:ReEncryptTo", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/*",
        )
    },
}  # fmt: skip
"""Role → (statement, action or resource) that no call of its commands needs → why it is granted."""

LOOKED_PAST = {"kms:DescribeKey": "keys of others are not the trigger's to look at, and it goes past them"}
"""Rights that may be missing: whoever needs one for what is its own fails without it."""


class House:
    """A pool of its own, and commands under the rights of a role."""

    def __init__(self, pool: Pool, guard: Guard) -> None:
        self.pool = pool
        self.guard = guard
        self.seen: dict[str, set[Right]] = guard.seen
        self.import_role = f"import-{pool.pool_id[-8:]}"

    def policy(self, name: str) -> Policy:
        filled = {
            "POOL_ID": self.pool.pool_id, "ACCOUNT": ACCOUNT, "REGION": REGION,
            "IMPORT_ROLE": self.import_role, "TRIGGER": TRIGGER,
        }  # fmt: skip
        return Policy(name, filled)

    def run_file(self, people: list[dict[str, str]], **changes: Any) -> Path:
        arn = f"arn:aws:iam::{ACCOUNT}:role/{self.import_role}"
        target = {"user_pool_id": self.pool.pool_id, "region": REGION, "log_role_arn": arn}
        usual = {"jobs": QUICK, "trigger": {"name": TRIGGER}, "target": target}
        return self.pool.run_file(people, **{**usual, **changes})

    def make_role(self) -> None:
        unguarded("check", self.run_file([person(1)]), "--create-role", "--role-name", self.import_role)

    def call(self, policy: Policy, *arguments: object) -> Result:
        with self.guard.acting(policy):
            return CliRunner().invoke(app, [str(argument) for argument in arguments])

    def does(self, role: str, *arguments: object, status: int = 0) -> None:
        """Let a role do something that must work."""
        result = self.call(self.policy(role), *arguments)
        refused = {right for right in self.guard.refused if right.action not in LOOKED_PAST}
        assert not refused, {f"{right.action} {right.resource}" for right in refused}
        assert result.exit_code == status, result.output


@pytest.fixture
def house(sandbox: Sandbox, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> House:
    del sandbox
    return House(pool, Guard(monkeypatch, ACCOUNT, REGION))


PHONE = "+493023125001"
AT_DEFAULTS = {"share": 1.0}
"""``quotas`` that ask AWS for the limits in force."""


def everything() -> dict[str, Any]:
    """A mapping after which a run disables, links, sets factors and joins groups."""
    more = {
        "identities": {"from": "last_name"},
        "mfa": {"from": "first_name"},
        "password": {"from": "pw"},
    }
    usual = mapping()
    del usual["password_hash"]
    return usual | more


def needs_nothing_else(house: House, role: str) -> None:
    """Every right of a role was needed, but for those with a reason."""
    policy = house.policy(role)
    used = {pair for right in house.seen[role] for pair in policy.granting(right)}
    assert policy.pairs() - used == set(NOT_CALLED.get(role, ()))


def each_is_missed(house: House, role: str) -> None:
    """The judge bites: of the calls that were made, some would be refused without any one of the rights."""
    used = {right.action for right in house.seen[role]}
    for action in used:
        less = house.policy(role).without(action)
        assert [right for right in house.seen[role] if not less.granting(right)], action


def unguarded(*arguments: object, status: int = 0) -> None:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == status, result.output


def test_a_reader_checks_plans_and_reconciles(house: House) -> None:
    with_providers(house.pool)
    house.make_role()
    add(house.pool, "u00001", email="user1@example.com")
    house.pool.client.create_group(UserPoolId=house.pool.pool_id, GroupName="staff")
    people = [person(1, last_name="Google/1", roles="staff"), person(2, last_name="Google/2")]
    linking = mapping() | {"identities": {"from": "last_name"}}
    run_file = house.run_file(people, existing="update", quotas=AT_DEFAULTS, mapping=linking)
    house.does("reader", "check", run_file)
    house.does("reader", "plan", run_file)
    draft = ("--pool", house.pool.pool_id, "--region", REGION, "--out", house.pool.folder / "draft.yaml")
    house.does("reader", "init", house.pool.folder / "users.csv", *draft)
    unguarded("run", run_file)
    house.does("reader", "reconcile", run_file, "--with-groups")
    needs_nothing_else(house, "reader")
    each_is_missed(house, "reader")


def test_a_migrator_runs_stops_and_retries(house: House, sandbox: Sandbox) -> None:
    """All strategies, all work after the import, and a stop in the middle."""
    with_providers(house.pool)
    house.make_role()
    add(house.pool, "u00001", email="old@example.com")
    house.pool.client.create_group(UserPoolId=house.pool.pool_id, GroupName="staff")
    house.pool.client.set_user_pool_mfa_config(
        UserPoolId=house.pool.pool_id,
        MfaConfiguration="OPTIONAL",
        SoftwareTokenMfaConfiguration={"Enabled": True},
    )
    people = [
        person(1, first_name="off", last_name="Google/1", roles="staff"),
        person(2, first_name="sms", last_name="Google/2", roles="team", phone=PHONE),
        person(3, first_name="off", last_name="Google/3", verified="no", pw="Invented-1234"),
        person(4, first_name="off", last_name="Google/4", active="no"),
        person(5, first_name="off", last_name="nobody"),
    ]
    settings = {"existing": "update", "quotas": AT_DEFAULTS, "mapping": everything()}
    run_file = house.run_file(people, **settings)
    acting = house.guard.acting(house.policy("migrator"))
    with switched(sandbox, rows_per_second=2.0), acting, pytest.raises(KeyboardInterrupt):
        travel(run_file, Stops("Importing"))
    house.does("migrator", "plan", run_file)
    house.does("migrator", "run", run_file, status=1)
    people[4]["last_name"] = "Google/5"
    house.does("migrator", "retry", "acme", "--state", house.pool.folder / "runs", "--run-file",
               house.run_file(people, **settings))  # fmt: skip
    assert len(house.pool.users()) == len(people)
    needs_nothing_else(house, "migrator")
    each_is_missed(house, "migrator")


class Stops(Always):
    """Somebody presses Ctrl-C as soon as a stage of that title tells that it moves."""

    def __init__(self, title: str) -> None:
        super().__init__(title, lambda: setattr(self, "_due", True))
        self._due = False

    def update(self, done: float) -> None:
        del done
        if self._due:
            raise KeyboardInterrupt


def test_a_rollback_finds_and_deletes(house: House) -> None:
    run_file = house.run_file([person(1), person(2, verified="no")], quotas=AT_DEFAULTS)
    unguarded("run", run_file)
    house.does("rollback", "rollback", "acme", "--state", house.pool.folder / "runs")
    house.does("rollback", "rollback", "acme", "--state", house.pool.folder / "runs", "--delete")
    assert house.pool.users() == {}
    needs_nothing_else(house, "rollback")
    each_is_missed(house, "rollback")


def test_who_sets_up_makes_role_and_attributes_and_tries_hashes(house: House) -> None:
    own = mapping(custom__more={"const": "x"})
    people = [person(1, pw="$2b$04$9gLn4nv2KFtdB0Z38PZF/.ds/GSP6BL2lVJnUrzlicMAHiGhD8syS")]
    run_file = house.run_file(people, quotas=AT_DEFAULTS, mapping=own)
    once = ("--create-role", "--role-name", house.import_role, "--create-attributes", "--try-hashes")
    unfinished = house.call(house.policy("setup").without("iam:PutRolePolicy"), "check", run_file, *once)
    assert "Allow iam:PutRolePolicy" in unfinished.stderr
    house.guard.refused.clear()
    house.does("setup", "check", run_file, *once)
    assert house.pool.users() == {}
    needs_nothing_else(house, "setup")
    each_is_missed(house, "setup")


def test_whoever_runs_the_trigger_does_all_of_it(house: House, tmp_path: Path) -> None:
    run_file = house.run_file([person(1, pw=ssha()), person(2)], name="iam")
    unguarded("run", run_file)
    house.pool.client.create_user_pool_client(
        UserPoolId=house.pool.pool_id, ClientName="app", ExplicitAuthFlows=FLOWS
    )
    sample = tmp_path / "people.csv"
    sample.write_text(f"username,password\nu00001,{PASSWORD}\n", encoding="utf-8")
    for _ in range(2):  # the second time it finds what is there
        house.does("trigger", "trigger", "deploy", run_file, "--here")
    house.does("trigger", "trigger", "attach", run_file)
    house.does("trigger", "verify-sign-in", run_file, "--sample", sample)
    house.does("trigger", "trigger", "deploy", run_file, "--here")
    house.does("trigger", "trigger", "status", run_file)
    house.does("trigger", "trigger", "detach", run_file)
    house.does("trigger", "trigger", "remove", run_file, "--yes")
    needs_nothing_else(house, "trigger")
    each_is_missed(house, "trigger")


# beside a role: what a source or a secret needs ----------------------------------------------


def reads(house: House, more: str, filled: dict[str, str], source: dict[str, Any], **settings: Any) -> None:
    """A reader who also has a source's policy checks and plans; each of them was needed."""
    place = {"ACCOUNT": ACCOUNT, "REGION": REGION}
    own = Policy(more, place | filled)
    run_file = house.run_file([], source=source, **settings)
    for command in ("check", "plan"):
        result = house.call(house.policy("reader").beside(own), command, run_file)
        assert not house.guard.refused, house.guard.refused
        assert result.exit_code == 0, result.output
    used = {pair for right in house.seen[more] for pair in own.granting(right)}
    assert own.pairs() == used
    assert house.call(house.policy("reader"), "plan", run_file).exit_code in {2, 3}, "a reader alone cannot"


def test_files_in_s3(house: House) -> None:
    house.make_role()
    bucket = f"people-{house.pool.pool_id[-8:]}"
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="a/users-1.csv", Body=(house.pool.folder / "users.csv").read_bytes())
    source = {"kind": "csv", "path": f"s3://{bucket}/a/users-*.csv"}
    reads(house, "source-s3", {"BUCKET": bucket}, source)


def test_a_state_in_s3(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever migrates keeps runs there with this policy beside; each right of it is needed."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    house.make_role()
    bucket = f"runs-{house.pool.pool_id[-8:].lower()}"
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket=bucket)
    own = Policy("state-s3", {"BUCKET": bucket, "PREFIX": "acme"})
    run_file = house.run_file([person(1), person(2, verified="no")], state=f"s3://{bucket}/acme")
    assert house.call(house.policy("migrator"), "run", run_file).exit_code == 3
    house.guard.refused.clear()
    result = house.call(house.policy("migrator").beside(own), "run", run_file)
    assert not house.guard.refused, house.guard.refused
    assert result.exit_code == 0, result.output
    used = {pair for right in house.seen["state-s3"] for pair in own.granting(right)}
    assert own.pairs() == used
    blind = own.without("s3:GetEncryptionConfiguration")
    again = house.call(house.policy("migrator").beside(blind), "run", run_file, "--new")
    assert again.exit_code == 0, again.output


def test_a_table_of_dynamodb(house: House) -> None:
    house.make_role()
    table, dynamodb = f"people-{house.pool.pool_id[-8:]}", boto3.client("dynamodb", region_name=REGION)
    dynamodb.create_table(
        TableName=table, BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )  # fmt: skip
    item = {name: {"S": value} for name, value in person(1, pw="x", roles="a", phone=PHONE).items()}
    dynamodb.put_item(TableName=table, Item=item)
    usual = mapping()
    del usual["password_hash"]
    source = {"kind": "dynamodb", "table": table, "region": REGION, "key": "id"}
    reads(house, "source-dynamodb", {"TABLE": table}, source, mapping=usual)


def test_another_pool(house: House) -> None:
    house.make_role()
    old = house.pool.client.create_user_pool(PoolName="old", AutoVerifiedAttributes=["email"])["UserPool"][
        "Id"
    ]
    house.pool.client.create_group(UserPoolId=old, GroupName="staff")
    house.pool.client.admin_create_user(
        UserPoolId=old, Username="ann", MessageAction="SUPPRESS",
        UserAttributes=[{"Name": "email", "Value": "ann@example.com"},
                        {"Name": "email_verified", "Value": "true"}],
    )  # fmt: skip
    source = {"kind": "cognito", "user_pool_id": old, "second_factors": True, "key": "sub"}
    preset = {"mapping": {"preset": "cognito"}, "quotas": AT_DEFAULTS}
    reads(house, "source-cognito", {"OLD_POOL": old}, source, **preset)


def test_a_secret(house: House) -> None:
    house.make_role()
    name = f"acme-{house.pool.pool_id[-8:]}"
    with Guarded() as api:
        secrets = boto3.client("secretsmanager", region_name=REGION)
        secrets.create_secret(Name=name, SecretString=api.token)
        reads(house, "secret", {"SECRET": name}, api.source(f"${{secretsmanager:{name}}}"))


@pytest.mark.parametrize(
    ("role", "command", "action"),
    [
        ("reader", "plan", "cognito-idp:ListUsers"),
        ("migrator", "run", "cognito-idp:CreateUserImportJob"),
        ("migrator", "run", "iam:PassRole"),
        ("reader", "run", "cognito-idp:CreateUserImportJob"),
    ],
)
def test_a_missing_right_stops_the_command_and_is_named(
    house: House, role: str, command: str, action: str
) -> None:
    result = house.call(house.policy(role).without(action), command, house.run_file([person(1)]))
    assert result.exit_code == 3, result.output
    named = "cognito-idp:CreateUserImportJob" if action == "iam:PassRole" else action
    assert f"Allow {named} in the IAM policy" in result.stderr
    assert house.pool.users() == {}


def test_a_role_has_no_right_on_another_pool(house: House) -> None:
    other = house.pool.client.create_user_pool(PoolName="other")["UserPool"]["Id"]
    run_file = house.run_file([person(1)], target={"user_pool_id": other, "region": REGION})
    assert house.call(house.policy("reader"), "plan", run_file).exit_code == 3
    assert {right.resource.rpartition("/")[2] for right in house.guard.refused} == {other}
