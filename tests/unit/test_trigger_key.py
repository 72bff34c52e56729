"""Whose keys a trigger leaves alone, and how many it looks at; `test_trigger_crashes.py` has the crashes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from connectors.cognito.trigger import key as key_module
from connectors.cognito.trigger.key import DESCRIPTION, Key
from connectors.cognito.trigger.policies import Place
from connectors.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACE = Place("aws", "eu-west-1", "123456789012", "acme-trigger")


class Closed:
    """KMS, where a key of somebody else may not be looked at."""

    def __init__(self, kms: Any, closed: str) -> None:
        self._kms, self._closed = kms, closed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kms, name)

    def describe_key(self, KeyId: str) -> Any:  # noqa: N803 - boto3's own name
        if KeyId == self._closed:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": ""}}, "DescribeKey")
        return self._kms.describe_key(KeyId=KeyId)


@pytest.fixture
def kms() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("kms")


def living(kms: Any) -> list[str]:
    """ARNs of the keys that cost money."""
    found = [kms.describe_key(KeyId=each["KeyId"])["KeyMetadata"] for each in kms.list_keys()["Keys"]]
    return [each["Arn"] for each in found if each["KeyState"] == "Enabled"]


def test_keys_of_others_are_left_alone(kms: Any) -> None:
    """One without a mark, one of another trigger, one that may not be looked at."""
    kms.create_key(Description="somebody else's")
    kms.create_key(Description=DESCRIPTION, Tags=[{"TagKey": "poolferry-trigger", "TagValue": "other"}])
    closed = kms.create_key()["KeyMetadata"]["KeyId"]
    own = Key(Closed(kms, closed), PLACE)  # type: ignore[arg-type]  # plays KMS
    made = own.make()
    assert own.remove() == 1
    assert made not in living(kms)
    assert len(living(kms)) == 3


def test_an_alias_that_leads_to_somebody_elses_key_is_refused(kms: Any) -> None:
    theirs = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=PLACE.alias, TargetKeyId=theirs)
    with pytest.raises(ConfigurationError, match="Poolferry did not make"):
        Key(kms, PLACE).make()


def test_an_account_with_very_many_keys_is_told(
    kms: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(key_module, "MOST_KEYS", 2)
    monkeypatch.setattr(key_module, "_PAGE", 1)
    for _ in range(3):
        kms.create_key()
    assert Key(kms, PLACE).nameless() == []
    assert "more KMS keys than the 2" in caplog.text
