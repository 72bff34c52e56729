"""What tests ask a Prefect: its flow runs, what they show, and where in its database a value stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.systems.prefect_house import wait_for

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from tests.systems.prefect_house import PrefectHouse

ENDS = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


def flow_run_of(house: PrefectHouse, run_file: Path, *, number: int = 0) -> dict[str, Any]:
    """A flow run that had the run file as its parameter, counted in the order in which they were made."""
    runs = house.ask("POST", "flow_runs/filter", {})
    mine = [each for each in runs if each["parameters"].get("run_file") == str(run_file)]
    found: dict[str, Any] = sorted(mine, key=lambda each: each["created"])[number]
    return found


def state_of(house: PrefectHouse, flow_run: dict[str, Any]) -> str:
    """A flow run's state as it is now."""
    return str(house.ask("GET", f"flow_runs/{flow_run['id']}")["state_type"])


def ended(house: PrefectHouse, flow_run: dict[str, Any], seconds: float = 180) -> dict[str, Any]:
    """Wait for a flow run to end, well or badly."""

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = house.ask("GET", f"flow_runs/{flow_run['id']}")
        return found if found["state_type"] in ENDS else None

    return wait_for(f"the end of {flow_run['name']}", look, seconds)


def artifacts(house: PrefectHouse, flow_run: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """A flow run's artifacts by what they show."""
    body = {"artifacts": {"flow_run_id": {"any_": [flow_run["id"]]}}}
    return {each["key"].rsplit("-", 1)[-1]: each for each in house.ask("POST", "artifacts/filter", body)}


def bar(house: PrefectHouse, flow_run: dict[str, Any]) -> tuple[float, str]:
    """Where a flow run's progress stands, and what it says."""
    shown = artifacts(house, flow_run).get("progress", {"data": 0.0, "description": ""})
    return float(shown["data"]), shown["description"]


def task_names(house: PrefectHouse, flow_run: dict[str, Any]) -> set[str]:
    body = {"task_runs": {"flow_run_id": {"any_": [flow_run["id"]]}}}
    return {each["name"] for each in house.ask("POST", "task_runs/filter", body)}


def found_in_prefect(house: PrefectHouse, values: Collection[str]) -> set[str]:
    """Where any of the values stands: in which column of the database, or file of Prefect and its workers."""
    places = {place for place, text in house.stored() for value in values if value in text}
    for path in house.folder.rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            places |= {path.name for value in values if value in text}
    return places
