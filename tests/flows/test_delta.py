"""Delta runs: who is new or changed travels, who is as before does not, who is gone is told and stays."""

from __future__ import annotations

import csv
import sqlite3
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from rich.console import Console

from connectors.errors import ConfigurationError
from flows.ledger.families import looked_at
from flows.ledger.folder import RunFolder
from flows.reports.explaining import explain_user
from flows.reports.text import report_text
from flows.settings import load_run_file
from flows.steps import changes
from flows.steps.context import Worker
from flows.steps.fingerprints import row_hash
from flows.steps.forecast import plan
from flows.steps.purging import purge
from flows.steps.retrying import Choice, retry
from flows.steps.rolling_back import rollback
from tests.flows.conftest import FIELDS, Pool, person
from tests.flows.journeys import EXISTING, IMPORTED, QUICK, At, add, hold, lead_to, mapping, rejected, travel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from connectors.cognito.sandbox import Sandbox
    from tests.flows.journeys import Journey

UPDATED = ("updated", None)
DELTA: dict[str, Any] = {"mode": "delta", "existing": "update", "jobs": QUICK}
SQL: dict[str, Any] = {"kind": "sql", "url": "sqlite:///app.db", "table": "users", "updated_at": "moved"}


@pytest.fixture(autouse=True)
def _quick(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    lead_to(sandbox, monkeypatch)


def bulk(pool: Pool, people: Sequence[dict[str, str]], **changes: Any) -> Journey:
    """The full run that everything begins with."""
    return travel(pool.run_file(people, jobs=QUICK, **changes))


def delta(pool: Pool, people: Sequence[dict[str, str]], **changes: Any) -> Journey:
    before = pool.users()
    journey = travel(pool.run_file(people, **{**DELTA, **changes}))
    hold(journey, pool, before)
    return journey


def told(journey: Journey) -> dict[str, Any]:
    return {name: count for name, count in journey.summary["delta"].items() if name not in ("since", "reads")}


def counts(new: int, changed: int, unchanged: int, vanished: int | None) -> dict[str, int | None]:
    return {"new": new, "changed": changed, "unchanged": unchanged, "vanished": vanished}


def drawn(table: Any) -> str:
    console = Console(width=200)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def vanished(journey: Journey) -> list[str]:
    with (journey.folder / "vanished.csv").open(encoding="utf-8", newline="") as file:
        return [row["source_id"] for row in csv.DictReader(file)]


def database(folder: Path, people: Sequence[dict[str, str]], moved: str) -> None:
    """Write people into SQLite, or write over those who are there, with the time of the change."""
    with sqlite3.connect(folder / "app.db") as opened:
        columns = ", ".join((*FIELDS[1:], "moved"))
        opened.execute(f"CREATE TABLE IF NOT EXISTS users (id TEXT NOT NULL PRIMARY KEY, {columns})")
        marks = ", ".join("?" for _ in (*FIELDS, "moved"))
        rows = [[*(one[name] for name in FIELDS), moved] for one in people]
        opened.executemany(f"INSERT OR REPLACE INTO users VALUES ({marks})", rows)  # noqa: S608 - question marks
    opened.close()


def test_of_a_file_only_new_and_changed_users_travel(pool: Pool) -> None:
    people = [person(n) for n in range(6)]
    bulk(pool, people)
    people = [*people[:4], person(4, first_name="Vera Maria"), person(6), person(7, email="no address")]
    forecast = plan(load_run_file(pool.run_file(people, **DELTA)), Worker())
    assert (forecast.extracted, forecast.delta["unchanged"], forecast.delta["vanished"]) == (3, 4, 1)
    one = delta(pool, people)
    assert one.ends() == [UPDATED, IMPORTED, rejected("email_invalid")]
    assert told(one) == counts(2, 1, 4, 1)
    assert vanished(one) == ["u00005"]
    assert pool.attributes("u00004")["name"] == "Vera Maria Muster 4"
    assert "u00005" in pool.users()
    assert "users who have left the source" in one.told


def test_a_chain_of_deltas_keeps_what_the_ones_before_have_left_out(pool: Pool) -> None:
    """Who has vanished is told once; a delta without any change takes nobody."""
    people = [person(n) for n in range(4)]
    bulk(pool, people)
    first = delta(pool, [*people[:3], person(4)])
    second = delta(pool, [*people[:3], person(4)])
    third = delta(pool, [person(0), person(1, last_name="Neu"), person(4)])
    assert (told(first), told(second)) == (counts(1, 0, 3, 1), counts(0, 0, 4, 0))
    assert told(third) == counts(0, 1, 2, 1)
    assert (first.ends(), second.ends(), third.ends()) == ([IMPORTED], [], [UPDATED])
    assert (vanished(first), vanished(second), vanished(third)) == (["u00003"], [], ["u00002"])
    assert second.summary["delta"]["since"] == first.folder.name


def test_a_database_is_asked_for_the_changed_ones_alone(pool: Pool) -> None:
    """And for the latest of before, who is as they were; three more are not read."""
    people = [person(n) for n in range(5)]
    database(pool.folder, people, "2026-01-01 00:00:00")
    database(pool.folder, [people[0]], "2026-01-01 12:00:00")
    bulk(pool, [], source=SQL)
    database(pool.folder, [person(1, first_name="Neu"), person(9)], "2026-01-02 00:00:00")
    one = delta(pool, [], source=SQL)
    assert one.summary["delta"]["reads"] == "changed"
    assert told(one) == counts(1, 1, 1, None)
    assert one.ends() == [UPDATED, IMPORTED]
    (steps,) = list(explain_user(str(one.folder), "u00009", pool.folder, with_values=True))[1:]
    assert "u00009" in drawn(steps)  # the second of the changed ones is not the second of the table
    with pytest.raises(ConfigurationError) as caught:
        list(explain_user(str(one.folder), "u00002", pool.folder, with_values=False))
    assert one.summary["delta"]["since"] in caught.value.mend
    again = delta(pool, [], source=SQL)
    assert told(again) == counts(0, 0, 2, None)  # the latest ones come again, and are as before
    assert not again.ends()


def test_with_another_mapping_everybody_is_read_and_only_whom_it_changes_travels(pool: Pool) -> None:
    people = [person(0), person(1, phone="030 23125042")]
    database(pool.folder, people, "2026-01-01 00:00:00")
    bulk(pool, [], source=SQL, mapping=mapping(without=("phone_number",)))
    one = delta(pool, [], source=SQL)
    assert one.summary["delta"]["reads"] == "everybody"
    assert told(one) == counts(0, 1, 1, 0)


def test_left_alone_is_told_as_changed(pool: Pool) -> None:
    bulk(pool, [person(0), person(1)])
    one = delta(pool, [person(0), person(1, last_name="Neu")], existing="leave")
    assert one.ends() == [EXISTING]
    assert one.facts()["delta"]["left"] == 1
    assert "have changed and were left as they are in the pool" in one.told
    assert pool.attributes("u00001")["name"] == "Vera Muster 1"


def test_a_double_never_gets_the_account_of_an_unchanged_user(pool: Pool) -> None:
    """Its owner is left out of the run, so the run's own doubles do not show it."""
    bulk(pool, [person(0), person(1), person(1, email="second@example.com")])
    double = person(1, email="third@example.com", last_name="Double")
    stranger = person(0, email="new@example.com")
    one = delta(pool, [person(0), person(1), double, stranger])
    assert one.ends() == [rejected("duplicate_username")] * 2
    assert pool.attributes("u00001")["email"] == "user1@example.com"
    owner = delta(pool, [person(0), person(1, last_name="Neu"), double, stranger])
    assert owner.ends() == [UPDATED]
    assert pool.attributes("u00001")["name"] == "Vera Neu"


def test_the_name_of_somebody_who_left_is_not_given_to_a_newcomer(pool: Pool) -> None:
    key = {"source": {"kind": "csv", "path": "users.csv", "key": "phone"}}
    bulk(pool, [person(0, phone="1"), person(1, phone="2")], **key)
    newcomer = person(1, phone="3", email="new@example.com")
    assert delta(pool, [person(0, phone="1"), newcomer], **key).ends() == [rejected("duplicate_username")]
    newer = {**newcomer, "first_name": "Neu"}
    assert delta(pool, [person(0, phone="1"), newer], **key).ends() == [rejected("duplicate_username")]
    assert pool.attributes("u00001")["email"] == "user1@example.com"


def test_retry_and_rollback_of_a_delta_run_concern_its_users_alone(pool: Pool) -> None:
    whole = bulk(pool, [person(0), person(1)])
    double = person(1, email="second@example.com")
    one = delta(pool, [person(0), person(1), person(2), person(3, email="x"), double])
    assert one.ends() == [IMPORTED, rejected("email_invalid"), rejected("duplicate_username")]
    mended = pool.run_file([person(0), person(1), person(2), person(3), double], **DELTA)
    folder = RunFolder(one.folder)
    child, summary = retry(folder, load_run_file(mended), Worker(), Choice())
    assert (summary["verdicts"]["imported"], summary["verdicts"]["rejected"]) == (1, 1)
    assert pl.read_parquet(child.verdicts)["reason"].drop_nulls().to_list() == ["duplicate_username"]
    back = rollback(folder, Worker())
    assert (back.made, back.deleted) == (1, 1)
    assert pool.users().keys() == {"u00000", "u00001", "u00003"}
    last = delta(pool, [person(0), person(1), person(2), person(3), double])
    assert last.ends() == [IMPORTED, EXISTING, rejected("duplicate_username")]
    assert last.summary["delta"]["since"] == whole.folder.name  # the other one was taken back


def test_a_retry_finds_people_of_a_database_by_their_key_and_not_by_their_row(pool: Pool) -> None:
    """Somebody who came meanwhile stands where the one to be retried stood."""
    database(pool.folder, [person(1), person(2, email="x")], "2026-01-01")
    parent = RunFolder(bulk(pool, [], source=SQL).folder)
    database(pool.folder, [person(0), person(2)], "2026-01-02")
    child, _ = retry(parent, load_run_file(pool.run_file([], source=SQL, jobs=QUICK)), Worker(), Choice())
    assert pl.read_parquet(child.verdicts).select("source_id", "verdict").rows() == [("u00002", "imported")]


def test_a_delta_run_needs_a_finished_run_that_knows_its_people(pool: Pool) -> None:
    path = pool.run_file([person(0)], **DELTA)
    with pytest.raises(ConfigurationError, match="goes on from a finished run") as caught:
        travel(path)
    assert "mode: full" in caught.value.mend
    first = bulk(pool, [person(0)])
    purge(RunFolder(first.folder), Worker())
    assert not (first.folder / "fingerprints.parquet").exists()
    with pytest.raises(ConfigurationError, match="was purged"):
        travel(pool.run_file([person(0)], **DELTA))
    assert travel(pool.run_file([person(0)], jobs=QUICK)).ends() == [EXISTING]
    one = delta(pool, [person(0), person(1)])
    (only,) = purge(RunFolder(one.folder), Worker())
    assert only.run_id == one.folder.name
    with looked_at(RunFolder(one.folder)) as ledger:
        assert "users who are new in the source | 1" in report_text(RunFolder(one.folder), ledger)


def test_a_delta_run_that_is_stopped_while_it_reads_goes_on(pool: Pool) -> None:
    class Stop(Exception):  # noqa: N818 - no error of ours
        pass

    def stop() -> None:
        raise Stop

    people = [person(n) for n in range(30)]
    source = {**SQL, "page_rows": 7}
    del source["updated_at"]
    database(pool.folder, people, "")
    bulk(pool, [], source=source)
    database(pool.folder, [person(3, last_name="Neu"), person(40)], "")
    path = pool.run_file([], **{**DELTA, "source": source})
    with pytest.raises(Stop):
        travel(path, AfterPages(2, stop))
    journey = travel(path)
    assert told(journey) == counts(1, 1, 29, 0)
    assert journey.ends() == [UPDATED, IMPORTED]


def test_a_double_that_is_read_alone_gets_nobodys_account(pool: Pool) -> None:
    """Two rows share a name; the database gives the changed one alone, which may be either of them."""
    settings = {"source": SQL, "mapping": mapping(username="phone", without=("phone_number",))}
    database(
        pool.folder, [person(0, phone="ann"), person(1, phone="ann"), person(2, phone="bob")], "2026-01-01"
    )
    assert bulk(pool, [], **settings).ends() == [IMPORTED, rejected("duplicate_username"), IMPORTED]
    for moved in (2, 3):  # the second time the run before is a delta run itself
        double = person(1, phone="ann", last_name=f"Double {moved}")
        database(pool.folder, [double], f"2026-01-0{moved}")
        one = delta(pool, [], **settings)
        assert (one.summary["delta"]["reads"], one.of("ann")["verdict"]) == ("changed", "rejected")
    assert pool.attributes("ann")["name"] == "Vera Muster 0"


def test_hashes_of_another_polars_tell_nothing(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    bulk(pool, [person(0), person(1)])
    monkeypatch.setattr(changes, "probe", lambda: "of another version")
    assert told(delta(pool, [person(0), person(2)])) == counts(1, 1, 0, 1)
    assert told(delta(pool, [person(0), person(2)])) == counts(0, 0, 2, 0)


def test_a_run_that_is_killed_before_it_has_kept_its_fingerprints_keeps_them(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pool.run_file([person(0)], jobs=QUICK)
    with monkeypatch.context() as patched:
        patched.setattr("flows.steps.running.keep_fingerprints", lambda _: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            travel(path)
    assert travel(path).ends() == [IMPORTED]
    assert told(delta(pool, [person(0), person(1)])) == counts(1, 0, 1, 0)


def test_a_fingerprint_minds_which_column_a_value_stands_in_and_nothing_else() -> None:
    one = pl.DataFrame({"name": ["a", "b"], "nickname": ["b", "a"], "email": [None, None]})
    two = one.select("nickname", "name")
    first, second = (frame.select(row_hash(frame.columns)).to_series() for frame in (one, two))
    assert first.equals(second)
    assert first[0] != first[1]


class AfterPages(At):
    """Does something after so many signs of progress in the reading."""

    def __init__(self, pages: int, act: Any) -> None:
        super().__init__("Reading and judging", lambda: setattr(self, "_left", pages))
        self._left = -1
        self._last = act

    def update(self, done: float) -> None:
        del done
        self._left -= 1
        if self._left == 0:
            self._last()


def test_fields_that_nothing_carries_over_are_told_with_how_full_they_are(pool: Pool) -> None:
    add(pool, "somebody")
    database(pool.folder, [person(0), person(1, phone="030 23125042")], "2026")
    few: dict[str, Any] = {"username": {"from": "id"}, "attributes": {"name": {"from": "last_name"}}}
    settings = {"source": SQL, "mapping": few, "jobs": QUICK, "strategies": ["admin_create_user"]}
    found = plan(load_run_file(pool.run_file([], **settings)), Worker()).unread
    assert (found["email"], found["phone"], found["pw"]) == (1.0, 0.5, 0.0)
    assert not {"id", "last_name", "moved"} & found.keys()
    with pytest.raises(ConfigurationError, match=r"unmapped: refuse.*first_name"):
        travel(pool.run_file([], **settings, unmapped="refuse"))
    assert "| phone | 50 % |" in travel(pool.run_file([], **settings)).told
    assert "carries over" not in travel(pool.run_file([], **settings, unmapped="ignore")).told


def test_a_stranger_who_took_the_name_of_a_deleted_user_gets_nothing_of_theirs(pool: Pool) -> None:
    """Names say who it is only as long as nobody was deleted; the `sub` that a run has noted does not lie."""
    people = [person(1), person(2)]
    travel(pool.run_file(people, jobs=QUICK))
    pool.client.admin_delete_user(UserPoolId=pool.pool_id, Username="u00001")
    add(pool, "u00001")
    before = pool.attributes("u00001")
    changed = [person(1, first_name="Neu", roles="staff"), person(2, first_name="Neu")]
    run_file = pool.run_file(changed, jobs=QUICK, mode="delta", existing="update")
    assert plan(load_run_file(run_file), Worker()).ways == {"update_existing": 2}
    journey = travel(run_file)
    assert journey.counts() == {"updated": 1, "existing": 1}
    assert pool.attributes("u00001") == before
    assert not pool.client.admin_list_groups_for_user(UserPoolId=pool.pool_id, Username="u00001")["Groups"]
    assert pool.attributes("u00002")["name"] == "Neu Muster 2"
    lacks = pl.read_parquet(journey.folder / "left_out.parquet")
    assert lacks.select("source_id", "reason").rows() == [("u00001", "user_replaced")]
