"""CreateUserPool, DescribeUserPool and UpdateUserPool without moto's losses (F6.21-F6.30)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from moto.cognitoidp.exceptions import InvalidParameterException
from moto.cognitoidp.models import DEFAULT_USER_POOL_CONFIG
from moto.core.responses import ActionResult

from connectors.cognito.sandbox.arguments import check_names
from connectors.cognito.sandbox.credentials import DEFAULT_POLICY, password_policy
from connectors.cognito.sandbox.directory import directory_of, pool_lock
from connectors.cognito.sandbox.pool_schema import complete_schema, described_schema
from connectors.cognito.sandbox.request import SandboxRequest

if TYPE_CHECKING:
    from connectors.cognito.sandbox.moto_types import MotoAnswer, MotoPool

SET_ONCE = ("AliasAttributes", "UsernameAttributes", "UsernameConfiguration")
"""What CreateUserPool alone can set; moto's UpdateUserPool loses it (F6.26)."""

ALWAYS_KEPT = (*SET_ONCE, "DcrConfiguration")
"""What an update that leaves it out does not reset; the last is the documented exception (F6.29)."""

NO_SETTING = ("PoolName", "UserPoolId", "Schema", "MfaConfiguration")
"""Arguments of the two calls that do not stand among a moto pool's settings."""

ALWAYS_SHOWN: dict[str, Any] = {
    "DeletionProtection": "INACTIVE",
    "LambdaConfig": {},
    "UserPoolTags": {},
    "UserPoolTier": "ESSENTIALS",
}
"""What DescribeUserPool shows of a pool that was created without it (F6.29)."""


class PoolOperations(SandboxRequest):
    """The operations on a pool itself."""

    def create_user_pool(self) -> ActionResult:
        """Create a pool that keeps every setting that DescribeUserPool shows (F6.24)."""
        given = {**self.arguments, "Schema": self._with_mutability("Schema")}
        _refuse_both_validities(given)
        with self.pools_lock:
            pool = self.backend.create_user_pool(given.pop("PoolName"), given)
            pool.sandbox = self.sandbox
            complete_schema(pool)
            pool.mfa_config = given.get("MfaConfiguration", "OFF")
            _settle(pool, given)
            directory_of(pool)
        return ActionResult({"UserPool": _described(pool)})

    def describe_user_pool(self) -> ActionResult:
        """Describe it with the full schema (F1.5) and the number of its users."""
        pool = self.backend.describe_user_pool(self._get_param("UserPoolId"))
        with self.pools_lock:
            return ActionResult({"UserPool": _described(pool)})

    def update_user_pool(self) -> ActionResult:
        """Set what is given and reset what is left out, but for what can be set only once (F6.21)."""
        pool = self.backend.describe_user_pool(self._get_param("UserPoolId"))
        given = dict(self.arguments)
        _refuse_both_validities(given)
        with pool_lock(pool):
            shown = {**pool.extended_config, "MfaConfiguration": pool.mfa_config}
            given = {**{name: shown[name] for name in self._kept() if name in shown}, **given}
            pool.update_extended_config(given)
            pool.name = given.get("PoolName", pool.name)
            pool.mfa_config = given.get("MfaConfiguration", "OFF")
            _settle(pool, given)
            pool.last_modified_date = datetime.now(UTC)
        return ActionResult({})

    def delete_user_pool(self) -> MotoAnswer:
        """Delete it while nobody searches the pools."""
        with self.pools_lock:
            return super().delete_user_pool()

    def add_custom_attributes(self) -> ActionResult:
        """Add attributes to the schema; they can never be removed (F6.31)."""
        pool = self.backend.describe_user_pool(self._get_param("UserPoolId"))
        with pool_lock(pool):
            pool.add_custom_attributes(self._with_mutability("CustomAttributes"))
        return ActionResult({})

    def _with_mutability(self, argument: str) -> list[dict[str, Any]]:
        attributes, mutable = self._get_param(argument) or (), self.settings.mutable_if_omitted
        check_names(self._get_action(), argument, attributes)
        return [{"Mutable": mutable, **attribute} for attribute in attributes]

    def _kept(self) -> tuple[str, ...]:
        if self.settings.update_user_pool_omitted == "measured":
            return (*ALWAYS_KEPT, "MfaConfiguration", "Policies")
        return ALWAYS_KEPT


def _refuse_both_validities(given: dict[str, Any]) -> None:
    """Refuse the old and the new name of one setting side by side (F6.27)."""
    policy = (given.get("Policies") or {}).get("PasswordPolicy") or {}
    both = policy.get("TemporaryPasswordValidityDays") and "UnusedAccountValidityDays" in (
        given.get("AdminCreateUserConfig") or {}
    )
    if both:
        raise InvalidParameterException(
            "Please use TemporaryPasswordValidityDays in PasswordPolicy instead of UnusedAccountValidityDays"
        )


def _settle(pool: MotoPool, given: dict[str, Any]) -> None:
    """Bring the settings into the form in which Cognito shows them."""
    config = pool.extended_config
    for name in NO_SETTING:
        config.pop(name, None)
    days = _temporary_days(given)
    config["Policies"] = _policies(pool, days)
    config["AdminCreateUserConfig"] = {
        **DEFAULT_USER_POOL_CONFIG["AdminCreateUserConfig"],
        **(given.get("AdminCreateUserConfig") or {}),
        "UnusedAccountValidityDays": days,
    }


def _temporary_days(given: dict[str, Any]) -> int:
    """Return the life of a temporary password in days, under its new or its old name (F5.3, F6.27)."""
    policy = (given.get("Policies") or {}).get("PasswordPolicy") or {}
    old = (given.get("AdminCreateUserConfig") or {}).get("UnusedAccountValidityDays")
    days = policy.get("TemporaryPasswordValidityDays") or old
    return int(days or DEFAULT_POLICY["TemporaryPasswordValidityDays"])


def _policies(pool: MotoPool, days: int) -> dict[str, Any]:
    policy = {**password_policy(pool), "TemporaryPasswordValidityDays": days}
    return {**(pool.extended_config.get("Policies") or {}), "PasswordPolicy": policy}


def _described(pool: MotoPool) -> dict[str, Any]:
    return {**ALWAYS_SHOWN, **pool.to_json(extended=True), "SchemaAttributes": described_schema(pool)}
