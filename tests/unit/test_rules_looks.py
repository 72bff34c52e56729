"""What is said of a column as a whole is true of its values."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.rules import Rules
from mappings.rules_looks import BEYOND_ASCII, CONTROL, WIDE, Look, survey
from mappings.rules_tidy import tidied
from tests.unit.pool_rules import BCRYPT, page, pool, user

TEXTS = st.lists(
    st.none() | st.text(alphabet=' "+,@\\aZé\x00\x1f\x7f\t\n\x85\u00a0\u1680\u2003\u3000ж日😀', max_size=6),
    max_size=6,
)


def series(values: list[str | None]) -> pl.Series:
    return pl.Series("x", values, dtype=pl.String)


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_signs_are_those_that_occur(values: list[str | None]) -> None:
    text = "".join(value or "" for value in values)
    expected = {sign for sign in ' "+,@\\' if sign in text}
    expected |= {CONTROL} if any(sign < " " or sign == "\x7f" for sign in text) else set()
    expected |= {BEYOND_ASCII} if not text.isascii() else set()
    found = survey(series(values).to_frame(), ["x"], {})["x"].signs
    assert found - {WIDE} == expected


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_white_space_and_line_ends_beyond_ascii_are_wide(values: list[str | None]) -> None:
    text = "".join(value or "" for value in values)
    spaced = any(sign.isspace() and not sign.isascii() for sign in text)
    assert WIDE in survey(series(values).to_frame(), ["x"], {})["x"].signs or not spaced


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_sizes_and_gaps_are_exact(values: list[str | None]) -> None:
    frame = series(values).to_frame()
    look = survey(frame, ["x"], {})["x"]
    sizes = [len(value.encode()) for value in values if value is not None]
    assert look.filled == bool(sizes)
    assert look.gaps == (None in values or not values)
    assert (look.shortest, look.longest) == (min(sizes, default=0), max(sizes, default=0))


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_a_column_is_tidied_if_and_only_if_a_value_is_untidy(values: list[str | None]) -> None:
    frame = series(values).to_frame()
    white = "\t\n\v\f\r \x85\u00a0\u1680\u2003\u3000"
    expected = [value and (value.strip(white) or None) for value in values]
    expected = [value or None for value in expected]
    changed = tidied(frame, survey(frame, ["x"], {}), ["x"])
    assert changed.keys() == ({"x"} if expected != values else set())
    assert changed.get("x", frame["x"]).to_list() == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["a b", " a"], ["a b", "a"]),
        (["a b", "a "], ["a b", "a"]),
        (["a", None, ""], ["a", None, None]),
        (["é\u2003", "b"], ["é", "b"]),
        (["a b", "c", None], None),
        (["é é", "日\u2003本"], None),
    ],
)
def test_one_untidy_value_among_others_is_found(
    values: list[str | None], expected: list[str | None] | None
) -> None:
    frame = series(values).to_frame()
    changed = tidied(frame, survey(frame, ["x"], {}), ["x"])
    assert {name: column.to_list() for name, column in changed.items()} == (
        {"x": expected} if expected else {}
    )


def test_a_clean_column_is_not_searched() -> None:
    frame = pl.DataFrame({"x": ['"'], "y": ['"']})
    looks = survey(frame, ["x", "y"], {"x": pl.col("x") == '"', "y": pl.col("y") == ""})
    assert looks["x"] == Look(filled=True, gaps=False, shortest=1, longest=1, clean=True)
    assert looks["y"] == Look(filled=True, gaps=False, shortest=1, longest=1, signs=frozenset({'"'}))


def test_a_page_in_which_nothing_is_wrong_asks_for_no_row_but_the_verified_flag() -> None:
    """The page costs next to nothing since no rule on its values is possible at all."""
    rules = Rules(pool())
    row = user(name="Ana Exämple", birthdate="2000-02-29", phone_number="+4915700000001",
               phone_number_verified="false", custom__tenant="acme", _password_hash=BCRYPT)  # fmt: skip
    frame = page(row, row)
    frame, looks = rules._tidy(rules._with_all_columns(frame), [*row][1:])
    asked = {
        rule.code
        for rule in (*rules._rules, *rules._csv_rules)
        if looks.keys() >= set(rule.columns) and rule.possible(looks)
    }
    assert asked == {"email_not_verified", "groups_too_many"}  # the lengths of lists are there anyway


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.integers(0, 5))
def test_equal_and_constant_columns_look_as_they_do_alone(values: list[str | None], count: int) -> None:
    """All values as they are, or the first one ``count`` times."""
    values = values[:1] * count or values
    frame = pl.DataFrame({"x": series(values), "y": series(values), "z": series(values[::-1])})
    looks = survey(frame, frame.columns, {})
    for name in frame.columns:
        alone = survey(frame.select(name), [name], {})[name]
        assert looks[name] == alone
        assert looks[name].small == alone.small
        text = "".join(filter(None, frame[name]))
        assert looks[name].small == (alone.filled and text.isascii() and text == text.lower())
    if any(value is not None for value in values):
        once = frame.select("x").unique()
        assert looks["x"].signs == survey(once, ["x"], {})["x"].signs
