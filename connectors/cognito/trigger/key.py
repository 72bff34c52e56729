"""The KMS key of a trigger: made, found again also where nothing leads to it yet, and ended.

A key costs money until it ends, and is found by its alias. Whoever is killed between the making of the two
leaves one without: it is found among all keys of the account and Region, by its description and its tag.
"""

from __future__ import annotations

import logging
from itertools import islice
from typing import TYPE_CHECKING, Final

from connectors.cognito.trigger.clients import TAG, absent_is_fine, refuse_stranger, refused_is_fine, step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_kms import KMSClient
    from mypy_boto3_kms.type_defs import KeyMetadataTypeDef

    from connectors.cognito.trigger.policies import Place

_log = logging.getLogger(__name__)

WAIT_DAYS: Final = 7
"""The shortest that KMS allows between the wish to delete a key and its end."""
DESCRIPTION: Final = "Lets people into a user pool by their old password (Poolferry)."
MOST_KEYS: Final = 2_000
"""So many keys of an account and Region are looked at, one call each."""
_PAGE: Final = 1_000
_ENDS: Final = "PendingDeletion"


class Key:
    """The key of one trigger.

    Args:
        kms: the service.
        place: where the trigger lives, and what it is called.
    """

    def __init__(self, kms: KMSClient, place: Place) -> None:
        self._kms = kms
        self._place = place

    def arn(self) -> str | None:
        """ARN of the key that the alias leads to.

        Raises:
            ConfigurationError: it is somebody else's.
        """
        named = self._named()
        return named["Arn"] if named else None

    def nameless(self) -> list[str]:
        """ARNs of this trigger's keys that no alias leads to and that do not end, the oldest first."""
        named = self.arn()
        found = [each for each in self._alike() if each["Arn"] != named and self._is_ours(each["KeyId"])]
        return [each["Arn"] for each in sorted(found, key=lambda each: each["CreationDate"])]

    def make(self) -> str:
        """Make the key and its alias, or find them; returns the key's ARN."""
        named = self._named()
        if named and named["KeyState"] != _ENDS:
            return named["Arn"]
        if named:  # a removal was killed before it came to the alias
            self._forget_alias()
        arn = next(iter(self.nameless()), None) or self._create()
        with step("CreateAlias"):
            self._kms.create_alias(AliasName=self._place.alias, TargetKeyId=arn)
        return arn

    def remove(self) -> int:
        """End every key of this trigger after ``WAIT_DAYS`` days, and forget the alias; returns how many."""
        named, arns = self._named(), self.nameless()
        if named and named["KeyState"] != _ENDS:
            arns.append(named["Arn"])
        for arn in arns:
            with step("ScheduleKeyDeletion"):
                self._kms.schedule_key_deletion(KeyId=arn.rpartition("/")[2], PendingWindowInDays=WAIT_DAYS)
        if named:  # last, so that whoever is killed before finds the key by it
            self._forget_alias()
        return len(arns)

    def _create(self) -> str:
        with step("CreateKey"):
            made = self._kms.create_key(
                Description=DESCRIPTION, Tags=[{"TagKey": TAG, "TagValue": self._place.name}]
            )
        return made["KeyMetadata"]["Arn"]

    def _forget_alias(self) -> None:
        with step("DeleteAlias"), absent_is_fine():
            self._kms.delete_alias(AliasName=self._place.alias)

    def _named(self) -> KeyMetadataTypeDef | None:
        with step("DescribeKey"), absent_is_fine():
            meta = self._kms.describe_key(KeyId=self._place.alias)["KeyMetadata"]
            refuse_stranger("key", self._place.alias, self._mark(meta["KeyId"]), self._place.name)
            return meta
        return None

    def _alike(self) -> Iterator[KeyMetadataTypeDef]:
        """Every key that a deployment may have made and that does not end."""
        with step("ListKeys"):
            pages = self._kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": _PAGE})
            ids = [key["KeyId"] for page in islice(pages, MOST_KEYS // _PAGE) for key in page["Keys"]]
        if len(ids) >= MOST_KEYS:
            _log.warning("The account has more KMS keys than the %d that are looked at.", MOST_KEYS)
        for meta in filter(None, map(self._described, ids)):
            if meta.get("Description") == DESCRIPTION and meta["KeyState"] != _ENDS:
                yield meta

    def _described(self, key: str) -> KeyMetadataTypeDef | None:
        with step("DescribeKey"), absent_is_fine(), refused_is_fine():
            return self._kms.describe_key(KeyId=key)["KeyMetadata"]
        return None

    def _is_ours(self, key: str) -> bool:
        with step("ListResourceTags"), refused_is_fine():
            return self._mark(key) == self._place.name
        return False

    def _mark(self, key: str) -> str | None:
        tags = self._kms.list_resource_tags(KeyId=key)["Tags"]
        return next((tag["TagValue"] for tag in tags if tag["TagKey"] == TAG), None)
