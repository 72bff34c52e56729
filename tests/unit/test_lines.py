"""A batch's file is the same whether its lines were made with the page or are made from its users."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.cognito import import_file
from connectors.cognito.import_file import ImportFileFormat
from connectors.records import ALGORITHM, PASSWORD_HASH, REASON, USERNAME, PoolSchema
from flows.steps.columns import LINE_KIND, ROW_BYTES
from flows.steps.lines import lines_of, write_page, written_lines
from mappings.rules import CSV_REASON, Judged

if TYPE_CHECKING:
    from pathlib import Path

    from connectors.records import HashAlgorithm
    from flows.steps.context import Context

SCHEMA = PoolSchema(
    "eu-west-1_Example01",
    "people",
    {},
    ("name", "email", "birthdate", "cognito:mfa_enabled", "cognito:username"),
)
CONTEXT = cast("Context", SimpleNamespace(schema=SCHEMA))
HASHES: dict[HashAlgorithm | None, str | None] = {None: None, "BCRYPT": "$2b$", "ARGON2ID": "$m=1,t=2"}
KINDS = tuple(HASHES)


def judged(rows: list[dict[str, Any]]) -> pl.DataFrame:
    names = (USERNAME, "name", "email", "birthdate", PASSWORD_HASH, ALGORITHM, REASON, CSV_REASON)
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String))


def written(file_format: ImportFileFormat, users: pl.DataFrame, **known: set[str]) -> bytes:
    file = io.BytesIO()
    file_format.rows(users, **known).write(file)
    return file.getvalue()


def users() -> st.SearchStrategy[list[dict[str, Any]]]:
    row = st.fixed_dictionaries({
        USERNAME: st.text("ab1", min_size=1, max_size=3),
        "name": st.sampled_from([None, "Ann", "Jones, Jr.", "Zoë", ","]),
        "email": st.sampled_from([None, "a@example.com"]),
        "birthdate": st.sampled_from([None, "1999-12-31", "0001-01-01"]),
        ALGORITHM: st.sampled_from(KINDS),
        REASON: st.sampled_from([None, None, None, "email_invalid"]),
        CSV_REASON: st.sampled_from([None, None, None, "name_line_break"]),
    })  # fmt: skip
    hashed = row.map(lambda row: row | {PASSWORD_HASH: HASHES[row[ALGORITHM]]})
    return st.lists(hashed, min_size=1, max_size=20)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(users(), st.data())
def test_lines_made_with_the_page_are_those_of_the_users(
    tmp_path: Path, rows: list[dict[str, Any]], data: st.DataObject
) -> None:
    frame = judged(rows)
    (sizes, kinds), lines = lines_of(CONTEXT, Judged(frame, frozenset({"email"})))
    path = tmp_path / "p.lines"
    path.unlink(missing_ok=True)
    write_page(lines, path)
    assert path.exists() == bool(sizes.sum())
    kept = pl.DataFrame([sizes, kinds])
    for kind in KINDS:
        own = [at for at, row in enumerate(rows) if row[ALGORITHM] == kind and sizes[at]]
        inside = sorted(data.draw(st.just(own) | st.sets(st.sampled_from(own), min_size=1))) if own else []
        if not inside:
            continue
        found = written_lines(path, kept, pl.Series(inside, dtype=pl.UInt64), kind)
        assert found is not None
        pieces = [(piece.rows, bytes(piece.content)) for piece in found]
        users = frame.drop(REASON, CSV_REASON, ALGORITHM)[inside]
        assert b"".join(content for _, content in pieces) == written(ImportFileFormat(SCHEMA, kind), users)
        assert sum(rows for rows, _ in pieces) == len(inside)


def test_who_has_no_line_or_another_algorithm_is_not_taken_from_the_file(tmp_path: Path) -> None:
    """Such a batch is written from the users themselves."""
    frame = judged([{USERNAME: "a"}, {USERNAME: "b", CSV_REASON: "name_line_break"},
                    {USERNAME: "c", ALGORITHM: "BCRYPT", PASSWORD_HASH: "x"}])  # fmt: skip
    (sizes, kinds), lines = lines_of(CONTEXT, Judged(frame, frozenset()))
    path = tmp_path / "p.lines"
    unreadable = pl.DataFrame(schema={ROW_BYTES: pl.UInt32, LINE_KIND: pl.UInt8}).clear(1)
    kept = pl.concat([pl.DataFrame([sizes, kinds]), unreadable])
    assert written_lines(path, kept, pl.Series([0]), None) is None
    write_page(lines, path)
    assert written_lines(path, kept, pl.Series([0]), None) is not None
    assert written_lines(path, kept, pl.Series([0, 1]), None) is None
    assert written_lines(path, kept, pl.Series([0, 2]), None) is None
    assert written_lines(path, kept, pl.Series([0, 3]), None) is None
    with path.open("r+b") as file:
        file.truncate(int(sizes[0]) - 1)
    assert written_lines(path, kept, pl.Series([0]), None) is None, "or a user would be cut off"


def test_a_column_that_is_not_known_to_be_plain_is_searched() -> None:
    frame = judged([{USERNAME: "a", "name": "b,c"}]).select(USERNAME, "name")
    file_format = ImportFileFormat(SCHEMA, None)
    assert written(file_format, frame) == b"b\\,c,,,false,a\n"
    assert written(file_format, frame, plain={"name"}) == b"b,c,,,false,a\n"
    assert written(file_format, frame, commas={"name"}) == b"b\\,c,,,false,a\n"


@settings(max_examples=100, deadline=None)
@given(st.lists(st.none() | st.dates(), max_size=30))
def test_days_are_written_alike_one_by_one_and_from_a_calendar(days: list[Any]) -> None:
    dates = pl.Series(days, dtype=pl.Date)
    assert import_file._written_days(dates).to_list() == dates.dt.to_string("%m/%d/%Y").to_list()
    near = dates.drop_nulls().head(1).new_from_index(0, 50) if dates.null_count() < dates.len() else dates
    assert import_file._written_days(near).to_list() == near.dt.to_string("%m/%d/%Y").to_list()


@pytest.mark.parametrize(
    "cells", [["x", "x"], ["x", None], [None, "x"], [None, None], ["x", "y", "x"], ["", ""]]
)
def test_a_constant_column_is_written_like_any_other(cells: list[str | None]) -> None:
    frame = pl.DataFrame({USERNAME: [str(at) for at in range(len(cells))], "name": cells},
                         schema={USERNAME: pl.String, "name": pl.String})  # fmt: skip
    lines = written(ImportFileFormat(SCHEMA, None), frame).decode().splitlines()
    assert lines == [f"{cell or ''},,,false,{at}" for at, cell in enumerate(cells)]
    assert ImportFileFormat(SCHEMA, None).row_bytes(frame).to_list() == [len(line) + 1 for line in lines]
