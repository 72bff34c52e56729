"""Delta runs behind runs that were retried: whom a retry has landed is theirs, and nobody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from flows.ledger.folder import RunFolder
from flows.settings import load_run_file
from flows.steps.context import Worker
from flows.steps.progress import Silence
from flows.steps.purging import purge
from flows.steps.retrying import Choice, retry, write_rows
from flows.steps.rolling_back import rollback
from flows.steps.running import migrate
from tests.flows.conftest import Pool, person
from tests.flows.journeys import QUICK, lead_to, rejected
from tests.flows.test_delta import DELTA, UPDATED, bulk, counts, delta, told

if TYPE_CHECKING:
    from connectors.cognito.sandbox import Sandbox


@pytest.fixture(autouse=True)
def _quick(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    lead_to(sandbox, monkeypatch)


@pytest.mark.parametrize("is_corrected", [True, False], ids=["in a file", "in the source"])
def test_nobody_gets_the_account_of_a_user_whom_a_retry_has_landed(pool: Pool, is_corrected: bool) -> None:  # noqa: FBT001
    """The run that was retried has rejected its owner, so its fingerprints do not say whose the name is."""
    key = {"source": {"kind": "csv", "path": "users.csv", "key": "phone"}}
    people = [person(0, phone="1"), person(1, phone="2", email="x")]
    parent = RunFolder(bulk(pool, people, **key).folder)
    rows = pool.folder / "rows.csv"
    mended = [people[0], person(1, phone="2")]
    path = load_run_file(pool.run_file(people if is_corrected else mended, jobs=QUICK, **key))
    if is_corrected:
        write_rows(parent, path, Worker(), Choice(), rows)
        rows.write_text(rows.read_text().replace(",x,", ",user1@example.com,"))
    retry(parent, path, Worker(), Choice(file=rows if is_corrected else None))
    people = people if is_corrected else mended
    stranger = person(1, phone="3", email="third@example.com", last_name="Stranger")
    taken = rejected("duplicate_username")
    assert taken in delta(pool, [*people, stranger], **key).ends()
    newer = {**stranger, "first_name": "Neu"}
    assert delta(pool, [people[0], newer], **key).ends() == [taken], "the owner has left the source"
    assert pool.attributes("u00001")["email"] == "user1@example.com"


def test_whom_a_retry_has_landed_is_as_before_unless_the_source_says_something_new(pool: Pool) -> None:
    """Also where a retry of the retry did it, and where a delta run came in between."""
    dirty = [person(0), person(1, email="x"), person(2, email="y"), person(3, email="z")]
    parent = RunFolder(bulk(pool, dirty).folder)
    people = [person(0), person(1), *dirty[2:]]
    child, _ = retry(parent, load_run_file(pool.run_file(people, jobs=QUICK)), Worker(), Choice())
    people = [person(0), person(1), person(2), dirty[3]]
    retry(child, load_run_file(pool.run_file(people, jobs=QUICK)), Worker(), Choice())
    one = delta(pool, people)
    assert (one.ends(), told(one)) == ([], counts(0, 0, 4, 0))
    people = [person(n) for n in range(4)]
    retry(parent, load_run_file(pool.run_file(people, jobs=QUICK)), Worker(), Choice())
    one = delta(pool, people)
    assert (one.ends(), told(one)) == ([], counts(0, 0, 4, 0))
    one = delta(pool, [*people[:2], person(2, first_name="Neu"), person(3, last_name="Neu")])
    assert (one.ends(), told(one)) == ([UPDATED, UPDATED], counts(0, 2, 2, 0))
    assert {pool.attributes(f"u0000{n}")["name"] for n in (2, 3)} == {"Neu Muster 2", "Vera Neu"}


def test_a_run_before_the_last_one_may_be_purged(pool: Pool) -> None:
    """With its retries; whose account a name was is not known any more, and that is told."""
    parent = RunFolder(bulk(pool, [person(0), person(1, email="x")]).folder)
    people = [person(0), person(1)]
    retry(parent, load_run_file(pool.run_file(people, jobs=QUICK)), Worker(), Choice())
    last = delta(pool, [*people, person(2)])
    purge(parent, Worker())
    notes = Notes()
    changed = [person(0, last_name="Neu"), person(1), person(2), person(3)]
    one = migrate(load_run_file(pool.run_file(changed, **DELTA)), Worker(notes))[1]
    assert (one["delta"]["since"], one["verdicts"]["updated"], one["verdicts"]["imported"]) == (
        last.folder.name, 1, 1,
    )  # fmt: skip
    (said,) = [text for text in notes.said if "purged" in text]
    assert parent.run_id in said


def test_whom_the_rollback_of_an_older_run_has_deleted_is_not_left_out_in_silence(pool: Pool) -> None:
    """A full run behind it has met them in the pool; until another one they are as before in the source."""

    def rolled_back(*people: dict[str, str]) -> list[str]:
        notes = Notes()
        migrate(load_run_file(pool.run_file([person(0), person(1), *people], **DELTA)), Worker(notes))
        return [text for text in notes.said if "was rolled back" in text]

    first, full = (bulk(pool, [person(n) for n in range(count)]) for count in (1, 2))
    assert not rolled_back(person(2))
    assert rollback(RunFolder(first.folder), Worker()).deleted == 1
    for last in (3, 4):
        (said,) = rolled_back(person(2), person(last))
        assert f"Run {first.folder.name} was rolled back after run {full.folder.name}" in said
        assert "u00000" not in pool.users()
    bulk(pool, [person(0), person(1)])
    assert "u00000" in pool.users()
    assert not rolled_back(person(2))


class Notes(Silence):
    """Keeps what is told beside the progress."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, text: str) -> None:
        self.said.append(text)
