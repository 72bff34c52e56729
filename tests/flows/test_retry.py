"""A retry takes whom a run could not land, and nobody else, and the two together add up."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from typer.testing import CliRunner

from connectors.errors import ConfigurationError, TargetError
from flows.cli import app
from flows.ledger.families import RETRY, record_of
from flows.ledger.folder import RunFolder
from flows.reports.explaining import explain_user
from flows.settings import load_run_file
from flows.steps.context import Worker
from flows.steps.family_verdicts import after_retries
from flows.steps.retrying import Choice, plan_retry, retry, write_rows
from flows.steps.selecting import ROW
from tests.flows.conftest import FIELDS, Pool, person
from tests.flows.journeys import QUICK, At, Journey, hold, lead_to, mapping, travel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from connectors.cognito.sandbox import Sandbox

DIRTY = [
    person(0),
    person(1, email="nonsense"),
    person(2, born="31.12.1999"),
    person(3, id="u 3"),
    person(0, email="other@example.com"),
]
"""Landed; e-mail; date; a key that is no username; a double of the first."""

REASONS = {
    "u00001": "email_invalid", "u00002": "birthdate_invalid", "u 3": "username_white_space",
    "u00000": "duplicate_username",
}  # fmt: skip

WITHOUT_EMAIL = mapping(without=("email", "email_verified"))
"""The mapping of somebody who gives the addresses up."""


@pytest.fixture(autouse=True)
def _quick(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    lead_to(sandbox, monkeypatch)


def first(pool: Pool, people: Sequence[dict[str, str]] = DIRTY, **changes: Any) -> tuple[Path, RunFolder]:
    """A finished run."""
    path = pool.run_file(people, jobs=QUICK, **changes)
    return path, RunFolder(travel(path).folder)


def again(parent: RunFolder, path: Path, worker: Worker | None = None, **choice: Any) -> Journey:
    folder, summary = retry(parent, load_run_file(path), worker or Worker(), Choice(**choice))
    return Journey(folder.path, summary, pl.read_parquet(folder.verdicts))


def family(parent: RunFolder) -> dict[str, Any]:
    told = after_retries(parent)
    assert told is not None
    return {name: count for name, count in told["verdicts"].items() if count}


def test_a_mended_mapping_lands_those_whom_it_concerns(pool: Pool) -> None:
    _, parent = first(pool)
    mended = mapping(without=("email", "email_verified"), birthdate={"from": "born", "bad": "drop"})
    before = pool.users()
    child = again(parent, pool.run_file(DIRTY, jobs=QUICK, mapping=mended))
    hold(child, pool, before)
    assert child.summary["extracted"] == 4
    assert child.reasons() == {name: why for name, why in REASONS.items() if name in ("u 3", "u00000")}
    assert family(parent) == {"imported": 1, "created": 2, "rejected": 2}
    assert record_of(RunFolder(child.folder)).facts[RETRY]["parent"] == parent.run_id


def test_a_double_of_a_user_whom_the_parent_made_is_not_called_existing(pool: Pool) -> None:
    path, parent = first(pool)
    child = again(parent, path, reasons=("duplicate_username",))
    assert child.ends() == [("rejected", "duplicate_username")]


def test_a_failed_user_who_is_in_the_pool_after_all_is_existing(pool: Pool) -> None:
    """The parent's reading missed the user; the retry finds them, with their sub."""
    path, parent = first(pool, [person(0), person(1)])
    verdicts = pl.read_parquet(parent.verdicts)
    lost = pl.col("source_id") == "u00001"
    verdicts.with_columns(
        pl.when(lost).then(pl.lit("failed")).otherwise("verdict").alias("verdict"),
        pl.when(lost).then(pl.lit("not_in_pool")).alias("reason"),
        pl.when(~lost).then("sub").alias("sub"),
    ).write_parquet(parent.verdicts)
    child = again(parent, path)
    assert child.ends() == [("existing", None)]
    assert child.verdicts["sub"].item() == pool.attributes("u00001")["sub"]
    assert family(parent) == {"imported": 1, "existing": 1}


def test_a_mended_source_is_matched_by_key_and_a_mended_line_by_its_place(pool: Pool) -> None:
    """A new user who moved in meanwhile is not taken, and nobody who has landed is read again."""
    _, parent = first(pool)
    mended = [
        person(0), person(1), person(2, born="31.12.1999"), person(3), person(7, email="other@example.com"),
        person(8),
    ]  # fmt: skip
    child = again(parent, pool.run_file(mended, jobs=QUICK))
    assert sorted(child.verdicts["source_id"]) == ["u00001", "u00002", "u00003", "u00007"]
    assert child.counts() == {"imported": 3, "rejected": 1}
    assert family(parent) == {"imported": 4, "rejected": 1}
    assert "u00008" not in pool.users()


def test_keys_find_users_whose_lines_have_moved(pool: Pool) -> None:
    _, parent = first(pool, [person(1, email="x"), person(2), person(3, email="y")])
    moved = [person(9), person(8), person(2), person(3), person(1)]
    child = again(parent, pool.run_file(moved, jobs=QUICK))
    assert sorted(child.verdicts["source_id"]) == ["u00001", "u00003"]
    assert family(parent) == {"imported": 3}


def test_who_is_not_in_the_source_any_more_keeps_the_verdict(pool: Pool) -> None:
    _, parent = first(pool)
    child = again(parent, pool.run_file([person(0), person(1)], jobs=QUICK))
    assert child.counts() == {"imported": 1}
    assert family(parent) == {"imported": 2, "rejected": 3}
    assert "3 of whom the source has no more" in (child.folder / "report.md").read_text()


def test_a_file_that_was_written_corrected_and_read_lands_everybody(pool: Pool, tmp_path: Path) -> None:
    """Also who has no key that could be trusted: a double, and a key that was wrong itself."""
    path, parent = first(pool)
    rows = tmp_path / "rows.csv"
    assert write_rows(parent, load_run_file(path), Worker(), Choice(), rows).rows == 4
    assert rows.stat().st_mode & 0o777 == 0o600
    with rows.open(newline="", encoding="utf-8") as file:
        people = list(csv.DictReader(file))
    assert [*people[0]] == [ROW, *FIELDS]
    mend: list[dict[str, str]] = [
        {"email": "user1@example.com"},
        {"born": "1999-12-31"},
        {"id": "u3"},
        {"id": "u9"},
    ]
    with rows.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [ROW, *FIELDS])
        writer.writeheader()
        writer.writerows(user | change for user, change in zip(people, mend, strict=True))
    child = again(parent, path, file=rows)
    assert child.counts() == {"imported": 4}
    assert family(parent) == {"imported": 5}
    ids = dict(pl.read_csv(parent.path / "id_map.csv").select("source_id", "sub").iter_rows())
    assert ids == {name: pool.attributes(name)["sub"] for name in ("u00000", "u00001", "u00002", "u3", "u9")}
    assert list(explain_user(str(child.folder), "u9", pool.folder / "runs", with_values=False))
    assert "After retries: imported." in list(
        explain_user(str(parent.path), "u00001", pool.folder / "runs", with_values=False)
    )


def test_a_corrected_file_in_the_form_of_the_source_is_matched_by_the_key_alone(
    pool: Pool, tmp_path: Path
) -> None:
    source = {"kind": "csv", "path": "users.csv", "delimiter": ";", "encoding": "cp1252"}
    path = pool.run_file([person(1, email="x", first_name="Zoë"), person(2)], jobs=QUICK, source=source)
    (pool.folder / "users.csv").write_text(
        (pool.folder / "users.csv").read_text(encoding="utf-8").replace(",", ";"), encoding="cp1252"
    )
    parent = RunFolder(travel(path).folder)
    corrected = tmp_path / "mine.csv"
    lines = (pool.folder / "users.csv").read_text(encoding="cp1252").replace(";x;", ";z@example.com;")
    corrected.write_text(lines + lines.splitlines()[1].replace("u00001", "u00077") + "\n", encoding="cp1252")
    child = again(parent, path, file=corrected)
    assert child.verdicts["source_id"].to_list() == ["u00001"]
    assert pool.attributes("u00001")["name"] == "Zoë Muster 1"
    assert "u00077" not in pool.users()


def test_a_retry_of_a_retry_finds_its_users_at_their_first_places(pool: Pool) -> None:
    path, parent = first(pool)
    child = again(parent, path, reasons=("email_invalid", "birthdate_invalid"))
    assert child.counts() == {"rejected": 2}
    mended = mapping(birthdate={"from": "born", "as": {"date": "%d.%m.%Y"}})
    grandchild = again(RunFolder(child.folder), pool.run_file(DIRTY, jobs=QUICK, mapping=mended))
    assert grandchild.counts() == {"imported": 1, "rejected": 1}
    assert family(RunFolder(child.folder)) == {"imported": 1, "rejected": 1}
    assert family(parent) == {"imported": 2, "rejected": 3}
    assert "after retries: 2 of 5 landed, 3 still rejected or failed" in parent.report.read_text()
    assert "after retries: 2 of 5 landed, 3 still rejected or failed" in parent.page.read_text()


def test_a_second_retry_takes_only_who_is_left(pool: Pool) -> None:
    path, parent = first(pool)
    again(parent, pool.run_file(DIRTY, jobs=QUICK, mapping=WITHOUT_EMAIL))
    child = again(parent, path)
    assert sorted(child.verdicts["source_id"]) == ["u 3", "u00000", "u00002"]


def test_a_stopped_retry_goes_on_with_the_same_command_and_with_run(pool: Pool) -> None:
    path, parent = first(pool, [person(0), person(1, email="x"), person(2, email="y")])
    path = pool.run_file(
        [person(0), person(1, email="x"), person(2, email="y")], jobs=QUICK,
        mapping=WITHOUT_EMAIL,
    )  # fmt: skip

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        again(parent, path, Worker(At("Choosing ways", stop)))
    with pytest.raises(ConfigurationError, match="not the retry that was asked for"):
        again(parent, path, reasons=("email_invalid",))
    child = travel(path)
    assert child.summary["extracted"] == 2
    assert family(parent) == {"imported": 1, "created": 2}
    with pytest.raises(ConfigurationError, match="nobody is left to retry"):
        again(parent, path)


def test_a_plan_of_a_retry_sends_nothing_and_leaves_nothing(pool: Pool) -> None:
    path, parent = first(pool)
    found = plan_retry(parent, load_run_file(path), Worker(), Choice(("birthdate_invalid",)))
    assert (found.extracted, found.rejected) == (1, 1)
    assert [item.name for item in parent.path.parent.iterdir()] == [parent.run_id]


def call(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_file_that_is_there_is_never_written_over(pool: Pool, tmp_path: Path) -> None:
    """It may be the source itself, or hold the corrections of somebody's night."""
    first(pool)
    state, rows = ("acme", "--state", pool.folder / "runs"), tmp_path / "rows.csv"
    rows.write_text("corrected by hand")
    for arguments, told in (
        (("--write-file", rows), "is there already"),
        (("--write-file", tmp_path / "rows.xlsx"), "unknown ending"),
        (("--write-file", tmp_path / "new.csv", "--file", rows), "neither --file nor"),
        (("--write-file", tmp_path / "new.csv", "--dry-run"), "neither --file nor"),
    ):
        refused = call("retry", *state, *arguments)
        assert (refused.exit_code, told in refused.stderr) == (2, True), refused.stderr
    assert rows.read_text() == "corrected by hand"
    assert not (tmp_path / "new.csv").exists()


def test_a_run_that_is_not_finished_is_gone_on_with_and_not_retried(pool: Pool) -> None:
    path = pool.run_file([person(1)], target={"user_pool_id": pool.pool_id, "region": "eu-west-1"})
    with pytest.raises(TargetError, match="log_role_arn"):
        travel(path)
    refused = call("retry", "acme", "--state", pool.folder / "runs")
    assert refused.exit_code == 2
    assert "is not finished" in refused.stderr
    assert f"poolferry run {path}" in " ".join(refused.stderr.split())


def test_the_command_forecasts_writes_retries_and_tells_how_all_stand(pool: Pool, tmp_path: Path) -> None:
    """The name means the run and not its retry, so that the same command takes whoever is left."""
    path, parent = first(pool)
    state = ("acme", "--state", pool.folder / "runs")
    planned = call("retry", *state, "--dry-run", "--json")
    assert json.loads(planned.stdout)["extracted"] == 4
    rows = tmp_path / "rows.csv"
    written = call("retry", *state, "--reason", "email_invalid", "--write-file", rows)
    assert written.exit_code == 0
    assert "1 rows are in" in written.stdout
    assert "nonsense" not in written.output
    rows.write_text(rows.read_text().replace("nonsense", "user1@example.com"))
    retried = call("retry", *state, "--reason", "email_invalid", "--file", rows, "--json")
    assert (retried.exit_code, json.loads(retried.stdout)["verdicts"]["imported"]) == (0, 1)
    told = call("status", *state)
    assert parent.run_id in told.stdout
    assert "after retries: 2 of 5 landed, 3 still rejected or failed" in told.stdout
    assert call("retry", *state).exit_code == 1
    mended = [person(0), person(1), person(2), person(3), person(9, email="other@example.com")]
    assert pool.run_file(mended, jobs=QUICK) == path
    assert call("retry", *state, "--json").exit_code == 0
    assert family(parent) == {"imported": 5}
    assert "Nobody of run" in call("retry", *state).stdout


def test_a_source_that_has_nobody_left_makes_an_empty_retry(pool: Pool) -> None:
    _, parent = first(pool)
    child = again(parent, pool.run_file([], jobs=QUICK))
    assert (child.summary["extracted"], child.summary["balanced"]) == (0, True)
    assert family(parent) == {"imported": 1, "rejected": 4}


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"name": "other"}, "needs its name and its pool"), ({"state": "./elsewhere"}, "is not there")],
)
def test_a_run_file_that_is_not_the_runs_own_is_refused(
    pool: Pool, changes: dict[str, Any], said: str
) -> None:
    _, parent = first(pool)
    with pytest.raises(ConfigurationError, match=said):
        again(parent, pool.run_file(DIRTY, **changes))


def test_a_reason_that_nobody_has_is_refused_with_those_that_there_are(pool: Pool) -> None:
    path, parent = first(pool)
    with pytest.raises(ConfigurationError, match=r"'email_invalit'.*Did you mean 'email_invalid'"):
        again(parent, path, reasons=("email_invalit",))
