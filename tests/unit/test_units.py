"""Shares and times as people read them."""

from __future__ import annotations

import pytest

from flows.reports.units import duration, share

SHARES = {(0, 0): "0 %", (0, 5): "0 %", (5, 5): "100 %", (1, 3): "33.3 %", (1, 9_999): "0.1 %"}


@pytest.mark.parametrize(("parts", "told"), [*SHARES.items(), ((9_998, 9_999), "99.9 %")])
def test_a_share_is_never_rounded_to_nobody_or_everybody(parts: tuple[int, int], told: str) -> None:
    assert share(*parts) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0 s"),
        (0.249, "0.2 s"),
        (9.96, "10 s"),
        (59.97, "1 min 00 s"),
        (200, "3 min 20 s"),
        (7_500, "2 h 05 min"),
        (3_600_000, "1,000 h 00 min"),
    ],
)
def test_durations_read_well(seconds: float, told: str) -> None:
    assert duration(seconds) == told
