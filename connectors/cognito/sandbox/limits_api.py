"""GetProvisionedLimit and UpdateProvisionedLimit (F4.4-F4.6)."""

from __future__ import annotations

from typing import Any, Final

from moto.cognitoidp.exceptions import InvalidParameterException

from connectors.cognito.sandbox.meters import meters_of
from connectors.cognito.sandbox.quotas import QUOTAS, Category
from connectors.cognito.sandbox.refusals import ServiceQuotaExceededError
from connectors.cognito.sandbox.request import SandboxRequest
from connectors.errors import unknown_name

NOT_WITH_MANAGED_LOGIN: Final = frozenset({"UserAuthentication", "UserFederation"})
"""Categories that an account with a managed-login domain cannot provision (F4.6)."""


class LimitOperations(SandboxRequest):
    """Rates of the account and Region. All texts are ours; the error codes are the model's."""

    def get_provisioned_limit(self) -> str:
        """Return the rate in force and the free one of a category."""
        return self._limit(self._category())

    def update_provisioned_limit(self) -> str:
        """Set the rate of an adjustable category, between its default and the account's maximum."""
        category, wanted = self._category(), self._get_param("RequestedLimitValue")
        self._refuse_fixed(category)
        free = QUOTAS[category].rate
        if not isinstance(wanted, int) or wanted < free:
            raise InvalidParameterException(f"The limit of {category} cannot be below {free}.")
        if wanted > self.settings.account_maximum.get(category, free):
            raise ServiceQuotaExceededError
        meters = meters_of(self.current_account, self.region)
        with meters.lock:
            meters.provisioned[category] = wanted
        return self._limit(category)

    def _refuse_fixed(self, category: Category) -> None:
        if not QUOTAS[category].adjustable:
            raise InvalidParameterException(f"The limit of {category} is not adjustable.")
        if category in NOT_WITH_MANAGED_LOGIN and self.backend.user_pool_domains:
            raise InvalidParameterException(
                f"The limit of {category} is not adjustable beside managed login."
            )

    def _category(self) -> Category:
        definition: dict[str, Any] = self._get_param("LimitDefinition") or {}
        name = (definition.get("Attributes") or {}).get("Category", "")
        if definition.get("LimitClass") != "API_CATEGORY":
            raise InvalidParameterException("LimitClass must be API_CATEGORY.")
        for category in QUOTAS:
            if category == name:
                return category
        raise InvalidParameterException(unknown_name("category", name, QUOTAS))

    def _limit(self, category: Category) -> str:
        free = QUOTAS[category].rate
        provisioned = meters_of(self.current_account, self.region).provisioned.get(category, free)
        definition = {"LimitClass": "API_CATEGORY", "Attributes": {"Category": category}}
        return self.answer(
            {
                "Limit": {
                    "LimitDefinition": definition,
                    "ProvisionedLimitValue": provisioned,
                    "FreeLimitValue": free,
                }
            }
        )
