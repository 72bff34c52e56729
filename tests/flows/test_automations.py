"""The automations that are shipped: Prefect takes them, and they wait for states that flows really end in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from prefect.events.actions import ChangeFlowRunState, SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.settings import Settings
from ruamel.yaml import YAML

from flows.reconcile import DIFFERENCES
from flows.rollback import LEFT_ALONE

DEPLOYMENTS = Path(__file__).parents[2] / "deployments"
TEXT = (DEPLOYMENTS / "automations.yaml").read_text(encoding="utf-8")
SHIPPED: list[dict[str, Any]] = YAML(typ="safe").load(TEXT)["automations"]
DEPLOYED: dict[str, Any] = YAML(typ="safe").load((DEPLOYMENTS / "prefect.yaml").read_text(encoding="utf-8"))
NO_BLOCK = "00000000-0000-0000-0000-000000000000"


def trigger_of(automation: dict[str, Any]) -> EventTrigger:
    trigger = AutomationCore.model_validate(automation).trigger
    assert isinstance(trigger, EventTrigger)
    return trigger


def awaited(posture: Posture) -> set[str]:
    triggers = [trigger_of(each) for each in SHIPPED]
    return {event for each in triggers if each.posture is posture for event in each.expect}


@pytest.mark.parametrize("automation", SHIPPED, ids=lambda each: each["name"])
def test_prefect_takes_it_and_it_speaks_of_flow_runs_of_poolferry_alone(automation: dict[str, Any]) -> None:
    trigger = trigger_of(automation)
    assert automation["description"]
    assert automation["name"].startswith("Poolferry: ")
    tag = automation["trigger"]["match_related"]["prefect.resource.id"].removeprefix("prefect.tag.")
    assert tag in {tag for each in DEPLOYED["deployments"] for tag in each["tags"]}
    assert trigger.for_each == {"prefect.resource.id"}, "or one flow run would hide another"


def test_every_end_of_a_flow_run_is_awaited() -> None:
    ends = {"Completed", "Failed", "Crashed", "TimedOut", DIFFERENCES, LEFT_ALONE}
    assert {f"prefect.flow-run.{end}" for end in ends} <= awaited(Posture.Reactive)
    assert {f"prefect.flow-run.{end}" for end in (*ends, "Cancelled")} <= awaited(Posture.Proactive)


def test_a_living_run_is_not_called_dead() -> None:
    """Two heartbeats may get lost, also where a work pool has Prefect's own pace; and any end is a sign."""
    (dead,) = (each for each in SHIPPED if each["actions"][0]["type"] == "change-flow-run-state")
    trigger = trigger_of(dead)
    assert trigger.expect == {"prefect.flow-run.*"}
    pace = Settings().flows.heartbeat_frequency
    assert pace is not None
    assert trigger.within.total_seconds() > 2 * pace + 30


def test_what_they_send_is_made_of_names_states_and_messages() -> None:
    """Whatever is in a notification leaves the house: no parameters, no logs."""
    for automation in SHIPPED:
        for action in AutomationCore.model_validate(automation).actions:
            assert isinstance(action, ChangeFlowRunState | SendNotification)
            if isinstance(action, SendNotification):
                assert str(action.block_document_id) == NO_BLOCK
                assert "parameters" not in action.subject + action.body


def test_the_block_that_is_to_be_filled_in_is_named_before() -> None:
    before, _, _ = TEXT.partition("automations:\n")
    assert f"#   {NO_BLOCK}\n" in before
