"""The resources of a migration trigger: key, table, role, log group, function; made, found again, removed.

Each is tagged, and what is not tagged as ours is neither used nor removed. Everything here may be done again
after a crash: it finds what is there.
"""

from __future__ import annotations

import base64
import json
import secrets as random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from connectors.cognito.trigger.clients import (
    TAG,
    Clients,
    absent_is_fine,
    present_is_fine,
    refuse_stranger,
    step,
)
from connectors.cognito.trigger.handler.settings import Secrets, encryption_context
from connectors.cognito.trigger.handler.store import DEPLOYED
from connectors.cognito.trigger.key import DESCRIPTION, WAIT_DAYS, Key
from connectors.cognito.trigger.package import HANDLER
from connectors.cognito.trigger.policies import role_policy, trust_policy
from connectors.errors import RetryError, TargetError
from connectors.retry import retrying

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connectors.cognito.trigger.package import Package
    from connectors.cognito.trigger.policies import Place

TIMEOUT: Final = 5
"""Seconds: Cognito waits no longer (F6.14)."""
LOG_DAYS: Final = 30
NAME_KEY_BYTES: Final = 32
_POLICY: Final = "poolferry-trigger"


@dataclass(frozen=True, slots=True)
class Found:
    """Which of the resources are there."""

    key_arn: str | None
    table: bool
    role: bool
    function: bool


class Deployment:
    """The resources of one trigger.

    Args:
        clients: the services.
        place: where it lives, and what it is called.
    """

    def __init__(self, clients: Clients, place: Place) -> None:
        self._clients = clients
        self._place = place
        self._key = Key(clients.kms, place)

    @property
    def place(self) -> Place:
        """Where it lives."""
        return self._place

    def found(self) -> Found:
        """Look which resources are there.

        Raises:
            ConfigurationError: one of them is somebody else's.
            TargetError: a right is missing.
        """
        return Found(self._key.arn(), self._has_table(), self._has_role(), self._function() is not None)

    def left_keys(self) -> list[str]:
        """ARNs of keys that a killed deployment has made and that nothing leads to."""
        return self._key.nameless()

    def make_key(self) -> str:
        """Make the KMS key and its alias; returns the key's ARN."""
        return self._key.make()

    def make_table(self, key_arn: str) -> None:
        """Make the table, encrypted with the key, with an expiry."""
        name, dynamodb = self._place.name, self._clients.dynamodb
        if not self._has_table():
            with step("CreateTable"), present_is_fine("ResourceInUseException"):
                dynamodb.create_table(
                    TableName=name,
                    AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
                    KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
                    BillingMode="PAY_PER_REQUEST",
                    SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key_arn},
                    Tags=[{"Key": TAG, "Value": name}],
                )
        with step("DescribeTable"):
            dynamodb.get_waiter("table_exists").wait(TableName=name)
        with step("UpdateTimeToLive"):
            told = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
            if told.get("TimeToLiveStatus") not in ("ENABLED", "ENABLING"):
                dynamodb.update_time_to_live(
                    TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "x"}
                )

    def read_secrets(self) -> Secrets | None:
        """Open the secrets that an earlier deployment has made; None where there was none."""
        with step("GetItem"):
            item = self._clients.dynamodb.get_item(
                TableName=self._place.name, Key={"k": {"S": DEPLOYED}}, ConsistentRead=True
            ).get("Item")
        if not item or "s" not in item:
            return None
        with step("Decrypt"):
            opened = self._clients.kms.decrypt(
                KeyId=self._place.alias,  # what another key has sealed is not ours
                CiphertextBlob=item["s"]["B"],
                EncryptionContext=encryption_context(self._place.name),
            )
        return Secrets.parse(opened["Plaintext"])

    def keep_secrets(self, key_arn: str, secrets: Secrets) -> str:
        """Encrypt the secrets and keep them in the table; returns them as the function's environment has.

        Raises:
            TargetError: they are longer than what KMS encrypts at once.
        """
        text = secrets.dumped()
        if len(text) > 4096:  # noqa: PLR2004 - KMS's bound
            raise TargetError("The trigger's secrets are longer than 4,096 bytes.", "Shorten trigger.live.")
        with step("Encrypt"):
            sealed = self._clients.kms.encrypt(
                KeyId=key_arn, Plaintext=text, EncryptionContext=encryption_context(self._place.name)
            )["CiphertextBlob"]
        with step("UpdateItem"):
            self._clients.dynamodb.update_item(
                TableName=self._place.name,
                Key={"k": {"S": DEPLOYED}},
                UpdateExpression="SET s = :s",
                ExpressionAttributeValues={":s": {"B": sealed}},
            )
        return base64.b64encode(sealed).decode()

    def make_role(self, key_arn: str) -> str:
        """Make the function's role with its one policy; returns its ARN."""
        name, iam = self._place.name, self._clients.iam
        if not self._has_role():
            with step("CreateRole"), present_is_fine("EntityAlreadyExists"):
                iam.create_role(
                    RoleName=name,
                    AssumeRolePolicyDocument=json.dumps(trust_policy()),
                    Description=DESCRIPTION,
                    Tags=[{"Key": TAG, "Value": name}],
                )
        with step("PutRolePolicy"):
            document = json.dumps(role_policy(self._place, key_arn))
            iam.put_role_policy(RoleName=name, PolicyName=_POLICY, PolicyDocument=document)
        return self._place.role_arn

    def make_log_group(self) -> None:
        """Make the log group, which keeps its lines for a month and not for ever."""
        logs, name = self._clients.logs, self._place.log_group
        with step("CreateLogGroup"), present_is_fine("ResourceAlreadyExistsException"):
            logs.create_log_group(logGroupName=name)
        with step("PutRetentionPolicy"):
            logs.put_retention_policy(logGroupName=name, retentionInDays=LOG_DAYS)

    def make_function(
        self, package: Package, role_arn: str, environment: Mapping[str, str], memory: int
    ) -> str:
        """Make the function, or bring it up to date; returns its ARN."""
        functions, name = self._clients.functions, self._place.name
        settings: dict[str, Any] = {
            "Role": role_arn,
            "Handler": HANDLER,
            "Runtime": package.runtime,
            "Timeout": TIMEOUT,
            "MemorySize": memory,
            "Environment": {"Variables": dict(environment)},
        }
        code = package.path.read_bytes()
        if self._function() is None:
            retrying("CreateFunction")(self._create_function, package, code, settings)
        else:
            with step("UpdateFunctionCode"):
                functions.update_function_code(
                    FunctionName=name, ZipFile=code, Architectures=[package.architecture]
                )
                functions.get_waiter("function_updated_v2").wait(FunctionName=name)
            with step("UpdateFunctionConfiguration"):
                functions.update_function_configuration(FunctionName=name, **settings)
                functions.get_waiter("function_updated_v2").wait(FunctionName=name)
        with step("GetFunction"):
            functions.get_waiter("function_active_v2").wait(FunctionName=name)
        return self._place.function_arn

    def let_pool_invoke(self, pool_id: str, pool_arn: str) -> None:
        """Let Cognito invoke the function for one pool of this account, and for nothing else (F6.20).

        Lambda refuses in the same words where the permission is there and where the function is being
        changed, so the function's policy is asked which it is.

        Raises:
            RetryError: the function is still being changed.
        """
        retrying("AddPermission")(self._permit, pool_id, pool_arn)

    def _permit(self, pool_id: str, pool_arn: str) -> None:
        if _statement_id(pool_id) in self._statements():
            return
        try:
            with step("AddPermission"):
                self._clients.functions.add_permission(
                    FunctionName=self._place.name,
                    StatementId=_statement_id(pool_id),
                    Action="lambda:InvokeFunction",
                    Principal="cognito-idp.amazonaws.com",
                    SourceArn=pool_arn,
                    SourceAccount=self._place.account,
                )
        except TargetError as refused:
            if "ResourceConflictException" in refused.what:
                raise RetryError(refused.what, "The function is being changed: try again later.") from None
            raise

    def _statements(self) -> list[str]:
        """Ids of the statements of the function's policy; a function that nobody may invoke has none."""
        with step("GetPolicy"), absent_is_fine():
            text = self._clients.functions.get_policy(FunctionName=self._place.name)["Policy"]
            return [str(each.get("Sid")) for each in json.loads(text)["Statement"]]
        return []

    def forbid_pool(self, pool_id: str) -> None:
        """Take that permission away again."""
        with step("RemovePermission"), absent_is_fine():
            self._clients.functions.remove_permission(
                FunctionName=self._place.name, StatementId=_statement_id(pool_id)
            )

    def remove(self) -> list[str]:
        """Remove all that is there and ours, the table with everybody who is still to come included.

        Returns:
            What was removed, in words. The key, which comes last, ends after ``WAIT_DAYS`` days.
        """
        found, place, done = self.found(), self._place, []
        if found.function:
            with step("DeleteFunction"):
                self._clients.functions.delete_function(FunctionName=place.name)
            done.append(f"function {place.name}")
        if found.role:
            with step("DeleteRole"):
                with absent_is_fine():
                    self._clients.iam.delete_role_policy(RoleName=place.name, PolicyName=_POLICY)
                self._clients.iam.delete_role(RoleName=place.name)
            done.append(f"role {place.name}")
        if found.table:
            with step("DeleteTable"):
                self._clients.dynamodb.delete_table(TableName=place.name)
            done.append(f"table {place.name}")
        with step("DeleteLogGroup"), absent_is_fine():
            self._clients.logs.delete_log_group(logGroupName=place.log_group)
        if keys := self._key.remove():
            done.append(f"key {place.alias}, in {WAIT_DAYS} days" + f" ({keys} of them)" * (keys > 1))
        return done

    def _create_function(self, package: Package, code: bytes, settings: dict[str, Any]) -> None:
        """Create it; a role that Lambda does not know yet is no error, since IAM takes some seconds."""
        name = self._place.name
        try:
            with step("CreateFunction"):
                self._clients.functions.create_function(
                    FunctionName=name, Code={"ZipFile": code}, Architectures=[package.architecture],
                    Description=DESCRIPTION, Tags={TAG: name}, **settings,
                )  # fmt: skip
        except TargetError as refused:
            if "InvalidParameterValueException" in refused.what:
                raise RetryError(refused.what, "Look at the role and at trigger.runtime.") from None
            raise

    def _has_table(self) -> bool:
        with step("DescribeTable"), absent_is_fine():
            arn = self._clients.dynamodb.describe_table(TableName=self._place.name)["Table"]["TableArn"]
            tags = self._clients.dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"]
            mark = next((tag["Value"] for tag in tags if tag["Key"] == TAG), None)
            refuse_stranger("table", self._place.name, mark, self._place.name)
            return True
        return False

    def _has_role(self) -> bool:
        with step("GetRole"), absent_is_fine():
            role = self._clients.iam.get_role(RoleName=self._place.name)["Role"]
            mark = next((tag["Value"] for tag in role.get("Tags", ()) if tag["Key"] == TAG), None)
            refuse_stranger("role", self._place.name, mark, self._place.name)
            return True
        return False

    def _function(self) -> str | None:
        with step("GetFunction"), absent_is_fine():
            told = self._clients.functions.get_function(FunctionName=self._place.name)
            refuse_stranger("function", self._place.name, told.get("Tags", {}).get(TAG), self._place.name)
            return told["Configuration"]["FunctionArn"]
        return None


def new_name_key() -> bytes:
    """Make the key of hashed names; it is only ever kept encrypted."""
    return random.token_bytes(NAME_KEY_BYTES)


def _statement_id(pool_id: str) -> str:
    return f"poolferry-{pool_id}"
