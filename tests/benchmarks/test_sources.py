"""Both ways of reading must read everybody, and reading fewer must be seen."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.benchmarks import readers, sources
from tests.benchmarks.measuring import Cost
from tests.benchmarks.systems import SYSTEMS
from tests.servers.installed import unavailable

if TYPE_CHECKING:
    from pathlib import Path

USERS = 300


@pytest.mark.system
@pytest.mark.parametrize("system", [name for name in SYSTEMS if "Samba" not in name])
def test_both_ways_read_everybody(system: str, server_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = server_folder / f"source-{list(SYSTEMS).index(system)}"
    folder.mkdir(mode=0o755)
    with sources.running(system, USERS, folder) as told:
        if "missing" in told:
            unavailable(told["missing"])
        for name, value in told["environment"].items():
            monkeypatch.setenv(name, value)
        assert readers.poolferry(told["settings"]) == USERS
        assert readers.naive(told["settings"]) == USERS


def test_every_system_has_its_number_of_people() -> None:
    assert set(sources.USERS) == set(SYSTEMS)


def test_a_connector_that_loses_somebody_stops_the_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    def loses(module: str, arguments: tuple[str, str, str]) -> Cost:
        way, settings, file = arguments
        assert (module, json.loads(settings)) == ("tests.benchmarks.readers", {})
        with open(file, "w", encoding="utf-8") as written:  # noqa: PTH123 - a path as text
            written.write("9" if way == "Poolferry" else "10")
        return Cost(1.0, 1.0, 1)

    monkeypatch.setattr(sources, "cost_of", loses)
    with pytest.raises(SystemExit, match="holds 10 users, and Poolferry read 9"):
        sources._both("SQLite", 10, "{}")
