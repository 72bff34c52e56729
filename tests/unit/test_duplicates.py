"""Who loses a name to an earlier user of the source: exactly who would if they came one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.records import REASON
from mappings.duplicates import (
    CODES,
    KEY_EMAIL,
    KEY_PHONE_NUMBER,
    KEY_PREFERRED_USERNAME,
    KEY_USERNAME,
    ORDINAL,
    confirm_duplicates,
    find_duplicates,
    suspects,
)

if TYPE_CHECKING:
    from random import Random

KEYS = (KEY_USERNAME, KEY_EMAIL, KEY_PHONE_NUMBER, KEY_PREFERRED_USERNAME)
ROWS = tuple[int | None, int | None, int | None, int | None]


def frame(rows: list[ROWS]) -> pl.DataFrame:
    schema = {ORDINAL: pl.UInt64} | dict.fromkeys(KEYS, pl.UInt64)
    return pl.DataFrame([(number, *row) for number, row in enumerate(rows)], schema=schema, orient="row")


def one_after_the_other(rows: list[ROWS]) -> list[tuple[int, str]]:
    """The rule, as it is written: whose name is taken loses and takes none."""
    taken: set[tuple[str, int]] = set()
    losers = []
    for number, row in enumerate(rows):
        names = [(key, name) for key, name in zip(KEYS, row, strict=True) if name is not None]
        lost = next((key for key, name in names if (key, name) in taken), None)
        if lost:
            losers.append((number, CODES[lost]))
        else:
            taken.update(names)
    return losers


NAMES = st.none() | st.integers(0, 6)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(NAMES, NAMES, NAMES, NAMES), max_size=25), st.randoms())
def test_losers_and_reasons_are_those_of_users_who_come_one_after_the_other(
    rows: list[ROWS], random: Random
) -> None:
    """… in whatever order the keys stand."""
    order = list(range(len(rows)))
    random.shuffle(order)
    found = find_duplicates(frame(rows)[order])
    assert found.rows() == one_after_the_other(rows)
    assert found.schema == {ORDINAL: pl.UInt64, REASON: pl.String}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], []),
        ([(1, 1, None, None), (2, 2, None, None)], []),
        ([(1, 1, None, None), (1, 1, None, None)], [(1, "duplicate_username")]),
        ([(1, 7, 8, 9), (2, 7, None, None), (3, None, 8, None), (4, None, None, 9)],
         [(1, "email_taken"), (2, "phone_number_taken"), (3, "preferred_username_taken")]),
        ([(1, 1, None, None), (1, 2, None, None), (3, 2, None, None)], [(1, "duplicate_username")]),
        ([(1, 1, None, None), (2, 1, None, None), (2, 2, None, None)], [(1, "email_taken")]),
        ([(1, 1, None, None), (2, 1, 5, None), (3, 2, 5, None), (2, 2, None, None)],
         [(1, "email_taken"), (3, "email_taken")]),
    ],
)  # fmt: skip
def test_who_loses_takes_no_name_from_others(rows: list[ROWS], expected: list[tuple[int, str]]) -> None:
    """Above all: who loses by his username leaves his e-mail address free for a later user."""
    assert find_duplicates(frame(rows)).rows() == expected


def test_a_chain_in_which_each_hangs_on_the_one_before_is_decided_too() -> None:
    """Rows 1, 3, 5, … lose, each to the one before; no round decides more than two of them."""
    rows: list[ROWS] = [(number // 2, (number + 1) // 2, None, None) for number in range(1001)]
    assert find_duplicates(frame(rows)).rows() == one_after_the_other(rows)
    assert len(one_after_the_other(rows)) == 500


def test_missing_names_are_nobodys() -> None:
    assert find_duplicates(frame([(None, None, None, None)] * 3)).is_empty()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(NAMES, NAMES, st.none(), st.none()), max_size=15))
def test_suspects_are_all_who_share_a_name_and_suffice_to_find_the_losers(rows: list[ROWS]) -> None:
    keys = frame(rows)
    sharing = [
        number
        for number, row in enumerate(rows)
        if any(
            name is not None and [each[key] for each in rows].count(name) > 1 for key, name in enumerate(row)
        )
    ]
    few = suspects(keys)
    assert few.to_list() == sharing
    assert few.dtype == pl.UInt64
    assert confirm_duplicates(keys.filter(pl.col(ORDINAL).is_in(few.implode()))).equals(find_duplicates(keys))


def test_real_names_clear_a_suspect_whose_hash_is_anothers_by_chance() -> None:
    """Rows 0 and 1 have one hash and two names; rows 2 and 3 have one name."""
    keys = frame([(1, None, None, None), (1, None, None, None), (2, None, None, None), (2, None, None, None)])
    assert find_duplicates(keys)[ORDINAL].to_list() == [1, 3]
    assert suspects(keys).to_list() == [0, 1, 2, 3]
    names = pl.DataFrame({KEY_USERNAME: ["ana", "bo", "cy", "cy"]}).with_columns(
        *(pl.lit(None, pl.String).alias(key) for key in KEYS[1:]), suspects(keys)
    )
    assert confirm_duplicates(names).rows() == [(3, "duplicate_username")]
