"""Groups by user: many of both, nobody left out, nobody given another's."""

from __future__ import annotations

from typing import Any

from connectors.sources.memberships import Memberships


def test_every_record_gets_its_own_groups_and_no_others() -> None:
    many = [f"u{number:04d}" for number in range(1_201)]
    listed: list[tuple[dict[str, str], list[str]]] = [
        ({"id": "g1", "name": "all"}, many[:700]),
        ({"id": "g1", "name": "all"}, many[600:]),
        ({"id": "g2", "name": "staff"}, ["u0007", "u1200", "nobody"]),
    ]
    records: list[Any] = [*({"id": one} for one in many), {"id": "stranger"}, {"name": "no id"}, "no record"]
    Memberships(listed).add_to(records)
    names = {one["id"]: [group["name"] for group in one["groups"]] for one in records[:-2]}
    assert names.pop("stranger") == []
    assert names.pop("u0007") == names.pop("u1200") == ["all", "staff"]
    assert set(map(tuple, names.values())) == {("all",)}
    assert records[-2:] == [{"name": "no id"}, "no record"]
