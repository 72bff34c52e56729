"""The JSON log of whole runs: every line an object with the run's ids, and nothing of anybody in it."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from connectors.errors import ConfigurationError
from flows.console import retries_shown
from flows.demo.people import people
from flows.logs import (
    FORMAT_VARIABLE,
    IDS,
    LEVEL_VARIABLE,
    ids_now,
    is_json,
    json_log,
    log_of_environment,
    log_of_options,
    working,
)
from flows.migrate import migrate_users
from tests.flows.conftest import Pool, person
from tests.flows.journeys import QUICK

if TYPE_CHECKING:
    from pathlib import Path

HARMLESS = {"staff", "admin", "editor", "true", "false", "yes", "no", "de", "en", "fr"}
"""Values of the demo's people that are words of every log, or of a closed list: they tell of nobody."""


def poolferry(folder: Path, *arguments: object, **environment: str) -> tuple[int, str, list[dict[str, Any]]]:
    """Run the command with a JSON log; returns its status, standard output and the log's records."""
    ran = subprocess.run(
        [sys.executable, "-m", "flows.cli", *map(str, arguments)],
        env={**os.environ, "POOLFERRY_LOG_FORMAT": "json", **environment},
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return ran.returncode, ran.stdout, [json.loads(line) for line in ran.stderr.splitlines()]


def values_of_people() -> set[str]:
    """Every value of the demo's people that can be told from other words, counts and ports."""
    values = {value for each in people() for value in each.cells.values()}
    long_enough = {value for value in values if len(value) > (9 if value.isdigit() else 4)}
    return {value for value in long_enough if value.lower() not in HARMLESS}


def leaks(records: list[dict[str, Any]], values: set[str]) -> set[str]:
    """Which values stand in a log: as a word, or anywhere where they have a sign that only values have."""
    text = json.dumps(records, ensure_ascii=False)
    words = set(re.findall(r"[^\s\"',:;=/()\[\]{}]+", text))
    marked = {value for value in values if re.search(r"[@$+ ]", value)}
    return (values & words) | {value for value in marked if value in text}


@pytest.mark.slow
def test_a_demo_at_the_loudest_level_names_nobody(tmp_path: Path) -> None:
    status, printed, records = poolferry(
        tmp_path, "demo", "--folder", "demo", "--json", POOLFERRY_LOG_LEVEL="debug"
    )
    assert status == 0
    summary = json.loads(printed)
    assert {"connectors.aws", "connectors.http", "flows.console", "flows.ledger.store"} <= {
        each["logger"] for each in records
    }
    assert all({"time", "level", "message", *IDS} <= each.keys() for each in records)
    assert {each["logger"].split(".")[0] for each in records} <= {"connectors", "flows", "mappings"}
    assert {each["run_id"] for each in records} == {summary["run_id"], None}
    assert {each["job_id"] for each in records if each["job_id"]} == {
        job["job_id"] for job in summary["jobs"]
    }
    values = values_of_people()
    assert len(values) > 5_000
    assert leaks(records, values) == set()
    planted = min(value for value in values if "@" in value)
    assert planted in leaks([*records, {"message": f"user {planted} failed"}], values)


def test_an_error_is_a_record_and_standard_output_stays_a_result(pool: Pool) -> None:
    target = {"user_pool_id": "eu-west-1_Absent001", "region": "eu-west-1"}
    status, printed, records = poolferry(
        pool.folder, "run", pool.run_file([person(1)], target=target), "--json"
    )
    assert (status, printed) == (3, "")
    assert records[-2]["level"] == "ERROR"
    assert "There is no pool" in records[-2]["message"]


def test_each_move_of_a_batch_is_told_with_its_ids(pool: Pool) -> None:
    people = [person(1), person(2, verified="no")]
    status, printed, records = poolferry(pool.folder, "run", pool.run_file(people, jobs=QUICK), "--json")
    assert status == 0
    summary = json.loads(printed)
    moves = [
        (each["batch"], each["state"], each["job_id"])
        for each in records
        if "state" in each and each["batch"]
    ]
    (job,) = summary["jobs"]
    assert [state for batch, state, _ in moves if batch == 1] == [
        "creating", "created", "uploaded", "started", "ended", "settled"
    ]  # fmt: skip
    assert {job_id for batch, _, job_id in moves if batch == 1} == {None, job["job_id"]}
    assert {each["run_id"] for each in records if each["batch"]} == {summary["run_id"]}
    assert {each["level"] for each in records} == {"INFO"}, "calls are told at level debug alone"


def test_an_unknown_format_lists_the_known_ones(pool: Pool) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "flows.cli", "--log-format", "xml", "status"],
        cwd=pool.folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 2
    assert "'text', 'json'" in ran.stderr


def test_an_error_that_nobody_foresaw_is_a_record_too(pool: Pool) -> None:
    run_file = pool.run_file([person(1)])
    code = (
        "import sys; from flows import cli, settings\n"
        "def broken(_): raise ValueError('ada@example.com')\n"
        "settings.load_run_file = broken\n"
        "sys.argv[1:] = ['--log-format', 'json', 'run', sys.argv[1]]; cli.main()"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(run_file)], capture_output=True, text=True, check=False
    )
    first, *_ = [json.loads(line) for line in ran.stderr.splitlines()]
    assert (ran.returncode, first["level"]) == (3, "ERROR")
    assert first["message"].startswith("unexpected error: ValueError at ")
    assert "ada@" not in ran.stderr


def test_of_an_exception_only_class_and_place_are_written(capsys: pytest.CaptureFixture[str]) -> None:
    with json_log("debug"), working(run_id="r1", batch=7):
        try:
            int("ann@example.com")
        except ValueError:
            logging.getLogger("flows.somewhere").exception("it failed")
        logging.getLogger("botocore").error("a body with ann@example.com")
    (line,) = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert told["exc_info"].startswith("ValueError at test_json_log.py:")
    assert (told["run_id"], told["batch"], told["job_id"]) == ("r1", 7, None)
    assert "ann@example.com" not in line
    assert ids_now() == dict.fromkeys(IDS)


def test_a_level_holds_for_all_loggers(capsys: pytest.CaptureFixture[str]) -> None:
    with json_log("error"), retries_shown():
        logging.getLogger("connectors.retry").info("try 2")
        logging.getLogger("connectors.retry").error("gave up")
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["message"] == "gave up"


def records_in(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_flow_writes_as_the_environment_says(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(pool.run_file([person(1)], jobs=QUICK))
    monkeypatch.setenv(FORMAT_VARIABLE, "json")
    summary = migrate_users.fn(path).data
    told = [each for each in records_in(capsys.readouterr().err) if each.get("state") == "settled"]
    assert [(each["run_id"], each["batch"], each["flow_run_id"]) for each in told] == [
        (summary["run_id"], 1, None)
    ]
    monkeypatch.setenv(FORMAT_VARIABLE, "")
    migrate_users.fn(path, new=True)
    assert capsys.readouterr().err == ""


def test_what_stops_a_flow_is_a_record(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(FORMAT_VARIABLE, "json")
    with pytest.raises(ConfigurationError):
        migrate_users.fn(str(pool.folder / "absent.yaml"))
    (told,) = records_in(capsys.readouterr().err)
    assert told["level"] == "ERROR"
    assert "absent.yaml" in told["message"]


@pytest.mark.parametrize("variable", [FORMAT_VARIABLE, LEVEL_VARIABLE])
def test_a_flow_takes_no_value_that_the_command_would_not_take(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "JSON")
    with pytest.raises(ConfigurationError, match=f"{variable} is none of"):
        migrate_users.fn(str(pool.run_file([person(1)])))


def test_each_record_is_written_once_also_where_another_handler_listens(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Prefect has a handler at the root, which would write it again as text."""
    log = logging.getLogger("flows.somewhere")
    with json_log("info"):
        log.warning("once")
    log.warning("as ever")
    assert len(records_in(capsys.readouterr().err)) == 1
    assert caplog.messages == ["as ever"]


def test_a_commands_option_wins_over_the_environment_for_the_flow_that_it_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(FORMAT_VARIABLE, "json")
    with log_of_options("text", "info"), log_of_environment():
        assert not is_json()
    with log_of_environment(), log_of_environment():
        assert is_json()
    monkeypatch.setenv(FORMAT_VARIABLE, "text")
    with log_of_options("json", "info"), log_of_environment():
        assert is_json()
    assert not is_json()
