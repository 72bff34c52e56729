"""Whoever comes, however dirty, whatever the run file says: one verdict a line, and the pool agrees."""

from __future__ import annotations

import csv
import io
import logging
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from flows.console import TerminalProgress
from tests.flows.conftest import MAPPING
from tests.flows.journeys import QUICK, add, hold, lead_to, make_pool, switched, travel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from connectors.cognito.sandbox import Sandbox

WAYS = ("import_job", "admin_create_user", "migration_trigger")
BCRYPT = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
SCRYPT = f"1024$8$1${'ab' * 16}${'cd' * 32}"
ARGON2ID = "$argon2id$v=19$m=1024,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZg"

NAMES = [f"zid-{n}" for n in range(6)]
"""Few, so that they meet; and no text that a report has by chance."""

PEOPLE = st.fixed_dictionaries(
    {
        "id": st.one_of(
            st.sampled_from(NAMES),
            st.sampled_from([*map(str.upper, NAMES), "", "zid with space", "zid," * 40]),
        ),
        "email": st.sampled_from(
            [*(f"mail-{n}@example.com" for n in range(5)), " Mail-1@EXAMPLE.com ", "zmail", "z@ö.example", ""]
        ),
        "verified": st.sampled_from(["true", "true", "no", "", "znobody knows"]),
        "first_name": st.sampled_from(
            ["Zora", "Zoë", 'Zo "quoted"', "Zo\\", "Zo, a", "Zo\nZo", "Z\u2028o", "z" * 2100]
        ),
        "last_name": st.sampled_from(["Zuse", "Zuse\U0001f600", ""]),
        "phone": st.sampled_from(["", "+493023125042", "030 23125-043", "zphone", "Long-enough-1"]),
        "born": st.sampled_from(["", "1990-02-03", "1990-02-30", "zdate"]),
        "pw": st.sampled_from(["", "", BCRYPT, SCRYPT, ARGON2ID, "{SSHA}c29tZXRoaW5n", "$2a$13$short"]),
        "roles": st.sampled_from(["", "", "zrole", "zrole;zother", "z role"]),
        "active": st.sampled_from(["", "true", "no", "zactive"]),
    }
)

RUNS = st.fixed_dictionaries(
    {
        "strategies": st.permutations(WAYS).flatmap(
            lambda ways: st.integers(1, 3).map(lambda some: list(ways[:some]))
        ),
        "max_rows": st.integers(2, 8),
        "verify": st.sampled_from(["full", "full", "sample", "none"]),
        "without": st.sampled_from([None, "reset", "random", "trigger"]),
        "with_passwords": st.booleans(),
    }
)
POOLS = st.fixed_dictionaries(
    {
        "AliasAttributes": st.sampled_from([None, ["email"], ["email", "phone_number"]]),
        "UsernameConfiguration": st.booleans().map(lambda sensitive: {"CaseSensitive": sensitive}),
        "AutoVerifiedAttributes": st.sampled_from([["email"], ["email", "phone_number"]]),
    }
)
LOGS = st.fixed_dictionaries(
    {
        "log_first_user_line": st.sampled_from([1, 2]),
        "log_drop_every": st.sampled_from([0, 0, 2, 3]),
        "log_duplicate_every": st.sampled_from([0, 2]),
        "log_shuffle": st.booleans(),
        "too_many_early_after_rows": st.sampled_from([1, 3, 100]),
    }
)
NUMBERS = count()


@pytest.fixture
def _local(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    lead_to(sandbox, monkeypatch)


class Heard(TerminalProgress):
    """Hears all that a terminal or a log file would be told."""

    def __init__(self) -> None:
        self.text = io.StringIO()
        super().__init__(Console(file=self.text, width=200))

    @contextmanager
    def and_logs(self) -> Iterator[None]:
        """Hear the logs too: those of our own code down to the last line."""
        handler, root = logging.StreamHandler(self.text), logging.getLogger()
        ours = [logging.getLogger(name) for name in ("connectors", "flows", "mappings")]
        levels = [logger.level for logger in (root, *ours)]
        root.addHandler(handler)
        root.setLevel(logging.INFO)
        for logger in ours:
            logger.setLevel(logging.DEBUG)
        try:
            yield
        finally:
            root.removeHandler(handler)
            for logger, level in zip((root, *ours), levels, strict=True):
                logger.setLevel(level)


def first_lines(path: Path) -> list[int]:
    """The physical line at which each record of a CSV begins."""
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        ends = [reader.line_num for _ in reader]
    return [end + 1 for end in ends[:-1]]


def personal(people: list[dict[str, str]]) -> set[str]:
    """Values of people that no report has by chance."""
    plain = {"true", "no", "znobody knows", "zactive"}
    return {value for person in people for value in person.values() if value not in plain and value.strip()}


@pytest.mark.usefixtures("_local")
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    people=st.lists(PEOPLE, max_size=14),
    there=st.sets(st.sampled_from([*NAMES, NAMES[0].upper()]), max_size=3),
    run=RUNS,
    pool=POOLS,
    log=LOGS,
)
def test_verdicts_add_up(
    sandbox: Sandbox,
    tmp_path: Path,
    people: list[dict[str, str]],
    there: set[str],
    run: dict[str, Any],
    pool: dict[str, Any],
    log: dict[str, Any],
) -> None:
    made = make_pool(sandbox, tmp_path / f"run-{next(NUMBERS)}", **pool)
    taken = {name.lower() if not pool["UsernameConfiguration"]["CaseSensitive"] else name for name in there}
    for name in taken:
        add(made, name, email=f"mail-{len(name)}@example.com", email_verified="false")
    before = made.users()
    mapping = MAPPING | {"password_hash": {"from": "pw", "without": run["without"]}}
    if run["with_passwords"]:
        mapping |= {"password": {"from": "phone"}}
    run_file = made.run_file(
        people,
        mapping=mapping,
        strategies=run["strategies"],
        verify=run["verify"],
        jobs=QUICK | {"max_rows": run["max_rows"]},
    )
    heard = Heard()
    with switched(sandbox, **log), heard.and_logs(), heard:
        journey = travel(run_file, heard)
    hold(journey, made, before)
    assert journey.verdicts["line"].to_list() == first_lines(made.folder / "users.csv")
    told = (journey.told + heard.text.getvalue()).lower()
    assert "choosing ways" in told
    assert {value for value in personal(people) if value.lower() in told} == set()
