"""Kinds of sources: the built-in ones, those of other packages, and what is said of unknown ones."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, EntryPoints
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from connectors import registry
from connectors.errors import ConfigurationError
from connectors.registry import SourceKind, make_source, source_kind, source_kinds
from connectors.sources.base import SourceSettings
from connectors.sources.csv_files import CsvSource
from flows.steps.source_settings import source_part

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Add = "Callable[..., None]"


class LdapSettings(SourceSettings):
    """Settings of a kind that another package adds."""

    url: str


@pytest.fixture
def add(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Install kinds as other packages would."""
    module = ModuleType("crm_for_poolferry")
    module.KIND = SourceKind(LdapSettings, lambda settings, _: settings)  # type: ignore[attr-defined]
    module.NO_KIND = LdapSettings  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)

    def install(*points: tuple[str, str]) -> None:
        made = EntryPoints(EntryPoint(name, value, registry.GROUP) for name, value in points)
        monkeypatch.setattr(registry, "entry_points", made.select)

    return install


@pytest.mark.parametrize("kind", source_kinds())
def test_every_kind_says_its_own_name_in_its_settings(kind: str) -> None:
    made = source_kind(kind)
    assert issubclass(made.settings, SourceSettings)
    assert made.settings.model_fields["kind"].default == kind


def test_a_source_is_made_from_the_run_file_s_part(tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("id\n1\n")
    made = make_source({"kind": "csv", "path": "users.csv", "key": "id"}, tmp_path)
    assert isinstance(made, CsvSource)
    assert made.fields() == ["id"]


def test_another_package_adds_a_kind(add: Callable[..., None], tmp_path: Path) -> None:
    before = source_kinds()
    add(("crm", "crm_for_poolferry:KIND"))
    assert source_kinds() == sorted([*before, "crm"])
    assert make_source({"kind": "crm", "url": "u"}, tmp_path) == LdapSettings(kind="crm", url="u")


def test_no_package_can_take_a_built_in_name(add: Callable[..., None]) -> None:
    add(("csv", "crm_for_poolferry:KIND"))
    assert source_kind("csv").make is CsvSource
    assert source_kinds().count("csv") == 1


def test_an_unknown_kind_lists_the_known_ones() -> None:
    with pytest.raises(
        ConfigurationError, match=r"unknown kind of source 'cvs'\. Did you mean 'csv'\? Known: .*csv, .*json"
    ):
        source_kind("cvs")


def test_two_packages_with_one_kind_are_refused(add: Callable[..., None]) -> None:
    add(("crm", "crm_for_poolferry:KIND"), ("crm", "crm_for_poolferry:OTHER"))
    with pytest.raises(ConfigurationError, match="More than one package adds the kind of source 'crm'"):
        source_kind("crm")


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("no_such_module_at_all:KIND", "ModuleNotFoundError"),
        ("crm_for_poolferry:NOTHING", "AttributeError"),
        ("crm_for_poolferry:NO_KIND", "is no SourceKind"),
    ],
)
def test_a_package_that_does_not_work_is_named(add: Callable[..., None], value: str, complaint: str) -> None:
    add(("crm", value))
    with pytest.raises(ConfigurationError, match=f"{value}.*{complaint}"):
        source_kind("crm")


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({}, "`kind` is missing. Known: .*csv"),
        ({"kind": 7}, "`kind` is missing"),
        ({"kind": "csv"}, "path: Field required"),
        ({"kind": "csv", "path": []}, "path: "),
        ({"kind": "csv", "path": "x", "delimter": ";"}, "unknown key 'delimter'. Did you mean 'delimiter'"),
        ({"kind": "csv", "path": "x", "encoding": "klingon"}, "there is no encoding"),
        (
            {"kind": "json", "path": "x", "delimiter": ";"},
            "unknown key 'delimiter'.*Known: encoding, key, kind",
        ),
    ],
)
def test_settings_that_do_not_fit_are_told_apart(
    settings: dict[str, object], complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        make_source(settings, tmp_path)


def test_a_complaint_shows_no_value(tmp_path: Path) -> None:
    """A value that stands at the wrong key may be a secret."""
    with pytest.raises(ConfigurationError) as caught:
        make_source({"kind": "csv", "path": {"password": "hunter2"}, "token": "hunter2"}, tmp_path)
    assert "hunter2" not in str(caught.value)


def test_a_kind_of_another_package_gets_the_address_where_it_needs_one(
    add: Callable[..., None], tmp_path: Path
) -> None:
    add(("crm", "crm_for_poolferry:KIND"))
    part = source_part("crm.example.com", tmp_path, kind="crm", told=["key=nr"])
    assert part.settings == {"kind": "crm", "url": "crm.example.com", "key": "nr"}
    with pytest.raises(ConfigurationError, match=r"--kind: auth0, .*crm"):
        source_part("crm.example.com/", tmp_path)
