"""Forty invented users of every kind, a fresh pool for them, and two kinds of weather to run in."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

from tests.flows.conftest import FIELDS, person
from tests.flows.journeys import add, make_pool, mapping

if TYPE_CHECKING:
    from pathlib import Path

    from connectors.cognito.sandbox import Sandbox
    from tests.flows.conftest import Pool

BCRYPT = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
SCRYPT = f"1024$8$1${'ab' * 16}${'cd' * 32}"
LONG = "M" * 300
"""A name that the stormy pool refuses and that no rule of ours knows of."""

PEOPLE = [
    *(person(n) for n in range(9)),
    person(9, roles="staff;readers"),
    person(10, active="no"),
    person(11, last_name=LONG),
    *(person(n, pw=BCRYPT) for n in range(12, 19)),
    person(19, pw=BCRYPT, roles="readers"),
    person(20, pw=BCRYPT, active="no"),
    *(person(n, pw=SCRYPT) for n in range(21, 25)),
    *(person(n, verified="no") for n in range(25, 29)),
    person(29, verified="no", roles="staff"),
    person(30, verified="no", active="no"),
    person(31, verified="no", phone="Long-enough-1"),
    person(32, verified="no", phone="short"),
    person(33, verified="yes", last_name='"quoted", \\'),
    *(person(n) for n in range(34, 37)),
    person(37, verified="no", pw=BCRYPT),
    person(2, email="twice@example.com"),
    person(38, email="nobody"),
    person(39, id="UPPER"),
]
THERE = ("u00034", "u00035", "u00036")
"""Who is in the pool before the run."""

COUNTS = {"imported": 26, "created": 8, "existing": 3, "deferred": 2, "rejected": 2}
"""Verdicts in fair weather; in a storm the long name fails as well."""

FAIR: dict[str, Any] = {"rows_per_second": None, "log_drop_every": 0, "max_row_characters": 16_000,
                        "too_many_share": 0.5, "too_many_early_after_rows": 100}  # fmt: skip
STORM: dict[str, Any] = {"rows_per_second": 200.0, "log_drop_every": 3, "max_row_characters": 300,
                         "too_many_share": 0.0, "too_many_early_after_rows": 2}  # fmt: skip
"""Jobs take their time, every third line of a log is lost, and one refused row fails its whole job."""

WEATHERS = {"fair": FAIR, "storm": STORM}

JOBS = {"poll_seconds": 0.02, "log_patience_seconds": 0, "busy_patience_seconds": 2, "max_rows": 8}


def make_scene(sandbox: Sandbox, folder: Path, **changes: Any) -> tuple[Pool, Path]:
    """Make a pool with somebody in it, the source in two files, and the run file."""
    pool = make_pool(sandbox, folder)
    for name in THERE:
        add(pool, name)
    path = pool.run_file(
        PEOPLE,
        source={"kind": "csv", "path": "users-*.csv", "key": "id"},
        jobs=JOBS,
        mapping=mapping(without=["phone_number"]) | {"password": {"from": "phone"}},
        **changes,
    )
    (folder / "users.csv").unlink()
    half = len(PEOPLE) // 2
    for name, part in (("users-1.csv", PEOPLE[:half]), ("users-2.csv", PEOPLE[half:])):
        with (folder / name).open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, FIELDS)
            writer.writeheader()
            writer.writerows(part)
    return pool, path
