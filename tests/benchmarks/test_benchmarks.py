"""What is measured must be the same work, and the measuring must see what it measures."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from flows.steps import proving
from tests.benchmarks import (
    bare_polars,
    bare_rules,
    checking,
    ending,
    hashes,
    poolferry_batches,
    row_by_row,
)
from tests.benchmarks.ending import _pool
from tests.benchmarks.inputs import Input
from tests.benchmarks.measuring import Cost, cost_of, interleaved, median

if TYPE_CHECKING:
    from pathlib import Path

USERS = 3_000


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """One file of users, carried by the script and by Poolferry."""
    source = Input(USERS, dirt=0.3, seed=7).make()
    script, poolferry = tmp_path_factory.mktemp("script"), tmp_path_factory.mktemp("poolferry")
    row_by_row.migrate(str(source), str(script))
    poolferry_batches.migrate(source, poolferry)
    return script, poolferry


def test_script_and_poolferry_give_every_user_the_same_end(both: tuple[Path, Path]) -> None:
    assert checking.compare(*both) == USERS
    assert [checking.count(folder) for folder in both] == [USERS, USERS]


def test_one_other_byte_in_an_import_file_is_seen(both: tuple[Path, Path]) -> None:
    script, poolferry = both
    path = next(script.glob("b*.csv"))
    kept = path.read_bytes()
    path.write_bytes(kept.replace(b"acme", b"acmf", 1))
    with pytest.raises(checking.DifferentError):
        checking.compare(script, poolferry)
    path.write_bytes(kept)


def test_another_end_of_somebody_in_no_file_is_seen(both: tuple[Path, Path]) -> None:
    script, poolferry = both
    path = script / "others.csv"
    kept = path.read_bytes()
    path.write_bytes(kept.replace(b"rejected", b"admin_create_user", 1))
    with pytest.raises(checking.DifferentError):
        checking.compare(script, poolferry)
    path.write_bytes(kept)


def test_the_copy_of_bare_polars_has_every_row(tmp_path: Path) -> None:
    source = Input(USERS, dirt=0.3, seed=7).make()
    bare_polars.copy(str(source), str(tmp_path / "copy.csv"))
    assert checking.count(tmp_path / "copy.csv") == USERS


def test_the_query_of_bare_rules_gives_tidy_users_the_lines_that_poolferry_gives(tmp_path: Path) -> None:
    source = Input(USERS, dirt=0.0, seed=7).make()
    places = bare, poolferry = tmp_path / "bare", tmp_path / "poolferry"
    for place in places:
        place.mkdir()
    bare_rules.migrate(str(source), str(bare))
    poolferry_batches.migrate(source, poolferry)
    theirs, ours = (_lines(place) for place in (bare, poolferry / "run" / "batches"))
    headers = {line for line in theirs if line.startswith("name,")}
    assert checking.count(bare) == len(theirs - headers) == USERS
    assert theirs == ours


def _lines(folder: Path) -> set[str]:
    return {line for path in folder.glob("b*.csv") for line in path.read_text("utf-8").splitlines()}


def test_the_end_of_a_run_is_measured_with_everybody_in_the_pool(tmp_path: Path) -> None:
    summary = ending.end(Input(USERS, dirt=0.0, seed=7).make(), tmp_path)
    assert (summary["verdicts"]["imported"], summary["balanced"]) == (USERS, True)


def test_whom_the_pool_does_not_tell_is_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "_pool", lambda context: islice(_pool(context), 1))
    monkeypatch.setattr(ending, "FRAME", USERS - 400)
    monkeypatch.setattr(proving, "ONE_BY_ONE", 0)
    summary = ending.end(Input(USERS, dirt=0.0, seed=7).make(), tmp_path)
    assert summary["verdicts"]["failed"] == 400


def test_the_same_seed_gives_the_same_file_and_another_seed_another() -> None:
    one = Input(100, seed=7)
    kept = one.make().read_bytes()
    one.path.unlink()
    assert one.make().read_bytes() == kept
    assert Input(100, seed=8).make().read_bytes() != kept


def test_more_dirt_is_more_dirt() -> None:
    """Nobody is spoilt in a tidy file; in a dirty one about as many as were asked for."""
    tidy, dirty = (Input(2_000, dirt=dirt, seed=7).make().read_text().splitlines() for dirt in (0.0, 0.5))
    changed = len(set(tidy) - set(dirty))
    assert 800 < changed < 1_200


def test_a_child_that_fails_is_no_measurement(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        cost_of("tests.benchmarks.bare_polars", (str(tmp_path / "missing.csv"), str(tmp_path / "copy.csv")))


def test_a_child_costs_time_and_memory(tmp_path: Path) -> None:
    source = Input(100, seed=7).make()
    cost = cost_of("tests.benchmarks.bare_polars", (str(source), str(tmp_path / "copy.csv")))
    assert cost.cpu > 0.01
    assert cost.wall > 0.01
    assert 20e6 < cost.peak < 2e9


def test_ways_are_measured_in_turn_and_medians_are_taken_number_by_number() -> None:
    order: list[str] = []

    def way(name: str) -> Cost:
        order.append(name)
        return Cost(len(order), -len(order), len(order) % 3)

    costs = interleaved({"a": lambda: way("a"), "b": lambda: way("b")}, rounds=3)
    assert order == ["a", "b"] * 3
    assert median(costs["a"]) == Cost(3, -3, 1)


@pytest.mark.parametrize("way", hashes.WAYS, ids=lambda way: way.name)
def test_hashes_are_rewritten_alike_on_both_ways(way: hashes.Way) -> None:
    speed = hashes.measure(way, 200)
    assert speed.ours > 0
    assert speed.script > 0


def test_a_hash_that_is_rewritten_otherwise_is_seen() -> None:
    broken = replace(hashes.WAYS[1], rewrite=lambda value: hashes.WAYS[1].rewrite(value).swapcase())
    with pytest.raises(hashes.DifferentError):
        hashes.measure(broken, 200)
