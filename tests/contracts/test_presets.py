"""What every shipped preset keeps; a new file in ``mappings/presets`` is held to it by being there."""

from __future__ import annotations

import re
from importlib.resources import files

import polars as pl
import pytest

from connectors.errors import ConfigurationError
from connectors.records import ENABLED, FILE, GROUPS, IDENTITIES, LINE, REASON, USERNAME
from connectors.registry import source_kind, source_kinds
from mappings.engine import compile_mapping
from mappings.narrow import rules_of
from mappings.presets_read import parse_preset, preset_names
from mappings.spec import parse_mapping

STANDARD = frozenset(
    {
        "name",
        "given_name",
        "family_name",
        "middle_name",
        "nickname",
        "preferred_username",
        "profile",
        "picture",
        "website",
        "email",
        "email_verified",
        "gender",
        "birthdate",
        "zoneinfo",
        "locale",
        "phone_number",
        "phone_number_verified",
        "address",
        "updated_at",
    }
)
"""F1.2 without the two columns that are no attributes."""


def check_preset(text: str) -> None:
    """Hold the text of a preset to everything that users of presets rely on."""
    assert text.startswith("# "), "it begins with a comment that says whose fields these are"
    spec = parse_mapping(parse_preset(text, where="preset").rules, where="preset")
    unknown = {name for name in spec.attributes if name not in STANDARD and not name.startswith("custom:")}
    assert not unknown, f"no pool has {unknown}"
    for _, path, rule in rules_of(spec):
        assert len(set(rule.first_of or ())) == len(rule.first_of or ()), f"{path} names a field twice"
    check_empty_users(text)


def check_empty_users(text: str) -> None:
    """A source knows little of some users: a preset rejects none of them and switches none off."""
    mapping = compile_mapping(parse_mapping(parse_preset(text, where="preset").rules, where="preset"))
    for blank in (None, "", " "):
        fields = {field: [blank, blank] for field in mapping.fields}
        schema = {LINE: pl.UInt64, FILE: pl.UInt32, **dict.fromkeys(fields, pl.String)}
        mapped = mapping.apply(pl.DataFrame({LINE: [2, 3], FILE: [0, 0], **fields}, schema=schema))
        assert mapped[LINE].to_list() == [2, 3]
        assert mapped[USERNAME].to_list() == [None, None], "users without a name share none"
        assert mapped[REASON].to_list() == [None, None]
        assert mapped[ENABLED].to_list() == [True, True]
        assert mapped[GROUPS].dtype == mapped[IDENTITIES].dtype == pl.List(pl.String)


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_keeps_the_contract(name: str) -> None:
    check_preset((files("mappings") / "presets" / f"{name}.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_is_known_by_its_name(name: str) -> None:
    assert parse_mapping(name, where="run.yaml").username


@pytest.mark.parametrize("kind", sorted({*source_kinds()} & {*preset_names()}))
def test_a_preset_of_a_kind_needs_no_field_that_only_a_sample_shows(kind: str) -> None:
    """A declared object stands for all that is in it; a system's exports may have more than its API."""
    kinds = {kind, f"{kind}_export"} & {*source_kinds()}
    declared = {name for each in kinds for name in getattr(source_kind(each).make, "declared", ())}
    mapping = compile_mapping(parse_mapping(kind, where="run.yaml"))
    unknown = {field for field in mapping.fields if re.split(r"[.\[]", field)[0] not in declared}
    assert not declared or not unknown - declared


FINE = "# Fields of a test.\nusername: {from: id}\n"
BROKEN = {
    "no comment": "username: {from: id}\n",
    "no username": "# Fields of a test.\nattributes: {email: {from: mail}}\n",
    "an unknown key": FINE + "attribute: {}\n",
    "an unknown verb": FINE + "attributes: {email: {from: mail, then: [lowercase]}}\n",
    "an attribute that no pool has": FINE + "attributes: {mail: {from: mail}}\n",
    "a field that is named twice": FINE + "attributes: {email: {first_of: [mail, e_mail, mail]}}\n",
    "users rejected for nothing": FINE + "groups: {const: '[no JSON'}\n",
    "users switched off for nothing": FINE + "enabled: {const: false}\n",
}


def test_the_least_preset_keeps_the_contract() -> None:
    check_preset(FINE)


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_the_contract_bites(text: str) -> None:
    """Each of these breaks one promise, and is noticed."""
    with pytest.raises((AssertionError, ConfigurationError)):
        check_preset(text)
