"""Cells that a spreadsheet cannot take for a formula, and that a machine can read back."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.ledger.folder import RunFolder
from flows.reports.cells import plain_text, safe_cell, write_cells
from flows.reports.tables import check_id_map, counted, explained, write_tables

if TYPE_CHECKING:
    from pathlib import Path

STARTS = "=+-@'\t\r\n\uff1d\uff0b\uff0d\uff20"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(STARTS + '",;'), max_size=8)


def cells(texts: list[str]) -> list[str]:
    return (
        pl.Series("text", texts, dtype=pl.String)
        .to_frame()
        .select(safe_cell(pl.col("text")))
        .to_series()
        .to_list()
    )


@given(st.lists(TEXTS, min_size=1))
def test_no_cell_begins_like_a_formula_and_each_reads_back(texts: list[str]) -> None:
    made = cells(texts)
    assert not [cell for cell in made if cell.startswith(tuple(STARTS.replace("'", "")))]
    assert [plain_text(cell) for cell in made] == texts


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("+491512345", "'+491512345"),
        ("=1+1", "'=1+1"),
        ("'a", "''a"),
        ("a=1", "a=1"),
        ("", ""),
        (" =1", " =1"),
    ],
)
def test_examples(text: str, cell: str) -> None:
    assert cells([text]) == [cell]


def test_a_file_survives_every_character_and_is_the_owners(tmp_path: Path) -> None:
    texts = ["a;=1", 'say "x"', "two\nlines", "=1", None, "Zoë"]
    path = tmp_path / "some.csv"
    write_cells(pl.LazyFrame({"=head": texts}), path)
    assert path.stat().st_mode & 0o777 == 0o600
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows == [["'=head"], ["a;=1"], ['say "x"'], ["two\nlines"], ["'=1"], [""], ["Zoë"]]
    assert '"a;=1"' in path.read_text(encoding="utf-8"), "nothing is parted at a semicolon"


VERDICTS = pl.LazyFrame(
    [
        ("a", "a", "imported", None, 2, "sub-a"),
        ("b", "b", "rejected", "email_invalid", 3, None),
        ("=c", "=c", "rejected", "username_too_long", 4, None),
        ("d", "d", "rejected", "username_too_long", 5, None),
        ("e", "e", "existing", None, 6, "sub-e"),
        ("f", "f", "failed", None, 7, None),
        ("g", "g", "created", None, 8, None),
        ("h", "h", "deferred", None, 9, None),
    ],
    schema=["source_id", "username", "verdict", "reason", "line", "sub"],
    orient="row",
).with_columns(pl.lit(1, pl.UInt32).alias("file"))


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_most_frequent_reason_comes_first_and_says_what_to_do(tmp_path: Path) -> None:
    write_tables(RunFolder(tmp_path), VERDICTS)
    rejected = read(tmp_path / "rejected.csv")
    assert [row["source_id"] for row in rejected] == ["'=c", "d", "b"]
    assert rejected[2] == {
        "source_id": "b", "username": "b", "file": "1", "line": "3", "reason": "email_invalid",
        **{name: rejected[2][name] for name in ("sentence", "fact", "what_to_do")},
    }  # fmt: skip
    assert rejected[2]["what_to_do"].startswith("Mend it")
    assert [row["reason"] for row in read(tmp_path / "failed.csv")] == ["not_settled"]
    assert [row["reason"] for row in read(tmp_path / "existing.csv")] == ["already_in_pool"]
    assert [(row["verdict"], row["reason"], row["users"]) for row in read(tmp_path / "reasons.csv")] == [
        ("rejected", "username_too_long", "2"), ("rejected", "email_invalid", "1"),
        ("failed", "not_settled", "1"), ("existing", "already_in_pool", "1"),
    ]  # fmt: skip
    assert read(tmp_path / "id_map.csv") == [
        {"source_id": "a", "username": "a", "sub": "sub-a"},
        {"source_id": "e", "username": "e", "sub": "sub-e"},
    ]  # fmt: skip


def test_nobody_leaves_files_with_a_header(tmp_path: Path) -> None:
    write_tables(RunFolder(tmp_path), VERDICTS.clear())
    assert (tmp_path / "rejected.csv").read_text().count("\n") == 1
    assert counted(explained(VERDICTS.clear())).collect().is_empty()


def test_what_the_map_of_ids_lacks_is_counted() -> None:
    found = check_id_map(VERDICTS)
    assert (found.in_pool, found.known, found.repeated, found.is_complete) == (3, 2, 0, False)
    doubled = VERDICTS.with_columns(
        pl.when(pl.col("verdict") == "created").then(pl.lit("sub-a")).otherwise("sub").alias("sub")
    )
    assert check_id_map(doubled).repeated == 1
    assert check_id_map(VERDICTS.filter(pl.col("sub").is_not_null())).is_complete
