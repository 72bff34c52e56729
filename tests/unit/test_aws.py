"""AWS clients are made in one way: bounded waits, a name, no retries of their own."""

from __future__ import annotations

import re
from importlib.metadata import version

import pytest

from connectors.aws import CONNECT_SECONDS, READ_SECONDS, client, user_agent
from connectors.errors import ConfigurationError


def test_a_client_waits_with_bounds_and_never_retries_by_itself() -> None:
    config = client("cognito-idp", region="eu-central-1").meta.config
    assert config.connect_timeout == CONNECT_SECONDS
    assert config.read_timeout == READ_SECONDS
    assert config.retries["total_max_attempts"] == 1


def test_retries_stay_off_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody's AWS_MAX_ATTEMPTS must not stack a second loop under ours."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "9")
    monkeypatch.setenv("AWS_RETRY_MODE", "adaptive")
    assert client("s3").meta.config.retries["total_max_attempts"] == 1


def test_the_region_is_the_one_given_or_boto3_s_own() -> None:
    assert client("sts", region="us-west-2").meta.region_name == "us-west-2"
    assert client("sts").meta.region_name == "eu-west-1"


def test_servers_see_who_calls() -> None:
    assert user_agent() == f"poolferry/{version('poolferry')}"
    assert re.search(rf"\b{re.escape(user_agent())}$", client("iam").meta.config.user_agent)


def test_a_missing_region_is_a_matter_of_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(ConfigurationError, match="region"):
        client("cognito-idp")


def test_an_unknown_profile_is_named() -> None:
    with pytest.raises(ConfigurationError, match="nobody"):
        client("s3", profile="nobody")


def test_an_unknown_service_lists_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"unknown AWS service 'cognito'.*cognito-idp"):
        client("cognito")  # type: ignore[call-overload]
