"""Who lacks a group that the mapping gives them is found on demand, named by ids, and repaired."""

from __future__ import annotations

import json
from io import StringIO
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from prefect.states import StateType
from rich.console import Console
from typer.testing import CliRunner

from connectors.cognito.after_work import AfterWork
from connectors.errors import UserRefusedError
from flows.cli import app
from flows.reconcile import DIFFERENCES, reconcile_users
from flows.reports import reconciliation
from flows.reports.reconciliation import reconciliation_markdown, reconciliation_parts
from flows.settings import load_run_file
from flows.steps import differences, memberships, reading_groups, three_ways
from flows.steps.context import Worker
from flows.steps.progress import Silence
from flows.steps.reconciling import reconcile
from tests.flows.conftest import Pool, person
from tests.flows.journeys import add, lead_to, make_pool, mapping, travel
from tests.flows.scenes import Scene, wrong
from tests.flows.test_trigger_end_to_end import ssha
from tests.flows.wires import Wires

if TYPE_CHECKING:
    from pathlib import Path

    from connectors.cognito.sandbox import Sandbox
    from flows.steps.reconciled import Reconciliation

PEOPLE = [
    person(0, roles="staff"),
    person(1, roles="staff;editors"),
    person(2, roles="editors"),
    person(3),
    person(4, roles="staff"),
]
LACKED = [("u00000", "staff"), ("u00001", "editors"), ("u00002", "editors")]
"""What ``planted`` does: by id in the source, and group."""


@pytest.fixture(autouse=True)
def _quick(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    lead_to(sandbox, monkeypatch)


def held(scene: Scene, **options: Any) -> Reconciliation:
    return scene.held(with_groups=True, **options)


def lacked(scene: Scene, found: Reconciliation) -> list[tuple[str, str]]:
    rows = scene.rows(found).filter(pl.col("what") == "ungrouped").select("source_id", "group")
    return sorted(rows.iter_rows())


def leave(scene: Scene, number: int, group: str) -> None:
    scene.call("admin_remove_user_from_group", number, GroupName=group)


def planted(pool: Pool) -> Scene:
    """One leaves a group, another group is deleted, and one joins a group that the source does not know."""
    scene = Scene.of(pool, PEOPLE)
    leave(scene, 0, "staff")
    pool.client.delete_group(UserPoolId=pool.pool_id, GroupName="editors")
    pool.client.create_group(UserPoolId=pool.pool_id, GroupName="vip")
    scene.call("admin_add_user_to_group", 4, GroupName="vip")
    return scene


def test_nobody_lacks_a_group_after_a_run(pool: Pool) -> None:
    scene = Scene.of(pool, PEOPLE)
    found = held(scene)
    assert (wrong(found), found.groups, found.exit_status) == ({}, {}, 0)
    assert found.differences["ungrouped"] == 0
    assert found.sentence == "all 5 users are there, unchanged"


@pytest.mark.parametrize("with_source", [True, False])
def test_who_left_a_group_and_everybody_of_a_deleted_one_is_told(pool: Pool, *, with_source: bool) -> None:
    scene = planted(pool)
    found = held(scene, with_source=with_source)
    assert (wrong(found), found.groups, found.exit_status) == (
        {"ungrouped": 3}, {"editors": 2, "staff": 1}, 1,
    )  # fmt: skip
    assert found.sentence == "5 of 5 users are there; 3 lacking a group"
    assert lacked(scene, found) == LACKED
    row = scene.rows(found).row(by_predicate=pl.col("source_id") == "u00000", named=True)
    assert (row["sub"], row["run_id"], row["row"]) == (pool.attributes("u00000")["sub"], found.run_id, 0)
    summary = json.loads((scene.files(found) / "summary.json").read_text())
    assert (summary["differences"]["ungrouped"], summary["groups"]) == (3, found.groups)
    head, *lines = (scene.files(found) / "differences.csv").read_text().splitlines()
    told = sorted(line.split(",")[-1] for line in lines)
    assert (head.split(",")[-1], told) == ('"group"', ['"editors"', '"editors"', '"staff"'])


def test_a_user_without_two_groups_is_one_user_and_two_rows(pool: Pool) -> None:
    scene = Scene.of(pool, PEOPLE)
    leave(scene, 1, "staff")
    leave(scene, 1, "editors")
    found = held(scene)
    assert (wrong(found), found.groups) == ({"ungrouped": 1}, {"editors": 1, "staff": 1})
    assert lacked(scene, found) == [("u00001", "editors"), ("u00001", "staff")]


BROKEN: dict[str, tuple[Any, str, Any]] = {
    "every group is empty": (reading_groups, "members", lambda *_: iter(())),
    "the first page is the last": (reading_groups, "members", lambda *names: [next(MEMBERS(*names))]),
    "no group is read": (memberships, "_named", lambda _: pl.Series("@groups", dtype=pl.String)),
    "nobody lacks any": (differences, "lacking", lambda _: pl.lit([], pl.List(pl.String))),
    "who was given nothing is not told apart": (memberships, "IN", "@sent_"),
}  # fmt: skip
"""Comparisons with a hole."""

MEMBERS = reading_groups.members


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_comparison_is_caught(pool: Pool, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The tests around bite: with any part of the comparison broken they would not pass."""
    people = [person(number, roles="all") for number in range(62)]
    scene = Scene.of(pool, people)
    leave(scene, 7, "all")
    assert lacked(scene, found := held(scene)) == [("u00007", "all")]
    monkeypatch.setattr(*BROKEN[name])
    assert held(scene).groups != found.groups


class Listener(Silence):
    """Keeps the stages that it is told of, and how far each has come."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, float | None, str]] = []
        self.done: dict[str, list[float]] = {}

    def stage(self, title: str, total: float | None, unit: str) -> None:
        self.stages.append((title, total, unit))
        self.done[title] = []

    def update(self, done: float) -> None:
        self.done[self.stages[-1][0]].append(done)


def test_groups_of_more_members_than_a_page_are_read_to_the_end(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [person(number, roles="all;few" if number < 3 else "all") for number in range(130)]
    scene = Scene.of(pool, people)
    wires, told = Wires(monkeypatch), Listener()
    found = reconcile(load_run_file(scene.path), Worker(told), with_groups=True)
    assert (wrong(found), wires.sent["ListUsersInGroup"]) == ({}, 3 + 1)
    assert ("Reading who is in which group", None, "users") in told.stages
    assert told.done["Reading who is in which group"] == [60, 120, 130, 133]
    leave(scene, 64, "all")
    assert lacked(scene, held(scene)) == [("u00064", "all")]


def test_groups_are_read_on_demand_alone(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = planted(pool)
    wires = Wires(monkeypatch)
    found = scene.held()
    assert (found.differences["ungrouped"], found.groups, found.exit_status) == (None, {}, 0)
    assert not wires.sent["ListUsersInGroup"]
    assert "`--with-groups` does it" in reconciliation_markdown(load_run_file(scene.path), found)
    assert "with-groups" not in reconciliation_markdown(load_run_file(scene.path), held(scene))
    assert wires.sent["ListUsersInGroup"] == 2
    assert {name for name in wires.sent if name.startswith("Admin")} == set()


def test_without_groups_in_the_mapping_there_is_nothing_to_ask(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = mapping()
    del usual["groups"]
    scene = Scene.of(pool, PEOPLE, mapping=usual)
    wires = Wires(monkeypatch)
    assert "with-groups" not in reconciliation_markdown(load_run_file(scene.path), scene.held())
    assert held(scene).differences["ungrouped"] == 0
    assert not wires.sent["ListUsersInGroup"]


def test_what_the_source_has_taken_back_or_not_given_yet_is_not_lacked(pool: Pool) -> None:
    """The source's own changes are `changed`; who has left it lacks nothing that a run should give."""
    scene = Scene.of(pool, PEOPLE)
    leave(scene, 0, "staff")
    leave(scene, 4, "staff")
    scene.source([person(0, roles="editors"), *PEOPLE[1:4]])
    found = held(scene)
    assert wrong(found) == {"changed": 1, "vanished": 1}
    assert wrong(held(scene, with_source=False)) == {"ungrouped": 2}
    scene.source([person(0, roles="staff;editors"), *PEOPLE[1:]])
    found = held(scene)
    assert wrong(found) == {"changed": 1, "ungrouped": 2}
    assert lacked(scene, found) == [("u00000", "staff"), ("u00004", "staff")]


def test_who_was_there_before_and_was_given_nothing_lacks_nothing(pool: Pool) -> None:
    add(pool, "u00000")
    scene = Scene.of(pool, PEOPLE)
    assert wrong(held(scene)) == {}


def test_whom_a_run_has_left_as_they_were_lacks_what_they_were_in(pool: Pool) -> None:
    """A delta run finds them in their group already: its word on them is the newest."""
    scene = Scene.of(pool, PEOPLE)
    scene.source([person(0, roles="staff", last_name="Neu"), *PEOPLE[1:]], mode="delta", existing="update")
    assert travel(scene.path).counts() == {"updated": 1}
    scene.source([person(0, roles="staff"), *PEOPLE[1:]], mode="delta", existing="update")
    scene.write(0, "name", "Vera Muster 0")
    assert travel(scene.path).counts() == {"existing": 1}
    assert wrong(held(scene)) == {}
    leave(scene, 0, "staff")
    leave(scene, 2, "editors")
    found = held(scene)
    assert lacked(scene, found) == [("u00000", "staff"), ("u00002", "editors")]
    scene.repair(scene.files(found) / "differences.csv")
    leave(scene, 0, "staff")
    assert lacked(scene, held(scene)) == [("u00000", "staff")]


def test_deferred_users_who_have_arrived_lack_what_no_trigger_gives(pool: Pool) -> None:
    scene = Scene.of(pool, [person(0, roles="staff", pw=ssha()), person(1, roles="staff", pw=ssha())])
    assert (wrong(first := held(scene)), first.deferred) == ({}, 2)
    add(pool, "u00000", email="user0@example.com", email_verified="true", name="Vera Muster 0")
    found = held(scene)
    assert wrong(found) == {"ungrouped": 1, "arrived": 1}
    assert lacked(scene, found) == [("u00000", "staff")]
    scene.repair(scene.files(found) / "differences.csv")
    assert wrong(held(scene)) == {}


def test_a_repair_joins_the_groups_and_makes_those_that_are_gone(pool: Pool) -> None:
    scene = planted(pool)
    found = held(scene)
    assert "--repair" in reconciliation_markdown(load_run_file(scene.path), found)
    assert scene.repair(scene.files(found) / "differences.csv").counts() == {"updated": 3}
    assert wrong(held(scene)) == {}
    groups = pool.client.admin_list_groups_for_user(UserPoolId=pool.pool_id, Username="u00004")["Groups"]
    assert {group["GroupName"] for group in groups} == {"staff", "vip"}


def test_a_group_that_no_repair_can_give_is_told_once(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The repair's report says that the pool refuses it, as of everything else that is left as it was."""
    scene = Scene.of(pool, PEOPLE)
    scene.source([person(0, roles="staff", last_name="Neu"), *PEOPLE[1:]], mode="delta", existing="update")
    assert travel(scene.path).counts() == {"updated": 1}
    leave(scene, 0, "staff")
    found = held(scene)
    assert lacked(scene, found) == [("u00000", "staff")]
    with monkeypatch.context() as broken:
        broken.setattr(AfterWork, "join", refused)
        journey = scene.repair(scene.files(found) / "differences.csv")
    assert (journey.counts(), journey.summary["left_out"]) == (
        {"existing": 1}, {"groups": {"invalid_parameter": 1}},
    )  # fmt: skip
    assert wrong(held(scene)) == {}


def refused(*_: object) -> None:
    raise UserRefusedError("invalid_parameter", "The pool does not take a group of that name.", "")


def test_a_group_that_no_pool_can_have_is_lacked_by_nobody(pool: Pool) -> None:
    """No repair could make it; the run has told of it (F7.19)."""
    scene = Scene.of(pool, [person(0, roles="Site Admins;staff"), person(1, roles="Site Admins")])
    assert wrong(held(scene)) == {}
    leave(scene, 0, "staff")
    assert lacked(scene, held(scene)) == [("u00000", "staff")]


def test_a_repair_never_makes_a_second_account_of_who_was_renamed(sandbox: Sandbox, tmp_path: Path) -> None:
    pool = make_pool(sandbox, tmp_path / "mail", UsernameAttributes=["email"])
    source = {"kind": "csv", "path": "users.csv", "key": "id"}
    scene = Scene.of(pool, [person(1, roles="staff")], mapping=mapping(username="email"), source=source)
    assert wrong(held(scene)) == {}
    (sub,) = pool.users()
    moved = [{"Name": "email", "Value": "new@example.com"}, {"Name": "email_verified", "Value": "true"}]
    pool.client.admin_update_user_attributes(UserPoolId=pool.pool_id, Username=sub, UserAttributes=moved)
    pool.client.admin_remove_user_from_group(UserPoolId=pool.pool_id, Username=sub, GroupName="staff")
    found = held(scene)
    assert wrong(found) == {"renamed": 1}
    scene.repair(scene.files(found) / "differences.csv")
    assert len(pool.users()) == 1


def test_shares_of_the_people_add_up(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = planted(pool)
    monkeypatch.setattr(three_ways, "USERS_AT_ONCE", 2)
    found = held(scene)
    assert (lacked(scene, found), found.differences["ungrouped"]) == (LACKED, 3)


def test_names_of_groups_are_shown_as_they_stand_and_not_by_the_thousand(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = "[/x]|`<b>"
    scene = Scene.of(pool, [person(0, roles=f"{odd};a"), person(1, roles="a")])
    for number, group in ((0, odd), (0, "a"), (1, "a")):
        leave(scene, number, group)
    loaded, found = load_run_file(scene.path), held(scene)
    assert "| `[/x]\\|'<b>` | 1 |" in reconciliation_markdown(loaded, found)
    console = Console(width=200, record=True, file=StringIO())
    console.print(*reconciliation_parts(loaded, found))
    assert "[/x]" in console.export_text()
    monkeypatch.setattr(reconciliation, "GROUPS_TOLD", 1)
    told = reconciliation_markdown(loaded, found)
    assert "| `a` | 2 |\n| 1 others, in `summary.json` |  |" in told


def test_command_and_flow_end_as_for_every_other_difference(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    monkeypatch.setattr("flows.reconcile.show_markdown", lambda *told: shown.append(str(told)))
    scene = planted(pool)
    quiet = CliRunner().invoke(app, ["reconcile", str(scene.path), "--json"])
    assert (quiet.exit_code, json.loads(quiet.stdout)["differences"]["ungrouped"]) == (0, None)
    loud = CliRunner().invoke(app, ["reconcile", str(scene.path), "--with-groups", "--json"])
    assert (loud.exit_code, json.loads(loud.stdout)["groups"]) == (1, {"editors": 2, "staff": 1})
    assert reconcile_users.fn(str(scene.path)).name == "Completed"
    state = reconcile_users.fn(str(scene.path), with_groups=True)
    assert (state.type, state.name) == (StateType.COMPLETED, DIFFERENCES)
    assert state.message == "5 of 5 users are there; 3 lacking a group"
    assert "| ungrouped | 3 |" in shown[-1]
    assert "u00000" not in "".join(shown) + str(state.data)
