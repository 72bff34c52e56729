"""Whoever comes, however dirty, whatever the run file says: one verdict a line, and the pool agrees."""

from __future__ import annotations

import csv
import io
import logging
from contextlib import contextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from rich.console import Console

from flows.console import TerminalProgress
from tests.flows.conftest import MAPPING, person
from tests.flows.journeys import QUICK, add, hold, lead_to, make_pool, switched, travel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from connectors.cognito.sandbox import Sandbox
    from tests.flows.conftest import Pool

WAYS = ("import_job", "admin_create_user", "migration_trigger")
BCRYPT = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
SCRYPT = f"1024$8$1${'ab' * 16}${'cd' * 32}"
ARGON2ID = "$argon2id$v=19$m=1024,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZg"

NAMES = [f"zid-{n}" for n in range(20)]
"""Few, so that they meet; and no text that a report has by chance."""

DIRT: list[dict[str, str]] = [
    *({"id": name} for name in ("", "ZID-1", "zid with space", "zid," * 40)),
    *({"email": text} for text in ("mail-1@example.com", " Mail-2@EXAMPLE.com ", "zmail", "z@ö.example", "")),
    *({"verified": text} for text in ("no", "no", "", "znobody knows")),
    *(
        {"first_name": text}
        for text in ("", "Zoë", 'Zo "quoted"', "Zo\\", "Zo, a", "Zo\nZo", "Z\u2028o", "z" * 2100)
    ),
    *({"phone": text} for text in ("+493023125042", "030 23125-042", "zphone", "Long-enough-1")),
    *({"born": text} for text in ("", "1990-02-30", "zdate")),
    *({"pw": text} for text in (BCRYPT, BCRYPT, SCRYPT, ARGON2ID, "{SSHA}c29tZXRoaW5n", "$2a$13$short")),
    *({"roles": text} for text in ("zrole", "zrole;zother", "z role")),
    *({"active": text} for text in ("", "no", "zactive")),
]


def someone(number: int, dirt: list[dict[str, str]]) -> dict[str, str]:
    """A user with some faults."""
    user = person(
        number, id=NAMES[number], email=f"mail-{number}@example.com", first_name="Zora", last_name="Zuse"
    )
    for change in dirt:
        user |= change
    return user


PEOPLE = st.builds(someone, st.integers(0, len(NAMES) - 1), st.lists(st.sampled_from(DIRT), max_size=3))
RUNS = st.fixed_dictionaries(
    {
        "strategies": st.permutations(WAYS).flatmap(
            lambda ways: st.integers(1, 3).map(lambda some: list(ways[:some]))
        ),
        "max_rows": st.integers(2, 8),
        "verify": st.sampled_from(["full", "full", "sample", "none"]),
        "without": st.sampled_from([None, "reset", "trigger"]),
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
ONE_RUN_EACH = (Phase.explicit, Phase.reuse, Phase.generate)
"""An example is a whole run: to shrink one takes minutes."""


@pytest.fixture
def _local(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    lead_to(sandbox, monkeypatch)


class Heard(TerminalProgress):
    """Hears all that a terminal or a log file would be told."""

    def __init__(self) -> None:
        self.text = io.StringIO()
        self.before_sending: Callable[[], object] | None = None
        super().__init__(Console(file=self.text, width=200))

    def stage(self, title: str, total: float | None, unit: str) -> None:
        """Let others come in between when the sending begins."""
        super().stage(title, total, unit)
        if title.startswith(("Uploading", "Creating")) and self.before_sending:
            act, self.before_sending = self.before_sending, None
            act()

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
    plain = {"true", "no"}
    return {value for person in people for value in person.values() if value not in plain and value.strip()}


@pytest.mark.usefixtures("_local")
@settings(max_examples=12, deadline=None, phases=ONE_RUN_EACH, suppress_health_check=list(HealthCheck))
@given(
    people=st.lists(PEOPLE, min_size=3, max_size=16),
    others=st.lists(st.sampled_from([*NAMES[:8], NAMES[0].upper()]), max_size=4, unique_by=str.lower),
    case=st.fixed_dictionaries({"run": RUNS, "pool": POOLS, "log": LOGS, "late": st.integers(0, 2)}),
)
def test_verdicts_add_up(
    sandbox: Sandbox, tmp_path: Path, people: list[dict[str, str]], others: list[str], case: dict[str, Any]
) -> None:
    """Some users are in the pool before, some come in while the run is about to send."""
    run, pool = case["run"], make_pool(sandbox, tmp_path / f"run-{next(NUMBERS)}", **case["pool"])
    late, early = others[: case["late"]], others[case["late"] :]
    strangers(pool, early)
    mapping = MAPPING | {"password_hash": {"from": "pw", "without": run["without"]}}
    run_file = pool.run_file(
        people,
        mapping=mapping | ({"password": {"from": "phone"}} if run["with_passwords"] else {}),
        strategies=run["strategies"],
        verify=run["verify"],
        jobs=QUICK | {"max_rows": run["max_rows"]},
    )
    heard = Heard()
    heard.before_sending = lambda: strangers(pool, late)
    with switched(sandbox, **case["log"]), heard.and_logs(), heard:
        journey = travel(run_file, heard)
    hold(journey, pool, {name: user for name, user in pool.users().items() if is_stranger(user)})
    assert journey.verdicts["line"].to_list() == first_lines(pool.folder / "users.csv")
    told = (journey.told + heard.text.getvalue()).lower()
    assert "choosing ways" in told
    assert {value for value in personal(people) if value.lower() in told} == set()


def strangers(pool: Pool, names: list[str]) -> None:
    """Put users into the pool whom nobody of the source is; each has the address of the next one there.

    Who comes late may find the name or address taken by a user of the source, and stays outside.
    """
    for name in names:
        address = f"mail-{int(name.partition('-')[2]) + 1}@example.com"
        with suppress(pool.client.exceptions.UsernameExistsException):
            add(pool, name, email=address, email_verified="true", nickname="stranger")


def is_stranger(user: dict[str, Any]) -> bool:
    return {"Name": "nickname", "Value": "stranger"} in user["Attributes"]
