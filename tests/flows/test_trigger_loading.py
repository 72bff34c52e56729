"""Who is loaded for the trigger: everybody whom a run has deferred by now, also while it is under way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from flows.settings import load_run_file
from flows.steps.context import Worker
from flows.steps.extract import extract
from flows.steps.route import route
from flows.steps.running import migrate, opened
from flows.steps.trigger import load, newest_run
from tests.flows.conftest import Pool, person
from tests.flows.journeys import mapping

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connectors.cognito.trigger.people import Deferred, People

CRYPT = "$6$abcdefgh$" + "a" * 86


class Table:
    """What is loaded: how many users of each page, and who."""

    def __init__(self) -> None:
        self.pages: dict[str, int] = {}
        self.names: list[str] = []

    def begin(self) -> dict[str, int]:
        return self.pages

    def load(self, page: str, people: Iterable[Deferred]) -> int:
        self.names = [each.username for each in people]
        self.pages[page] = len(self.names)
        return self.pages[page]


def test_who_is_deferred_after_the_first_deployment_is_loaded_by_the_next(pool: Pool) -> None:
    """Their password is refused by the pool when they are to be created: only the trigger can take them."""
    own: dict[str, Any] = mapping(without=("phone_number",)) | {"password": {"from": "phone"}}
    people = [person(0, pw=CRYPT), person(1, phone="short"), person(2, phone="Long-enough-1")]
    path = pool.run_file(people, mapping=own, strategies=["admin_create_user", "migration_trigger"])
    loaded, table = load_run_file(path), Table()
    with opened(loaded, Worker()) as context:
        extract(context)
        route(context)
    load(newest_run(loaded, pool.pool_id), cast("People", table), Worker())
    assert table.names == ["u00000"]
    migrate(loaded, Worker())
    folder = newest_run(loaded, pool.pool_id)
    load(folder, cast("People", table), Worker())
    assert table.names == ["u00000", "u00001"]
    table.names = []
    load(folder, cast("People", table), Worker())
    assert table.names == [], "nothing is new"
