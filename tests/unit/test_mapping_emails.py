"""E-mail addresses: the common shape and the library."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.emails import addresses, is_common, library_address

LOCAL = st.text(alphabet="abzAB09._+-", min_size=1, max_size=12) | st.sampled_from(
    ["Info", "info", "WebMaster", "ftp"]
)
DOMAIN = st.text(alphabet="abx09.-A", min_size=1, max_size=14)
ENDING = st.sampled_from(
    ["com", "test", "local", "a", "co.uk", "x-y", "c0m", "invalid", "museum", "onion", "xn--p1ai"]
)


def column(*texts: str | None) -> pl.Series:
    return pl.Series("t", texts, dtype=pl.String)


@settings(max_examples=300, deadline=None)
@given(LOCAL, DOMAIN, ENDING)
def test_the_library_leaves_every_address_of_the_common_shape_as_it_is(
    local: str, domain: str, ending: str
) -> None:
    address = f"{local}@{domain}.{ending}"
    if is_common(column(address)).item():
        assert library_address(address) == address


@pytest.mark.parametrize(
    "address", ["ada@example.com", "Ada.King+x@mail.example.co.uk", "a_b-c@a1-b2.example.museum"]
)
def test_usual_addresses_are_of_the_common_shape(address: str) -> None:
    """Otherwise every one of a million users would cost a call of the library."""
    assert is_common(column(address)).item()


def test_the_library_decides_about_the_rest() -> None:
    texts = column(
        "Ada@EXAMPLE.com",
        " ada@example.com ",
        "a@b",
        "a..b@example.com",
        '"a b"@example.com',
        "Ada <ada@example.com>",
        "a@b@example.com",
        "",
        None,
    )
    expected = ["Ada@example.com", "ada@example.com", *[None] * 7]
    assert addresses(texts).to_list() == expected


@pytest.mark.parametrize(
    "address",
    [
        "Postmaster@example.com",
        "INFO@example.com",
        "ada@xn--bcher-kva.example.com",
        "ada@xn--i-7iq.ws",
        "ada@bücher.example.com",
        "e\u0301va@example.com",
        "ada@example.test",
        "ada@mail.corp.local",
        "ada@site.invalid",
        "ada@home.arpa",
    ],
)
def test_nothing_but_the_case_of_the_domain_is_changed(address: str) -> None:
    """An address is what a person signs in with; a domain is none the less one for being reserved."""
    local, _, domain = address.partition("@")
    assert addresses(column(address, f"{local}@{domain.upper()}")).to_list() == [address, address]


def test_what_is_no_address_is_none_under_a_reserved_domain_either() -> None:
    """Nor where the domain is in punycode."""
    texts = column("a b@example.test", "a@.test", "a@test", "a@-x.local", "a@xn--.com", "a@x..xn--p1ai")
    assert addresses(texts).null_count() == 6


def test_long_addresses_are_left_to_the_library() -> None:
    longer, too_long = (
        f"{'a' * 60}@example.com",
        f"{'a' * 60}@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.com",
    )
    assert not is_common(column(longer, too_long)).any()
    assert addresses(column(longer, too_long)).to_list() == [longer, None]
