"""What can be told of ``kind: ldap`` without a server."""

from __future__ import annotations

import re
import socket
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ldap3.core.exceptions import LDAPOperationResult
from ruamel.yaml import YAML

from connectors.errors import ConfigurationError, RetryError, SourceError
from connectors.registry import make_source, source_kind
from connectors.retry import ATTEMPTS
from connectors.sources.ldap_errors import directory_errors
from connectors.sources.ldap_settings import LdapSettings
from connectors.sources.ldap_source import LdapSource
from connectors.sources.ldap_stretches import Order, stretches
from connectors.sources.ldap_values import names_of, record_of
from flows.settings import load_run_file
from mappings.engine import compile_mapping
from mappings.spec import parse_mapping


@given(st.lists(st.integers(0, 50)), st.integers(1, 7))
def test_stretches_hold_everybody_once_also_where_places_are_shared(ranks: list[int], size: int) -> None:
    found = stretches(ranks, size, None)
    held = [rank for low, high, _ in found for rank in ranks if (low is None or rank > low) and rank <= high]
    assert sorted(held) == sorted(ranks)
    assert [low for low, _, _ in found] == [None, *(high for _, high, _ in found)][: len(found)]
    assert not found or found[-1][2] == len(ranks)


def test_a_stretch_is_asked_for_in_the_form_of_its_attribute() -> None:
    assert Order("uSNCreated").between(7, 9) == "(uSNCreated>=7)(!(uSNCreated=7))(uSNCreated<=9)"
    low, high = "00000000-0000-4000-8000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"
    order = Order("entryUUID")
    assert order.between(*(order.rank([text.encode()]) for text in (low, high))) == (
        f"(entryUUID>={low})(!(entryUUID={low}))(entryUUID<={high})"
    )
    assert order.between(None, None) == ""


@pytest.mark.parametrize("values", [[], [b"no number"]])
def test_who_cannot_be_put_in_order_is_not_left_out(values: list[bytes]) -> None:
    with pytest.raises(SourceError, match=r"no uSNCreated.*source\.order_by") as caught:
        Order("uSNCreated").rank(values)
    assert "no number" not in str(caught.value)


@pytest.mark.parametrize(
    ("dn", "name"),
    [
        ("CN=Staff,OU=x,DC=example,DC=com", "Staff"),
        (r"CN=Sales\, R&D,DC=example", "Sales, R&D"),
        (r"cn=Z\C3\BCrich \+ Bern,dc=example", "Z\u00fcrich + Bern"),
        ("no name", "no name"),
    ],
)
def test_a_group_is_named_by_the_first_part_of_its_dn(dn: str, name: str) -> None:
    assert names_of([dn]) == [name]


def record(attributes: dict[str, list[bytes]], *fields: str) -> dict[str, Any]:
    return record_of(("cn=a", attributes), fields, lambda name: name == "cn")


def test_the_case_of_an_attribute_does_not_matter() -> None:
    assert record({"givenname": [b"Ada"]}, "givenName") == {"givenName": "Ada"}


def test_bytes_that_are_no_text_are_base64_and_spoil_a_text() -> None:
    found = record({"photo": [b"\xff"], "cn": [b"\xff"]}, "photo", "cn")
    assert found == {"photo": "/w==", "cn": "\udcff"}


@pytest.mark.parametrize(
    ("bits", "disabled"), [("514", "true"), ("512", "false"), ("x", None), ("-1", "true")]
)
def test_a_bit_is_a_field(bits: str, disabled: str | None) -> None:
    found = record({"userAccountControl": [bits.encode()]}, "userAccountControl.disabled")
    assert found.get("userAccountControl.disabled") == disabled


def test_a_sample_shows_what_is_packed_into_values() -> None:
    found = record({"userAccountControl": [b"514"], "memberOf": [b"CN=a,DC=b", b"CN=c,DC=b"]})
    assert found["userAccountControl.disabled"] == "true"
    assert found["memberOf.name"] == ["a", "c"]
    assert found["dn"] == "cn=a"


@pytest.mark.parametrize("code", [51, 52])
def test_a_busy_server_is_asked_again(code: int) -> None:
    with pytest.raises(RetryError, match=rf"\({code}\)\.$"), directory_errors("Reading"):
        raise LDAPOperationResult(result=code, description="busy", message="of cn=Ann Example")


def hangs_up_after(answer: bytes, listening: socket.socket) -> None:
    for _ in range(ATTEMPTS):
        connection, _ = listening.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(answer)


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 400 Bad\r\n\r\n", b"\x30\x03\x02\x01\x01", b"\x30\x84\xff\xff\xff\xff"]
)
def test_what_does_not_speak_ldap_is_asked_again_and_then_named(answer: bytes, tmp_path: Path) -> None:
    given = LdapSettings(url="ldap://127.0.0.1", base="dc=a", start_tls=False)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = threading.Thread(target=hangs_up_after, args=(answer, listening))
        server.start()
        url = f"ldap://127.0.0.1:{listening.getsockname()[1]}"
        source = LdapSource(given.model_copy(update={"url": url}), tmp_path, sleep=lambda _: None)
        with pytest.raises(RetryError, match=r"gave up after 8 tries.*source\.url"):
            source.check()
        server.join(10)


def test_no_setting_shows_the_password() -> None:
    given = LdapSettings(url="ldap://localhost", base="dc=a", bind_dn="cn=r", password="hush")  # noqa: S106
    assert "hush" not in repr(given)


def test_what_the_page_on_directories_shows_can_be_used(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "deployments" / "DIRECTORIES.md").read_text(encoding="utf-8")
    run, groups = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "run.yaml").write_text(run)
    loaded = load_run_file(tmp_path / "run.yaml")
    make_source({**loaded.settings.source, **YAML(typ="safe").load(groups)}, tmp_path)
    compile_mapping(parse_mapping(loaded.settings.mapping, where="run.yaml"), known_fields=["uid", "mail"])


def test_a_missing_package_is_named_with_the_extra_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("connectors.sources.ldap_")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ldap3", None)
    with pytest.raises(ConfigurationError, match=r"'ldap' needs the package ldap3.*poolferry\[ldap\]"):
        source_kind("ldap")
