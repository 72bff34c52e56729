"""The import file is read back by a strict reader that is written from the facts F1.14 to F1.24 alone."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.cognito import import_file
from connectors.cognito.import_file import ImportFileFormat, cut, write_import_file
from connectors.errors import ConfigurationError
from connectors.records import MFA, PASSWORD_HASH, USERNAME, PoolSchema

if TYPE_CHECKING:
    from pathlib import Path

HEADER = (
    "name",
    "email",
    "email_verified",
    "birthdate",
    "custom:a,b",
    "cognito:mfa_enabled",
    "cognito:username",
)
TEXT_COLUMNS = ("name", "email", "custom:a,b")


def pool(header: tuple[str, ...] = HEADER, mfa: str = "OPTIONAL") -> PoolSchema:
    return PoolSchema("eu-west-1_Example01", "people", {}, header, mfa=mfa)


def read_strictly(content: bytes) -> list[list[str]]:
    """Read a file as the guide describes it: UTF-8, no mark, LF, no quotes, a comma in a value is ``\\,``."""
    assert not content.startswith(b"\xef\xbb\xbf")
    assert content.endswith(b"\n")
    lines = content.decode("utf-8").removesuffix("\n").split("\n")
    rows = [cells_of(line) for line in lines]
    assert {len(row) for row in rows} == {len(rows[0])}
    return rows


def cells_of(line: str) -> list[str]:
    cells, cell, rest = [], "", line
    while rest:
        taken = "\\," if rest.startswith("\\,") else rest[0]
        rest = rest[len(taken) :]
        if taken == ",":
            cells.append(cell)
            cell = ""
        else:
            cell += taken[-1]
    return [*cells, cell]


def frame(rows: int = 1, **columns: list[str | None]) -> pl.DataFrame:
    names = {USERNAME: [f"user{n}" for n in range(rows)], **columns}
    return pl.DataFrame(names, schema=dict.fromkeys(names, pl.String))


values = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=12)
awkward = st.text(st.sampled_from('a,\\"é😀 '), max_size=6)
writable = st.none() | (values | awkward).filter(lambda text: not text.endswith("\\"))


@st.composite
def mapped_frames(draw: st.DrawFn) -> pl.DataFrame:
    rows = draw(st.integers(0, 9))
    columns = {name: draw(st.lists(writable, min_size=rows, max_size=rows)) for name in TEXT_COLUMNS}
    columns[PASSWORD_HASH] = draw(st.lists(writable, min_size=rows, max_size=rows))
    kept = [name for name in columns if draw(st.booleans())]
    return frame(rows, **{name: columns[name] for name in kept})


@given(frames=st.lists(mapped_frames(), max_size=3), with_hash=st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read_back_and_was_sized_to_the_byte(
    tmp_path: Path, *, frames: list[pl.DataFrame], with_hash: bool
) -> None:
    path = tmp_path / "batch.csv"
    file_format = ImportFileFormat(pool(), "ARGON2ID" if with_hash else None)
    written = write_import_file(path, file_format, frames)
    content = path.read_bytes()
    header, *rows = read_strictly(content)
    assert tuple(header) == file_format.columns == (*HEADER, "password_hash") if with_hash else HEADER
    sources = {"cognito:username": USERNAME, **({"password_hash": PASSWORD_HASH} if with_hash else {})}
    expected = [
        [
            "false" if name == "cognito:mfa_enabled" else row.get(sources.get(name, name)) or ""
            for name in header
        ]
        for each in frames
        for row in each.iter_rows(named=True)
    ]
    assert rows == expected
    sizes = [size for each in frames for size in file_format.row_bytes(each)]
    assert len(file_format.header_line) + sum(sizes) == len(content) == written.bytes
    assert [len(line) + 1 for line in content.removesuffix(b"\n").split(b"\n")[1:]] == sizes
    assert written.rows == len(rows)


@given(
    sizes=st.lists(st.integers(1, 40), max_size=40),
    header=st.integers(0, 20),
    max_rows=st.integers(1, 12),
    room=st.integers(40, 120),
)
@settings(max_examples=120, deadline=None)
def test_cuts_are_whole_full_and_never_over(sizes: list[int], header: int, max_rows: int, room: int) -> None:
    cuts = cut(
        pl.Series(sizes, dtype=pl.UInt32), header_bytes=header, max_rows=max_rows, max_bytes=header + room
    )
    assert [row for start, stop in cuts for row in range(start, stop)] == list(range(len(sizes)))
    for start, stop in cuts:
        assert 0 < stop - start <= max_rows
        assert sum(sizes[start:stop]) <= room
        one_more = sum(sizes[start : stop + 1]) > room or stop - start == max_rows
        assert one_more or stop == len(sizes)


def test_sums_beyond_32_bits_are_cut_right() -> None:
    """Row sizes are UInt32, their sums are not."""
    cuts = cut(pl.Series([2**31] * 4, dtype=pl.UInt32), header_bytes=0, max_bytes=2**32)
    assert cuts == [(0, 2), (2, 4)]


def test_a_row_larger_than_a_file_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="One row alone"):
        cut(pl.Series([5, 101]), header_bytes=10, max_bytes=110)


@pytest.mark.parametrize(
    ("header", "algorithm", "columns"),
    [
        (("email", "cognito:username"), None, ("email", "cognito:username")),
        (("email", "cognito:username"), "BCRYPT", ("email", "cognito:username", "password_hash")),
        (("password_hash", "cognito:username"), "BCRYPT", ("password_hash", "cognito:username")),
        (("password_hash", "cognito:username"), None, ("password_hash", "cognito:username")),
    ],
)
def test_the_header_is_the_pools_own_and_has_the_hashes_once(
    header: tuple[str, ...], algorithm: str | None, columns: tuple[str, ...]
) -> None:
    assert ImportFileFormat(pool(header), algorithm).columns == columns


def test_no_hash_travels_without_an_algorithm() -> None:
    """What a filled ``password_hash`` does on a job without an algorithm is not known (section 1e)."""
    rows = frame(**{PASSWORD_HASH: ["$2b$10$abc"]})
    cells = ImportFileFormat(pool(("password_hash", "cognito:username")), None).render(rows)
    assert cells.rows() == [(None, "user0")]


@pytest.mark.parametrize(
    ("mode", "cells"),
    [
        ("OPTIONAL", ["false", "false", "true", "false"]),
        ("ON", ["true", "true", "true", "true"]),
        ("OFF", ["false", "false", "false", "false"]),
    ],
)
def test_mfa_follows_the_pools_mode(mode: str, cells: list[str | None]) -> None:
    rows = frame(4, **{MFA: ["off", "totp", "on", None]}, email=["a@example.com"] * 4)
    assert ImportFileFormat(pool(mfa=mode), None).render(rows)["cognito:mfa_enabled"].to_list() == cells


def test_a_second_factor_is_claimed_only_for_whom_a_code_can_reach() -> None:
    """With MFA active and nothing to use it with nobody can sign in, not even to set it up (F1.35)."""
    factors = ["sms", "sms", "email", "email", "on", "on", "on", "totp"]
    phones = ["+4930", None, "+4930", None, "+4930", None, None, "+4930"]
    emails = [None, "a@example.com", None, "a@example.com", None, "a@example.com", None, "a@example.com"]
    claimed = ["true", "false", "false", "true", "true", "true", "false", "false"]
    columns = pool((*HEADER, "phone_number"))
    rows = frame(8, **{MFA: factors}, phone_number=phones, email=emails)
    assert ImportFileFormat(columns, None).render(rows)["cognito:mfa_enabled"].to_list() == claimed
    bare = frame(8, **{MFA: factors})
    assert ImportFileFormat(columns, None).render(bare)["cognito:mfa_enabled"].to_list() == ["false"] * 8


@pytest.mark.parametrize(("mode", "cell"), [("OPTIONAL", "false"), ("ON", "true"), ("OFF", "false")])
def test_mfa_is_there_without_a_source(mode: str, cell: str | None) -> None:
    assert (
        ImportFileFormat(pool(mfa=mode), None).render(frame(2))["cognito:mfa_enabled"].to_list() == [cell] * 2
    )


def test_a_birthdate_is_written_the_american_way_and_keeps_its_size() -> None:
    rows = frame(3, birthdate=["1985-02-01", None, ""])
    file_format = ImportFileFormat(pool(("birthdate", "cognito:username")), None)
    assert [day or "" for day in file_format.render(rows)["birthdate"]] == ["02/01/1985", "", ""]
    assert file_format.row_bytes(rows).to_list() == [17, 7, 7]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("name", "secret\nline"),
        ("name", "secret\rline"),
        ("name", "secret\\"),
        ("birthdate", "01.02.1985"),
        (PASSWORD_HASH, "secret\nline"),
    ],
)
def test_what_a_file_cannot_carry_is_refused_without_being_shown(column: str, value: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        ImportFileFormat(pool(), "BCRYPT").render(frame(2, **{column: [value, None]}))
    assert "1 values" in str(refused.value)
    assert value not in str(refused.value)


def test_an_attribute_that_the_pool_has_not_is_refused_with_the_near_one() -> None:
    with pytest.raises(
        ConfigurationError, match=r"unknown attribute of the pool 'emial'. Did you mean 'email'"
    ):
        ImportFileFormat(pool(), None).render(frame(emial=["a@example.com"]))


def test_rows_without_a_username_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="no username"):
        ImportFileFormat(pool(), None).row_bytes(pl.DataFrame({"email": ["a@example.com"]}))


def test_only_columns_with_a_comma_are_escaped() -> None:
    cells = ImportFileFormat(pool(), None).render(
        frame(2, name=["Muster, Vera", 'Say "hi"'], email=["a", "b"])
    )
    assert cells["name"].to_list() == ["Muster\\, Vera", 'Say "hi"']


def test_slices_join_without_a_seam(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A comma in one slice must not depend on the others, and no row may be lost between two."""
    monkeypatch.setattr(import_file, "_SLICE", 3)
    names = [f"n{n}," if n % 5 == 0 else f"n{n}" for n in range(10)]
    file_format = ImportFileFormat(pool(("name", "cognito:username")), None)
    rows = frame(10, name=names)
    write_import_file(tmp_path / "a.csv", file_format, [rows])
    assert [cells[0] for cells in read_strictly((tmp_path / "a.csv").read_bytes())[1:]] == names
    assert file_format.row_bytes(rows).sum() == (tmp_path / "a.csv").stat().st_size - len(
        file_format.header_line
    )


def test_the_file_is_the_owners_alone(tmp_path: Path) -> None:
    write_import_file(tmp_path / "a.csv", ImportFileFormat(pool(), None), [frame(1)])
    assert stat.S_IMODE((tmp_path / "a.csv").stat().st_mode) == 0o600


def test_a_file_that_cannot_be_finished_leaves_the_old_one_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("old")
    with pytest.raises(ConfigurationError):
        write_import_file(
            tmp_path / "a.csv", ImportFileFormat(pool(), None), [frame(1), frame(1, name=["broken\nline"])]
        )
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.csv", "old")]


@pytest.mark.parametrize(("limit", "value"), [("MAX_ROWS", 3), ("MAX_FILE_BYTES", 140)])
def test_a_file_over_a_limit_is_not_written(
    limit: str, value: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_format = ImportFileFormat(pool(), None)
    write_import_file(tmp_path / "a.csv", file_format, [frame(1), frame(2)])
    assert (tmp_path / "a.csv").stat().st_size <= 140
    monkeypatch.setattr(import_file, limit, value)
    with pytest.raises(ConfigurationError, match="Cut the batch smaller"):
        write_import_file(tmp_path / "b.csv", file_format, [frame(2), frame(3)])
    assert not (tmp_path / "b.csv").exists()


def test_row_length_counts_characters_and_not_bytes(tmp_path: Path) -> None:
    file_format = ImportFileFormat(pool(("name", "cognito:username")), None)
    longest = 16_000 - len(",user0")
    write_import_file(tmp_path / "a.csv", file_format, [frame(name=["é" * longest])])
    with pytest.raises(ConfigurationError, match="1 rows are longer than 16,000 characters"):
        write_import_file(tmp_path / "b.csv", file_format, [frame(name=["é" * (longest + 1)])])
