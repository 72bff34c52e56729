"""Which preset knows a source; each says what it is known by, and a new file takes part by being there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from connectors.errors import ConfigurationError
from connectors.registry import source_kinds
from mappings import presets_read, recognised
from mappings.presets_read import Sign, parse_preset, preset_names, read_preset

if TYPE_CHECKING:
    from pathlib import Path

DROPPED = """# Users of a shop.
recognised_by: [{fields: [shop_login, shop_mail]}]
username: {from: shop_login}
attributes: {email: {from: shop_mail}}
"""
UNDECLARED = """# Users of a forum, which says nothing of what it is recognised by.
username: {from: member_name}
attributes:
  email: {from: email_address}
  name: {from: real_name}
  birthdate: {from: birth_day}
password_hash: {from: passwd}
"""
FORUM = ["id_member", "member_name", "real_name", "email_address", "passwd"]


@pytest.fixture
def presets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped presets in a folder that a test may add to."""
    folder = tmp_path / "presets"
    folder.mkdir()
    for name in preset_names():
        text = (presets_read.files("mappings") / "presets" / f"{name}.yaml").read_text(encoding="utf-8")
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(presets_read, "files", lambda _: tmp_path)
    return folder


def best(kind: str, fields: list[str], filled: list[str] | None = None) -> str | None:
    found = recognised.recognised(kind, fields, fields if filled is None else filled)
    return found[0].preset if found else None


@pytest.mark.parametrize("kind", sorted({*source_kinds()} & {*preset_names()}))
def test_a_preset_knows_the_kind_of_its_name(kind: str) -> None:
    assert best(kind, ["id"]) == kind


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_names_kinds_that_exist(name: str) -> None:
    for sign in read_preset(name).signs or ():
        assert set(sign.kinds) <= set(source_kinds())


def test_directories_are_told_apart_by_what_is_filled() -> None:
    both = ["uid", "entryUUID", "objectGUID", "sAMAccountName", "cn"]
    assert best("ldap", both, ["objectGUID", "sAMAccountName", "cn"]) == "active_directory"
    assert best("ldap", both, ["uid", "entryUUID", "cn"]) == "openldap"
    assert best("ldap", ["uid", "cn"]) == "openldap"


def test_plain_users_are_nobody_s() -> None:
    plain = [
        "id",
        "username",
        "email",
        "first_name",
        "last_name",
        "password_hash",
        "roles",
        "active",
        "phone",
    ]
    assert best("csv", plain) is None
    assert best("sql", plain) is None


def test_a_new_preset_takes_part_without_code(presets: Path) -> None:
    assert best("sql", ["id", "shop_login", "shop_mail"]) is None
    (presets / "shop.yaml").write_text(DROPPED, encoding="utf-8")
    (found,) = recognised.recognised("sql", ["id", "shop_login", "shop_mail"], [])
    assert (found.preset, found.why) == ("shop", "the fields shop_login, shop_mail")
    assert best("sql", ["id", "shop_login"]) is None, "all of its fields have to be there"
    assert "recognised_by" not in read_preset("shop").rules


def test_a_preset_that_says_nothing_is_known_by_what_its_rules_read(presets: Path) -> None:
    (presets / "forum.yaml").write_text(UNDECLARED, encoding="utf-8")
    assert best("sql", FORUM) == "forum"
    assert best("sql", [name for name in FORUM if name != "member_name"]) is None, "nobody would have a name"
    assert best("sql", ["member_name", "email_address", "passwd"]) is None, "too little of its own"


def test_the_closer_preset_comes_first(presets: Path) -> None:
    (presets / "forum.yaml").write_text(UNDECLARED, encoding="utf-8")
    (presets / "shop.yaml").write_text(DROPPED, encoding="utf-8")
    found = recognised.recognised("sql", [*FORUM, "shop_login", "shop_mail"], [*FORUM, "shop_login"])
    assert [one.preset for one in found] == ["forum", "shop"]


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        ("recognised_by: okta", "it is a list of"),
        ("recognised_by: [okta]", "each item is a map"),
        ("recognised_by: [{}]", "each item is a map"),
        ("recognised_by: [{kind: [okta]}]", "unknown key 'kind'. Did you mean 'kinds'"),
        ("recognised_by: [{fields: id}]", "recognised_by.fields: it is a list of names"),
    ],
)
def test_a_wrong_declaration_is_refused(told: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        parse_preset(f"{told}\nusername: {{from: id}}\n", where="preset x")


def test_a_declaration_is_read() -> None:
    read = parse_preset("recognised_by: [{kinds: [csv]}, {fields: [a, b]}]\nusername: {from: a}\n", where="x")
    assert read.signs == (Sign(("csv",)), Sign((), ("a", "b")))
    assert parse_preset("username: {from: a}\n", where="x").signs is None
    assert parse_preset("recognised_by: []\nusername: {from: a}\n", where="x").signs == ()
