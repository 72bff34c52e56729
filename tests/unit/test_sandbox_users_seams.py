"""Where moto is changed from outside: each place is there, and a moto that lacks one stops the start."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from moto.cognitoidp import models

from connectors.cognito.sandbox.seams import RELIED_ON, check_seams, install_seams, seams
from connectors.cognito.sandbox.stored_user import StoredUser
from connectors.errors import ConfigurationError


def test_our_user_has_everything_that_motos_user_has() -> None:
    """moto reads these; a moto with another one must not go unnoticed."""
    plain = next(base for base in StoredUser.__mro__ if base.__module__ == models.__name__)
    motos = plain("pool", "ann", "secret", models.UserStatus.CONFIRMED, [{"Name": "email", "Value": "a"}])
    ours = StoredUser("pool", "ann", "secret", "CONFIRMED", [{"Name": "email", "Value": "a"}])
    differing = {"id", "attributes", "attribute_lookup", "create_date", "last_modified_date"}
    for name, value in vars(motos).items():
        assert hasattr(ours, name), name
        if name not in differing:
            assert getattr(ours, name) == value, name
    assert {each["Name"] for each in ours.attributes} == {each["Name"] for each in motos.attributes}


def test_every_seam_of_moto_is_there() -> None:
    check_seams()


@pytest.mark.parametrize("seam", seams(), ids=lambda seam: str(seam.name))
def test_a_seam_that_is_gone_stops_the_start(seam: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(seam.owner, seam.name)
    with pytest.raises(ConfigurationError, match=seam.name):
        install_seams()


@pytest.mark.parametrize("seam", seams(), ids=lambda seam: str(seam.name))
def test_a_seam_that_takes_other_arguments_stops_the_start(
    seam: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seam.owner, seam.name, lambda self, something: (self, something))
    with pytest.raises(ConfigurationError, match=seam.name):
        check_seams()


@pytest.mark.parametrize("name", sorted({name for name, _, _ in RELIED_ON}))
def test_a_function_that_no_longer_does_what_we_rely_on_stops_the_start(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models.CognitoIdpBackend, name, lambda *_: None)
    with pytest.raises(ConfigurationError, match=name):
        check_seams()


def test_replacements_take_what_moto_passes() -> None:
    for seam in seams():
        assert tuple(inspect.signature(seam.replacement).parameters) == seam.parameters


def test_seams_name_the_mending_and_no_version_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models.CognitoIdpBackend, "sign_up", None)
    with pytest.raises(ConfigurationError) as stopped:
        check_seams()
    assert "pyproject.toml" in stopped.value.mend
