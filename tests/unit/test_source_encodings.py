"""Which encodings are decided without being told, and which are asked for."""

from __future__ import annotations

import pytest

from connectors.errors import ConfigurationError
from connectors.sources.encodings import decoder, detect_encoding, is_utf8, known_encoding, to_utf8

NAMES = "id,name\n1,François Lefèvre\n2,Zoë Müller\n3,Begoña Peña\n"


def detected(sample: bytes, *, whole: bool = True) -> str:
    return detect_encoding(sample, whole=whole, name="users.csv")


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16"),
        ("utf-32", "utf-32"),
        ("utf-16-le", "utf_16_le"),
        ("utf-16-be", "utf_16_be"),
    ],
)
def test_unicode_is_told_by_itself(encoding: str, found: str) -> None:
    sample = NAMES.encode(encoding)
    assert detected(sample) == found
    assert sample.decode(detected(sample)).removeprefix("\ufeff") == NAMES


def test_a_sample_that_ends_inside_a_letter_is_utf_8() -> None:
    assert detected("id\né".encode()[:-1], whole=False) == "utf-8"


def test_a_zero_byte_in_utf_8_does_not_make_it_utf_16() -> None:
    assert detected(b"id,name\n1,a\0b\n" * 50) == "utf-8"


WEST, EAST = NAMES, "id,имя\n1,Иван Петров\n2,Мария Сидорова\n3,Ольга Кузнецова\n"


@pytest.mark.parametrize(
    ("text", "encoding", "line"), [(WEST, "cp1252", 2), (WEST, "latin-1", 2), (EAST, "cp1251", 1)]
)
def test_8_bit_encodings_are_asked_for_with_candidates_and_the_line(
    text: str, encoding: str, line: int
) -> None:
    """They cannot be told apart for certain, and a wrong guess would change people's names in silence."""
    with pytest.raises(
        ConfigurationError, match=rf"users\.csv is not UTF-8: line {line} has other bytes"
    ) as caught:
        detected(text.encode(encoding))
    assert "Set `encoding`" in caught.value.mend
    assert ("cp1251" if text is EAST else "cp1252") in caught.value.mend


def test_the_line_is_the_physical_one() -> None:
    with pytest.raises(ConfigurationError, match="line 3 "):
        detected(b"id\n1\n\xe9\n")


def test_a_few_broken_lines_in_much_utf_8_do_not_make_it_another_encoding() -> None:
    """They are told one by one as they are read; see ``line_undecodable``."""
    assert detected((NAMES * 50).encode() + b"4,\xff\n") == "utf-8"


def test_encodings_are_known_by_any_of_their_names() -> None:
    assert known_encoding("UTF8") == "utf-8"
    assert known_encoding("windows-1252") == "cp1252"
    assert is_utf8("U8")
    assert is_utf8("utf-8-sig")
    assert not is_utf8("latin-1")


@pytest.mark.parametrize("name", ["klingon", "base64", "rot13", ""])
def test_what_is_no_text_encoding_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="there is no encoding"):
        known_encoding(name)


@pytest.mark.parametrize(
    ("encoding", "stored", "text"),
    [
        ("cp1252", b"a\x81b", b"a\xffb"),
        ("ascii", b"\xc3\xa9", b"\xff\xff"),
        ("shift_jis", b"\x83", b"\xff"),
        ("utf-16-le", b"a\0\x00\xd8b\0", b"a\xffb"),
        ("utf-16-le", b"a\0b", b"a\xff"),
        ("latin-1", b"\xe9", "é".encode()),
    ],
)
def test_what_cannot_be_decoded_never_becomes_a_letter(encoding: str, stored: bytes, text: bytes) -> None:
    assert to_utf8(decoder(encoding).decode(stored, final=True)) == text
