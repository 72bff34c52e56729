"""`metrics.prom` says what `summary.json` says, in a form that Prometheus' own reader takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from tests.flows.conftest import Pool, person
from tests.flows.journeys import QUICK, travel

if TYPE_CHECKING:
    from pathlib import Path


def samples(path: Path) -> dict[str, dict[tuple[str, ...], float]]:
    """Name → the labels besides those of the run, by their names in order → value."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(path.read_text(encoding="utf-8")):
        assert family.type == "gauge"
        for sample in family.samples:
            own = tuple(value for name, value in sample.labels.items() if name not in {"run", "run_id"})
            found.setdefault(sample.name.removeprefix("poolferry_"), {})[own] = sample.value
    return found


def test_the_numbers_of_a_run_are_those_of_its_summary(pool: Pool) -> None:
    people = [person(1), person(2), person(3, email="nonsense"), person(4, verified="no")]
    journey = travel(pool.run_file(people, jobs=QUICK))
    found, told = samples(journey.folder / "metrics.prom"), journey.summary
    assert found["users"] == {(name,): count for name, count in told["verdicts"].items()}
    assert sum(found["users"].values()) == found["users_extracted"][()] == 4
    assert found["users_with_reason"] == {("email_invalid", "rejected"): 1}
    assert found["jobs"] == {("Succeeded",): len(told["jobs"])}
    assert found["job_rows"] == {("imported",): 2, ("skipped",): 0, ("failed",): 0}
    calls = journey.facts()["calls"]
    assert found["calls"] == {(name,): use["calls"] for name, use in calls.items()}
    assert found["calls"][("StartUserImportJob",)] == 1
    assert found["calls_throttled"] == dict.fromkeys(found["calls"], 0)
    assert found["run_balanced"] == {(): 1}
    assert found["run_seconds"] == {(): told["seconds"]}
    assert found["run_finished_timestamp_seconds"][()] > 1_700_000_000


def test_every_number_names_the_run_and_nobody(pool: Pool) -> None:
    journey = travel(pool.run_file([person(1)], jobs=QUICK))
    text = (journey.folder / "metrics.prom").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert lines
    assert all(f'run="acme",run_id="{journey.summary["run_id"]}"' in line for line in lines)
    assert "u00001" not in text
