"""Tables of Markdown: numbers stand on the right, and no cell ends early."""

from __future__ import annotations

import pytest

from flows.reports.markdown import table


@pytest.mark.parametrize(
    ("cells", "below"),
    [
        (["1", "2,351"], "---:"),
        (["12.345", ""], "---:"),
        (["86.4 %", "0%"], "---:"),
        (["1", "one"], "---"),
        (["F1.29"], "---"),
        (["", ""], "---"),
        ([], "---"),
    ],
)
def test_a_column_of_numbers_alone_stands_on_the_right(cells: list[str], below: str) -> None:
    lines = table(("what", "number"), [("x", cell) for cell in cells]).splitlines()
    assert lines[1] == f"| --- | {below} |"


def test_a_bar_stays_in_its_cell() -> None:
    assert table(("a",), [("x|y",)]).splitlines()[2] == "| x\\|y |"
