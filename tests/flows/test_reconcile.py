"""Source, runs and pool held against one another: every difference is found, named by ids, and repaired."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from connectors.errors import ConfigurationError, SourceError
from flows.ledger.families import looked_at
from flows.ledger.folder import RunFolder
from flows.reports.reconciliation import reconciliation_markdown, reconciliation_parts
from flows.settings import load_run_file
from flows.steps import changes, differences, reconciling, three_ways
from flows.steps.context import Worker
from flows.steps.purging import purge
from flows.steps.retrying import Choice, retry
from flows.steps.rolling_back import rollback
from tests.flows.conftest import Pool, person
from tests.flows.journeys import add, lead_to, travel
from tests.flows.scenes import BCRYPT, EVERYTHING, PEOPLE, SECRETS, Scene, ids, planted, wrong
from tests.flows.wires import Wires

if TYPE_CHECKING:
    from connectors.cognito.sandbox import Sandbox


@pytest.fixture(autouse=True)
def _quick(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    lead_to(sandbox, monkeypatch)


def test_an_untouched_pool_and_source_have_no_differences(pool: Pool) -> None:
    add(pool, "u00000")
    found = Scene.of(pool).held()
    assert (found.expected, found.there, found.compared, found.exit_status) == (9, 9, 9, 0)
    assert found.statuses == {"RESET_REQUIRED": 7, "CONFIRMED": 1, "FORCE_CHANGE_PASSWORD": 1}
    assert (wrong(found), found.moved, found.attributes) == ({}, {}, {})
    assert found.sentence == "all 9 users are there, unchanged"


def test_every_difference_is_found_and_named_by_ids(pool: Pool) -> None:
    scene = planted(pool)
    found = scene.held()
    assert wrong(found) == EVERYTHING
    assert (found.expected, found.there, found.exit_status) == (9, 7, 1)
    assert found.moved == {"RESET_REQUIRED → CONFIRMED": 1, "enabled → disabled": 1}
    assert found.attributes == {
        "name": {"pool": 1, "source": 1, "altered": 1},
        "phone_number": {"pool": 1, "source": 0, "altered": 0},
        "phone_number_verified": {"pool": 1, "source": 0, "altered": 0},
    }
    rows = scene.rows(found)
    named = {what: ids(rows, what) for what in EVERYTHING}
    assert named == {
        "missing": ["u00001"], "replaced": ["u00006"], "altered": ["u00004"], "access": ["u00005"],
        "extra": [None], "new": ["u00009"], "changed": ["u00007"], "vanished": ["u00008"],
        "state": ["u00003", "u00005"],
    }  # fmt: skip
    subs = dict(rows.select("what", "sub").iter_rows())
    assert subs["extra"] == pool.attributes("stranger")["sub"]
    assert subs["altered"] == pool.attributes("u00004")["sub"]
    assert rows.filter(pl.col("what") == "altered")["attributes"].to_list() == ["name"]


def test_a_terminal_says_who_differs_as_it_lies_from_here_and_only_where_somebody_does(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pool.folder)
    scene = Scene.of(pool)
    loaded, same = load_run_file(scene.path), scene.held()
    assert not any("Who it is" in str(part) for part in reconciliation_parts(loaded, same))
    scene.write(4, "name", "Another Name")
    found = scene.held()
    *_, last = reconciliation_parts(loaded, found)
    assert last == f"Who it is: runs/acme/{found.run_id}/{found.folder}/differences.csv"


def test_without_the_source_the_runs_alone_are_held_against_the_pool(pool: Pool) -> None:
    scene = planted(pool)
    found = scene.held(with_source=False)
    of_the_source = dict.fromkeys(("new", "changed", "vanished"))
    assert {what: found.differences[what] for what in of_the_source} == of_the_source
    assert wrong(found) == {what: n for what, n in EVERYTHING.items() if what not in of_the_source}


BROKEN: dict[str, tuple[Any, str, Any]] = {
    "values are never compared": (differences, "contradicts", lambda *_: pl.lit(value=False)),
    "every value differs": (differences, "contradicts", lambda *_: pl.lit(value=True)),
    "nobody is found by name": (
        three_ways, "names_now", lambda _: pl.LazyFrame(schema={"@namesake": pl.UInt64, "@name": pl.UInt64})
    ),
    "nobody ever leaves the source": (
        changes, "rest_of", lambda _: pl.LazyFrame(schema={"@key": pl.String, "gone": pl.Boolean})
    ),
    "who is in the pool is never new": (changes, "known_keys", lambda _: pl.LazyFrame({"@key": ["u00009"]})),
    "strangers are overlooked": (differences, "strangers", lambda sides: sides.pool().select("sub").head(0)),
    "nobody was read back": (
        three_ways, "_after", lambda sides, _: three_ways._nobody(sides)
    ),
}  # fmt: skip
"""Comparisons with a hole."""


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_comparison_is_caught(pool: Pool, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The test above bites: with any part of the comparison broken it would not pass."""
    scene = planted(pool)
    monkeypatch.setattr(*BROKEN[name])
    assert wrong(scene.held()) != EVERYTHING


def test_the_report_names_the_commands_and_what_is_left_for_a_hand(pool: Pool) -> None:
    scene = planted(pool)
    found = scene.held()
    told = reconciliation_markdown(load_run_file(scene.path), found)
    assert f"poolferry run {scene.path} --repair {scene.files(found)}/differences.csv" in told
    assert "| replaced | 1 |" in told
    assert "By hand: AdminDisableUser" in told
    assert (scene.files(found) / "report.md").read_text() == told


def test_nobodys_data_is_in_anything_that_is_written_unasked(pool: Pool) -> None:
    scene = planted(pool)
    found = scene.held()
    files = scene.files(found)
    assert {file.name for file in files.iterdir()} == {
        "summary.json", "report.md", "differences.parquet", "differences.csv"
    }  # fmt: skip
    told = "".join(file.read_bytes().decode("latin-1") for file in files.iterdir())
    told += str(scene.rows(found).rows()) + json.dumps(found.to_json())
    assert not [value for value in SECRETS if value in told]
    left = [item.name for item in files.parent.iterdir() if item.name.startswith(".")]
    assert not left, "what was read is not left behind"


def test_values_are_written_on_demand_for_the_owner_alone(pool: Pool) -> None:
    scene = planted(pool)
    found = scene.held(with_values=True)
    files = scene.files(found)
    rows = {row["what"]: row for row in pl.read_parquet(files / "values.parquet").iter_rows(named=True)}
    now, then = "Another Name", "Vera Muster 4"
    assert [rows["altered"][name] for name in ("in_source", "in_run", "in_pool_then", "in_pool")] == [
        then, then, then, now
    ]  # fmt: skip
    assert rows["changed"]["in_source"] == "Vera Maria Muster 7"
    assert stat.S_IMODE(files.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in files.iterdir()} == {0o600}
    assert "Another" not in (files / "report.md").read_text() + (files / "differences.csv").read_text()


def test_nobody_becomes_billable(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = planted(pool)
    wires = Wires(monkeypatch)
    scene.held()
    sent = {name for name in wires.sent if not name.endswith(" answered")}
    assert sent - {"GetProvisionedLimit"} == {"ListUsers", "DescribeUserPool", "GetCSVHeader"}


def test_a_source_that_cannot_be_reached_is_told_with_the_way_out(pool: Pool) -> None:
    scene = Scene.of(pool)
    (pool.folder / "users.csv").unlink()
    with pytest.raises((SourceError, ConfigurationError), match=r"users\.csv") as caught:
        scene.held()
    assert "--no-source" in caught.value.mend
    assert scene.held(with_source=False).exit_status == 0


def test_who_was_left_as_the_pool_had_them_is_no_difference(pool: Pool) -> None:
    """`existing: leave` has left a name that contradicts the source; what moves later is told."""
    add(pool, "u00000", name="Somebody")
    scene = Scene.of(pool)
    assert scene.held().exit_status == 0
    scene.write(0, "name", "Another Name")
    assert wrong(scene.held()) == {"altered": 1}


def test_what_people_do_with_their_accounts_is_no_difference(pool: Pool) -> None:
    """They fill in what the source lacks, and verify an address."""
    scene = Scene.of(pool, [person(1, verified="false"), person(2)], strategies=["admin_create_user"])
    scene.write(2, "nickname", "Vee")
    scene.write(1, "email_verified", "true")
    found = scene.held()
    assert (found.exit_status, wrong(found)) == (0, {})
    assert found.attributes == {
        "nickname": {"pool": 1, "source": 0, "altered": 0},
        "email_verified": {"pool": 1, "source": 0, "altered": 0},
    }


@pytest.mark.parametrize("verify", ["none", "sample"])
def test_who_was_not_read_back_is_compared_with_what_was_sent(pool: Pool, verify: str) -> None:
    scene = Scene.of(pool, verify=verify)
    assert wrong(scene.held()) == {}
    scene.write(4, "name", "Another Name")
    scene.call("admin_delete_user", 3)
    found = scene.held()
    assert (wrong(found), found.compared) == ({"missing": 1, "altered": 1}, 8)


def test_both_sides_can_change_in_the_same_way(pool: Pool) -> None:
    """Then they agree, and only the run does not know it yet."""
    scene = Scene.of(pool)
    scene.write(4, "name", "Vera Neu")
    scene.source([*PEOPLE[:4], person(4, last_name="Neu"), *PEOPLE[5:]])
    found = scene.held()
    assert wrong(found) == {"changed": 1}
    assert found.attributes == {"name": {"pool": 1, "source": 1, "altered": 0}}


def test_who_has_left_both_source_and_pool_is_no_difference(pool: Pool) -> None:
    scene = Scene.of(pool)
    scene.call("admin_delete_user", 8)
    scene.source(PEOPLE[:8])
    found = scene.held()
    assert (wrong(found), found.left, found.exit_status) == ({}, 1, 0)


def test_a_chain_of_runs_is_held_as_one(pool: Pool) -> None:
    """The newest run knows but those who changed; everybody of the runs before it counts as well."""
    scene = Scene.of(pool)
    scene.source([*PEOPLE[:8], person(9)], mode="delta", existing="update")
    travel(scene.path)
    found = scene.held()
    assert (found.expected, found.there, found.exit_status) == (10, 10, 0)
    scene.call("admin_delete_user", 2)
    scene.write(3, "name", "Another Name")
    assert wrong(scene.held()) == {"missing": 1, "altered": 1}
    assert wrong(scene.held(with_source=False)) == {"missing": 1, "altered": 1}
    scene.call("admin_delete_user", 8)  # the last run has told that they left the source
    found = scene.held(with_source=False)
    assert (wrong(found), found.left) == ({"missing": 1, "altered": 1}, 1)


def test_drift_of_people_whom_a_later_run_has_not_taken_is_told_all_the_same(pool: Pool) -> None:
    scene = Scene.of(pool)
    scene.write(4, "name", "Another Name")
    scene.source([*PEOPLE, person(9)], mode="delta", existing="update")
    travel(scene.path)  # reads the whole pool back
    assert wrong(scene.held()) == {"altered": 1}


def test_retries_count_as_the_run_that_they_belong_to(pool: Pool) -> None:
    scene = Scene.of(pool, [person(0), person(1, email="x")])
    assert scene.held().not_landed == 1
    scene.source([person(0), person(1)])
    loaded = load_run_file(scene.path)
    retry(RunFolder(loaded.state_folder / scene.held().run_id), loaded, Worker(), Choice())
    for with_source in (False, True):
        found = scene.held(with_source=with_source)
        assert (found.expected, found.there, found.not_landed, wrong(found)) == (2, 2, 0, {})
    scene.write(1, "name", "Another Name")
    assert wrong(scene.held(with_source=False)) == {"altered": 1}


def test_a_failed_user_who_is_there_after_all_is_told_and_settled_by_a_retry(pool: Pool) -> None:
    scene = Scene.of(pool, PEOPLE[:3])
    folder = RunFolder(load_run_file(scene.path).state_folder / scene.held().run_id)
    lost = pl.col("source_id") == "u00001"
    pl.read_parquet(folder.verdicts).with_columns(
        pl.when(lost).then(pl.lit("failed")).otherwise("verdict").alias("verdict"),
        pl.when(lost).then(pl.lit("not_in_pool")).alias("reason"),
        pl.when(~lost).then("sub").alias("sub"),
    ).write_parquet(folder.verdicts)
    found = scene.held()
    assert wrong(found) == {"late": 1}
    loaded = load_run_file(scene.path)
    assert f"poolferry retry {folder.run_id}" in reconciliation_markdown(loaded, found)
    retry(folder, loaded, Worker(), Choice())
    assert scene.held().exit_status == 0


def test_without_a_finished_run_of_the_pool_there_is_nothing_to_hold(pool: Pool) -> None:
    scene = Scene(pool, pool.run_file(PEOPLE))
    with pytest.raises(ConfigurationError, match="no finished run"):
        scene.held()
    scene = Scene.of(pool)
    other = pool.client.create_user_pool(PoolName="other")["UserPool"]["Id"]
    mine = scene.path.read_text()
    scene.path.write_text(mine.replace(pool.pool_id, other))
    with pytest.raises(ConfigurationError, match=f"no finished run .* that filled the pool {other}"):
        scene.held()
    scene.path.write_text(mine)
    folder = RunFolder(load_run_file(scene.path).state_folder / scene.held().run_id)
    purge(folder, Worker())
    with pytest.raises(ConfigurationError, match="was purged"):
        scene.held()


def test_a_chain_with_a_gap_is_refused(pool: Pool) -> None:
    """Everybody of the lost run would be called extra."""
    scene = Scene.of(pool, PEOPLE[:2])
    first = load_run_file(scene.path).state_folder / scene.held().run_id
    scene.source(PEOPLE[:3], mode="delta", existing="update")
    travel(scene.path)
    first.rename(pool.folder / "elsewhere")
    with pytest.raises(ConfigurationError, match=f"goes on from run {first.name}, whose folder is gone"):
        scene.held()


def test_a_run_that_was_taken_back_is_not_held_against_the_pool(pool: Pool) -> None:
    scene = Scene.of(pool, PEOPLE[:2])
    folder = RunFolder(load_run_file(scene.path).state_folder / scene.held().run_id)
    rollback(folder, Worker())
    with pytest.raises(ConfigurationError, match="no finished run"):
        scene.held()


def test_a_run_of_which_a_rollback_has_deleted_nobody_counts_as_ever(pool: Pool) -> None:
    """Everybody could sign in from the start, so everybody was left alone."""
    people = [person(number, pw=BCRYPT) for number in range(2)]
    scene = Scene.of(pool, people)
    folder = RunFolder(load_run_file(scene.path).state_folder / scene.held().run_id)
    assert rollback(folder, Worker()).refused == {"may_have_signed_in": 2}
    assert scene.held().exit_status == 0
    scene.source([*people, person(2)], mode="delta")
    assert travel(scene.path).counts() == {"imported": 1}
    rollback(folder, Worker(), confirmed_too=True)
    with pytest.raises(ConfigurationError, match="no finished run"):
        scene.held()


def test_hashes_of_another_polars_are_refused_with_the_way_out(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene.of(pool, PEOPLE[:2])
    monkeypatch.setattr(changes, "probe", lambda: "of another version")
    with pytest.raises(ConfigurationError, match="another version of polars") as caught:
        scene.held()
    assert "--no-source" in caught.value.mend
    assert scene.held(with_source=False).exit_status == 0


def test_what_a_killed_check_has_left_is_removed(pool: Pool) -> None:
    scene = Scene.of(pool, PEOPLE[:2])
    folder = load_run_file(scene.path).state_folder / scene.held().run_id
    left = folder / f"{reconciling.HIDDEN}20260101T000000Z-abcdef"
    left.mkdir()
    scene.held()
    assert not left.exists()
    with looked_at(RunFolder(folder)) as ledger:
        assert ledger.run().run_id == folder.name


def test_shares_of_the_people_add_up(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = planted(pool)
    monkeypatch.setattr(three_ways, "USERS_AT_ONCE", 2)
    assert wrong(scene.held()) == EVERYTHING
