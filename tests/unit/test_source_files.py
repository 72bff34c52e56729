"""Which files are read, and what is said where one cannot be."""

from __future__ import annotations

import gzip
import os
from typing import TYPE_CHECKING

import pytest
import zstandard

from connectors.errors import SourceError
from connectors.sources.files import File, find_files, fingerprint
from connectors.sources.streams import Bytes, Text

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.csv", "a.csv", "c[1].csv", "in/a.csv", "in/deep/d.csv", "note.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "dir.csv").mkdir()
    return tmp_path


def names(path: str | list[str], folder: Path) -> list[str]:
    return [file.name for file in find_files(path, folder)]


def test_a_pattern_finds_files_by_name_and_no_folders(folder: Path) -> None:
    assert names("*.csv", folder) == ["a.csv", "b.csv", "c[1].csv"]
    assert names("?.csv", folder) == ["a.csv", "b.csv"]
    assert names("**/*.csv", folder) == ["a.csv", "b.csv", "c[1].csv", "in/a.csv", "in/deep/d.csv"]


def test_a_list_keeps_its_order_and_finds_each_file_once(folder: Path) -> None:
    assert names(["b.csv", "*.csv", "in/../b.csv"], folder) == ["b.csv", "a.csv", "c[1].csv"]


def test_a_name_that_looks_like_a_pattern_is_a_name_where_it_exists(folder: Path) -> None:
    assert names("c[1].csv", folder) == ["c[1].csv"]


def test_places_outside_the_base_are_found(folder: Path) -> None:
    base = folder / "in"
    assert names("../a.csv", base) == ["../a.csv"]
    assert names(str(folder / "?.csv"), base) == [str(folder / "a.csv"), str(folder / "b.csv")]


def test_the_home_folder_can_be_written_short(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    assert names("~/a.csv", folder) == ["a.csv"]


def test_a_missing_file_is_named_with_the_folder_that_was_searched(folder: Path) -> None:
    with pytest.raises(SourceError, match=r"nobody\.csv cannot be read from .*: No such file"):
        find_files("nobody.csv", folder)


def test_a_pattern_without_a_match_is_named(folder: Path) -> None:
    with pytest.raises(SourceError, match=r"No file matches '\*\.tsv' in "):
        find_files("*.tsv", folder)


def test_a_folder_asks_for_its_files(folder: Path) -> None:
    with pytest.raises(SourceError, match=r"in is a folder.*`in/\*`"):
        find_files("in", folder)


def test_a_fingerprint_sees_names_times_and_both_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    middle = b"-" * 300_000

    def print_of(content: bytes, when: int = 1) -> str:
        path.write_bytes(content)
        os.utime(path, ns=(when, when))
        return fingerprint(find_files("a.csv", tmp_path))

    first = print_of(b"a" + middle + b"z")
    assert print_of(b"a" + middle + b"z") == first
    assert print_of(b"b" + middle + b"z") != first
    assert print_of(b"a" + middle + b"y") != first
    assert print_of(b"a" + middle + b"z", when=2) != first
    print_of(b"a" + middle + b"z")
    path.rename(tmp_path / "b.csv")
    assert fingerprint(find_files("b.csv", tmp_path)) != first


def opened(content: bytes, name: str, folder: Path) -> Bytes:
    (folder / name).write_bytes(content)
    return Bytes(find_files(name, folder)[0])


PLAIN = b"".join(b"%d,user\n" % number for number in range(50_000))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("u.csv", PLAIN),
        ("u.csv.gz", gzip.compress(PLAIN)),
        ("u.CSV.GZ", gzip.compress(PLAIN[:1000]) + gzip.compress(PLAIN[1000:])),
        ("u.csv.zst", zstandard.compress(PLAIN)),
        ("u.zst", zstandard.compress(PLAIN[:1000]) + zstandard.compress(PLAIN[1000:])),
    ],
)
def test_bytes_are_read_looked_at_and_skipped_alike(tmp_path: Path, name: str, content: bytes) -> None:
    with opened(content, name, tmp_path) as stream:
        assert stream.compressed == (name != "u.csv")
        assert stream.peek(10) == PLAIN[:10]
        assert stream.read(4) == PLAIN[:4]
        stream.skip(100_000)
        assert stream.read(7) == PLAIN[100_004:100_011]
        assert stream.read(1 << 30) == PLAIN[100_011:]
        assert stream.read(1) == b""
        assert stream.taken == len(content)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("u.gz", gzip.compress(PLAIN)[:-20]),
        ("u.gz", gzip.compress(PLAIN)[:5000] + b"\0" * 5000),
        ("u.gz", PLAIN),
        ("u.gz", gzip.compress(PLAIN) + b"rubbish"),
        ("u.zst", zstandard.compress(PLAIN)[:-20]),
        ("u.zst", PLAIN),
        ("u.zst", zstandard.compress(PLAIN) + b"rubbish"),
    ],
)
def test_broken_compression_is_an_error_with_file_and_place(
    tmp_path: Path, name: str, content: bytes
) -> None:
    """Above all a file that was cut off: it must not pass for a shorter one."""
    with (
        opened(content, name, tmp_path) as stream,
        pytest.raises(SourceError, match=rf"{name}: the compressed data is broken or cut off near byte \d+"),
    ):
        stream.read(1 << 30)


def test_a_file_that_is_gone_or_forbidden_is_named() -> None:
    def refuse() -> None:
        raise PermissionError(13, "Permission denied")

    with pytest.raises(SourceError, match=r"u\.csv cannot be read: Permission denied"):
        Bytes(File("u.csv", 1, "", refuse))  # type: ignore[arg-type]


def test_a_fault_of_the_disk_is_told_without_the_library_s_words(tmp_path: Path) -> None:
    stream = opened(b"abc", "u.csv", tmp_path)
    with stream:
        stream._raw.close()  # type: ignore[union-attr]
        stream._plain = _Broken()  # type: ignore[assignment]
        with pytest.raises(SourceError, match="cannot be read: OSError"):
            stream.read(1)


class _Broken:
    def read(self, _: int) -> bytes:
        raise OSError("value ann@example.com")


def test_text_drops_its_mark_and_nothing_else(tmp_path: Path) -> None:
    with opened(b"\xef\xbb\xbf\xef\xbb\xbfid\n", "u.csv", tmp_path) as stream:
        text = Text(stream, "utf-8")
        assert text.read(100) == b"\xef\xbb\xbfid\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1"])
def test_text_can_be_skipped_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    plain = "é1,ü2\n" * 1000
    with opened(plain.encode(encoding), "u.csv", tmp_path) as stream:
        text = Text(stream, encoding)
        assert text.peek(3) == "é1".encode()
        text.skip(8 * 500)
        assert text.read(8) == "é1,ü2\n".encode()
